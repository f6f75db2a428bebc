//! The cells of one pair: their witnesses and counter-witnesses, replayed.

use crate::access::Matrix;
use crate::aws::{KeyArn, KmsAction};
use crate::decision::{
    CellAnswer, Context, Decision, Outcome, Reading, Reason, Request, Standing, is_possible,
};
use crate::encryptor::Encryptor;

use super::classes::Member;
use super::scene::Scene;
use super::trip::{Trip, travel};
use super::{Claim, Mismatch, Tried, mixed, told};

/// How many other requests a cell is tried with: so many spread over all that are worth a try, and where there
/// are more, so many drawn at random.
const CONTEXTS: usize = 24;

pub(super) struct Prover<'p> {
    pub(super) claim: &'p Claim<'p>,
    pub(super) matrix: &'p Matrix<'p>,
    pub(super) scene: &'p Scene<'p>,
    pub(super) seed: u64,
}

impl Prover<'_> {
    /// Tries every cell of a pair.
    pub(super) fn prove(&self, member: &Member) -> (Tried, Vec<Mismatch>) {
        let mut proof = Proof { prover: self, member, tried: Tried::default(), found: Vec::new() };
        let key = member.key.and_then(|key| self.matrix.keys().get(key));
        let key_name = key.map_or("*", |key| key.as_str());
        let row = self.matrix.rows().get(member.row).map_or("", |row| &*row.name);
        let possible = self.matrix.possible(member.key);
        for (actions, answer) in &self.matrix.pair(member.row, member.key).cells {
            for action in actions.intersection(possible).iter() {
                match (self.claim.alter)(row, key_name, action, answer) {
                    Some(other) => proof.cell(action, &other),
                    None => proof.cell(action, answer),
                }
            }
        }
        (proof.tried, proof.found)
    }
}

struct Proof<'p> {
    prover: &'p Prover<'p>,
    member: &'p Member,
    tried: Tried,
    found: Vec<Mismatch>,
}

