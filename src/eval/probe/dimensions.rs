//! The condition keys that are free for a request, and the values worth trying for each.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::aws::{AliasArn, KmsAction, Nature, carried, condition_key};
use crate::decision::{Allowing, CallerKind, ContextValue, Fact, Is, Request, Target, companions};
use crate::eval::reference::{Reference, View};
use crate::inventory::{Grant, Identity};
use crate::policy::{Comparison, Condition, Part, Value, Variables, parts};

use super::values::{Mentions, values};

/// When credentials were issued, in lower case.
const ISSUED: &str = "aws:tokenissuetime";

/// The instant of the request in two forms, in lower case.
const CLOCK: &[&str] = &["aws:currenttime", "aws:epochtime"];

/// Condition keys that tell of one thing, in lower case: an instant in two forms, a resource and its account,
/// organizations with places in them.
const TOGETHER: [&[&str]; 4] = [
    CLOCK,
    &["aws:sourcearn", "aws:sourceaccount"],
    &["aws:sourceorgid", "aws:sourceorgpaths"],
    &["aws:vpceorgid", "aws:vpceorgpaths"],
];

/// One free condition key.
struct Dimension {
    name: Box<str>,
    /// What to try; nothing stands for the absent key.
    values: Vec<Option<ContextValue>>,
}

/// All free keys of one request.
pub(super) struct Dimensions {
    dimensions: Vec<Dimension>,
    exact: bool,
    missing: Vec<String>,
}

impl Dimensions {
    /// Whether it could matter what a request says of `name`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.dimensions.iter().any(|dimension| dimension.name.eq_ignore_ascii_case(name))
    }

    /// The keys that the conditions in play, and the constraints of the key's grants, mention.
    pub(super) fn of(
        reference: &Reference<'_>,
        request: &Request,
        now: Timestamp,
        facts: &[Fact],
    ) -> Self {
        let view = reference.view(request);
        let mut free = Free {
            reference,
            view: &view,
            request,
            mentions: BTreeMap::new(),
            known: BTreeMap::new(),
            exact: true,
            missing: Vec::new(),
        };
        for condition in view.conditions_in_play() {
            free.condition(condition);
        }
        free.grants();
        free.endpoints();
        let hears = |free: &Free<'_, '_>, key: &str| free.mentions.contains_key(key);
        let asks_when_issued = hears(&free, ISSUED);
        free.companions(facts);
        // When a session began goes with the clock, which every request has.
        let goes_with_clock = hears(&free, ISSUED) && CLOCK.iter().any(|key| hears(&free, key));
        let Free { mentions, mut exact, missing, .. } = free;
        exact &= !asks_when_issued && !goes_with_clock;
        // A list for each does not say which of them go together.
        for keys in TOGETHER {
            exact &= keys.iter().filter(|key| mentions.contains_key(**key)).count() < 2;
        }
        // Nor which tags a set of their keys goes with.
        let of_tags = |prefix: &str| mentions.keys().any(|key| key.starts_with(prefix));
        exact &= !(of_tags("aws:requesttag/") && of_tags("aws:tagkeys"));
        let mut dimensions = Vec::new();
        for mentions in mentions.into_values() {
            let (values, covers) = match own_aliases(reference, request, &mentions.name) {
                Some(values) => (values, true),
                None => values(&mentions, request, reference, now, facts),
            };
            exact &= covers;
            dimensions.push(Dimension { name: mentions.name, values });
        }
        Self { dimensions, exact, missing }
    }

    /// Whether the values cover every class of contexts.
    pub(super) fn is_exact(&self) -> bool {
        self.exact
    }

    /// What was not exported and a condition in play asks for.
    pub(super) fn missing(&self) -> Vec<String> {
        self.missing.clone()
    }

    /// How many combinations there are.
    pub(super) fn count(&self) -> usize {
        self.dimensions
            .iter()
            .fold(1, |count, dimension| count.saturating_mul(dimension.values.len().max(1)))
    }

    /// Every combination, put into the context of `plain`; the first leaves most keys absent.
    pub(super) fn requests<'a>(&'a self, plain: &'a Request) -> impl Iterator<Item = Request> + 'a {
        (0..self.count()).map(|number| self.request(plain, number))
    }

    /// The combination of this number.
    pub(super) fn request(&self, plain: &Request, number: usize) -> Request {
        let mut rest = number;
        self.drawn(plain, &mut |below| {
            let chosen = rest % below.max(1);
            rest /= below.max(1);
            chosen
        })
    }

    /// One combination, each value drawn by `next` from so many, put into the context of `plain`.
    pub(super) fn drawn(&self, plain: &Request, next: &mut impl FnMut(usize) -> usize) -> Request {
        let mut request = plain.clone();
        for dimension in &self.dimensions {
            if let Some(Some(value)) = dimension.values.get(next(dimension.values.len())) {
                put(&mut request, &dimension.name, value);
            }
        }
        request
    }
}

