//! The rules: each a file of logic here, and a page of metadata and documentation under `rules/`.
//!
//! A rule says what is wrong. It asks the world and [`Reach`](crate::decision::Reach), never which engine
//! answers; its page says how bad that is; the builder takes no finding without a place.

mod asked;
mod audience;
mod controllers;
mod escalation;
mod export;
mod fixing;
mod granting;
mod grants;
mod hanging;
mod lifecycle;
mod metadata;
mod optional_conditions;
mod outsiders;
mod perhaps;
mod presence;
mod report;
mod resources;
mod role_trust;
mod scope;
mod settings;
mod shapes;
mod supposing;
mod trust;
mod unsure;
mod what_if;
mod wide;

pub use metadata::{Facet, Front, Input, Metadata, Need, Reference};
pub use scope::{Documented, KeyScope, Scope, short_name};
pub use settings::{Settings, deployer};

use rayon::prelude::*;

use crate::aws::suggest;
use crate::findings::{Finding, Label};
use crate::inventory::without_indices;
use report::Sink;

/// A rule. Each hook it overrides is called once for every key, every policy, or the world.
trait Rule: Sync {
    /// Looks at one key.
    fn key(&self, _scope: &KeyScope<'_>, _sink: &mut Sink<'_>) {}

    /// Looks at one policy.
    fn document(&self, _scope: &Scope<'_>, _document: &Documented<'_>, _sink: &mut Sink<'_>) {}

    /// Looks at the world.
    fn world(&self, _scope: &Scope<'_>, _sink: &mut Sink<'_>) {}
}

/// A rule with its page.
pub struct Registered {
    /// What its page says.
    pub metadata: Metadata,
    rule: &'static dyn Rule,
}

impl Registered {
    /// Whether there is what it needs.
    pub fn can_run(&self, scope: &Scope<'_>) -> bool {
        match self.metadata.front.needs {
            None => true,
            Some(Need::Base) => scope.base.is_some(),
            Some(Need::Deployer) => scope.settings.deployer.is_some(),
        }
    }
}

/// Declares the modules of the rules and the table of all rules, in the order of the table.
macro_rules! rules {
    ($($module:ident :: $rule:ident = $slug:literal,)+) => {
        $(mod $module;)+

        /// Every rule with its page, in their order everywhere.
        static RULES: std::sync::LazyLock<Vec<Registered>> = std::sync::LazyLock::new(|| {
            vec![$(Registered {
                metadata: Metadata::parse(
                    $slug,
                    include_str!(concat!("../../rules/", $slug, ".md")),
                ),
                rule: &$module::$rule,
            }),+]
        });
    };
}

rules! {
    missing_root_statement::MissingRootStatement = "missing-root-statement",
    key_unmanageable::KeyUnmanageable = "key-unmanageable",
    deny_locks_out_everyone::DenyLocksOutEveryone = "deny-locks-out-everyone",
    deployer_locked_out::DeployerLockedOut = "deployer-locked-out",
    lockout_check_bypassed::LockoutCheckBypassed = "lockout-check-bypassed",
    admin_can_rewrite_policy::AdminCanRewritePolicy = "admin-can-rewrite-policy",
    admin_can_self_grant::AdminCanSelfGrant = "admin-can-self-grant",
    public_key_access::PublicKeyAccess = "public-key-access",
    external_account_access::ExternalAccountAccess = "external-account-access",
    external_grantee::ExternalGrantee = "external-grantee",
    service_principal_unscoped::ServicePrincipalUnscoped = "service-principal-unscoped",
    via_service_without_caller_account::ViaServiceWithoutCallerAccount =
        "via-service-without-caller-account",
    decrypt_on_all_keys::DecryptOnAllKeys = "decrypt-on-all-keys",
    kms_full_access::KmsFullAccess = "kms-full-access",
    wide_destructive_rights::WideDestructiveRights = "wide-destructive-rights",
    grant_bypasses_policy_conditions::GrantBypassesPolicyConditions =
        "grant-bypasses-policy-conditions",
    revoked_principal_keeps_grant::RevokedPrincipalKeepsGrant = "revoked-principal-keeps-grant",
    grant_dangling_grantee::GrantDanglingGrantee = "grant-dangling-grantee",
    grant_too_wide::GrantTooWide = "grant-too-wide",
    duplicate_grants::DuplicateGrants = "duplicate-grants",
    context_names_differ_by_case::ContextNamesDifferByCase = "context-names-differ-by-case",
    unconstrained_create_grant::UnconstrainedCreateGrant = "unconstrained-create-grant",
    iam_writer_can_reach_key::IamWriterCanReachKey = "iam-writer-can-reach-key",
    external_role_chain_to_key::ExternalRoleChainToKey = "external-role-chain-to-key",
    grant_allows_redelegation::GrantAllowsRedelegation = "grant-allows-redelegation",
    allow_fully_denied::AllowFullyDenied = "allow-fully-denied",
    iam_allow_without_key_trust::IamAllowWithoutKeyTrust = "iam-allow-without-key-trust",
    key_policy_resource_mismatch::KeyPolicyResourceMismatch = "key-policy-resource-mismatch",
    alias_arn_as_key_resource::AliasArnAsKeyResource = "alias-arn-as-key-resource",
    action_not_effective_here::ActionNotEffectiveHere = "action-not-effective-here",
    condition_key_not_in_request::ConditionKeyNotInRequest =
        "condition-key-not-in-request",
    unknown_action::UnknownAction = "unknown-action",
    unknown_condition_key::UnknownConditionKey = "unknown-condition-key",
    unsatisfiable_condition::UnsatisfiableCondition = "unsatisfiable-condition",
    wildcard_without_like::WildcardWithoutLike = "wildcard-without-like",
    redundant_statement::RedundantStatement = "redundant-statement",
    allow_not_principal::AllowNotPrincipal = "allow-not-principal",
    deny_not_principal::DenyNotPrincipal = "deny-not-principal",
    allow_not_action::AllowNotAction = "allow-not-action",
    deleted_principal::DeletedPrincipal = "deleted-principal",
    unknown_principal::UnknownPrincipal = "unknown-principal",
    invalid_principal::InvalidPrincipal = "invalid-principal",
    forallvalues_allow::ForAllValuesAllow = "forallvalues-allow",
    if_exists_opens_allow::IfExistsOpensAllow = "if-exists-opens-allow",
    encryption_context_optional::EncryptionContextOptional = "encryption-context-optional",
    attestation_bypassable::AttestationBypassable = "attestation-bypassable",
    pending_deletion_in_use::PendingDeletionInUse = "pending-deletion-in-use",
    rotation_disabled::RotationDisabled = "rotation-disabled",
    disabled_key_in_use::DisabledKeyInUse = "disabled-key-in-use",
    alias_retarget::AliasRetarget = "alias-retarget",
    replica_policy_escalation::ReplicaPolicyEscalation = "replica-policy-escalation",
    replica_policy_drift::ReplicaPolicyDrift = "replica-policy-drift",
    guardrail_only_protection::GuardrailOnlyProtection = "guardrail-only-protection",
    boundary_bypassed_by_key_policy::BoundaryBypassedByKeyPolicy =
        "boundary-bypassed-by-key-policy",
    network_condition_breaks_services::NetworkConditionBreaksServices =
        "network-condition-breaks-services",
    wide_reach_key::WideReachKey = "wide-reach-key",
    shared_key_without_context::SharedKeyWithoutContext = "shared-key-without-context",
    tag_write_escalation::TagWriteEscalation = "tag-write-escalation",
    alias_write_escalation::AliasWriteEscalation = "alias-write-escalation",
    principal_tag_escalation::PrincipalTagEscalation = "principal-tag-escalation",
    weak_oidc_trust_reaches_key::WeakOidcTrustReachesKey = "weak-oidc-trust-reaches-key",
    admin_can_use::AdminCanUse = "admin-can-use",
    single_point_of_administration::SinglePointOfAdministration =
        "single-point-of-administration",
    deny_exemption_never_matches::DenyExemptionNeverMatches = "deny-exemption-never-matches",
    root_statement_narrowed::RootStatementNarrowed = "root-statement-narrowed",
    malformed_policy::MalformedPolicy = "malformed-policy",
    truncated_export::TruncatedExport = "truncated-export",
    missing_input::MissingInput = "missing-input",
    unresolved_reference::UnresolvedReference = "unresolved-reference",
    conflicting_duplicates::ConflictingDuplicates = "conflicting-duplicates",
    unused_suppression::UnusedSuppression = "unused-suppression",
    failed_assertion::FailedAssertion = "failed-assertion",
}

pub use failed_assertion::{Failed, Way, failed_assertions};
pub use unused_suppression::{Stale, unused_suppressions};

/// Every rule, in their order everywhere.
pub fn all() -> &'static [Registered] {
    &RULES
}

