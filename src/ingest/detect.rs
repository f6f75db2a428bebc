//! Which call a document is the output of: told by the names of its members, then by their values.

use super::document::{Document, Read, Refusal};
use super::{
    authorization_details, bare, cloudformation, endpoints, iam, kms, organizations, recorded,
    terraform,
};

/// A kind of document.
struct Kind {
    /// It has one of these members.
    names: &'static [&'static str],
    /// No other program's documents have them.
    is_sure: bool,
    /// Reads it, or says that it is something else.
    read: fn(&Document<'_, '_>) -> Read,
}

/// The kinds, tried in this order.
const KINDS: &[Kind] = &[
    sure(&["UserDetailList", "GroupDetailList", "RoleDetailList"], authorization_details::read),
    sure(&["KeyMetadata"], kms::describe_key),
    sure(&["KeyRotationEnabled"], kms::get_key_rotation_status),
    sure(&["VpcEndpoints"], endpoints::read),
    sure(&["OrganizationalUnits"], organizations::list_organizational_units),
    sure(&["configurationItems", "baseConfigurationItems"], recorded::read),
    likely(&["Results"], recorded::read),
    sure(&["planned_values"], terraform::plan::read),
    likely(&["terraform_version"], terraform::plan::read),
    likely(&["Policy"], organizations::describe_policy),
    likely(&["Policy"], kms::get_key_policy),
    likely(&["Policy"], iam::get_policy),
    likely(&["Grants"], kms::list_grants),
    likely(&["Tags"], kms::list_resource_tags),
    likely(&["Aliases"], kms::list_aliases),
    likely(&["Keys"], kms::list_keys),
    likely(&["Group"], iam::get_group),
    likely(&["User"], iam::get_user),
    likely(&["Role"], iam::get_role),
    likely(&["Users"], iam::list_users),
    likely(&["Roles"], iam::list_roles),
    likely(&["Groups"], iam::list_groups),
    likely(&["PolicyDocument"], iam::get_inline_policy),
    sure(&["AttachedPolicies"], iam::list_attached_policies),
    likely(&["PolicyNames"], iam::list_inline_policies),
    sure(&["PolicyVersion"], iam::get_policy_version),
    likely(&["Versions"], iam::list_policy_versions),
    sure(&["PolicyUsers", "PolicyRoles", "PolicyGroups"], iam::list_entities_for_policy),
    likely(&["Policies"], iam::list_policies),
    likely(&["Organization"], organizations::describe_organization),
    likely(&["Roots"], organizations::list_roots),
    likely(&["Accounts"], organizations::list_accounts),
    likely(&["Parents"], organizations::list_parents),
    likely(&["Children"], organizations::list_children),
    likely(&["Policies"], organizations::list_policies),
    likely(&["Targets"], organizations::list_targets),
    likely(&["Statement"], bare::read),
    likely(&["Resources"], cloudformation::read_json),
    likely(&["artifacts"], cloudformation::manifest::read),
];

const fn sure(names: &'static [&'static str], read: fn(&Document<'_, '_>) -> Read) -> Kind {
    Kind { names, is_sure: true, read }
}

const fn likely(names: &'static [&'static str], read: fn(&Document<'_, '_>) -> Read) -> Kind {
    Kind { names, is_sure: false, read }
}

/// Reads a document of any kind that is known.
///
/// # Errors
/// [`Refusal::Other`] where it is none of ours, else why it cannot be used.
pub(super) fn read(document: &Document<'_, '_>) -> Read {
    for kind in KINDS {
        let Some(name) = kind.names.iter().find(|name| document.get(name).is_some()) else {
            continue;
        };
        match (kind.read)(document) {
            Err(Refusal::Other) => {}
            Err(Refusal::Unusable { .. }) if !kind.is_sure && !document.source.hint.is_export() => {
            }
            Ok(facts) => return once(document, name).map(|()| facts),
            refused => return refused,
        }
    }
    Err(Refusal::Other)
}

/// That the member `name` stands once: of two neither is what the call printed.
fn once(document: &Document<'_, '_>, name: &str) -> Result<(), Refusal> {
    let mut values = document.members.iter().filter(|(member, _)| member == name).skip(1);
    match values.next() {
        None => Ok(()),
        Some((_, again)) => Err(Refusal::Unusable {
            span: document.source.span(again.get()),
            message: format!("`{name}` stands twice"),
        }),
    }
}

/// Whether a text that cannot be read begins as one of our documents does.
pub(super) fn begins_as_ours(beginning: &str) -> bool {
    let names = KINDS.iter().filter(|kind| kind.is_sure).flat_map(|kind| kind.names);
    names.into_iter().any(|name| is_member(beginning, name))
}

/// Whether `text` has a member called `name`, as far as that can be seen without reading it.
pub(super) fn is_member(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).is_some_and(|before| before.ends_with('"'));
        let behind = text.get(at + name.len()..).and_then(|rest| rest.strip_prefix('"'));
        before && behind.is_some_and(|rest| rest.trim_start().starts_with(':'))
    })
}
