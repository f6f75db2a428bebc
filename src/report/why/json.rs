//! The story for programs: `keyreach/why/1`. Members may be added, none removed or changed.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use crate::audit::{Ability, Change, Overall, Story, Texts};
use crate::decision::{Citation, Reading, Request, Step};
use crate::inventory::Inventory;

use super::super::basis::Covered;
use super::super::citing::at;
use super::super::request_line;
use super::words::Words;

/// The whole story.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Answer<'a> {
    /// `keyreach/why/1`.
    schema: &'static str,
    /// The request that was decided, as `simulate` takes it.
    request: Value,
    /// ARN of the key it was decided on.
    key: Option<String>,
    /// `allowed` or `denied`.
    decision: &'static str,
    /// `allowed-by-key-policy`, `allowed-by-iam-policy`, `allowed-by-grant`, `explicit-deny`,
    /// `implicit-deny`.
    reason: &'static str,
    /// The gate that denies.
    denied_by: Option<&'static str>,
    /// What holds of every request that AWS could send and that agrees with `request`.
    overall: Over<'a>,
    /// The gates in the order they were asked.
    steps: Vec<Told<'a>>,
    /// Allow statements that would count if the key policy delegated to the account.
    without_effect: Vec<Cite<'a>>,
    /// What would give the opposite answer; each alone is enough.
    opposite: Vec<Turn<'a>>,
    /// A request with other condition keys whose answer is the opposite.
    opposite_request: Option<Value>,
    /// Whether the key can perform the action: `can`, `not-this-key`, `not-now`, `unknown`.
    ability: Option<&'static str>,
    /// What was named but not exported, and could change the answer.
    missing: &'a BTreeSet<String>,
    /// Points AWS leaves open whose other reading gives the other answer.
    open_points: Vec<&'static str>,
    /// How much of infrastructure code is known; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<Covered<'a>>,
}

/// The exact verdict over many requests.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Over<'a> {
    /// `always`, `conditional`, `never` or `unknown`.
    verdict: &'static str,
    /// The least it can be; the verdict itself where it is known.
    at_least: &'static str,
    /// The most it can be; the verdict itself where it is known.
    at_most: &'static str,
    /// When it is allowed, exactly and in words; for `conditional` only.
    condition: Option<String>,
    /// A request that is allowed.
    witness: Option<Value>,
    /// A request that is denied.
    counter: Option<Value>,
    /// The gate that denies the counter-witness.
    counter_denied_by: Option<&'static str>,
    /// What was named but not exported, and could change the verdict.
    missing: &'a BTreeSet<String>,
    /// Points AWS leaves open that could change the verdict.
    open_points: Vec<&'static str>,
    /// Whether the verdict or its condition was too large to be found.
    undecided: bool,
}

/// One gate.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Told<'a> {
    /// The gate.
    gate: &'static str,
    /// `denies`, `may-deny`, `allows`, `silent`, `not-asked`, `refuses`.
    answer: &'static str,
    /// Whether the decision follows from this gate.
    decides: bool,
    /// The same in words.
    text: String,
    /// The rules of the semantics that it follows.
    rules: &'static [&'static str],
    /// The statements and grants it rests on.
    matched: Vec<Cite<'a>>,
}

/// A statement or a grant.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Cite<'a> {
    /// The policy as people name it.
    policy: &'a str,
    /// The statement's Sid.
    sid: Option<&'a str>,
    /// Where; null for what stands in no file.
    file: Option<&'a str>,
    /// Line in the file, from 1.
    line: Option<u32>,
    /// `Allow` or `Deny`.
    effect: &'static str,
}

/// Changes that together give the opposite answer.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Turn<'a> {
    /// Whether it was tried on a copy of the world.
    proven: bool,
    /// The changes.
    changes: Vec<Made<'a>>,
}

/// One change.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Made<'a> {
    /// What kind of change.
    change: &'static str,
    /// Whom or what it is about.
    subject: Option<String>,
    /// The statement to remove.
    statement: Option<Cite<'a>>,
    /// The same in words.
    text: String,
}

