//! Actions outside KMS, for whole classes of callers (rule T2): the second action word.
//!
//! [`Access::control`] compiles the identity side of a caller for all control actions at once; callers of
//! one [`ControlClass`] share it. What it says of a resource is asked when a resource is known. Nothing
//! here is compiled before somebody asks, and the matrix never does.

use std::sync::Arc;

use crate::aws::{AccountId, Arn, ControlAction, ControlSet};
use crate::decision::{
    Bound, Caller, CallerKind, CellAnswer, Chance, Context, ControlRequest, Gate, Reason,
};
use crate::inventory::OrgPolicyKind;
use crate::policy::PolicyDocument;

use super::Access;
use super::asked::Asked;
use super::formula::{Formula, Kinds};
use super::frame::Frame;
use super::home::{Home, without_idle_limits};
use super::judge::Judge;
use super::levels::Levels;
use super::library::World;
use super::masked::Masked;
use super::owner::Endpoints;
use super::point::merged;
use super::resource::Resource;
use super::subject::{Stranger, Subject, Whose};
use super::targets::ControlTargets;
use super::trust::Trust;
use super::ways::{Needs, Relation, Ways, bounded};
use crate::kept::Memo;

/// What is kept of the second action word.
pub(super) struct Kept {
    /// The levels of the organization above each account.
    pub(super) levels: Memo<(AccountId, OrgPolicyKind), Option<Arc<Levels<ControlSet>>>>,
    homes: Memo<(Caller, Standpoint), Arc<Home<ControlSet>>>,
    trusts: Memo<Box<str>, Arc<Trust>>,
}

impl Kept {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self { levels: Memo::new(), homes: Memo::new(), trusts: Memo::new() }
    }
}

/// Whether a caller's own account has a say, or is taken to let it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Standpoint {
    Inside,
    Outside,
}

/// The identity side of one caller for all control actions.
pub struct ControlSide<'a> {
    access: &'a Access<'a>,
    subject: Subject<'a>,
    home: Arc<Home<ControlSet>>,
    given: Context,
    /// Whether nothing but what the engine assumes was given when it was made.
    is_plain: bool,
}

/// Callers of one class have the same account and the same answers wherever no policy on the resource's
/// side names them: for every action but those that a trust policy has a say in.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ControlClass {
    home: Arc<Home<ControlSet>>,
    account: Option<AccountId>,
    partition: Box<str>,
}

impl ControlClass {
    /// Whether the caller's own policies allow everything and deny nothing.
    pub fn is_unlimited(&self) -> bool {
        self.home.is_unlimited()
    }

    /// Whether the organization says the same of the callers of both.
    pub fn is_bound_as(&self, other: &Self) -> bool {
        self.account == other.account && self.home.is_bound_as(&other.home)
    }

    /// Whether the organization leaves the callers of this class whatever it leaves those of the other.
    pub fn is_as_free_as(&self, access: &Access<'_>, other: &Self) -> bool {
        let formulas = &access.core.formulas;
        self.account == other.account && self.home.is_as_free_as(formulas, &other.home)
    }

    /// Whether callers of this class can do whatever those of the other can, trust policies aside.
    pub fn does_all_of(&self, access: &Access<'_>, other: &Self) -> bool {
        let does = |formulas| self.is_unlimited() || self.home.does_all_of(formulas, &other.home);
        self.is_as_free_as(access, other)
            && self.partition == other.partition
            && does(&access.core.formulas)
    }
}

impl<'w> Access<'w> {
    /// The identity side of `caller` for all control actions; kept.
    pub fn control(&self, caller: &Caller) -> ControlSide<'_> {
        self.side(caller, Standpoint::Inside)
    }

    /// The same of a caller whose own account is not exported, and is taken to let it: what another
    /// account's trust policy opens to it (rule T4). Answers say so under `assumes`.
    pub fn control_from_outside(&self, caller: &Caller) -> ControlSide<'_> {
        self.side(caller, Standpoint::Outside)
    }

    fn side(&self, caller: &Caller, from: Standpoint) -> ControlSide<'_> {
        let mut subject = Subject::of(&self.inventory, caller.clone());
        if from == Standpoint::Outside {
            subject.stranger = Some(Stranger { named: true, ..Stranger::of(Whose::Account) });
        }
        let home = self.kept.homes.get((caller.clone(), from), |_| {
            let world = World { every_limit: true, ..self.world(&self.given) };
            Arc::new(Home::of(&world, &subject, &[]))
        });
        ControlSide { access: self, subject, home, given: self.given.clone(), is_plain: true }
    }

    /// Everything about one request for a control action, over every request that AWS could send and that
    /// agrees with its context.
    pub fn control_answer(&self, request: &ControlRequest) -> CellAnswer {
        let sessions: &[PolicyDocument] = &request.session_policies;
        if sessions.is_empty() && request.context == Context::default() {
            return self.control(&request.caller).answer(request.action, &request.resource);
        }
        let mut given = self.given.clone();
        given.lay_over(&request.context);
        let subject = Subject::of(&self.inventory, request.caller.clone());
        let world = World { every_limit: true, ..self.world(&given) };
        let home = Arc::new(Home::of(&world, &subject, sessions));
        let side = ControlSide::new(self, subject, home, given);
        side.answer(request.action, &request.resource)
    }
}

