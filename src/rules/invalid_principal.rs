//! A principal of a form that KMS refuses, and one that is a session.

use crate::aws::Arn;
use crate::decision::Caller;
use crate::policy::{Gravity, PolicyDocument, Principal, Statement};
use crate::source::Located;

use super::grants::is_gone;
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct InvalidPrincipal;

type Entry<'d> = (&'d Statement, &'d Located<Principal>, String);

impl Rule for InvalidPrincipal {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let document = scope.key.policy.as_ref().filter(|_| !scope.key.is_aws_managed());
        let Some(document) = document else { return };
        let partition = scope.key.arn.partition();
        let invalid = entries(document, |it, _| fault(it, partition));
        tell(scope, sink, document, &invalid, None);
        // Of one that does not exist, unknown-principal tells.
        let sessions = entries(document, |it, statement| {
            session(it, statement).filter(|_| !is_gone(scope.scope, it))
        });
        tell(scope, sink, document, &sessions, Some("session-principal"));
    }
}

fn entries(
    document: &PolicyDocument,
    fault: impl Fn(&Principal, &Statement) -> Option<String>,
) -> Vec<Entry<'_>> {
    let mut found = Vec::new();
    for statement in &document.policy().statements {
        for entry in statement.principal.iter().flat_map(|element| &element.entries) {
            if let Some(fault) = fault(&entry.value, statement) {
                found.push((statement, entry, fault));
            }
        }
    }
    found
}

/// Why KMS refuses the principal (rules A36, A40, A41, X11).
fn fault(principal: &Principal, partition: &str) -> Option<String> {
    let other = |arn: &str| {
        let named = Arn::parse(arn).map(|arn| arn.partition.to_owned());
        let named = named.filter(|named| named != partition)?;
        Some(format!("partition {named} has nothing to do with {partition}"))
    };
    match principal {
        Principal::Invalid(text) => Some(of_form(text)),
        Principal::Service(name) => {
            let is_name = Caller::parse(name).is_some() || name.ends_with(".amazonaws.com.cn");
            (!is_name).then(|| "no service principal has such a name".to_owned())
        }
        Principal::Account { partition: Some(named), .. } if **named != *partition => {
            Some(format!("partition {named} has nothing to do with {partition}"))
        }
        Principal::User(arn)
        | Principal::Role(arn)
        | Principal::AssumedRole(arn)
        | Principal::FederatedUser(arn) => other(arn),
        _ => None,
    }
}

fn of_form(text: &str) -> String {
    let kind = match text {
        _ if text.contains(":group/") => "a group is no principal: name its members",
        _ if text.contains(":instance-profile/") => {
            "an instance profile is no principal: name its role"
        }
        _ if text.contains(['*', '?']) => {
            "a principal takes no pattern: write `*` and add `ArnLike` aws:PrincipalArn"
        }
        _ => "no principal has this form",
    };
    kind.to_owned()
}

/// One session whom an Allow names.
fn session(principal: &Principal, statement: &Statement) -> Option<String> {
    let is_session = matches!(principal, Principal::AssumedRole(_) | Principal::FederatedUser(_));
    let is_service = principal.text().contains(":assumed-role/aws:");
    (is_session && !is_service && statement.allows())
        .then(|| "one session: the next one has another name".to_owned())
}

fn tell(
    scope: &KeyScope<'_>,
    sink: &mut Sink<'_>,
    document: &PolicyDocument,
    entries: &[Entry<'_>],
    facet: Option<&'static str>,
) {
    let Some((statement, entry, fault)) = entries.first() else { return };
    let name = scope.name();
    let text = entry.value.text();
    let more = match entries.len() {
        1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    let (message, help) = match facet {
        None => (
            format!("KMS refuses {text} as principal in the key policy of {name}{more}"),
            "KMS refuses the whole policy for it: write another principal, or take it out",
        ),
        Some(_) => (
            format!("the key policy of {name} names the session {text}{more}"),
            "name the role or user: no permissions boundary limits what is given to a session",
        ),
    };
    let mut report = sink
        .report(scope.key.arn.as_str(), message)
        .key(&scope.key.arn)
        .of_statement(document, statement)
        .at(document.place, Some(entry.span), fault.as_str())
        .principals(entries.iter().map(|(_, entry, _)| entry.value.text().to_owned()))
        .help(help);
    if let Some(facet) = facet {
        report = report.facet(facet);
    }
    for (_, entry, fault) in entries.iter().skip(1).take(3) {
        report = report.beside(document.place, Some(entry.span), fault.as_str());
    }
    // The same cause, unless something else is malformed too.
    let faults = document.policy().faults.iter();
    let faults = faults.filter(|fault| fault.gravity != Gravity::Harmless).count();
    let of_forms = entries.iter().filter(|(_, it, _)| matches!(it.value, Principal::Invalid(_)));
    if facet.is_none() {
        report = report.explains(&["unknown-principal"]);
        if faults <= of_forms.count() {
            report = report.explains(&["malformed-policy"]);
        }
    }
    report.done();
}