impl Proof<'_> {
    fn cell(&mut self, action: KmsAction, answer: &CellAnswer) {
        match answer.verdict {
            Standing::Always => {
                self.tried.always += 1;
                self.witness(action, answer);
                self.others(action, answer);
            }
            Standing::Conditional => {
                self.tried.conditional += 1;
                self.witness(action, answer);
                self.counter(action, answer);
                self.others(action, answer);
            }
            // Of strangers and services little is told that is not theirs.
            Standing::Never if !self.is_told(action) => {}
            Standing::Never => {
                self.tried.never += 1;
                self.counter(action, answer);
                self.others(action, answer);
            }
            Standing::Unknown { .. } => self.unknown(answer),
        }
    }

    fn is_told(&self, action: KmsAction) -> bool {
        self.prover.matrix.told(self.member.row, self.member.key).contains(action)
    }

    fn unknown(&mut self, answer: &CellAnswer) {
        self.tried.unknown += 1;
        let missing = answer.missing.iter().map(|what| format!("missing: {what}"));
        let open = answer.open.iter().map(|point| format!("open: {}", point.name()));
        let undecided = answer.undecided.then(|| "undecided: the engine's cap".to_owned());
        for why in missing.chain(open).chain(undecided) {
            *self.tried.unproven.entry(why).or_default() += 1;
        }
    }

    fn request(&self, action: KmsAction, context: &Context) -> Option<Request> {
        self.prover.matrix.request(self.member.row, self.member.key, action, context)
    }

    fn key(&self) -> Option<&KeyArn> {
        self.prover.matrix.keys().get(self.member.key?).copied()
    }

    /// Runs `run` in the world as it is, or with the outside principal put in.
    fn in_scene<T>(&self, request: &Request, run: impl FnOnce(&Encryptor) -> T) -> T {
        match self.prover.scene.with(&request.caller) {
            Some(copy) => run(&copy),
            None => run(&self.prover.scene.encryptor),
        }
    }

    fn witness(&mut self, action: KmsAction, answer: &CellAnswer) {
        let claimed = answer.verdict.name();
        let Some(request) = answer.witness.as_ref().and_then(|it| self.request(action, it)) else {
            self.contradict(action, claimed, "the matrix has no witness");
            return;
        };
        let request = self.prover.scene.sent(&request);
        if !is_possible(&request) {
            self.mismatch(&request, claimed, "AWS cannot send the witness".to_owned());
            return;
        }
        let trip =
            self.in_scene(&request, |encryptor| travel(encryptor, &request, self.key(), None));
        match trip {
            Trip::Done => self.tried.round_trips += 1,
            Trip::Permitted => self.tried.permitted += 1,
            Trip::Allowed(error) => {
                let text = error.message.unwrap_or_default();
                // Texts name the key; the reason does not.
                let text =
                    self.key().map_or(text.clone(), |key| text.replace(key.as_str(), "the key"));
                let why = format!("{}: {text}", error.name);
                *self.tried.without_cryptography.entry(why).or_default() += 1;
            }
            Trip::Wrong(what) => self.mismatch(&request, claimed, what.to_owned()),
            Trip::Refused(error) => {
                let text = error.message.unwrap_or_default();
                self.mismatch(&request, claimed, format!("the witness is refused: {text}"));
            }
        }
    }

    fn counter(&mut self, action: KmsAction, answer: &CellAnswer) {
        let claimed = answer.verdict.name();
        let Some(request) = answer.counter.as_ref().and_then(|it| self.request(action, it)) else {
            self.contradict(action, claimed, "the matrix has no counter-witness");
            return;
        };
        let request = self.prover.scene.sent(&request);
        if !is_possible(&request) {
            self.mismatch(&request, claimed, "AWS cannot send the counter-witness".to_owned());
            return;
        }
        let trip =
            self.in_scene(&request, |encryptor| travel(encryptor, &request, self.key(), None));
        match trip {
            Trip::Refused(error) => {
                let decision = error.refusal.map(|refusal| refusal.decision);
                self.gate(&request, answer, decision.as_ref());
            }
            _ => self.mismatch(&request, claimed, "the counter-witness is allowed".to_owned()),
        }
    }

    /// That the stated gate refuses: the decision tells every gate that it asks and all that deny, and ends
    /// at the first that lacks an Allow.
    fn gate(&mut self, request: &Request, answer: &CellAnswer, decision: Option<&Decision>) {
        let Some((stated, decision)) = answer.denied_by.zip(decision) else {
            self.tried.refused += 1;
            return;
        };
        let reads = |wanted: &dyn Fn(&Reading) -> bool| {
            let mut of_gate = decision.trace.iter().filter(|step| step.gate == stated);
            of_gate.any(|step| wanted(&step.reading))
        };
        let denies = reads(&|reading| *reading == Reading::Denies);
        let stops = reads(&|reading| {
            matches!(reading, Reading::Silent(_) | Reading::Refuses(_) | Reading::MayDeny)
        });
        let allows = reads(&|reading| matches!(reading, Reading::Allows(_)));
        let fault = match (answer.reason, decision.outcome) {
            (Reason::ExplicitDeny, _) if !denies => {
                Some(format!("it is refused, and no Deny of {} applies", stated.name()))
            }
            (Reason::ImplicitDeny, Outcome::ExplicitDeny(gate)) => {
                Some(format!("a Deny of {} refuses it, and none is stated", gate.name()))
            }
            (Reason::ImplicitDeny, _) if allows && !stops => {
                Some(format!("it is refused, and {} does not stand in its way", stated.name()))
            }
            _ => None,
        };
        let is_told = denies || stops || decision.outcome.denied_by() == Some(stated);
        match (fault, decision.outcome.denied_by()) {
            (Some(fault), _) => self.mismatch(request, answer.verdict.name(), fault),
            (None, Some(first)) if !is_told => {
                let why = format!("{} stated, {} first", stated.name(), first.name());
                *self.tried.refused_first.entry(why).or_default() += 1;
            }
            (None, _) => self.tried.refused += 1,
        }
    }

    /// Other requests that AWS could send: what the conditions in play tell apart, and some at random. Each
    /// is decided as the verdict says, and where that is conditional as its condition does.
    fn others(&mut self, action: KmsAction, answer: &CellAnswer) {
        let stands_in =
            !answer.assumes.is_empty() || !self.prover.matrix.is_listed(self.member.row);
        let Some(key) = self.key().filter(|_| !stands_in) else {
            return;
        };
        let Some(request) = self.request(action, &Context::default()) else {
            return;
        };
        // What is missing could move the condition without moving the verdict.
        let is_conditional = answer.verdict == Standing::Conditional;
        let is_told = is_conditional && answer.missing.is_empty();
        let condition = answer.condition.as_ref().filter(|_| is_told);
        if is_conditional && condition.is_none() {
            return;
        }
        let name = action.name().bytes().map(u64::from).sum();
        let parts = [self.member.row as u64, key.as_str().len() as u64, name];
        let from = mixed(self.prover.seed, &parts);
        let probe = &self.prover.scene.probe;
        let [spread, drawn] = probe.trials(&request, CONTEXTS, from);
        self.tried.contexts += spread.len() as u64;
        self.tried.drawn += drawn.len() as u64;
        let trials: Vec<&Request> = spread.iter().chain(&drawn).collect();
        let contexts: Vec<&Context> = trials.iter().map(|trial| &trial.context).collect();
        let allowed = self.prover.scene.encryptor.allows_in(&request, &contexts);
        for (trial, is_allowed) in trials.into_iter().zip(allowed) {
            let expected = match (answer.verdict, condition) {
                (Standing::Conditional, Some(condition)) => {
                    condition.is_met(&self.prover.scene.told(trial))
                }
                (verdict, _) => Some(verdict == Standing::Always),
            };
            if expected != Some(is_allowed) {
                let found =
                    if is_allowed { "a request is allowed" } else { "a request is refused" };
                let found = match condition {
                    Some(condition) => format!("{found} against the condition: {condition}"),
                    None => found.to_owned(),
                };
                self.mismatch(trial, answer.verdict.name(), found);
                return;
            }
        }
    }

    fn contradict(&mut self, action: KmsAction, claimed: &str, found: &str) {
        if let Some(request) = self.request(action, &Context::default()) {
            self.found.push(told(&request, claimed, found.to_owned()));
        }
    }

    fn mismatch(&mut self, request: &Request, claimed: &str, found: String) {
        let mismatch = told(request, claimed, found);
        self.found.push(Mismatch { request: Some(request.clone()), ..mismatch });
    }
}
