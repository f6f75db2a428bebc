//! An Allow by exclusion gives control, use or destruction of keys.

use std::collections::BTreeSet;

use crate::aws::{ActionSet, KmsAction};
use crate::decision::{Allowing, Caller};
use crate::policy::{Polarity, PolicyKind, Standing, Statement};
use crate::source::Span;

use super::controllers::{REVEAL, list, short};
use super::report::Sink;
use super::trust::performed;
use super::wide::destroys;
use super::{Documented, KeyScope, Rule, Scope};

/// See the rule's page.
pub(super) struct AllowNotAction;

/// What nobody should get because it was not named, beside what reveals and what destroys: control.
const CONTROL: [KmsAction; 3] =
    [KmsAction::PUT_KEY_POLICY, KmsAction::CREATE_GRANT, KmsAction::REPLICATE_KEY];

impl Rule for AllowNotAction {
    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        if document.is_written_by_aws() {
            return;
        }
        for (index, statement) in document.document.policy().statements.iter().enumerate() {
            let Some((span, by)) = exclusion(statement) else { continue };
            let element = statement.action.as_ref();
            let covered = element.map_or(ActionSet::EMPTY, |element| scope.reach.actions(element));
            let weighty: ActionSet = CONTROL.into_iter().chain(REVEAL).collect();
            let wanted = covered.intersection(weighty.union(destroys()));
            if wanted.is_empty() {
                continue;
            }
            let given = match (document.document.kind, document.key) {
                (PolicyKind::Key, Some(key)) => {
                    by_key_policy(&KeyScope::new(scope, key), document, index, wanted)
                }
                (PolicyKind::Identity, _) => by_identity_policy(scope, document, index, wanted),
                _ => continue,
            };
            if !given.who.is_empty() {
                tell(document, (statement, span, by), &given, sink);
            }
        }
    }
}

/// Where an Allow excludes instead of naming, and by which element.
fn exclusion(statement: &Statement) -> Option<(Span, &'static str)> {
    if !statement.allows() || statement.standing != Standing::Sound {
        return None;
    }
    let is_exclusion = |polarity: Polarity| polarity == Polarity::IsNot;
    let action = statement.action.as_ref().filter(|one| is_exclusion(one.polarity));
    let resource = statement.resource.as_ref().filter(|one| is_exclusion(one.polarity));
    let action = action.map(|one| (one.span, "NotAction"));
    action.or_else(|| resource.map(|one| (one.span, "NotResource")))
}

/// Who is given something.
#[derive(Default)]
struct Given {
    who: BTreeSet<Caller>,
    actions: ActionSet,
    /// One of the keys.
    key: Option<String>,
}

fn by_key_policy(
    scope: &KeyScope<'_>,
    document: &Documented<'_>,
    index: usize,
    wanted: ActionSet,
) -> Given {
    let mut given = Given { key: Some(scope.name()), ..Given::default() };
    let allowing = Allowing::Statement(document.document, index);
    for group in scope.meant(allowing, performed(scope, wanted)) {
        let held = scope.holding(group.who.first(), group.fates.free).sure;
        if !held.is_empty() {
            given.actions = given.actions.union(held);
            given.who.extend(group.who.iter().cloned());
        }
    }
    given
}

/// The holders of the policy, each with the first key of its account on which it works.
fn by_identity_policy(
    scope: &Scope<'_>,
    document: &Documented<'_>,
    index: usize,
    wanted: ActionSet,
) -> Given {
    let mut given = Given::default();
    let allowing = Allowing::Statement(document.document, index);
    for holder in &document.holders {
        let Some(caller) = Caller::parse(&holder.arn) else { continue };
        let held = scope.keys_of(holder.account).iter().find_map(|key| {
            let on_key = KeyScope::new(scope, key);
            let free = on_key.fates(&caller, allowing, performed(&on_key, wanted)).free;
            let held = on_key.holding(&caller, free).sure;
            (!held.is_empty()).then(|| (held, on_key.name()))
        });
        let Some((held, key)) = held else { continue };
        given.actions = given.actions.union(held);
        given.who.insert(caller);
        given.key.get_or_insert(key);
    }
    given
}

fn tell(
    document: &Documented<'_>,
    (statement, span, by): (&Statement, Span, &str),
    given: &Given,
    sink: &mut Sink<'_>,
) {
    let who: Vec<String> = given.who.iter().map(|caller| short(caller).to_owned()).collect();
    let actions: Vec<String> = given.actions.iter().map(|action| action.to_string()).collect();
    let on = given.key.as_deref().unwrap_or_default();
    let message = format!(
        "{} gives {} {} on {on} by {by}, without naming it",
        document.name,
        list(&who),
        list(&actions)
    );
    const WIDE: [&str; 3] = ["decrypt-on-all-keys", "kms-full-access", "wide-destructive-rights"];
    let mut report = sink
        .report(document.subject.as_str(), message)
        .of_statement(document.document, statement)
        .at(document.document.place, Some(span), "all but this is allowed")
        .principals(given.who.iter().map(|caller| caller.to_string()))
        .help("list what is to be allowed; a statement that excludes grows with every new action")
        .explains_there(&WIDE);
    if let Some(key) = document.key {
        report = report.key(&key.arn);
    }
    report.done();
}
