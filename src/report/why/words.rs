//! The words of a story: each gate's answer, and what would turn it, in a sentence.

use crate::audit::{Ability, Change, Holder, Story, Texts};
use crate::aws::{AliasArn, StateAnswer};
use crate::decision::{Citation, Cited, Gate, OpenPoint, Path, Reading, Standing, Step, Target};
use crate::inventory::Inventory;
use crate::source::{Place, Span};

/// What sentences are made of.
pub(super) struct Words<'a> {
    pub(super) world: &'a Inventory,
    pub(super) texts: &'a Texts<'a>,
    pub(super) story: &'a Story,
}

impl Words<'_> {
    /// `allowed: ... may ... on ...`.
    pub(super) fn headline(&self) -> String {
        let request = &self.story.request;
        let (answer, may) = match self.story.decision.is_allowed() {
            true => ("allowed", "may"),
            false => ("denied", "may not"),
        };
        let on = match &request.target {
            Target::Account => String::new(),
            _ => format!(" on {}", self.key()),
        };
        format!("{answer}: {} {may} {}{on}", request.caller, request.action)
    }

    /// Whether the request was asked about without condition keys; KMS always sends that one.
    pub(super) fn is_plain(&self) -> bool {
        let mut entries = self.story.asked.context.entries();
        entries.all(|entry| &*entry.name == "aws:SecureTransport")
    }

    /// What holds of all requests that agree with this one.
    pub(super) fn overall(&self) -> String {
        let answer = &self.story.overall.answer;
        let which = if self.is_plain() { "" } else { " with these condition keys" };
        let holds = match (answer.verdict, &answer.condition) {
            (Standing::Always, _) => "always allowed".to_owned(),
            (Standing::Never, _) => "never allowed".to_owned(),
            (Standing::Conditional, Some(condition)) => {
                format!("allowed if, and only if, {condition}")
            }
            (Standing::Conditional, None) => "allowed for some only".to_owned(),
            (Standing::Unknown { at_least, at_most }, _) => {
                let (least, most) = (at_least.name(), at_most.name());
                format!("not known; at least {least}, at most {most} allowed")
            }
        };
        let stopped = match (answer.verdict, &self.story.overall.counter) {
            (Standing::Conditional, Some((_, gate))) => {
                format!("; otherwise stopped at the {}", singular(*gate))
            }
            _ => String::new(),
        };
        format!("Over all requests{which}: {holds}{stopped}.")
    }

    /// The alias, where it is asked about as the one of two sides that changes of aliases have (rules L1 to L3).
    fn alias(&self) -> Option<&AliasArn> {
        match &self.story.request.target {
            Target::Alias(alias) if self.has_two_sides() => Some(alias),
            _ => None,
        }
    }

    fn has_two_sides(&self) -> bool {
        self.story.request.action.info().has_alias_resource
    }

    /// What else such a change takes.
    pub(super) fn other_side(&self) -> Option<String> {
        let action = self.story.request.action;
        let other = if self.alias().is_some() { "key" } else { "alias" };
        let told = format!("{action} must be allowed on the {other}, too: ask with the {other}");
        self.has_two_sides().then_some(told)
    }

    /// The key with its alias beside its id.
    pub(super) fn key(&self) -> String {
        if let Some(alias) = self.alias() {
            return format!("the alias {}", alias.name());
        }
        let Some(arn) = &self.story.key else {
            return self.story.request.target.to_string();
        };
        let named = match &self.story.request.target {
            Target::Alias(alias) => Some(alias.name()),
            _ => {
                let key = self.world.key(arn);
                key.and_then(|key| self.world.aliases_of(key).next()).map(|alias| alias.arn.name())
            }
        };
        match named {
            Some(alias) => format!("{alias} (key {})", arn.id()),
            None => format!("key {}", arn.id()),
        }
    }

    /// What one gate says.
    pub(super) fn step(&self, step: &Step) -> String {
        let action = self.story.request.action;
        let cited = citations(&step.cited);
        match (&step.reading, step.gate) {
            (Reading::Denies, _) => format!("a Deny applies: {cited}"),
            (Reading::MayDeny, _) => format!("what is not known may deny it: {cited}"),
            (Reading::Refuses(why), _) => format!("refused whatever policies say: {why}"),
            (Reading::NotAsked(why), gate) => format!("{}: not asked, {why}", plural(gate)),
            (Reading::Silent(_), Gate::KeyPolicy) => self.silent_key(),
            (Reading::Silent(Some(level)), gate) => {
                format!("no {} attached to {level} allows {action}", singular(gate))
            }
            (Reading::Silent(None), Gate::SessionPolicy) => {
                format!("no policy of the session allows {action}")
            }
            (Reading::Silent(None), gate) => {
                format!("no {} of {} allows {action}", singular(gate), self.story.request.caller)
            }
            (Reading::Allows(Some(path)), _) => format!("{}: {cited}", self.path(*path, step)),
            (Reading::Allows(None), Gate::IdentityPolicy) => {
                format!("{} {action}: {cited}", self.holders(&step.cited))
            }
            (Reading::Allows(None), Gate::Scp) => {
                format!("SCPs allow {action} at every level of the organization")
            }
            (Reading::Allows(None), Gate::Rcp) => "no RCP denies it".to_owned(),
            (Reading::Allows(None), gate) => {
                format!("the {} allows {action}: {cited}", singular(gate))
            }
        }
    }

    /// Whether a grant allows it.
    fn is_granted(&self) -> bool {
        let mut steps = self.story.decision.trace.iter();
        steps.any(|it| it.gate == Gate::Grant && matches!(it.reading, Reading::Allows(_)))
    }

    fn silent_key(&self) -> String {
        let caller = &self.story.request.caller;
        match &self.story.key {
            Some(arn) if self.world.key(arn).is_none() => format!("key {arn} is not in the export"),
            None => format!("{} is not in the export", self.story.request.target),
            Some(_) if self.is_granted() => {
                format!("nothing in the key policy lets {caller} do this")
            }
            Some(_) => format!("nothing in the key policy, and no grant, lets {caller} do this"),
        }
    }

    /// Why Allows in identity policies have no effect.
    pub(super) fn idle(&self) -> String {
        let account = self.story.request.caller.account;
        let account = account.map_or_else(String::new, |account| account.to_string());
        format!(
            "nothing in the key policy lets account {account}'s IAM policies count for this key, so \
             this Allow has no effect: {}",
            citations(&self.story.idle)
        )
    }

    fn path(&self, path: Path, step: &Step) -> String {
        let account = self.story.request.caller.account;
        let account = account.map_or_else(String::new, |account| account.to_string());
        match path {
            Path::P1 => "the key policy names the user".to_owned(),
            Path::P2 => "the key policy names the session".to_owned(),
            Path::P3 if has_conditions(&step.cited) => {
                "the key policy allows everyone who meets its conditions".to_owned()
            }
            Path::P3 => "the key policy allows everyone".to_owned(),
            Path::P4 => "the key policy names the role".to_owned(),
            Path::P5 => "the key policy names the session's user".to_owned(),
            Path::P6 => {
                format!("the key policy delegates to account {account}: its IAM policies count")
            }
            Path::P7 => "the key policy names the account, whose root user asks".to_owned(),
            Path::Service => "the key policy names the service".to_owned(),
            Path::NoKey => "no key is involved: identity policies decide".to_owned(),
            Path::RootNoKey => "no key is involved, and the root user needs no policy".to_owned(),
            Path::P8 if step.gate == Gate::Grant => "a grant names the caller".to_owned(),
            Path::P8 => "a grant allows it".to_owned(),
            Path::P9 => "a grant names the caller's role or user".to_owned(),
            Path::P10 => "a grant names the account: its IAM policies count".to_owned(),
            Path::Retire => "a grant lets the caller retire it".to_owned(),
            Path::Trust => "the trust policy names the caller".to_owned(),
        }
    }

    /// Who allows, by how the cited policies come to the caller.
    fn holders(&self, cited: &[Citation]) -> String {
        let mut names: Vec<String> = Vec::new();
        for place in cited.iter().filter_map(policy_place) {
            let name = match self.story.holder(self.world, place) {
                Some(Holder::Group(group)) => format!("group {group}"),
                Some(Holder::Own) | None => "the caller's own policy".to_owned(),
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let verb = if names.len() == 1 { "allows" } else { "allow" };
        format!("{} {verb}", names.join(" and "))
    }

    /// ` (path:line)`; nothing for what stands in no file.
    fn at(&self, place: Place, span: Span) -> String {
        let position = self.texts.position(place, span);
        position.map_or_else(String::new, |position| {
            format!(" ({}:{})", self.texts.path(place.file), position.line)
        })
    }

    /// What is to be done, in the imperative.
    pub(super) fn change(&self, change: &Change) -> String {
        let action = self.story.request.action;
        let key = self.key();
        match change {
            Change::Remove { policy, place, span, sid, effect } => {
                let named = statement_name(sid.as_deref());
                let at = self.at(*place, *span);
                format!("remove or narrow {named} ({}) of {policy}{at}", effect.name())
            }
            Change::AllowInKeyPolicy(name) => {
                format!("add a statement to the key policy of {key} that allows {name} {action}")
            }
            Change::Delegate(account) => {
                let partition = self.story.request.caller.partition();
                format!(
                    "add a statement to the key policy of {key} that allows \
                     arn:{partition}:iam::{account}:root {action}, so that IAM policies count"
                )
            }
            Change::AllowInIdentityPolicy(name) => match (self.alias(), &self.story.key) {
                (Some(arn), _) => {
                    format!("allow {action} on {arn} in an identity policy of {name}")
                }
                (_, Some(arn)) => {
                    format!("allow {action} on {arn} in an identity policy of {name}")
                }
                (None, None) => format!("allow {action} in an identity policy of {name}"),
            },
            Change::CreateGrant(name) => {
                format!("create a grant for {name} with {}", action.name())
            }
            Change::RevokeGrant(id) => format!("revoke grant {id}"),
            Change::AllowInBoundary(arn) => {
                format!("allow {action} in the permissions boundary {arn}")
            }
            Change::AllowInSession => {
                format!(
                    "make the session without a session policy, or with one that allows {action}"
                )
            }
            Change::AllowInScp(level) => format!("attach an SCP to {level} that allows {action}"),
            Change::AllowInEndpoint => format!("allow {action} in the policy of the VPC endpoint"),
            Change::DenyInKeyPolicy(name) => {
                format!("add a statement to the key policy of {key} that denies {name} {action}")
            }
            Change::DenyInIdentityPolicy(name) => {
                format!("deny {action} in an identity policy of {name}")
            }
        }
    }

    /// What the key itself makes of the action; nothing where it can perform it.
    pub(super) fn ability(&self) -> Option<String> {
        let action = self.story.request.action;
        let key = self.world.key(self.story.key.as_ref()?)?;
        let metadata = key.metadata.as_ref();
        let state = metadata.and_then(|metadata| metadata.state.as_deref()).unwrap_or("unknown");
        let usage = metadata.and_then(|metadata| metadata.usage.as_deref()).unwrap_or("unknown");
        Some(match self.story.ability? {
            Ability::Can => return None,
            Ability::NotThisKey => {
                format!("policies aside, a key for {usage} cannot perform {action}")
            }
            Ability::NotNow(StateAnswer::Impossible) => {
                format!("policies aside, a key in the state {state} does not know {action}")
            }
            Ability::NotNow(_) => {
                format!("policies aside, {action} fails while the key's state is {state}")
            }
            Ability::Unknown => {
                format!(
                    "the key's state and usage are not in the export: {action} may fail by them"
                )
            }
        })
    }
}

/// What is cited; where it stands is shown below it.
fn citations(cited: &[Citation]) -> String {
    let one = |citation: &Citation| match &citation.cited {
        Cited::Statement { .. } => {
            let statement = citation.statement();
            let sid = statement.and_then(|statement| statement.sid.as_ref());
            format!("{} of {}", statement_name(sid.map(|sid| &*sid.value)), citation.policy)
        }
        Cited::Grant { .. } => citation.policy.clone(),
    };
    let all: Vec<String> = cited.iter().map(one).collect();
    all.join("; ")
}

/// The place of the policy that a citation cites.
fn policy_place(citation: &Citation) -> Option<Place> {
    match &citation.cited {
        Cited::Statement { document, .. } => Some(document.place),
        Cited::Grant { .. } => None,
    }
}

fn has_conditions(cited: &[Citation]) -> bool {
    let mut statements = cited.iter().filter_map(Citation::statement);
    statements.all(|statement| !statement.conditions.is_empty())
}

fn statement_name(sid: Option<&str>) -> String {
    sid.map_or_else(|| "a statement".to_owned(), |sid| format!("statement `{sid}`"))
}

fn singular(gate: Gate) -> &'static str {
    match gate {
        Gate::Operation => "operation",
        Gate::CrossAccount => "other account",
        Gate::Scp => "SCP",
        Gate::Rcp => "RCP",
        Gate::VpcEndpointPolicy => "VPC endpoint policy",
        Gate::KeyPolicy => "key policy",
        Gate::TrustPolicy => "trust policy",
        Gate::IdentityPolicy => "identity policy",
        Gate::PermissionsBoundary => "permissions boundary",
        Gate::SessionPolicy => "session policy",
        Gate::Grant => "grant",
    }
}

fn plural(gate: Gate) -> &'static str {
    match gate {
        Gate::Scp => "SCPs",
        Gate::Rcp => "RCPs",
        Gate::SessionPolicy => "session policies",
        other => singular(other),
    }
}

/// What a point that AWS leaves open is about.
pub(in crate::report) fn question(point: OpenPoint) -> &'static str {
    match point {
        OpenPoint::O1 => "whether the grantee of another account needs an identity Allow at home",
        OpenPoint::O2 => "whether an account as grantee means every identity of it",
        OpenPoint::O3 => "whether boundaries and session policies limit the use of grants",
        OpenPoint::O5 => "whether a NotPrincipal Deny must list account and role as well",
        OpenPoint::O9 => "whether key policies see aws:ResourceTag and kms:ResourceAliases",
        OpenPoint::O10 => "whether keys of a grant's encryption context compare without case",
        OpenPoint::O11 => "who passes the policy lockout safety check",
        OpenPoint::O17 => "whether the key policy and the one of AWS RAM unite",
        OpenPoint::O28 => "whether a `*` that ends a part of an ARN crosses colons",
    }
}
