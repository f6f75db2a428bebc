//! Two engines asked the same questions, and where their answers differ.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use keyreach::audit::Engine;
use keyreach::aws::{ActionSet, KeyArn, KmsAction};
use keyreach::decision::{
    Allowing, Bound, Caller, Cell, Citation, Cited, ControlRequest, Decision, Fate, Fates, Gift,
    Holders, Holding, Meant, Reach, Request, Verdict,
};
use keyreach::eval::probe::Probe;
use keyreach::inventory::{Edit, Inventory};
use keyreach::policy::Element;

/// A question that the engines answer differently.
pub(crate) struct Difference {
    /// The question and both answers.
    pub(crate) text: String,
    /// Whether the probe said that it does not know.
    pub(crate) unknown: bool,
}

/// Answers as the matrix does, and holds each answer against the probe's.
pub(crate) struct Both<'w> {
    probe: Box<dyn Reach + 'w>,
    matrix: Box<dyn Reach + 'w>,
    differences: Arc<Mutex<Vec<Difference>>>,
}

impl<'w> Both<'w> {
    /// Both engines over a world.
    pub(crate) fn new(world: &'w Inventory, now: Timestamp) -> Self {
        Self {
            probe: Box::new(Probe::new(world, now)),
            matrix: Box::new(Engine::new(world, now)),
            differences: Arc::default(),
        }
    }

    /// What was found so far.
    pub(crate) fn differences(&self) -> Vec<Difference> {
        std::mem::take(&mut *self.differences.lock().unwrap())
    }

    fn tell(&self, unknown: bool, text: String) {
        self.differences.lock().unwrap().push(Difference { text, unknown });
    }

    /// Compares yes and no; where they differ, whether the probe's verdict over the same requests is
    /// unknown with bounds that leave room for both.
    fn same(&self, request: &Request, what: &str, probe: bool, matrix: bool) {
        if probe != matrix {
            let verdict = self.probe.verdict_of(request);
            let unknown = matches!(verdict, Verdict::Unknown(_));
            self.tell(unknown, format!("{what} {}: probe {probe}, matrix {matrix}", name(request)));
        }
    }
}

impl Both<'_> {
    fn same_holding(
        &self,
        what: &str,
        caller: &Caller,
        key: &KeyArn,
        probe: Holding,
        matrix: Holding,
    ) {
        self.same_holding_after(&*self.probe, what, (caller, key), probe, matrix);
    }

    /// Compares set by set; `asked` is the probe that gave its answer.
    fn same_holding_after(
        &self,
        asked: &dyn Reach,
        what: &str,
        (caller, key): (&Caller, &KeyArn),
        probe: Holding,
        matrix: Holding,
    ) {
        let sets = |held: Holding| [held.always, held.sure, held.possible];
        for action in KmsAction::all() {
            let has = |held: Holding| sets(held).map(|set| set.contains(action));
            if has(probe) != has(matrix) {
                let cell = Cell { principal: caller.clone(), key: key.clone(), action };
                let unknown = matches!(asked.verdict(&cell), Verdict::Unknown(_));
                let answers = (has(probe), has(matrix));
                self.tell(unknown, format!("{what}: {caller} {action} {key}: {answers:?}"));
            }
        }
    }

    fn same_fates(
        &self,
        caller: &Caller,
        key: &KeyArn,
        allowing: Allowing<'_>,
        wanted: ActionSet,
        matrix: Fates,
    ) {
        let probe = self.probe.fates(caller, key, allowing, wanted);
        for action in wanted.iter() {
            let has = |it: Fates| [it.free, it.denied, it.unknown].map(|set| set.contains(action));
            if has(probe) != has(matrix) {
                let answers = (has(probe), has(matrix));
                let unknown = probe.unknown.contains(action);
                self.tell(unknown, format!("fates: {caller} {action} {key}: {answers:?}"));
            }
        }
    }
}

fn name(request: &Request) -> String {
    format!("{} {} {} {:?}", request.caller, request.action, request.target, request.context)
}