/// Rule C55: what `kms:RequestAlias` can be for a key whose aliases are known, absent included.
fn own_aliases(
    reference: &Reference<'_>,
    request: &Request,
    name: &str,
) -> Option<Vec<Option<ContextValue>>> {
    let Target::Key(arn) = &request.target else { return None };
    let key = reference.world().key(arn).filter(|key| key.aliases_listed)?;
    let named = |alias: &AliasArn| Some(ContextValue::One(alias.name().into()));
    let all = || std::iter::once(None).chain(key.aliases.iter().map(named)).collect();
    name.eq_ignore_ascii_case("kms:RequestAlias").then(all)
}

/// Rule C52: kms:EncryptionContextKeys is the set of the pairs' keys, so pairs are made for it.
fn put(request: &mut Request, name: &str, value: &ContextValue) {
    if name.eq_ignore_ascii_case("kms:EncryptionContextKeys") {
        for key in value.values() {
            let pair = format!("kms:EncryptionContext:{key}");
            if request.context.get(&pair).is_none() {
                request.context.set_one(&pair, "x");
            }
        }
    } else {
        request.context.set(name, value.clone());
    }
}

/// The free keys while they are collected.
struct Free<'a, 'w> {
    reference: &'a Reference<'w>,
    view: &'a View<'a, 'w>,
    request: &'a Request,
    mentions: BTreeMap<String, Mentions>,
    /// Whether a key is free, as its conditions spell it: many conditions ask about few keys.
    known: BTreeMap<Box<str>, bool>,
    exact: bool,
    missing: Vec<String>,
}

impl Free<'_, '_> {
    fn condition(&mut self, condition: &Condition) {
        let name = &*condition.key.value;
        self.variables(condition);
        if !self.is_free(name) {
            return;
        }
        let operator = condition.operator.value;
        let texts: Vec<&str> =
            condition.values.iter().filter_map(|value| value.value.text()).collect();
        let multivalued = condition_key(name).is_some_and(|info| info.multivalued);
        self.mention(name).add(operator.comparison, &texts, multivalued);
    }

    fn mention(&mut self, name: &str) -> &mut Mentions {
        let entry = self.mentions.entry(name.to_ascii_lowercase());
        entry.or_insert_with(|| Mentions::new(name))
    }

    /// A variable over a key that is free ties two keys together: no finite list covers that.
    fn variables(&mut self, condition: &Condition) {
        for value in &condition.values {
            let Value::Text(text) = &value.value else {
                continue;
            };
            for part in parts(text, Variables::Replaced) {
                if let Part::Variable { key, .. } = part
                    && self.is_free(key)
                {
                    self.exact = false;
                }
            }
        }
    }

    /// Whether AWS may send different values of this key for the request.
    fn is_free(&mut self, name: &str) -> bool {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let is_free = self.find_free(name);
        self.known.insert(name.into(), is_free);
        is_free
    }

    fn find_free(&mut self, name: &str) -> bool {
        let request = self.request;
        let given = request.context.get(name).is_some() || request.context.is_absent(name);
        if given || !carried(request.action, name) {
            return false;
        }
        let lower = name.to_ascii_lowercase();
        if lower.starts_with("aws:principaltag/") {
            return self.has_session_tags();
        }
        if lower == "aws:userid" {
            return matches!(request.caller.kind, CallerKind::Role);
        }
        if self.view.fixed(name).is_some() {
            return false;
        }
        // Rule C54: the account that a service calls from is the service's.
        if lower == "kms:calleraccount" && matches!(request.caller.kind, CallerKind::Service) {
            return true;
        }
        match condition_key(name).map(|info| info.nature) {
            // What the export fixes and does not have is absent.
            Some(Nature::Principal | Nature::Key | Nature::Region) => {
                self.note_organization(&lower);
                false
            }
            // Rule C52.
            Some(Nature::RequestParameter) if lower.starts_with("kms:encryptioncontext") => {
                self.is_symmetric()
            }
            // A key that no table has may be newer than the tables.
            Some(_) | None => true,
        }
    }

    /// Section 2: a condition on an organization that was not exported.
    fn note_organization(&mut self, lower: &str) {
        let asks = lower.ends_with("orgid") || lower.ends_with("orgpaths");
        let world = self.reference.world();
        if asks && world.organization.is_none() && !world.has_no_organization {
            self.missing.push("organization".to_owned());
        }
    }

    /// Rule T7: session tags come where the trust policy admits sts:TagSession.
    fn has_session_tags(&self) -> bool {
        let caller = &self.request.caller;
        if !matches!(caller.kind, CallerKind::Role | CallerKind::AssumedRole { .. }) {
            return matches!(caller.kind, CallerKind::FederatedUser { .. });
        }
        let role = caller.identity_in(self.reference.world());
        role.is_none_or(|role: &Identity| {
            role.trust.as_ref().is_none_or(|trust| {
                let mut statements = trust.policy().statements.iter();
                statements.any(|statement| {
                    let mut actions = statement.action.iter().flat_map(|element| &element.values);
                    statement.allows()
                        && actions.any(|action| {
                            let name = action.value.text().unwrap_or("*").to_ascii_lowercase();
                            name == "*" || name == "sts:*" || name.starts_with("sts:tag")
                        })
                })
            })
        })
    }