/// Everything about one question, ready to be decided.
struct Posed {
    ways: Ways<ControlSet>,
    frame: Frame,
}

impl<'a> ControlSide<'a> {
    pub(super) fn new(
        access: &'a Access<'a>,
        subject: Subject<'a>,
        home: Arc<Home<ControlSet>>,
        given: Context,
    ) -> Self {
        let is_plain = given == access.given;
        Self { access, subject, home, given, is_plain }
    }

    /// The same where every request agrees with `more` as well, which speaks of nothing that is fixed.
    pub fn under(mut self, more: &Context) -> Self {
        self.given.lay_over(more);
        self
    }
}

impl ControlSide<'_> {
    /// The class of the caller.
    pub fn class(&self) -> ControlClass {
        let caller = &self.subject.caller;
        ControlClass {
            home: without_idle_limits(&self.access.core.formulas, &self.home),
            account: caller.account,
            partition: caller.partition().into(),
        }
    }

    /// The actions that the caller's own side could allow on some resource, in some request, what was not
    /// exported included. Trust policies aside: they can admit a caller to a role without it (rule T3).
    pub fn possible(&self) -> ControlSet {
        let formulas = &*self.access.core.formulas;
        let home = &*self.home;
        let bounded = bounded(formulas, home);
        let relation = Relation::NoKey;
        let needs = Needs { formulas, home, bounded: &bounded, relation };
        let mut possible = needs.without_policy().and(formulas, &home.scp);
        for deny in [&home.scp_deny, &home.deny, &home.boundary_deny, &home.session_deny] {
            possible = possible.and(formulas, &deny.not(formulas));
        }
        possible.possible()
    }

    /// What the Allow statements of the caller's identity policies name as resources of `action`; a root
    /// user needs none (rule E51). Other policies can still deny it there: ask for the answer.
    pub fn targets(&self, action: ControlAction) -> ControlTargets {
        match self.subject.caller.kind {
            CallerKind::Root => ControlTargets::everything(),
            _ => ControlTargets::of(&self.access.core.formulas, self.home.allow.at(action)),
        }
    }

    /// Whether some Allow of the caller's identity policies could cover `resource` in some request, what
    /// was not exported included. Cheaper than [`ControlSide::bounds`], which never says more.
    pub fn could_target(&self, action: ControlAction, resource: &str) -> bool {
        if self.subject.caller.kind == CallerKind::Root {
            return true;
        }
        let world = self.access.world(&self.given);
        let forms = account_form(&self.subject.caller, action);
        let asked = self.asked(resource, &forms);
        world.with_key(self.home.allow.at(action), asked) != Formula::FALSE
    }

    /// Whether the caller's side asks for tags of what is called on.
    pub fn asks_for_tags(&self) -> bool {
        let formulas = &self.access.core.formulas;
        let is_it =
            |key: &str| key.starts_with("aws:resourcetag/") || key.starts_with("iam:resourcetag/");
        self.home.masked().any(|masked| masked.asks_for(formulas, &is_it))
    }

    /// The verdict on an action on a resource, an ARN or `*`, with its condition, witnesses and reasons.
    pub fn answer(&self, action: ControlAction, resource: &str) -> CellAnswer {
        let posed = self.posed(action, resource);
        let mut answer = self.judge().answer(&posed.ways, action, &posed.frame);
        // A role's trust policy stands where the key policy does (rules T3, T4).
        if answer.reason == Reason::AllowedByKeyPolicy {
            answer.reason = Reason::AllowedByTrustPolicy;
        }
        if answer.denied_by == Some(Gate::KeyPolicy) {
            answer.denied_by = Some(Gate::TrustPolicy);
        }
        if answer.witness.is_some() {
            answer.assumes.extend(self.home.assumes.as_deref().map(str::to_owned));
        }
        answer
    }

    /// The least and the most that the verdict can be; cheaper than the answer.
    pub fn bounds(&self, action: ControlAction, resource: &str) -> (Bound, Bound) {
        let posed = self.posed(action, resource);
        let allowed = posed.ways.allowed(&self.access.core.formulas).at(action);
        let standing = self.judge().standing(allowed, &posed.frame);
        (standing.at_least(), standing.at_most())
    }

    /// Whether some request for an action on a resource is allowed.
    pub fn chance(&self, action: ControlAction, resource: &str) -> Chance {
        let posed = self.posed(action, resource);
        let allowed = posed.ways.allowed(&self.access.core.formulas).at(action);
        self.judge().chance(allowed, &posed.frame)
    }

    /// The same, whatever tags a request for it gives; nothing where policies ask for these.
    pub fn chance_with_any_tags(&self, action: ControlAction, resource: &str) -> Option<Chance> {
        let posed = self.posed(action, resource);
        let formulas = &self.access.core.formulas;
        let allowed = posed.ways.allowed(formulas).at(action);
        let mut asks = false;
        formulas.each_atom(allowed, &mut |atom| {
            let is_it = |key: &str| key.starts_with("aws:requesttag/") || key == "aws:tagkeys";
            atom.each_key(&mut |key| asks |= is_it(key));
        });
        (!asks).then(|| self.judge().chance(allowed, &posed.frame))
    }

    /// The same of sts:AssumeRole on a role whose trust policy means everyone by name (rules T3, T4).
    pub fn entering(&self, role: &str) -> Chance {
        let action = ControlAction::STS_ASSUME_ROLE;
        let trust = Trust { direct: Masked::all(), ..Trust::default() };
        let posed = self.posed_with(action, role, |_| trust);
        let allowed = posed.ways.allowed(&self.access.core.formulas).at(action);
        self.judge().chance(allowed, &posed.frame)
    }

    /// The same for many resources at once: those that no policy of the caller's side tells apart are
    /// asked for once.
    pub fn chances<'r>(
        &self,
        action: ControlAction,
        resources: impl IntoIterator<Item = &'r str>,
    ) -> Vec<Chance> {
        let world = self.access.world(&self.given);
        let home = self.home.mapped(|masked| masked.within(action.into()));
        let hangs = |masked: &Masked<ControlSet>| {
            world.has(masked, Kinds::KEY) || world.has(masked, Kinds::CALLER)
        };
        let alike = !action.info().by_trust && !home.masked().any(hangs);
        let mut known: Vec<((Relation, Option<Gate>), Chance)> = Vec::new();
        let resources = resources.into_iter();
        resources
            .map(|arn| {
                if !alike {
                    return self.chance(action, arn);
                }
                let resource = Resource::named(arn);
                let caller = &self.subject.caller;
                let relation = relation(caller, resource, false);
                let kind = (relation, refused(caller, action, resource, relation));
                if let Some((_, chance)) = known.iter().find(|(of, _)| *of == kind) {
                    return *chance;
                }
                let chance = self.chance(action, arn);
                known.push((kind, chance));
                chance
            })
            .collect()
    }

    fn judge(&self) -> Judge<'_> {
        Judge { formulas: &self.access.core.formulas, solver: &self.access.core.solver }
    }

    fn posed(&self, action: ControlAction, arn: &str) -> Posed {
        self.posed_with(action, arn, |trust| trust)
    }

    /// The same where the role's side is taken to be another.
    fn posed_with(
        &self,
        action: ControlAction,
        arn: &str,
        trusting: impl FnOnce(Trust) -> Trust,
    ) -> Posed {
        let world = World { every_limit: true, ..self.access.world(&self.given) };
        let formulas = world.formulas;
        let caller = &self.subject.caller;
        let resource = Resource::of(&self.access.inventory, arn);
        let forms = account_form(caller, action);
        let asked = self.asked(arn, &forms);
        let settled = |formula| world.with_caller(world.with_key(formula, asked), &self.subject);
        let home = self.home.mapped(|masked| masked.within(action.into()).mapped(settled));
        let is_trusting = action.info().by_trust && resource.is_role();
        let trust = is_trusting.then(|| trusting(self.trust(&world, resource, action)));
        let relation = relation(caller, resource, is_trusting);
        let bounded = bounded(formulas, &home);
        let needs = Needs { formulas, home: &home, bounded: &bounded, relation };
        let [by_trust, by_iam] = match &trust {
            Some(trust) => needs.with_policy(&trust.direct, &trust.limited, &trust.by_account),
            None => [Masked::default(), needs.without_policy()],
        };
        let opened = trust.as_ref().map_or(Masked::all(), |trust| {
            trust.direct.or(formulas, &trust.limited).or(formulas, &trust.by_account)
        });
        let unasked = match (&trust, relation) {
            (Some(trust), Relation::Own) => trust.limited.clone(),
            _ => Masked::default(),
        };
        let refused = refused(caller, action, resource, relation);
        let possible = match refused {
            Some(_) => ControlSet::EMPTY,
            None => ControlSet::of(action),
        };
        let bound = Masked::of(ControlSet::ALL, formulas.not(home.service_linked));
        let trust = trust.unwrap_or_default();
        let rcp = trust.rcp_deny.and(formulas, &bound);
        let settled = |masked: &Masked<ControlSet>| masked.within(action.into()).mapped(settled);
        let endpoints = Endpoints::of(&world);
        let endpoint_deny = settled(&endpoints.deny);
        let denies = [
            (Gate::Scp, &home.scp_deny),
            (Gate::Rcp, &rcp),
            (Gate::VpcEndpointPolicy, &endpoint_deny),
            (Gate::TrustPolicy, &trust.deny),
            (Gate::IdentityPolicy, &home.deny),
            (Gate::PermissionsBoundary, &home.boundary_deny),
            (Gate::SessionPolicy, &home.session_deny),
        ];
        let denies = denies.into_iter().filter(|(_, deny)| !deny.is_never());
        let ways = Ways {
            refused: refused.map(|gate| (gate, ControlSet::ALL)),
            denies: denies.map(|(gate, deny)| (gate, deny.clone())).collect(),
            scp: home.scp.clone(),
            passes: settled(&endpoints.allow),
            by_key: by_trust.within(possible),
            by_iam: by_iam.within(possible),
            by_grant: Masked::default(),
            opened,
            unasked,
            identity: home.allow.clone(),
            reads_as_refused: ControlSet::EMPTY,
            boundary: bounded.clone(),
        };
        let limits = merged(&self.given, home.limits.iter());
        Posed { ways, frame: Frame { caller: home.who, action: action.into(), limits } }
    }

    /// What is asked for: an ARN, or for `*` the account form.
    fn asked<'r>(&'r self, arn: &'r str, (before, after): &'r (String, String)) -> Asked<'r> {
        match arn {
            "*" => Asked::Nothing { resource: (before, after) },
            _ => Asked::Resource(Resource::of(&self.access.inventory, arn)),
        }
    }

    fn trust(&self, world: &World<'_>, role: Resource<'_>, action: ControlAction) -> Trust {
        let made = || Arc::new(Trust::of(world, role));
        let trust = match self.is_plain {
            true => self.access.kept.trusts.get(role.arn.into(), |_| made()),
            false => made(),
        };
        trust.with_caller(world, &self.subject, action)
    }
}

