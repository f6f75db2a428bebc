//! A statement of a key policy whose Resource is never its own key.

use crate::aws::{KeyArn, KmsAction};
use crate::decision::Allowing;
use crate::policy::{
    Effect, Element, Gravity, Polarity, PolicyDocument, PolicyKind, Principal, PrincipalElement,
    Standing, Statement, Value,
};
use crate::source::Located;
use crate::syntax::is_of_deployment;

use super::report::Sink;
use super::resources::{Form, form};
use super::what_if::changed;
use super::{Documented, KeyScope, Rule, Scope};

/// See the rule's page.
pub(super) struct KeyPolicyResourceMismatch;

impl Rule for KeyPolicyResourceMismatch {
    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        if document.document.kind != PolicyKind::Key || document.is_written_by_aws() {
            return;
        }
        for (index, statement) in document.document.policy().statements.iter().enumerate() {
            if statement.standing == Standing::Malformed {
                continue;
            }
            let why = match &statement.resource {
                None => "it has no Resource".to_owned(),
                Some(resource) if is_never_the_key(scope, document, index, resource) => {
                    why(document, resource)
                }
                Some(_) => continue,
            };
            let explains = explains(scope, document, index, statement);
            tell(document, statement, &why, &explains, sink);
        }
    }
}

fn is_never_the_key(
    scope: &Scope<'_>,
    document: &Documented<'_>,
    index: usize,
    resource: &Element,
) -> bool {
    let texts: Vec<&str> = entries(resource).collect();
    // What a variable or an expression stands for is not known, but where no key has its form.
    let is_open = |one: &Located<Value>| match &one.value {
        Value::Text(text) => text.contains("${"),
        Value::Unresolved(open) => form(&open.shape) == Form::MayBeKey,
    };
    if resource.values.iter().any(is_open) {
        return false;
    }
    let is_own =
        |text: &&str| *text == "*" || document.key.is_some_and(|key| *text == key.arn.as_str());
    match (resource.polarity, document.key) {
        (Polarity::Is, _) if texts.iter().any(is_own) => false,
        (_, Some(key)) => {
            let on_key = KeyScope::new(scope, key);
            let open = open(document.document, index);
            let Some(root) = on_key.root() else { return false };
            let wanted = KmsAction::DESCRIBE_KEY.into();
            on_key.fates(&root, Allowing::Statement(&open, index), wanted).applies().is_empty()
        }
        // A policy that stands alone: the form says what no key has.
        (Polarity::Is, None) => texts.iter().all(|text| form(text) != Form::MayBeKey),
        (Polarity::IsNot, None) => texts.contains(&"*"),
    }
}

/// The entries as they are written, or the shapes of what is not known of them. What an account or Region that
/// is not known makes of an entry is none of its own.
fn entries(resource: &Element) -> impl Iterator<Item = &str> {
    resource.values.iter().filter_map(|one| match &one.value {
        Value::Text(text) => Some(&**text),
        Value::Unresolved(open) if is_of_deployment(&open.expression) => None,
        Value::Unresolved(open) => Some(&*open.shape),
    })
}

/// The policy with the statement as an Allow of everything to everyone, on its own Resource.
fn open(document: &PolicyDocument, index: usize) -> PolicyDocument {
    changed(document, index, |statement| {
        let span = statement.span;
        let everyone = vec![Located::new(Principal::Anyone, span)];
        let everything = vec![Located::new(Value::Text("kms:*".into()), span)];
        statement.effect = Some(Located::new(Effect::Allow, span));
        statement.principal =
            Some(PrincipalElement { polarity: Polarity::Is, entries: everyone, span });
        statement.action = Some(Element { polarity: Polarity::Is, values: everything, span });
        statement.conditions.clear();
    })
}

/// What its Resource is instead.
fn why(document: &Documented<'_>, resource: &Element) -> String {
    let texts: Vec<&str> = entries(resource).collect();
    let [text] = *texts.as_slice() else {
        return "no entry of its Resource is this key".to_owned();
    };
    if resource.polarity == Polarity::IsNot {
        return "its NotResource excludes this key".to_owned();
    }
    let of_key = document.key.zip(KeyArn::parse(text));
    match of_key {
        _ if text.contains("alias/") => "its Resource is an alias",
        Some((key, arn)) if arn.id() == key.arn.id() && arn.account() == key.arn.account() => {
            "its Resource is the key of another Region"
        }
        Some(_) => "its Resource is another key",
        None if form(text) == Form::NoKey => "its Resource is no ARN",
        None => "its Resource is not this key",
    }
    .to_owned()
}

/// What it says more of: the member that is missing, where nothing else is wrong with the policy, and the
/// statement for the account that does not apply, by which the key would be managed.
fn explains(
    scope: &Scope<'_>,
    document: &Documented<'_>,
    index: usize,
    statement: &Statement,
) -> Vec<&'static str> {
    let mended = changed(document.document, index, |statement| {
        let span = statement.span;
        let all = vec![Located::new(Value::Text("*".into()), span)];
        statement.resource = Some(Element { polarity: Polarity::Is, values: all, span });
        if statement.action.is_some() {
            statement.standing = Standing::Sound;
        }
    });
    let of_account = |key| {
        let on_key = KeyScope::new(scope, key);
        let (put, allowing) =
            (KmsAction::PUT_KEY_POLICY.into(), Allowing::Statement(&mended, index));
        on_key.root().map(|root| on_key.fates(&root, allowing, put))
    };
    let of_account = document.key.filter(|_| statement.allows()).and_then(of_account);
    let of_account = of_account.unwrap_or_default();
    let faults = &document.document.policy().faults;
    let mut told = faults.iter().filter(|fault| fault.gravity != Gravity::Harmless);
    let is_only = statement.resource.is_none() && told.all(|fault| fault.span == statement.span);
    let rules = [
        (is_only, "malformed-policy"),
        (!of_account.applies().is_empty(), "missing-root-statement"),
        (!of_account.free.is_empty(), "key-unmanageable"),
    ];
    rules.into_iter().filter(|(is_so, _)| *is_so).map(|(_, rule)| rule).collect()
}

fn tell(
    document: &Documented<'_>,
    statement: &Statement,
    why: &str,
    explains: &[&'static str],
    sink: &mut Sink<'_>,
) {
    let effect = if statement.denies() { "Deny" } else { "Allow" };
    let sid = statement.sid.as_ref().map(|sid| format!(" `{}`", sid.value)).unwrap_or_default();
    let message = format!("{effect}{sid} of {} never applies: {why}", document.name);
    let place = document.document.place;
    let span = statement.resource.as_ref().map_or(statement.span, |resource| resource.span);
    let mut report = sink
        .report(document.subject.as_str(), message)
        .of_statement(document.document, statement)
        .at(place, Some(span), "never the key that the policy belongs to")
        .help("write `\"Resource\": \"*\"`, which in a key policy means this key");
    if let Some(key) = document.key {
        report = report.key(&key.arn);
    }
    report.explains(explains).done();
}
