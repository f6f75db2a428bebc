//! stub
pub struct Counts; pub struct Matrix; pub struct Row;
