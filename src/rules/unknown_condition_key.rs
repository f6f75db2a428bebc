//! A condition asks for a condition key that does not exist.

use crate::aws::condition_keys::condition_keys;
use crate::aws::{condition_key, suggest, tables_date};
use crate::policy::{Condition, PolicyKind};

use super::fixing::{is_slip, of_statement, replaced};
use super::presence::{Absence, Conditioned, GIVES, absence, conditioned};
use super::report::Sink;
use super::{Documented, Rule, Scope};

/// See the rule's page.
pub(super) struct UnknownConditionKey;

impl Rule for UnknownConditionKey {
    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        for of in conditioned(scope, document) {
            for condition in &of.statement.conditions {
                let name = &*condition.key.value;
                if condition_key(name).is_none()
                    && is_for_kms(document.document.kind, name)
                    && !scope.settings.knows_condition_key(name)
                {
                    tell(document, &of, condition, sink);
                }
            }
        }
    }
}

/// Whether the key is meant for KMS: always in a key policy, elsewhere by its prefix, or by a prefix one slip
/// away before the name of a key.
fn is_for_kms(kind: PolicyKind, name: &str) -> bool {
    let Some((prefix, rest)) = name.split_once(':') else { return true };
    let meant = suggest::nearest(prefix.trim(), ["kms", "aws"]);
    let is_slip = |prefix: &str| condition_key(&format!("{prefix}:{rest}")).is_some();
    let is_ours = ["kms", "aws"].iter().any(|one| prefix.trim().eq_ignore_ascii_case(one));
    kind == PolicyKind::Key || is_ours || meant.is_some_and(is_slip)
}

fn tell(
    document: &Documented<'_>,
    of: &Conditioned<'_>,
    condition: &Condition,
    sink: &mut Sink<'_>,
) {
    let name = &*condition.key.value;
    let absence = absence(of.statement, condition);
    let follows = match absence {
        Some(Absence::Dead) => "this Allow gives nothing",
        Some(Absence::Toothless) => "this Deny protects nothing",
        Some(Absence::Total) => "this Deny stops every request",
        Some(Absence::Idle) | None => "this condition limits nothing",
    };
    let table = format!("the table of condition keys searched here is of {}", tables_date());
    let meant = meant(name);
    // Rule C6: a global key that AWS added since would come with every request.
    let may_be_newer =
        meant.is_none() && name.get(..4).is_some_and(|it| it.eq_ignore_ascii_case("aws:"));
    let message = match may_be_newer {
        true => format!("{name} in {} is no condition key that is known", document.name),
        false => format!("{name} in {} is no condition key of KMS: {follows}", document.name),
    };
    let slip = meant.clone().filter(|meant| is_slip(name, meant));
    let help = match meant {
        Some(meant) => format!("did you mean {meant}? ({table})"),
        None => format!("look the key up in the Service Authorization Reference; {table}"),
    };
    let fix = slip.map(|meant| {
        let access = of_statement(document, of.statement);
        replaced(document, access, condition.key.span, (name, &meant))
    });
    let mut report = sink
        .report(format!("{} {}", document.subject, name.to_ascii_lowercase()), message)
        .of_statement(document.document, of.statement)
        .at(document.document.place, Some(condition.key.span), "no such key")
        .help(help)
        .fix(fix);
    if let Some(key) = document.key {
        report = report.key(&key.arn);
    }
    if may_be_newer {
        report = report.facet("global");
    } else if matches!(absence, Some(Absence::Toothless | Absence::Total)) {
        report = report.facet("in-deny");
    } else if absence == Some(Absence::Dead) {
        report = report.refutes(&GIVES);
    }
    report.done();
}

/// The key that may have been meant; of a family its beginning is compared.
fn meant(name: &str) -> Option<String> {
    let heads = condition_keys().iter().map(|info| head(info.name));
    let heads = heads.filter(|head| !head.is_empty());
    let (own, rest) = name.split_at(head(name).len());
    let near = suggest::nearest(own, heads)?;
    let is_family = near.ends_with(['/', ':']);
    Some(if is_family { format!("{near}{rest}") } else { near.to_owned() })
}

/// What comes before the part of a name that varies: `aws:PrincipalTag/`, `kms:EncryptionContext:`; the
/// whole name where nothing does.
fn head(name: &str) -> &str {
    let fixed = name.split("${").next().unwrap_or(name);
    let colon = fixed.match_indices(':').nth(1).map(|(at, _)| at);
    let end = fixed.find('/').or(colon).map_or(fixed.len(), |at| at + 1);
    fixed.get(..end).unwrap_or(fixed)
}
