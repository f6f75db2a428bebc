//! A role that too many of an identity provider's subjects can assume reaches keys.

use crate::aws::KmsAction;
use crate::policy::{Condition, Polarity, Principal, Statement};

use super::controllers::REVEAL;
use super::report::Sink;
use super::role_trust::{covers, is_firm, may_keep_out, role_of, told};
use super::{Documented, Rule, Scope};

/// See the rule's page.
pub(super) struct WeakOidcTrustReachesKey;

/// The action by which subjects of OIDC providers become a role, in lower case.
const ASSUME: &str = "sts:assumerolewithwebidentity";

/// Where the name of one repository ends in the subjects of providers that everyone shares, after the
/// words that it begins with.
const REPOSITORIES: [(&str, &str); 2] =
    [("token.actions.githubusercontent.com", "repo:"), ("gitlab.com", "project_path:")];

impl Rule for WeakOidcTrustReachesKey {
    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        let Some(role) = role_of(scope, document) else { return };
        let statements = &document.document.policy().statements;
        if statements.iter().any(|one| may_keep_out(one, ASSUME)) {
            return;
        }
        let wanted: Vec<KmsAction> = REVEAL
            .into_iter()
            .chain([KmsAction::PUT_KEY_POLICY, KmsAction::CREATE_GRANT])
            .collect();
        for (index, statement) in statements.iter().enumerate() {
            let Some(provider) = provider(statement).filter(|it| !is_pinned(statement, it)) else {
                continue;
            };
            let who = format!("too many subjects of {provider}");
            if let Some(report) =
                told(scope, sink, (document, index), role, (&who, &wanted), &|_, _| true)
            {
                report
                    .help(format!("pin `{provider}:sub` to the subjects that need the role"))
                    .done();
            }
        }
    }
}

/// The host of the OIDC provider whose subjects the statement lets in.
fn provider(statement: &Statement) -> Option<&str> {
    let element = statement.principal.as_ref().filter(|one| one.polarity == Polarity::Is)?;
    if !statement.allows() || !covers(statement, ASSUME) {
        return None;
    }
    element.entries.iter().find_map(|entry| match &entry.value {
        Principal::Federated(name) => Some(name.split_once(":oidc-provider/")?.1),
        _ => None,
    })
}

/// Whether a condition picks subjects: by `sub`, or by another claim than for whom the token was made.
fn is_pinned(statement: &Statement, provider: &str) -> bool {
    statement.conditions.iter().any(|condition| {
        let claim = condition
            .key
            .value
            .rsplit_once(':')
            .filter(|(host, _)| host.eq_ignore_ascii_case(provider));
        match claim.map(|(_, claim)| claim.to_ascii_lowercase()).as_deref() {
            Some("sub") => is_firm(condition) && picks(condition, provider),
            Some("aud" | "oaud" | "azp" | "iss") | None => false,
            Some(_) => is_firm(condition),
        }
    })
}

/// Whether every value means few subjects.
fn picks(condition: &Condition, provider: &str) -> bool {
    let shared = REPOSITORIES.iter().find(|(host, _)| provider.eq_ignore_ascii_case(host));
    let means_few = |text: &str| {
        let fixed = text.split(['*', '?']).next().unwrap_or_default();
        match shared {
            // The owner, a slash, the repository and what ends it.
            Some((_, head)) => fixed
                .strip_prefix(head)
                .and_then(|rest| rest.split_once('/'))
                .is_some_and(|(owner, rest)| !owner.is_empty() && rest.contains(':')),
            None => !fixed.is_empty(),
        }
    };
    condition.values.iter().all(|value| value.value.text().is_none_or(means_few))
}
