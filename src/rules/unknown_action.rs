//! A policy names a KMS action that does not exist.

use crate::aws::{KmsAction, suggest, tables_date};
use crate::findings::Fix;
use crate::policy::{Effect, Element, Polarity, PolicyKind, Statement, Value};
use crate::source::Located;

use super::fixing::{is_slip, of_kms, replaced};
use super::report::Sink;
use super::{Documented, Rule, Scope};

/// See the rule's page.
pub(super) struct UnknownAction;

impl Rule for UnknownAction {
    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        if document.is_written_by_aws() {
            return;
        }
        for statement in &document.document.policy().statements {
            let Some(element) = &statement.action else {
                continue;
            };
            for entry in &element.values {
                let is_newer = || {
                    let text = entry.value.text();
                    text.is_some_and(|text| scope.settings.knows_action(text))
                };
                if is_for_kms(document.document.kind, &entry.value)
                    && is_dead(scope, entry)
                    && !is_newer()
                {
                    tell(document, statement, element, entry, sink);
                }
            }
        }
    }
}

/// Whether the entry is meant for KMS: always in a key policy, elsewhere by its prefix, in identity policies
/// also by a prefix one slip away or with a wildcard (rule A51) before the name of a KMS action.
fn is_for_kms(kind: PolicyKind, value: &Value) -> bool {
    let Some((prefix, name)) = value.text().and_then(|text| text.split_once(':')) else {
        return kind == PolicyKind::Key;
    };
    let is_like_kms =
        || prefix.contains(['*', '?']) || suggest::nearest(prefix.trim(), ["kms"]).is_some();
    match kind {
        PolicyKind::Key => true,
        _ if prefix.trim().eq_ignore_ascii_case("kms") => true,
        PolicyKind::Identity | PolicyKind::Session => {
            is_like_kms() && KmsAction::from_name(name.trim()).is_some()
        }
        _ => false,
    }
}

/// Whether the entry is known and covers no action of the table (rules A50 to A55).
fn is_dead(scope: &Scope<'_>, entry: &Located<Value>) -> bool {
    let values = vec![entry.clone()];
    let alone = Element { polarity: Polarity::Is, values, span: entry.span };
    entry.value.text().is_some() && scope.reach.actions(&alone).is_empty()
}

fn tell(
    document: &Documented<'_>,
    statement: &Statement,
    element: &Element,
    entry: &Located<Value>,
    sink: &mut Sink<'_>,
) {
    let text = entry.value.text().unwrap_or_default();
    let consequence = consequence(statement, element);
    let message = format!("`{text}` in {} matches no action of KMS: {consequence}", document.name);
    let table = format!("the table of KMS actions searched here is of {}", tables_date());
    let meant = meant(text);
    let help = match &meant {
        Some(meant) => format!("did you mean {meant}? ({table})"),
        None => format!("look the action up in the Service Authorization Reference; {table}"),
    };
    let mut report = sink
        .report(format!("{} {}", document.subject, text.to_ascii_lowercase()), message)
        .of_statement(document.document, statement)
        .at(document.document.place, Some(entry.span), "no action of KMS fits this")
        .help(help)
        .fix(meant.and_then(|meant| fix(document, entry, text, &meant)));
    if let Some(key) = document.key {
        report = report.key(&key.arn);
    }
    if statement.denies() {
        report = report.facet("in-deny");
    }
    report.done();
}

/// What was meant in place of what is written, where it is one slip away.
fn fix(document: &Documented<'_>, entry: &Located<Value>, text: &str, meant: &str) -> Option<Fix> {
    is_slip(text, meant).then(|| replaced(document, of_kms(document), entry.span, (text, meant)))
}

/// What follows for the statement.
fn consequence(statement: &Statement, element: &Element) -> &'static str {
    let effect = statement.effect.as_ref().map(|effect| effect.value);
    let is_alone = element.values.len() == 1;
    match (element.polarity, effect, is_alone) {
        (Polarity::IsNot, ..) => "the exception it should make does not happen",
        (Polarity::Is, Some(Effect::Deny), true) => "this Deny protects nothing",
        (Polarity::Is, Some(Effect::Deny), false) => "this entry of the Deny protects nothing",
        (Polarity::Is, _, true) => "this Allow gives nothing",
        (Polarity::Is, _, false) => "this entry of the Allow gives nothing",
    }
}

/// The actions that may have been meant: those that begin with the name where they are few (rule A55),
/// else the nearest.
fn meant(text: &str) -> Option<String> {
    let name = text.rsplit(':').next().unwrap_or(text);
    let name: String = name.chars().filter(|one| !one.is_whitespace() && *one != '*').collect();
    let begins = |action: &KmsAction| {
        let head = action.name().get(..name.len());
        !name.is_empty() && head.is_some_and(|head| head.eq_ignore_ascii_case(&name))
    };
    let longer: Vec<&str> = KmsAction::all().filter(begins).map(KmsAction::as_str).collect();
    if (1..=2).contains(&longer.len()) {
        return Some(longer.join(" or "));
    }
    let of_pattern = text.ends_with('*').then(|| meant_pattern(&name)).flatten();
    if of_pattern.is_some() {
        return of_pattern;
    }
    let names = KmsAction::all().map(KmsAction::as_str);
    suggest::nearest(&format!("kms:{name}"), names).map(str::to_owned)
}

/// The pattern that may have been meant by a name with a wildcard behind it: the nearest of the words that
/// actions begin with, and no pattern where that is one action.
fn meant_pattern(name: &str) -> Option<String> {
    let head = suggest::nearest(name, KmsAction::all().flat_map(|action| heads(action.name())))?;
    let begins = KmsAction::all().filter(|action| action.name().starts_with(head)).count();
    let is_one = begins == 1 && KmsAction::from_name(head).is_some();
    Some(if is_one { format!("kms:{head}") } else { format!("kms:{head}*") })
}

/// The first word of a name, its first two, and so on.
fn heads(name: &'static str) -> impl Iterator<Item = &'static str> {
    let starts = name.char_indices().skip(1).filter(|(_, one)| one.is_ascii_uppercase());
    let ends = starts.map(|(at, _)| at).chain([name.len()]);
    ends.filter_map(move |end| name.get(..end))
}
