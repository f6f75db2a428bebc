//! Which condition keys of a formula are one variable.

use super::domain::{Group, limit};
use super::frame::{Frame, Limit};
use super::instant::{CURRENT, EPOCH, ISSUED};
use super::names::Names;
use super::pairs::PREFIX;
use super::place::Place;
use super::solve::Solver;
use super::source;
use super::test::Test;

/// Which keys of a formula are one variable.
pub(super) struct Together {
    /// Of what a formula asks for the set of names, which is what ties the pairs together, or tags.
    named: Vec<Names>,
    /// Whether it speaks of the instant and of when the session began.
    session: bool,
    /// Whether it speaks of a resource on whose behalf a service asks, whose account another key tells.
    source: bool,
    /// The organizations of which it speaks in both keys.
    places: Vec<Place>,
}

impl Together {
    /// Those of the keys that these tests ask about.
    pub(super) fn of<'t>(tests: impl Iterator<Item = &'t Test> + Clone, frame: &Frame) -> Self {
        let asks = |key: &str| {
            let mut tests = tests.clone();
            tests.any(|test| *test.key == *key && !Solver::is_absent(frame, key))
        };
        let is_given = |key: &str| matches!(limit(&frame.limits, key), Some(Limit::Given(_)));
        let are_asked = |keys: [&str; 2]| {
            keys.iter().all(|key| asks(key) && limit(&frame.limits, key).is_none())
        };
        let is_told = |names: &Names| {
            let set = names.set();
            let is_tied = *names == Names::Pairs && takes_spellings(tests.clone());
            let tells = asks(set) || limit(&frame.limits, set).is_some() || is_tied;
            tells && names.go_together(frame)
        };
        Self {
            named: Names::ALL.into_iter().filter(is_told).collect(),
            session: asks(ISSUED) && [CURRENT, EPOCH].iter().any(|key| asks(key) || is_given(key)),
            source: source::is_asked(asks, &frame.limits),
            places: Place::ALL.into_iter().filter(|place| are_asked(place.keys())).collect(),
        }
    }

    /// The group that a key belongs to.
    pub(super) fn group(&self, key: &str) -> Group {
        let mut places = self.places.iter().filter(|place| place.has(key));
        let named = Names::of(key).filter(|names| self.named.contains(names));
        match key {
            CURRENT | EPOCH | ISSUED if self.session => Group::Session,
            CURRENT | EPOCH => Group::Instant,
            _ if self.source && source::KEYS.contains(&key) => Group::Source,
            _ => match (named, places.next()) {
                (Some(names), _) => Group::Named(names),
                (None, Some(place)) => Group::Place(*place),
                (None, None) => Group::One(key.into()),
            },
        }
    }
}

/// Whether a grant takes a pair in whatever spelling (rule G21) that another test looks up in one (rule C5):
/// then a request that gives it in several is one more choice.
fn takes_spellings<'a>(tests: impl Iterator<Item = &'a Test> + Clone) -> bool {
    let mut of_grants = tests.clone().filter(|test| test.of_grant && test.key.starts_with(PREFIX));
    of_grants.any(|test| {
        if test.is_of_spellings() {
            return true;
        }
        let is_other = |other: &Test| !other.of_grant || other.key != test.key;
        tests.clone().any(|it| it.key.eq_ignore_ascii_case(&test.key) && is_other(it))
    })
}
