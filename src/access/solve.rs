//! stub
use std::sync::Arc;
use jiff::Timestamp;
use crate::decision::{Condition, Context, Fact};
use super::formula::{Formula, Formulas};
use super::frame::Frame;
pub(super) enum Found { Yes(Arc<Context>), No, Undecided }
pub(super) struct Solver;
impl Solver {
    pub(super) fn new(_: Arc<Formulas>, _: Arc<[Fact]>, _: Timestamp) -> Self { Self }
    pub(super) fn find(&self, _: Formula, _: &Frame) -> Found { Found::Undecided }
    pub(super) fn condition(&self, _: Formula, _: &Frame) -> Option<Condition> { None }
}
