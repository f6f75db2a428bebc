//! Two engines asked the same questions, and where their answers differ.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use keyreach::audit::Engine;
use keyreach::aws::{ActionSet, KeyArn, KmsAction};
use keyreach::decision::{
    Allowing, Bound, Caller, Cell, Citation, Cited, Decision, Fate, Reach, Request, Verdict,
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