    fn is_symmetric(&self) -> bool {
        let spec = self.view.fixed("kms:KeySpec");
        spec.is_none_or(|spec| spec.values().iter().any(|spec| &**spec == "SYMMETRIC_DEFAULT"))
    }

    /// Keys that nobody mentions, and without which AWS does not send one that is mentioned.
    fn companions(&mut self, facts: &[Fact]) {
        let request = self.request;
        let mentioned: Vec<String> = self.mentions.keys().cloned().collect();
        for companion in mentioned.iter().flat_map(|name| companions(facts, request, name)) {
            if self.is_free(companion.key) {
                let comparison = match companion.is {
                    Is::True | Is::False => Comparison::Bool,
                    Is::Present | Is::Absent => Comparison::Null,
                };
                self.mention(companion.key).add(comparison, &["true"], false);
            }
        }
    }

    /// The VPC endpoints whose policies are exported: a request may come through each of them, and meets
    /// the conditions of its policy then (rule E14).
    fn endpoints(&mut self) {
        let world = self.reference.world();
        if world.endpoints.is_empty() || !self.is_free("aws:SourceVpce") {
            return;
        }
        for id in world.endpoints.keys() {
            let mut through = self.request.clone();
            through.context.set_one("aws:SourceVpce", id);
            let reference = self.reference;
            for condition in reference.view(&through).conditions_in_play() {
                self.condition(condition);
            }
        }
        let ids: Vec<&str> = world.endpoints.keys().map(AsRef::as_ref).collect();
        // An endpoint that was not exported could only narrow: that is an assumption, not a trial.
        let is_mentioned = self.mentions.contains_key("aws:sourcevpce");
        let mentions = self.mention("aws:SourceVpce");
        mentions.add(Comparison::StringEquals, &ids, false);
        mentions.closed |= !is_mentioned;
        // The own hop of a service in between does not meet the policy.
        if self.is_free("kms:ViaService") {
            self.mention("kms:ViaService");
        }
    }

    /// Constraints of the grants that speak of the action (rules G20 to G24, G32).
    fn grants(&mut self) {
        let Target::Key(arn) = &self.request.target else {
            return;
        };
        let Some(key) = self.reference.world().key(arn) else {
            return;
        };
        for grant in
            key.grants.iter().filter(|grant| grant.operations.contains(self.request.action))
        {
            let constraints = &grant.constraints;
            // Names that differ by case alone are pairs of their own (rule G20), and one list here.
            for pairs in constraints.equals.iter().chain(&constraints.subset) {
                let names: BTreeSet<String> =
                    pairs.keys().map(|name| name.to_ascii_lowercase()).collect();
                self.exact &= names.len() == pairs.len();
            }
            let pairs = constraints.equals.iter().chain(&constraints.subset).flatten();
            for (name, value) in pairs {
                let name = format!("kms:EncryptionContext:{name}");
                if self.is_free(&name) {
                    self.mention(&name).add(Comparison::StringEquals, &[value], false);
                }
            }
            if let Some(source) = constraints.source_arn.as_deref()
                && self.is_free("aws:SourceArn")
            {
                self.mention("aws:SourceArn").add(Comparison::StringEquals, &[source], false);
            }
        }
        if self.request.action == KmsAction::CREATE_GRANT {
            let allows =
                |grant: &&Grant| self.reference.applies(self.request, Allowing::Grant(grant));
            let parents: Vec<&Grant> = key.grants.iter().filter(allows).collect();
            self.children(&parents);
        }
    }

    /// What a child may be asked for where these grants are the caller's (rules G31, G32): an operation
    /// of each, one of none, and the constraints that each must hand down.
    fn children(&mut self, parents: &[&Grant]) {
        if parents.is_empty() {
            return;
        }
        let mut operations: BTreeSet<&str> = BTreeSet::new();
        operations.extend(
            parents.iter().filter_map(|it| it.operations.iter().next()).map(KmsAction::name),
        );
        let of_none = |action: &KmsAction| {
            action.info().grantable && !parents.iter().any(|it| it.operations.contains(*action))
        };
        operations.extend(KmsAction::all().find(of_none).map(KmsAction::name));
        let operations: Vec<&str> = operations.into_iter().collect();
        if self.is_free("kms:GrantOperations") {
            self.mention("kms:GrantOperations").add(Comparison::StringEquals, &operations, true);
        }
        for constraints in parents.iter().map(|grant| &grant.constraints) {
            let kind = constraints.equals.as_ref().map(|_| "EncryptionContextEquals");
            let handed_down = [
                ("kms:GrantConstraintType", kind),
                ("kms:GrantConstraintSourceArn", constraints.source_arn.as_deref()),
            ];
            for (name, value) in handed_down {
                if let Some(value) = value.filter(|_| self.is_free(name)) {
                    self.mention(name).add(Comparison::StringEquals, &[value], false);
                }
            }
        }
    }
}