/// Rule A68 for the action's service, the Region between the halves; ARNs of IAM and Organizations name
/// none.
fn account_form(caller: &Caller, action: ControlAction) -> (String, String) {
    let (partition, service) = (caller.partition(), action.service());
    let account = caller.account.map(|account| account.to_string()).unwrap_or_default();
    match service {
        "iam" | "organizations" => {
            (format!("arn:{partition}:{service}::{account}:*"), String::new())
        }
        _ => (format!("arn:{partition}:{service}:"), format!(":{account}:*")),
    }
}

/// How a caller stands to a resource; one without a policy of its own is the account's.
fn relation(caller: &Caller, resource: Resource<'_>, is_trusting: bool) -> Relation {
    let (Some(home), Some(owner)) = (caller.account, resource.account) else {
        return if is_trusting { Relation::Own } else { Relation::NoKey };
    };
    let same_partition =
        Arn::parse(resource.arn).is_none_or(|arn| arn.partition == caller.partition());
    match (same_partition, home == owner) {
        (false, _) => Relation::Apart,
        (true, false) => Relation::Foreign,
        (true, true) if is_trusting => Relation::Own,
        (true, true) => Relation::NoKey,
    }
}

/// What is refused whatever policies say, by the gate that says so (rules E44, T2, T4, T8, T12, T22, X11).
fn refused(
    caller: &Caller,
    action: ControlAction,
    resource: Resource<'_>,
    relation: Relation,
) -> Option<Gate> {
    use CallerKind::{Provider, Root, Service, User};
    let of_service = resource.arn.contains(":role/aws-service-role/");
    // Who lets a service make its role does not change it (rule L10).
    let spares = [ControlAction::IAM_PASS_ROLE, ControlAction::IAM_CREATE_SERVICE_LINKED_ROLE];
    let changes = !spares.contains(&action) && caller.kind != Service;
    let of_aws = resource.arn.split(':').nth(4) == Some("aws")
        && resource.arn.split(':').nth(2) == Some("iam");
    let is_provider = caller.kind == Provider;
    let wrong_credentials = match action.name() {
        "AssumeRoleWithSAML" | "AssumeRoleWithWebIdentity" => !is_provider,
        "TagSession" | "SetSourceIdentity" => false,
        "GetFederationToken" | "GetSessionToken" => !matches!(caller.kind, User | Root),
        _ => is_provider,
    };
    if of_service && changes || of_aws || wrong_credentials {
        return Some(Gate::Operation);
    }
    let is_trusting = action.info().by_trust && resource.is_role();
    match relation {
        Relation::Apart => Some(Gate::CrossAccount),
        Relation::Foreign if !is_trusting => Some(Gate::CrossAccount),
        _ => None,
    }
}