/// Writes the story as one JSON object.
///
/// # Errors
/// What `out` says.
pub fn json(
    out: &mut dyn Write,
    world: &Inventory,
    texts: &Texts<'_>,
    story: &Story,
) -> io::Result<()> {
    let words = Words { world, texts, story };
    let decision = &story.decision;
    let denied_by = decision.outcome.denied_by();
    let turns = story.turns.iter().map(|turn| Turn {
        proven: turn.proven,
        changes: turn.changes.iter().map(|made| change(&words, made)).collect(),
    });
    let answer = Answer {
        schema: "keyreach/why/1",
        request: request_line::write("1", &story.request),
        key: story.key.as_ref().map(ToString::to_string),
        decision: if denied_by.is_none() { "allowed" } else { "denied" },
        reason: decision.outcome.reason().name(),
        denied_by: denied_by.map(|gate| gate.name()),
        overall: over(&story.overall),
        steps: decision.trace.iter().map(|told| step(&words, told)).collect(),
        without_effect: citations(&words, &story.idle),
        opposite: turns.collect(),
        opposite_request: story.elsewhere.as_ref().map(|other| request_line::write("1", other)),
        ability: story.ability.map(ability),
        missing: &decision.missing,
        open_points: decision.open_points.iter().map(|point| point.name()).collect(),
        coverage: story.coverage.as_ref().map(Covered::of),
    };
    serde_json::to_writer_pretty(&mut *out, &answer)?;
    out.write_all(b"\n")
}

fn over(overall: &Overall) -> Over<'_> {
    let answer = &overall.answer;
    let request = |request: &Request| request_line::write("1", request);
    Over {
        verdict: answer.verdict.name(),
        at_least: answer.verdict.at_least().name(),
        at_most: answer.verdict.at_most().name(),
        condition: answer.condition.as_ref().map(ToString::to_string),
        witness: overall.witness.as_ref().map(request),
        counter: overall.counter.as_ref().map(|(other, _)| request(other)),
        counter_denied_by: overall.counter.as_ref().map(|(_, gate)| gate.name()),
        missing: &answer.missing,
        open_points: answer.open.iter().map(|point| point.name()).collect(),
        undecided: answer.undecided,
    }
}

fn step<'a>(words: &Words<'a>, step: &'a Step) -> Told<'a> {
    let answer = match step.reading {
        Reading::Denies => "denies",
        Reading::MayDeny => "may-deny",
        Reading::Allows(_) => "allows",
        Reading::Silent(_) => "silent",
        Reading::NotAsked(_) => "not-asked",
        Reading::Refuses(_) => "refuses",
    };
    Told {
        gate: step.gate.name(),
        answer,
        decides: step.decides,
        text: words.step(step),
        rules: step.rules,
        matched: citations(words, &step.cited),
    }
}

fn citations<'a>(words: &Words<'a>, cited: &'a [Citation]) -> Vec<Cite<'a>> {
    let one = |citation: &'a Citation| {
        let sid = citation.statement().and_then(|statement| statement.sid.as_ref());
        let (place, span) = citation.at();
        let (file, line) = at(words.texts, place, span);
        let effect = citation.effect().name();
        Cite { policy: &citation.policy, sid: sid.map(|sid| &*sid.value), file, line, effect }
    };
    cited.iter().map(one).collect()
}

fn change<'a>(words: &Words<'a>, change: &'a Change) -> Made<'a> {
    let (name, subject) = match change {
        Change::Remove { policy, place, span, sid, effect } => {
            let (file, line) = at(words.texts, *place, *span);
            let effect = effect.name();
            let statement = Cite { policy, sid: sid.as_deref(), file, line, effect };
            return Made {
                change: "remove-statement",
                subject: None,
                statement: Some(statement),
                text: words.change(change),
            };
        }
        Change::AllowInKeyPolicy(name) => ("allow-in-key-policy", name.to_string()),
        Change::Delegate(account) => ("delegate-to-account", account.to_string()),
        Change::AllowInIdentityPolicy(name) => ("allow-in-identity-policy", name.to_string()),
        Change::CreateGrant(name) => ("create-grant", name.to_string()),
        Change::RevokeGrant(id) => ("revoke-grant", id.to_string()),
        Change::AllowInBoundary(arn) => ("allow-in-permissions-boundary", arn.to_string()),
        Change::AllowInSession => ("allow-in-session-policy", String::new()),
        Change::AllowInScp(level) => ("allow-in-scp", level.to_string()),
        Change::AllowInEndpoint => ("allow-in-vpc-endpoint-policy", String::new()),
        Change::DenyInKeyPolicy(name) => ("deny-in-key-policy", name.to_string()),
        Change::DenyInIdentityPolicy(name) => ("deny-in-identity-policy", name.to_string()),
    };
    let subject = Some(subject).filter(|subject| !subject.is_empty());
    Made { change: name, subject, statement: None, text: words.change(change) }
}

fn ability(ability: Ability) -> &'static str {
    match ability {
        Ability::Can => "can",
        Ability::NotThisKey => "not-this-key",
        Ability::NotNow(_) => "not-now",
        Ability::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::Answer;

    #[test]
    fn the_schema_in_the_repository_is_that_of_the_code() {
        crate::report::schemas::compare::<Answer<'static>>("why");
    }
}