/// The verdict without its witnesses.
fn word(verdict: &Verdict) -> (&'static str, Bound, Bound) {
    let word = match verdict {
        Verdict::Always { .. } => "always",
        Verdict::Conditional { .. } => "conditional",
        Verdict::Never { .. } => "never",
        Verdict::Unknown(_) => "unknown",
    };
    (word, verdict.at_least(), verdict.at_most())
}

fn fate_word(fate: &Fate) -> &'static str {
    match fate {
        Fate::NeverApplies => "never applies",
        Fate::Free(_) => "free",
        Fate::Denied { .. } => "denied",
        Fate::Unknown => "unknown",
    }
}

/// The Deny statements of a fate, by where they stand.
fn denies(fate: &Fate) -> BTreeSet<String> {
    let Fate::Denied { gates, by, .. } = fate else { return BTreeSet::new() };
    let place = |citation: &Citation| match &citation.cited {
        Cited::Statement { document, index } => format!("{:?} {index}", document.place),
        Cited::Grant { id, .. } => format!("{id:?}"),
    };
    by.iter().map(place).chain(gates.iter().map(|gate| gate.name().to_owned())).collect()
}

impl Reach for Both<'_> {
    fn world(&self) -> &Inventory {
        self.matrix.world()
    }

    /// Every caller of a group holds what the probe says of it alone, and whom the matrix leaves out holds
    /// nothing.
    fn holders(&self, key: &KeyArn, wanted: ActionSet) -> Vec<Holders> {
        let matrix = self.matrix.holders(key, wanted);
        let mut seen: BTreeSet<Caller> = BTreeSet::new();
        for group in &matrix {
            assert_eq!(group.who.iter().count(), group.who.count());
            for caller in group.who.iter() {
                assert!(seen.insert(caller.clone()), "{caller} is in two groups of {key}");
                let probe = self.probe.holding(caller, key, wanted);
                self.same_holding("holders", caller, key, probe, group.holds);
            }
        }
        for group in self.probe.holders(key, wanted) {
            let caller = group.who.first();
            if !seen.contains(caller) {
                let none = Holding::default();
                self.same_holding("left out of holders", caller, key, group.holds, none);
            }
        }
        matrix
    }

    fn alike(&self, key: &KeyArn, callers: &[Caller]) -> Vec<usize> {
        self.matrix.alike(key, callers)
    }

    fn holding(&self, caller: &Caller, key: &KeyArn, wanted: ActionSet) -> Holding {
        let probe = self.probe.holding(caller, key, wanted);
        let matrix = self.matrix.holding(caller, key, wanted);
        self.same_holding("holding", caller, key, probe, matrix);
        matrix
    }

    fn opened(&self, caller: &Caller, key: &KeyArn, wanted: ActionSet) -> ActionSet {
        let probe = self.probe.opened(caller, key, wanted);
        let matrix = self.matrix.opened(caller, key, wanted);
        if probe != matrix {
            self.tell(false, format!("opened: {caller} {key}: {probe:?} {matrix:?}"));
        }
        matrix
    }

    fn would_hold(&self, caller: &Caller, key: &KeyArn, gift: Gift, wanted: ActionSet) -> Holding {
        let matrix = self.matrix.would_hold(caller, key, gift, wanted);
        let probe = self.probe.would_hold(caller, key, gift, wanted);
        let known = self.world().key(key).unwrap();
        let after = self.probe.after(&gift.edit(known, caller));
        self.same_holding_after(&*after, "would hold", (caller, key), probe, matrix);
        matrix
    }

    fn meant(&self, key: &KeyArn, allowing: Allowing<'_>, wanted: ActionSet) -> Vec<Meant> {
        let matrix = self.matrix.meant(key, allowing, wanted);
        let mut seen: BTreeSet<Caller> = BTreeSet::new();
        for group in &matrix {
            for caller in group.who.iter() {
                assert!(seen.insert(caller.clone()), "{caller} is in two groups of {key}");
                self.same_fates(caller, key, allowing, wanted, group.fates);
            }
        }
        for group in self.probe.meant(key, allowing, wanted) {
            let caller = group.who.first();
            if !seen.contains(caller) {
                self.same_fates(caller, key, allowing, wanted, Fates::default());
            }
        }
        matrix
    }

    fn fates(
        &self,
        caller: &Caller,
        key: &KeyArn,
        allowing: Allowing<'_>,
        wanted: ActionSet,
    ) -> Fates {
        let matrix = self.matrix.fates(caller, key, allowing, wanted);
        self.same_fates(caller, key, allowing, wanted, matrix);
        matrix
    }

    fn hangs_on(&self, cell: &Cell, name: &str) -> bool {
        let matrix = self.matrix.hangs_on(cell, name);
        if matrix && !self.probe.hangs_on(cell, name) {
            self.tell(false, format!("{cell:?} hangs on {name} by the matrix alone"));
        }
        matrix
    }

    fn verdict_of(&self, request: &Request) -> Verdict {
        let (probe, matrix) = (self.probe.verdict_of(request), self.matrix.verdict_of(request));
        let words = (word(&probe), word(&matrix));
        if words.0 != words.1 {
            let unknown = matches!(probe, Verdict::Unknown(_));
            self.tell(unknown, format!("verdict of {}: {words:?}", name(request)));
        }
        matrix
    }

    fn reaches(&self, request: &Request) -> bool {
        let (probe, matrix) = (self.probe.reaches(request), self.matrix.reaches(request));
        self.same(request, "reaches", probe, matrix);
        matrix
    }

    fn could_reach(&self, request: &Request) -> bool {
        let (probe, matrix) = (self.probe.could_reach(request), self.matrix.could_reach(request));
        self.same(request, "could reach", probe, matrix);
        matrix
    }

    fn decide(&self, request: &Request) -> Decision {
        self.matrix.decide(request)
    }

    fn decide_control(&self, request: &ControlRequest) -> Decision {
        self.matrix.decide_control(request)
    }

    fn fate(&self, cell: &Cell, allowing: Allowing<'_>) -> Fate {
        let (probe, matrix) = (self.probe.fate(cell, allowing), self.matrix.fate(cell, allowing));
        if fate_word(&probe) != fate_word(&matrix) || denies(&probe) != denies(&matrix) {
            let unknown = matches!(probe, Fate::Unknown);
            let request = name(&cell.plain_request());
            let fates = (fate_word(&probe), denies(&probe), fate_word(&matrix), denies(&matrix));
            let of = match allowing {
                Allowing::Statement(document, index) => format!("{:?} {index}", document.place),
                Allowing::Grant(grant) => grant.id.to_string(),
            };
            self.tell(unknown, format!("fate of {of} for {request}: {fates:?}"));
        }
        matrix
    }

    fn actions(&self, element: &Element) -> ActionSet {
        let (probe, matrix) = (self.probe.actions(element), self.matrix.actions(element));
        if probe != matrix {
            self.tell(false, format!("actions of {element:?}: {probe:?} {matrix:?}"));
        }
        matrix
    }

    /// Whom the matrix leaves out must hold nothing, as it says itself; whom the probe leaves out must
    /// hold nothing, or not surely.
    fn candidates(&self, key: &KeyArn, action: KmsAction) -> Vec<Caller> {
        let probe = self.probe.candidates(key, action);
        let matrix = self.matrix.candidates(key, action);
        let cell = |caller: &Caller| Cell { principal: caller.clone(), key: key.clone(), action };
        let text = |caller| format!("candidates of {action} on {key}: {caller}");
        for caller in probe.iter().filter(|caller| !matrix.contains(caller)) {
            if !self.matrix.verdict(&cell(caller)).is_never() {
                self.tell(false, text(caller));
            }
        }
        for caller in matrix.iter().filter(|caller| !probe.contains(caller)) {
            let verdict = self.probe.verdict(&cell(caller));
            if !verdict.is_never() {
                self.tell(matches!(verdict, Verdict::Unknown(_)), text(caller));
            }
        }
        matrix
    }

    fn after(&self, edit: &Edit) -> Box<dyn Reach + '_> {
        Box::new(Both {
            probe: self.probe.after(edit),
            matrix: self.matrix.after(edit),
            differences: Arc::clone(&self.differences),
        })
    }
}
