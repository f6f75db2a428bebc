//! The story for programs: `keyreach/why/1`.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::audit::{Ability, Change, Story, Texts};
use crate::decision::{Citation, Cited, Reading, Step};
use crate::inventory::Inventory;
use crate::source::{Place, Span};

use super::super::request_line;
use super::words::Words;

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
    let steps: Vec<Value> = decision.trace.iter().map(|told| step(&words, told)).collect();
    let turns: Vec<Value> = story
        .turns
        .iter()
        .map(|turn| {
            let changes: Vec<Value> =
                turn.changes.iter().map(|made| change(&words, made)).collect();
            json!({ "proven": turn.proven, "changes": changes })
        })
        .collect();
    let value = json!({
        "schema": "keyreach/why/1",
        "request": request_line::write("1", &story.request),
        "key": story.key.as_ref().map(ToString::to_string),
        "decision": if denied_by.is_none() { "allowed" } else { "denied" },
        "reason": decision.outcome.reason().name(),
        "denied_by": denied_by.map(|gate| gate.name()),
        "steps": steps,
        "without_effect": citations(&words, &story.idle),
        "opposite": turns,
        "opposite_request": story.elsewhere.as_ref().map(|other| request_line::write("1", other)),
        "ability": story.ability.map(ability),
        "missing": decision.missing,
        "open_points": decision.open_points.iter().map(|point| point.name()).collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &value)?;
    out.write_all(b"\n")
}

fn step(words: &Words<'_>, step: &Step) -> Value {
    let answer = match step.reading {
        Reading::Denies => "denies",
        Reading::Allows(_) => "allows",
        Reading::Silent(_) => "silent",
        Reading::NotAsked(_) => "not-asked",
        Reading::Refuses(_) => "refuses",
    };
    json!({
        "gate": step.gate.name(),
        "answer": answer,
        "decides": step.decides,
        "text": words.step(step),
        "rules": step.rules,
        "matched": citations(words, &step.cited),
    })
}

fn citations(words: &Words<'_>, cited: &[Citation]) -> Vec<Value> {
    let one = |citation: &Citation| {
        let (place, span) = match &citation.cited {
            Cited::Statement { document, .. } => {
                let span = citation.statement().map(|statement| statement.span);
                (document.place, span.unwrap_or_default())
            }
            Cited::Grant { place, .. } => (*place, Span::default()),
        };
        let sid = citation.statement().and_then(|statement| statement.sid.as_ref());
        let mut value = at(words, place, span);
        value["policy"] = citation.policy.as_str().into();
        value["sid"] = sid.map(|sid| &*sid.value).into();
        value["effect"] = citation.effect().name().into();
        value
    };
    cited.iter().map(one).collect()
}

fn at(words: &Words<'_>, place: Place, span: Span) -> Value {
    let position = words.texts.position(place, span);
    json!({
        "file": position.map(|_| words.texts.path(place.file)),
        "line": position.map(|position| position.line),
    })
}

fn change(words: &Words<'_>, change: &Change) -> Value {
    let (name, subject) = match change {
        Change::Remove { policy, place, span, sid, effect } => {
            let mut value = at(words, *place, *span);
            value["change"] = "remove-statement".into();
            value["policy"] = policy.as_str().into();
            value["sid"] = sid.as_deref().into();
            value["effect"] = effect.name().into();
            value["text"] = words.change(change).into();
            return value;
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
    json!({ "change": name, "subject": subject, "text": words.change(change) })
}

fn ability(ability: Ability) -> &'static str {
    match ability {
        Ability::Can => "can",
        Ability::NotThisKey => "not-this-key",
        Ability::NotNow(_) => "not-now",
        Ability::Unknown => "unknown",
    }
}
