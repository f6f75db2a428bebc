//! What is asked for: a key, or nothing; its answers to the questions of policies.

use crate::aws::{KeySpec, KmsAction};
use crate::decision::{Context, ContextValue, OpenPoint};
use crate::inventory::{Inventory, Key, MultiRegion};

use super::caller_values::{organization_id, organization_path};
use super::entry::is_hidden_from_key_policies;
use super::formula::{Atom, Formula, Formulas};
use super::frame::Limit;
use super::gaps::Gaps;
use super::owner::possible;
use super::question::{Known, Question, Sight, missing};
use super::resolve::{resolved_resource, resolved_test};
use super::resource::Resource;
use super::spellings::written;
use super::test::Test;

/// Rule C57: with more aliases than this a key never satisfies kms:ResourceAliases.
const ALIAS_QUOTA: usize = 50;

/// The condition key of the alias that a request names its key by (rule C55), in lower case.
pub(super) const REQUEST_ALIAS: &str = "kms:requestalias";

/// What a request is made on.
#[derive(Clone, Copy)]
pub(super) enum Asked<'w> {
    /// A key of the export.
    Key(&'w Key),
    /// What a request outside KMS is made on.
    Resource(Resource<'w>),
    /// Nothing: the account form of rule A68, or for ListRetirableGrants the caller.
    Nothing {
        /// The resource in two halves; the Region stands between them. For ListRetirableGrants all of it
        /// is the first.
        resource: (&'w str, &'w str),
    },
}

/// A world with what is fixed for a whole analysis.
pub(super) struct Setting<'w> {
    /// The world.
    pub(super) world: &'w Inventory,
    /// What is missing in it.
    pub(super) gaps: &'w Gaps,
    /// Condition keys that the question or an assumption fixes.
    pub(super) given: &'w Context,
    /// The formulas.
    pub(super) formulas: &'w Formulas,
}

impl Asked<'_> {
    /// The answer to a question, as far as the key alone gives it.
    pub(super) fn answer(self, setting: &Setting<'_>, question: &Question) -> Formula {
        let formulas = setting.formulas;
        let known = |key: &str| self.known(setting, key);
        match question {
            Question::Test { test, sight } => self.test(setting, test, *sight),
            Question::Resource(pattern) => match self {
                Self::Key(key) => {
                    resolved_resource(formulas, pattern, Some(key.arn.as_str()), &known)
                }
                Self::Resource(resource) => {
                    resolved_resource(formulas, pattern, Some(resource.arn), &known)
                }
                Self::Nothing { resource } => self.account_form(setting, pattern, resource),
            },
            Question::Names(..) | Question::Spares(_) => {
                formulas.of(Atom::Caller(question.clone()))
            }
        }
    }

    fn test(self, setting: &Setting<'_>, test: &Test, sight: Sight) -> Formula {
        let formulas = setting.formulas;
        let is_given = |key: &str| setting.given.get(key).is_some();
        if let Self::Key(key) = self
            && *test.key == *"kms:resourcealiases"
            && key.aliases.len() > ALIAS_QUOTA
            && !is_given(&test.key)
        {
            // Rule C57: false for an Allow, unknown for a Deny.
            return match sight.denies() {
                false => Formula::FALSE,
                true => missing(formulas, "whether the alias quota of the key counts", test, true),
            };
        }
        let seen = resolved_test(formulas, test, sight, &|key| self.known(setting, key));
        let told =
            |key: &str| matches!(self.known(setting, key), Known::Value(_) | Known::Untold(_));
        let is_hidden = |key: &str| is_hidden_from_key_policies(key) && !is_given(key) && told(key);
        if !sight.is_hidden() || !test.key_names().any(is_hidden) {
            return seen;
        }
        // Rule C56, which AWS leaves open (O9).
        let unseen = resolved_test(formulas, test, sight, &|key| match is_hidden(key) {
            true => Known::Value(None),
            false => self.known(setting, key),
        });
        if seen == unseen {
            return seen;
        }
        let other = formulas.of(Atom::Open(OpenPoint::O9));
        formulas.or([formulas.and([other, seen]), formulas.and([formulas.not(other), unseen])])
    }

    /// Rule A68: the Region of the request stands in the resource.
    fn account_form(
        self,
        setting: &Setting<'_>,
        pattern: &super::question::ResourcePattern,
        resource: (&str, &str),
    ) -> Formula {
        let formulas = setting.formulas;
        let known = |key: &str| self.known(setting, key);
        let (before, after) = resource;
        if after.is_empty() {
            return resolved_resource(formulas, pattern, Some(before), &known);
        }
        let region = match self.known(setting, REGION) {
            Known::Value(Some(ContextValue::One(region))) => region,
            _ => {
                let rest = format!("{before}{after}");
                return pattern.in_region(formulas, &rest, REGION, &known);
            }
        };
        let whole = format!("{before}{region}{after}");
        resolved_resource(formulas, pattern, Some(&whole), &known)
    }

    /// What is known of a condition key (section 2.5), once the key is.
    pub(super) fn known(self, setting: &Setting<'_>, name: &str) -> Known {
        if let Some(entry) = setting.given.get(&written(name)) {
            return Known::Value(Some(entry.value.clone()));
        }
        if setting.given.is_absent(name) {
            return Known::Value(None);
        }
        use crate::aws::{Nature, condition_key};
        let nature = condition_key(name).map(|info| info.nature);
        match (nature, self) {
            // Questions about the caller were put in before, or come after.
            (Some(Nature::Principal), _) => Known::NotYet,
            (Some(Nature::Key | Nature::Region), Self::Key(key)) => of_key(setting, key, name),
            (Some(Nature::Key | Nature::Region), Self::Resource(resource)) => {
                resource.known(setting.world, name)
            }
            (Some(Nature::Key), Self::Nothing { .. }) => match name.starts_with("kms:") {
                // Parameters of CreateKey.
                true => Known::OfRequest,
                false => Known::Value(None),
            },
            _ => Known::OfRequest,
        }
    }

    /// What single request-time keys can hold, by the key: its algorithms, its encryption context (rules
    /// C51, C52, C55).
    pub(super) fn limits(self) -> Vec<(Box<str>, Limit)> {
        let Self::Key(key) = self else {
            return Vec::new();
        };
        let mut limits = Vec::new();
        let metadata = key.metadata.as_ref();
        if let Some(spec) = metadata.and_then(|it| KeySpec::parse(it.spec.as_deref()?)) {
            let info = spec.info();
            let mut one_of = |name: &str, values: Vec<Box<str>>| {
                limits.push((name.into(), Limit::OneOf(values.into())));
            };
            one_of("kms:encryptionalgorithm", texts(info.encryption_algorithms.iter()));
            one_of("kms:signingalgorithm", texts(info.signing_algorithms.iter()));
            one_of("kms:macalgorithm", texts(info.mac_algorithms.iter()));
            if metadata.and_then(|it| it.spec.as_deref()) != Some("SYMMETRIC_DEFAULT") {
                limits.push(("kms:encryptioncontext".into(), Limit::Absent));
            }
        }
        // Rule G3: a grant is of operations that the key performs.
        let performs = possible(key);
        let operations = KmsAction::all().filter(|action| action.info().grantable);
        let operations = operations.filter(|action| performs.contains(*action));
        let names = operations.map(|action| action.name().into());
        limits.push(("kms:grantoperations".into(), Limit::Rather(names.collect())));
        if key.aliases_listed {
            let names = key.aliases.iter().map(|alias| alias.name().into());
            limits.push((REQUEST_ALIAS.into(), Limit::OneOf(names.collect())));
        }
        limits.sort();
        limits
    }
}

