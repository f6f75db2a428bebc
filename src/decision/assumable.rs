//! What is not assumed together: what values say of keys of which nothing but an assumption tells.
//!
//! The engines take more contexts for possible; that says never and always of fewer cells, not of more.

use super::agree::ORGANIZATIONS;
use super::assumptions::CALLED_VIA;
use super::{Context, Entry};

/// Whether AWS could send what a context gives together, and without what it says to be absent.
pub fn are_assumable(context: &Context) -> bool {
    ORGANIZATIONS.iter().all(|(id, paths)| have_both_or_neither(context, &[id, paths]))
        && is_one_chain(context)
        && is_service_or_not(context)
        && is_of_one_account(context)
}

fn values<'c>(context: &'c Context, key: &str) -> Option<&'c [Box<str>]> {
    context.get(key).map(|entry: &Entry| entry.value.values())
}

fn says(context: &Context, key: &str, text: &str) -> bool {
    values(context, key).is_some_and(|all| all.iter().any(|it| it.eq_ignore_ascii_case(text)))
}

/// Keys that come together: an account of an organization has its id and a path (section 2.5).
fn have_both_or_neither(context: &Context, keys: &[&str]) -> bool {
    let is_given = keys.iter().any(|key| context.get(key).is_some());
    !is_given || !keys.iter().any(|key| context.is_absent(key))
}

/// Rule C66: of one chain the first and the last link are told, and all of them.
fn is_one_chain(context: &Context) -> bool {
    let [chain, first, last] = CALLED_VIA.map(|key| values(context, key));
    let is_link = |end: Option<&[Box<str>]>| {
        let both = chain.zip(end);
        both.is_none_or(|(chain, end)| end.iter().all(|it| chain.contains(it)))
    };
    have_both_or_neither(context, &CALLED_VIA) && is_link(first) && is_link(last)
}

/// Services alone have a name of such, and all of them do (IAM user guide, aws:PrincipalServiceName).
fn is_service_or_not(context: &Context) -> bool {
    let is = |text| says(context, "aws:PrincipalIsAWSService", text);
    let names = ["aws:PrincipalServiceName", "aws:PrincipalServiceNamesList"];
    let is_named = names.iter().any(|key| context.get(key).is_some());
    let is_nameless = names.iter().any(|key| context.is_absent(key));
    !(is("false") && is_named || is("true") && is_nameless)
}

/// Rule C54: who has an account is of the one that KMS tells.
fn is_of_one_account(context: &Context) -> bool {
    let told = values(context, "kms:CallerAccount").zip(values(context, "aws:PrincipalAccount"));
    told.is_none_or(|(caller, principal)| caller == principal)
}
