//! Verdicts from formulas: what holds for every possible request, with bounds where something is missing
//! or open (rules U7, U8).

use std::collections::{BTreeMap, BTreeSet};

use crate::decision::{Bound, CellAnswer, Chance, Context, Gate, OpenPoint, Reason, Standing};

use super::domain::limit;
use super::evaluate::holds_in;
use super::formula::{Atom, AtomId, Formula, Formulas, Kinds};
use super::frame::{Frame, Limit};
use super::question::{Untold, as_written};
use super::solve::{Found, Held, Solver};
use super::test::Test;
use super::ways::Ways;
use super::word::Word;

/// How many open points are read in every combination; past that, each is taken for itself.
const READINGS: usize = 4;

/// Decides formulas.
pub(super) struct Judge<'a> {
    /// The formulas.
    pub(super) formulas: &'a Formulas,
    /// Finds contexts in which they hold.
    pub(super) solver: &'a Solver,
}

/// What is known of a formula over all possible requests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Judged {
    /// The verdict.
    pub(super) standing: Standing,
    /// What is missing and could change it.
    pub(super) missing: BTreeSet<String>,
    /// What is open and could change it.
    pub(super) open: BTreeSet<OpenPoint>,
    /// Whether a cap was hit.
    pub(super) undecided: bool,
}

/// What nothing that is missing stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fill {
    /// Nothing that is missing allows, and all of it denies.
    Least,
    /// The other way round.
    Most,
    /// What a decision takes it for.
    Taken,
}

/// A formula over every possible request, with what a cap left open.
#[derive(Clone, Copy)]
struct Range {
    least: Bound,
    most: Bound,
}