const REGION: &str = "aws:requestedregion";

fn texts<T: ToString>(values: impl Iterator<Item = T>) -> Vec<Box<str>> {
    values.map(|value| value.to_string().into()).collect()
}

fn of_key(setting: &Setting<'_>, key: &Key, name: &str) -> Known {
    let one = |text: &str| Known::Value(Some(ContextValue::One(text.into())));
    let or_absent = |text: Option<&str>| text.map_or(Known::Value(None), one);
    let gap = |part: &'static str, known: bool| match setting.gaps.key_part(&key.arn, part) {
        Some(words) => Some(Known::missing(words)),
        None if !known => Some(Known::missing(format!("{part} of {}", key.arn))),
        None => None,
    };
    match name {
        "aws:resourceaccount" => return one(key.arn.account().as_str()),
        "aws:resourceorgid" => return organization_id(setting.world, key.arn.account()),
        "aws:resourceorgpaths" => return organization_path(setting.world, key.arn.account()),
        "aws:requestedregion" => return one(key.arn.region()),
        // Rules C56 to C58.
        "kms:resourcealiases" => {
            if let Some(missing) = gap("aliases", key.aliases_listed) {
                return missing;
            }
            let names = key.aliases.iter().map(|alias| alias.name().into());
            let names: Vec<Box<str>> = names.collect();
            return Known::Value((!names.is_empty()).then_some(ContextValue::Many(names)));
        }
        _ => {}
    }
    if let Some(tag) = name.strip_prefix("aws:resourcetag/") {
        if let Some(missing) = gap("tags", key.tags.is_some()) {
            return missing;
        }
        let tags = || key.tags.iter().flatten();
        // Rule C5: of tags that differ by case alone the one of equal case counts.
        let equal = tags().find(|(key, _)| ***key == *tag);
        let found = equal.or_else(|| tags().find(|(key, _)| key.eq_ignore_ascii_case(tag)));
        return or_absent(found.map(|(_, value)| &**value));
    }
    if name == "kms:trailingdayswithoutkeyusage" {
        return Known::OfRequest;
    }
    if let Some(missing) = gap("metadata", key.metadata.is_some()) {
        return missing;
    }
    let Some(metadata) = &key.metadata else {
        return Known::Value(None);
    };
    match name {
        "kms:keyspec" | "kms:customermasterkeyspec" => or_absent(metadata.spec.as_deref()),
        "kms:keyusage" | "kms:customermasterkeyusage" => or_absent(metadata.usage.as_deref()),
        "kms:keyorigin" => or_absent(metadata.origin.as_deref()),
        "kms:multiregion" => one(if metadata.multi_region.is_some() { "true" } else { "false" }),
        // Rule C65.
        "kms:multiregionkeytype" => {
            let role = metadata.multi_region.as_ref().map(|MultiRegion { role, .. }| role.name());
            or_absent(role)
        }
        _ => Known::Value(None),
    }
}

/// The two halves of the account form (rule A68), the Region between them.
pub(super) fn account_form(partition: &str, account: &str) -> (String, String) {
    (format!("arn:{partition}:kms:"), format!(":{account}:*"))
}

/// Whether an action's resource is the caller where it has none (rule A68).
pub(super) fn asks_about_caller(action: KmsAction) -> bool {
    action == KmsAction::LIST_RETIRABLE_GRANTS
}