/// The rule called `name`.
pub fn named(name: &str) -> Option<&'static Registered> {
    RULES.iter().find(|rule| rule.metadata.slug == name)
}

/// That there is no rule called `name`, and which may have been meant.
pub fn unknown(name: &str) -> String {
    let near = suggest::nearest(name, RULES.iter().map(|rule| rule.metadata.slug));
    let meant = near.map(|near| format!("did you mean {near}? ")).unwrap_or_default();
    format!("there is no rule `{name}`: {meant}`keyreach rules` lists them")
}

/// What the `selected` rules find, in no particular order. Keys and policies are looked at in parallel.
pub fn check(scope: &Scope<'_>, selected: &[&Registered]) -> Vec<Finding> {
    let each = |look: &dyn Fn(&'static dyn Rule, &mut Sink<'_>)| {
        let mut found = Vec::new();
        for registered in selected {
            look(registered.rule, &mut Sink::new(&registered.metadata, &mut found));
        }
        found
    };
    let keys: Vec<_> = scope.world.keys.values().collect();
    let of_keys = keys.into_par_iter().flat_map_iter(|key| {
        let key = KeyScope::new(scope, key);
        each(&|rule, sink| rule.key(&key, sink))
    });
    let of_documents = scope
        .documents
        .par_iter()
        .flat_map_iter(|document| each(&|rule, sink| rule.document(scope, document, sink)));
    let of_world =
        rayon::iter::once(()).flat_map_iter(|()| each(&|rule, sink| rule.world(scope, sink)));
    let mut found: Vec<Finding> = of_keys.chain(of_documents).chain(of_world).collect();
    perhaps::once(scope, &mut found);
    found.iter_mut().for_each(|finding| {
        of_block(scope, finding);
        let key = finding.key.as_ref().and_then(|key| scope.world.key(key));
        finding.block = key.map(|key| key.place).filter(|place| scope.world.is_declared(*place));
    });
    unsure::weaken(scope, &mut found);
    found
}

/// What is said of one instance of a block of infrastructure code is said of the block: its indices come and
/// go, and what is wrong stands in the code once.
fn of_block(scope: &Scope<'_>, finding: &mut Finding) {
    let is_declared = |label: &Label| scope.world.is_declared(label.place);
    let is_one = finding.instance.is_none() && finding.subject.contains('[');
    if !is_one || !finding.labels.first().is_some_and(is_declared) {
        return;
    }
    let block = without_indices(&finding.subject);
    let subject = std::mem::replace(&mut finding.subject, block);
    let id = finding.key.as_ref().map(|key| key.id().to_owned());
    finding.instance = Some(id.filter(|id| id.contains('[')).unwrap_or(subject));
}