impl Judge<'_> {
    /// Whether some request meets a formula.
    pub(super) fn chance(&self, formula: Formula, frame: &Frame) -> Chance {
        if formula == Formula::FALSE {
            return Chance::No;
        }
        let standing = self.standing(formula, frame);
        if standing.at_least() > Bound::Never {
            Chance::Sure
        } else if standing.at_most() == Bound::Never {
            Chance::No
        } else {
            match self.solver.find(self.as_decided(formula), frame) {
                Found::Yes(_) => Chance::AsTold,
                Found::No | Found::Undecided => Chance::Perhaps,
            }
        }
    }

    /// The verdict on a formula.
    pub(super) fn judged(&self, formula: Formula, frame: &Frame) -> Judged {
        let known = |standing| Judged {
            standing,
            missing: BTreeSet::new(),
            open: BTreeSet::new(),
            undecided: false,
        };
        if formula == Formula::TRUE {
            return known(Standing::Always);
        }
        if formula == Formula::FALSE {
            return known(Standing::Never);
        }
        let kinds = self.formulas.kinds(formula);
        if !kinds.has(Kinds::UNTOLD) && !kinds.has(Kinds::OPEN) {
            let range = self.range(formula, frame);
            return match settled(range) {
                Some(standing) => known(standing),
                None => Judged { undecided: true, ..known(unknown(range)) },
            };
        }
        self.bounded(formula, frame)
    }

    /// The verdict alone: much cheaper where much is missing.
    pub(super) fn standing(&self, formula: Formula, frame: &Frame) -> Standing {
        if formula == Formula::TRUE {
            return Standing::Always;
        }
        if formula == Formula::FALSE {
            return Standing::Never;
        }
        let kinds = self.formulas.kinds(formula);
        let range = match kinds.has(BOTH) {
            true => self.bounds(&self.filled_both(&self.readings(formula)), frame).0,
            false => self.range(formula, frame),
        };
        settled(range).unwrap_or(unknown(range))
    }

    /// Each reading with the least and the most of what is missing.
    fn filled_both(&self, readings: &[(BTreeSet<OpenPoint>, Formula)]) -> Vec<[Formula; 2]> {
        let both = |it| [self.filled(it, Fill::Least), self.filled(it, Fill::Most)];
        readings.iter().map(|(_, it)| both(*it)).collect()
    }

    /// The bounds over all readings, and whether a cap was hit.
    fn bounds(&self, filled: &[[Formula; 2]], frame: &Frame) -> (Range, bool) {
        let ranges = filled
            .iter()
            .map(|[least, most]| [self.range(*least, frame), self.range(*most, frame)]);
        let (mut low, mut high, mut undecided) = (Bound::Always, Bound::Never, false);
        for range in ranges {
            let [least, most] = range;
            undecided |= settled(least).is_none() || settled(most).is_none();
            low = low.min(least.least);
            high = high.max(most.most);
        }
        (Range { least: low, most: high }, undecided)
    }

    /// The verdict where something is missing or open.
    fn bounded(&self, formula: Formula, frame: &Frame) -> Judged {
        let readings = self.readings(formula);
        let filled = self.filled_both(&readings);
        let (range, undecided) = self.bounds(&filled, frame);
        let none = || Judged {
            standing: unknown(range),
            missing: BTreeSet::new(),
            open: BTreeSet::new(),
            undecided,
        };
        let standing = settled(range);
        let first = filled.first().map_or(formula, |[least, _]| *least);
        let same = |other: &Formula| self.agree(first, *other, frame);
        if let Some(standing) = standing
            && (standing != Standing::Conditional || filled.iter().flatten().all(same))
        {
            return Judged { standing, undecided: false, ..none() };
        }
        let untold = self.untold(formula, frame);
        let is_capped = untold.contains(&Untold::Capped);
        let missing = untold.into_iter().filter_map(Untold::missing);
        Judged {
            standing: standing.unwrap_or(unknown(range)),
            missing: missing.collect(),
            undecided: undecided || is_capped,
            open: self.open(&readings, frame),
        }
    }

    /// Whether two formulas hold in the same possible requests, for certain.
    fn agree(&self, one: Formula, other: Formula, frame: &Frame) -> bool {
        if one == other {
            return true;
        }
        let formulas = self.formulas;
        let only = |one, other| formulas.and([one, formulas.not(other)]);
        let differ = formulas.or([only(one, other), only(other, one)]);
        self.solver.holds(differ, frame) == Held::No
    }

    fn range(&self, formula: Formula, frame: &Frame) -> Range {
        let allowed = self.solver.holds(formula, frame);
        let denied = self.solver.holds(self.formulas.not(formula), frame);
        let least = match (allowed, denied) {
            // No request is as the question has it.
            (Held::No, Held::No) => return Range { least: Bound::Never, most: Bound::Always },
            (Held::No, _) => Bound::Never,
            (_, Held::No) => Bound::Always,
            (Held::Yes, _) => Bound::Conditional,
            (Held::Undecided, _) => Bound::Never,
        };
        let most = match (allowed, denied) {
            (Held::No, _) => Bound::Never,
            (_, Held::Yes) => Bound::Conditional,
            (_, Held::No | Held::Undecided) => Bound::Always,
        };
        Range { least, most }
    }

    /// The points that a formula hangs on.
    fn points(&self, formula: Formula) -> BTreeSet<OpenPoint> {
        let mut points = BTreeSet::new();
        self.formulas.each_atom(formula, &mut |atom| {
            if let Atom::Open(point) = atom {
                points.insert(*point);
            }
        });
        points
    }

    /// The formula under every combination of the open points, the choice of section 10 first.
    fn readings(&self, formula: Formula) -> Vec<(BTreeSet<OpenPoint>, Formula)> {
        let points: Vec<OpenPoint> = self.points(formula).into_iter().collect();
        let count = points.len().min(READINGS);
        (0..1_usize << count)
            .map(|bits| {
                let flipped = points.iter().take(count).enumerate();
                let flipped = flipped.filter(|(nth, _)| bits >> nth & 1 == 1);
                let flipped: BTreeSet<OpenPoint> = flipped.map(|(_, point)| *point).collect();
                let read = self.formulas.replaced(formula, Kinds::OPEN, &mut |_, atom, holds| {
                    let Atom::Open(point) = atom else { return None };
                    let known = points.iter().take(count).any(|known| known == point);
                    known.then(|| Formula::constant(flipped.contains(point) == holds))
                });
                (flipped, read)
            })
            .collect()
    }

    /// The formula with something for all that is missing; open points past the cap likewise.
    fn filled(&self, formula: Formula, fill: Fill) -> Formula {
        self.formulas.replaced(formula, BOTH, &mut |_, atom, holds| match (atom, fill) {
            (Atom::Untold { .. } | Atom::Open(_), Fill::Least) => Some(Formula::FALSE),
            (Atom::Untold { .. } | Atom::Open(_), Fill::Most) => Some(Formula::TRUE),
            (Atom::Untold { taken, .. }, Fill::Taken) => Some(Formula::constant(*taken == holds)),
            (Atom::Open(_), Fill::Taken) => Some(Formula::constant(!holds)),
            _ => None,
        })
    }

    /// As a decision reads it: section 10's choices, and what is missing taken for what it is taken for.
    pub(super) fn as_decided(&self, formula: Formula) -> Formula {
        self.filled(formula, Fill::Taken)
    }

    /// The same, but with all that is missing as it must be for the formula to hold.
    pub(super) fn at_most(&self, formula: Formula) -> Formula {
        let chosen = self.formulas.replaced(formula, Kinds::OPEN, &mut |_, atom, holds| {
            matches!(atom, Atom::Open(_)).then(|| Formula::constant(!holds))
        });
        self.filled(chosen, Fill::Most)
    }

    /// Why it cannot be told, as far as that matters: by itself where it does, else together.
    fn untold(&self, formula: Formula, frame: &Frame) -> BTreeSet<Untold> {
        let mut all: BTreeMap<&Untold, Vec<AtomId>> = BTreeMap::new();
        self.formulas.each_atom_id(formula, &mut |id, atom| {
            if let Atom::Untold { why, .. } = atom {
                all.entry(why).or_default().push(id);
            }
        });
        let fills = [Fill::Least, Fill::Most].map(|fill| (fill, self.filled(formula, fill)));
        // All that nobody can tell stands for one thing, but these for the other.
        let turned = |fill: Fill, these: &[AtomId]| {
            self.formulas.replaced(formula, BOTH, &mut |id, atom, _| match atom {
                Atom::Untold { .. } | Atom::Open(_) => {
                    Some(Formula::constant(these.contains(&id) != (fill == Fill::Most)))
                }
                _ => None,
            })
        };
        let matters = |these: &[AtomId]| {
            fills.iter().any(|(fill, filled)| !self.agree(*filled, turned(*fill, these), frame))
        };
        let alone = all.iter().filter(|(_, these)| matters(these)).map(|(why, _)| *why);
        let alone: Vec<&Untold> = alone.collect();
        match alone.is_empty() {
            true => all.into_keys().cloned().collect(),
            false => alone.into_iter().cloned().collect(),
        }
    }

    /// The open points that change something in some reading of the others.
    fn open(
        &self,
        readings: &[(BTreeSet<OpenPoint>, Formula)],
        frame: &Frame,
    ) -> BTreeSet<OpenPoint> {
        let points = readings.last().map(|(all, _)| all.clone()).unwrap_or_default();
        let turns = |point: &OpenPoint| {
            let without = readings.iter().filter(|(flipped, _)| !flipped.contains(point));
            let mut pairs = without.filter_map(|(flipped, formula)| {
                let mut other = flipped.clone();
                other.insert(*point);
                let (_, turned) = readings.iter().find(|(flipped, _)| *flipped == other)?;
                Some((*formula, *turned))
            });
            pairs.any(|(one, other)| {
                [Fill::Least, Fill::Most].into_iter().any(|fill| {
                    !self.agree(self.filled(one, fill), self.filled(other, fill), frame)
                })
            })
        };
        points.into_iter().filter(turns).collect()
    }

    /// Everything about one cell: `allowed` is the formula of `ways` for `action`.
    pub(super) fn answer<S: Word>(
        &self,
        ways: &Ways<S>,
        action: S::Action,
        frame: &Frame,
    ) -> CellAnswer {
        let formulas = self.formulas;
        let allowed = ways.allowed(formulas).at(action);
        let judged = self.judged(allowed, frame);
        let decided = self.as_decided(allowed);
        // What holds whatever is missing proves more than what holds as far as is told.
        let choice = self.readings(allowed).first().map_or(allowed, |(_, formula)| *formula);
        let sure = self.filled(choice, Fill::Least);
        // What a cap leaves open is not as told.
        let as_told = |formula| self.found(formula, frame).filter(|_| !judged.undecided);
        let witness = self.found(sure, frame).or_else(|| as_told(decided));
        let counter = match judged.standing {
            Standing::Never => None,
            _ => {
                let refused = formulas.not(self.filled(choice, Fill::Most));
                self.found(refused, frame).or_else(|| as_told(formulas.not(decided)))
            }
        };
        let condition = match judged.standing {
            Standing::Conditional if !judged.undecided => self.solver.condition(decided, frame),
            _ => None,
        };
        let mut answer = CellAnswer {
            verdict: judged.standing,
            reason: Reason::ImplicitDeny,
            denied_by: None,
            undecided: judged.undecided
                || (judged.standing == Standing::Conditional && condition.is_none()),
            condition,
            witness,
            counter,
            missing: judged.missing,
            open: judged.open,
            assumes: BTreeSet::new(),
        };
        match &answer.witness {
            Some(context) => {
                answer.reason = self.way(ways, action, context);
                // Tags that the export does not fix come with the session (rule T7).
                if context.with_prefix("aws:PrincipalTag/").next().is_some() {
                    answer.assumes.insert("the session carries these tags".to_owned());
                }
            }
            None => self.refused(&mut answer, ways, action, frame),
        }
        answer
    }

    fn found(&self, formula: Formula, frame: &Frame) -> Option<Context> {
        match self.solver.find(formula, frame) {
            Found::Yes(context) => Some(Context::clone(&context)),
            Found::No | Found::Undecided => None,
        }
    }

    fn is_in(&self, formula: Formula, context: &Context) -> bool {
        holds_in(self.formulas, self.as_decided(formula), context)
    }

    /// The way in which a request is allowed: by name first, then by IAM, grants last.
    fn way<S: Word>(&self, ways: &Ways<S>, action: S::Action, context: &Context) -> Reason {
        if self.is_in(ways.by_key.at(action), context) {
            Reason::AllowedByKeyPolicy
        } else if self.is_in(ways.by_iam.at(action), context) {
            Reason::AllowedByIamPolicy
        } else {
            Reason::AllowedByGrant
        }
    }

    /// Why nothing is allowed: a request in which what allows matches, and what stands in its way.
    fn refused<S: Word>(
        &self,
        answer: &mut CellAnswer,
        ways: &Ways<S>,
        action: S::Action,
        frame: &Frame,
    ) {
        let formulas = self.formulas;
        let decided = |formula| self.as_decided(formula);
        let denied = decided(ways.denied(formulas, action));
        let free = formulas.not(denied);
        let offered = decided(ways.offered(formulas).at(action));
        let opened = decided(ways.opened.at(action));
        let identity = decided(ways.identity.at(action));
        let limits = decided(formulas.and([ways.scp.at(action), ways.passes.at(action)]));
        let tries = [
            offered,
            formulas.and([free, opened, identity, limits]),
            formulas.and([free, opened, identity]),
            formulas.and([free, opened, limits]),
            formulas.and([free, opened]),
            free,
            formulas.and([opened, identity]),
            opened,
            Formula::TRUE,
        ];
        // Nothing is allowed in any possible request; saying so brings the keys that this hangs on.
        let readings = self.readings(ways.allowed(formulas).at(action));
        let allowed = readings.iter().map(|(_, formula)| self.filled(*formula, Fill::Most));
        let refused = formulas.not(formulas.or(allowed));
        let told = formulas.and([refused, self.told(ways, action, frame)]);
        let counter =
            tries.into_iter().find_map(|formula| self.found(formulas.and([formula, told]), frame));
        let as_told = || formulas.not(decided(ways.allowed(formulas).at(action)));
        let counter =
            counter.or_else(|| self.found(as_told(), frame).filter(|_| !answer.undecided));
        // Where no request is as the question has it, or a cap was hit, none proves anything.
        let proves = counter.is_some() || answer.verdict == Standing::Never;
        let counter = counter.unwrap_or_default();
        let denying = |as_told: &dyn Fn(Formula) -> Formula| {
            let mut denies = ways.denies.iter().map(|(gate, deny)| (*gate, deny.at(action)));
            denies.find(|(_, deny)| self.is_in(as_told(*deny), &counter)).map(|(gate, _)| gate)
        };
        let explicit = denying(&|deny| as_written(self.formulas, deny));
        let (reason, gate) = match explicit {
            Some(gate) => (Reason::ExplicitDeny, gate),
            // Rule U7: what is not known may deny, and nobody says that it does.
            None => (
                Reason::ImplicitDeny,
                denying(&|deny| deny).unwrap_or_else(|| self.gate(ways, action, &counter)),
            ),
        };
        (answer.reason, answer.denied_by) = (reason, Some(gate));
        answer.counter = proves.then_some(counter);
    }

    /// What the keys hold that every request has and that some gate asks for: a request that leaves one out
    /// does not tell which gate refuses it.
    fn told<S: Word>(&self, ways: &Ways<S>, action: S::Action, frame: &Frame) -> Formula {
        let gates =
            [&ways.scp, &ways.passes, &ways.opened, &ways.unasked, &ways.boundary, &ways.identity];
        let gates = gates.into_iter().chain(ways.denies.iter().map(|(_, deny)| deny));
        let asked = gates.map(|gate| gate.at(action)).filter(|formula| !formula.is_constant());
        let asked: BTreeSet<_> =
            asked.flat_map(|formula| self.solver.in_play(formula, frame)).collect();
        let is_there = |key: &str| match limit(&frame.limits, key) {
            Some(limit) if limit.is_always_there() => {
                Some(self.formulas.of(Atom::Request(Test::present(key))))
            }
            Some(Limit::Absent | Limit::Given(_)) => None,
            _ => self.solver.always(key, frame),
        };
        self.formulas.and(asked.into_iter().filter_map(is_there))
    }

    /// The gate that lacks an Allow.
    fn gate<S: Word>(&self, ways: &Ways<S>, action: S::Action, context: &Context) -> Gate {
        match &ways.refused {
            Some((gate, actions)) if actions.has(action) => return *gate,
            _ => {}
        }
        let holds = |formula| self.is_in(formula, context);
        if !holds(ways.scp.at(action)) {
            Gate::Scp
        } else if !holds(ways.passes.at(action)) {
            Gate::VpcEndpointPolicy
        } else if !holds(ways.opened.at(action)) {
            Gate::KeyPolicy
        } else if !holds(ways.boundary.at(action))
            && (holds(ways.identity.at(action)) || holds(ways.unasked.at(action)))
        {
            // Rule E20: of the ways that are open, the one that came furthest tells.
            Gate::PermissionsBoundary
        } else if ways.reads_as_refused.has(action) {
            Gate::KeyPolicy
        } else {
            Gate::IdentityPolicy
        }
    }
}

/// What nobody can tell, and open points.
const BOTH: Kinds = Kinds::UNTOLD.and(Kinds::OPEN);

fn settled(range: Range) -> Option<Standing> {
    match (range.least, range.most) {
        (Bound::Always, Bound::Always) => Some(Standing::Always),
        (Bound::Conditional, Bound::Conditional) => Some(Standing::Conditional),
        (Bound::Never, Bound::Never) => Some(Standing::Never),
        _ => None,
    }
}

fn unknown(range: Range) -> Standing {
    Standing::Unknown { at_least: range.least, at_most: range.most }
}
