//! The ways in which a caller's side and a key's side together allow (sections 3.2 to 3.6).

use crate::aws::{ActionSet, KeyArn, KmsAction};
use crate::decision::{Caller, Gate, OpenPoint};

use super::formula::{Atom, Formula, Formulas};
use super::frame::Who;
use super::home::Home;
use super::masked::Masked;
use super::owner::Owner;
use super::word::Word;

/// How a caller's account stands to what is asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Relation {
    /// No key is asked for.
    NoKey,
    /// The key is of the caller's account; a service is of every account (rule E40).
    Own,
    /// It is of another account.
    Foreign,
    /// It is of another partition (rule X11).
    Apart,
}

impl Relation {
    /// How a caller stands to a key.
    pub(super) fn of(caller: &Caller, key: &KeyArn) -> Self {
        match caller.account {
            None => Self::Own,
            Some(_) if caller.partition() != key.partition() => Self::Apart,
            Some(account) if account == key.account() => Self::Own,
            Some(_) => Self::Foreign,
        }
    }
}

/// Everything that decides the cells of one caller and one key, for every action.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Ways<S = ActionSet> {
    /// Refused whatever policies say, by the gate that says so (rules K15, E11, X2, X11).
    pub(super) refused: Option<(Gate, S)>,
    /// When a policy denies, by gate in the order of section 7 (rule E10).
    pub(super) denies: Box<[(Gate, Masked<S>)]>,
    /// When every level of the organization allows (rule E13).
    pub(super) scp: Masked<S>,
    /// When the policy of the VPC endpoint allows it (rule E14).
    pub(super) passes: Masked<S>,
    /// When a key policy that means the caller by name allows, and what that needs.
    pub(super) by_key: Masked<S>,
    /// When the key policy delegates and identity policies allow, or no key is asked for.
    pub(super) by_iam: Masked<S>,
    /// When a grant allows.
    pub(super) by_grant: Masked<S>,
    /// When the key's side opens some way at all.
    pub(super) opened: Masked<S>,
    /// When it opens one that needs no identity Allow, and no more than what boundary and session policies
    /// leave.
    pub(super) unasked: Masked<S>,
    /// When an identity policy allows, where that is needed.
    pub(super) identity: Masked<S>,
    /// For which actions the lack of an identity Allow reads as a refusal of the resource's side (M18).
    pub(super) reads_as_refused: S,
    /// When boundary and session policies allow.
    pub(super) boundary: Masked<S>,
}

impl Ways {
    /// What the two sides say together; questions of one about the other are answered.
    pub(super) fn of(formulas: &Formulas, home: &Home, owner: &Owner, relation: Relation) -> Self {
        let boundary = bounded(formulas, home);
        let [by_key, by_iam, by_grant] = ways(formulas, home, owner, relation, &boundary);
        let by_class = owner.direct.or(formulas, &owner.limited).or(formulas, &owner.by_account);
        let granted = owner.granted.direct.or(formulas, &owner.granted.limited);
        let opened = by_class.or(formulas, &granted).or(formulas, &owner.granted.account);
        let unasked = match relation {
            Relation::Own => owner.limited.or(formulas, &owner.granted.limited),
            // Rules E31, E33: a grant alone needs no identity Allow at home.
            Relation::Foreign => owner.granted.limited.clone(),
            Relation::NoKey | Relation::Apart => Masked::default(),
        };
        let rcp = rcp_deny(formulas, home, owner);
        let denies = denies(home, owner, &rcp).into_iter();
        let denies = denies.map(|(gate, deny)| (gate, deny.within(owner.possible)));
        Self {
            refused: refused(owner, relation),
            denies: denies.filter(|(_, deny)| !deny.is_never()).collect(),
            scp: home.scp.clone(),
            passes: owner.passes.clone(),
            by_key,
            by_iam,
            by_grant,
            opened: if relation == Relation::NoKey { Masked::all() } else { opened },
            unasked,
            identity: home.allow.clone(),
            reads_as_refused: KmsAction::RETIRE_GRANT.into(),
            boundary,
        }
    }
}

impl<S: Word> Ways<S> {
    /// When it is allowed.
    pub(super) fn allowed(&self, formulas: &Formulas) -> Masked<S> {
        undenied(formulas, self.offered(formulas), self.denies.iter().map(|(_, deny)| deny))
    }

    /// When it would be allowed if nothing denied.
    pub(super) fn offered(&self, formulas: &Formulas) -> Masked<S> {
        let ways = [&self.by_key, &self.by_iam, &self.by_grant];
        offered(formulas, ways, &self.scp, &self.passes)
    }

    /// When some policy denies one action.
    pub(super) fn denied(&self, formulas: &Formulas, action: S::Action) -> Formula {
        formulas.or(self.denies.iter().map(|(_, deny)| deny.at(action)))
    }
}

/// What [`Ways::allowed`] says of [`Ways::of`], without the ways: what counting asks of each two sides.
pub(super) fn allowed(
    formulas: &Formulas,
    home: &Home,
    owner: &Owner,
    relation: Relation,
) -> Masked {
    let ways = ways(formulas, home, owner, relation, &bounded(formulas, home));
    let offered = offered(formulas, ways.each_ref(), &home.scp, &owner.passes);
    if offered.is_never() {
        return offered;
    }
    let rcp = rcp_deny(formulas, home, owner);
    undenied(formulas, offered, denies(home, owner, &rcp).into_iter().map(|(_, deny)| deny))
}

/// For which actions they offer anything, whatever denies.
pub(super) fn offers(
    formulas: &Formulas,
    home: &Home,
    owner: &Owner,
    relation: Relation,
) -> ActionSet {
    let ways = ways(formulas, home, owner, relation, &bounded(formulas, home));
    let offered = offered(formulas, ways.each_ref(), &home.scp, &owner.passes);
    offered.possible()
}

/// When some policy of the two sides denies.
pub(super) fn denied(formulas: &Formulas, home: &Home, owner: &Owner) -> Masked {
    let rcp = rcp_deny(formulas, home, owner);
    let denies = denies(home, owner, &rcp).into_iter();
    denies.fold(Masked::default(), |all, (_, deny)| all.or(formulas, deny))
}

/// By the key policy, by identity policies, by grants; what is refused is left out (rules K15, E11, X2,
/// X11).
fn ways(
    formulas: &Formulas,
    home: &Home,
    owner: &Owner,
    relation: Relation,
    bounded: &Masked,
) -> [Masked; 3] {
    let possible = match refused(owner, relation) {
        Some((_, actions)) => owner.possible.minus(actions),
        None => owner.possible,
    };
    let needs = Needs { formulas, home, bounded, relation };
    let ways = match relation {
        Relation::NoKey => [Masked::default(), needs.without_policy(), Masked::default()],
        _ => needs.with_key(owner),
    };
    ways.map(|way| way.within(possible))
}

/// Rule E44: RCPs do not bind service-linked roles.
fn rcp_deny(formulas: &Formulas, home: &Home, owner: &Owner) -> Masked {
    match owner.rcp_deny.is_never() {
        true => Masked::default(),
        false => {
            let bound = Masked::of(ActionSet::ALL, formulas.not(home.service_linked));
            owner.rcp_deny.and(formulas, &bound)
        }
    }
}

/// When policies deny, by gate in the order of section 7 (rule E10).
fn denies<'a>(home: &'a Home, owner: &'a Owner, rcp: &'a Masked) -> [(Gate, &'a Masked); 7] {
    [
        (Gate::Scp, &home.scp_deny),
        (Gate::Rcp, rcp),
        (Gate::VpcEndpointPolicy, &owner.endpoint_deny),
        (Gate::KeyPolicy, &owner.deny),
        (Gate::IdentityPolicy, &home.deny),
        (Gate::PermissionsBoundary, &home.boundary_deny),
        (Gate::SessionPolicy, &home.session_deny),
    ]
}

/// Rules E13, E14: some way, where every level of the organization and the VPC endpoint let it pass.
fn offered<S: Word>(
    formulas: &Formulas,
    [by_key, by_iam, by_grant]: [&Masked<S>; 3],
    scp: &Masked<S>,
    passes: &Masked<S>,
) -> Masked<S> {
    let ways = by_key.or(formulas, by_iam).or(formulas, by_grant);
    match ways.is_never() {
        true => ways,
        false => ways.and(formulas, scp).and(formulas, passes),
    }
}

/// Rule E10: what is offered and nothing denies.
fn undenied<'a, S: Word>(
    formulas: &Formulas,
    mut offered: Masked<S>,
    denies: impl Iterator<Item = &'a Masked<S>>,
) -> Masked<S> {
    for deny in denies.filter(|deny| !deny.is_never()) {
        if offered.is_never() {
            break;
        }
        offered = offered.and(formulas, &deny.not(formulas));
    }
    offered
}

/// When boundary and session policies allow; a federated-user session that was given no session policy
/// may do nothing by itself (rule E29).
pub(super) fn bounded<S: Word>(formulas: &Formulas, home: &Home<S>) -> Masked<S> {
    let all = Masked::all();
    let boundary = home.boundary.as_ref().unwrap_or(&all);
    boundary.and(formulas, home.session.as_ref().unwrap_or(&all))
}

/// Rules K15, X11, E11, X2.
fn refused(owner: &Owner, relation: Relation) -> Option<(Gate, ActionSet)> {
    let fixed = match owner.aws_managed {
        true => KmsAction::all().filter(|it| it.info().fixed_on_aws_managed_keys).collect(),
        false => ActionSet::EMPTY,
    };
    match relation {
        Relation::NoKey => return None,
        Relation::Apart => return Some((Gate::CrossAccount, ActionSet::ALL)),
        Relation::Own => return (!fixed.is_empty()).then_some((Gate::Operation, fixed)),
        Relation::Foreign => {}
    }
    if owner.aws_managed {
        return Some((Gate::CrossAccount, ActionSet::ALL));
    }
    let never = KmsAction::all().filter(|action| !action.info().cross_account).collect();
    Some((Gate::CrossAccount, never))
}

/// What the ways need beside what the key's side opens (the columns of rule E20).
pub(super) struct Needs<'a, S = ActionSet> {
    /// The formulas.
    pub(super) formulas: &'a Formulas,
    /// The caller's side.
    pub(super) home: &'a Home<S>,
    /// When its boundary and session policies allow.
    pub(super) bounded: &'a Masked<S>,
    /// How it stands to what is asked for.
    pub(super) relation: Relation,
}

impl<S: Word> Needs<'_, S> {
    fn both(&self, one: &Masked<S>, other: &Masked<S>) -> Masked<S> {
        if one.is_never() { one.clone() } else { one.and(self.formulas, other) }
    }

    fn either(&self, one: &Masked<S>, other: &Masked<S>) -> Masked<S> {
        one.or(self.formulas, other)
    }

    /// What identity policies give within boundary and session policies.
    fn by_identity(&self) -> Masked<S> {
        self.both(&self.home.allow, self.bounded)
    }

    /// Rules E50, E51, T2: what needs no policy but those of the caller's side.
    pub(super) fn without_policy(&self) -> Masked<S> {
        match self.home.who {
            Who::Root => Masked::all(),
            Who::Service | Who::Provider => Masked::default(),
            _ => self.by_identity(),
        }
    }

    /// Rules E20, E30 to E32, E40, T3, T4: by name, and by identity policies, where the policy on the
    /// resource's side means the caller directly, by role or user, by account.
    pub(super) fn with_policy(
        &self,
        direct: &Masked<S>,
        limited: &Masked<S>,
        by_account: &Masked<S>,
    ) -> [Masked<S>; 2] {
        let named = self.either(direct, limited);
        if !self.home.has_identity_side() {
            // Rules E26, E32, E40, T8: root users, services and subjects of providers have no identity
            // side.
            return [named, by_account.clone()];
        }
        let by_identity = self.by_identity();
        let by_name = match self.relation {
            // Rules E30, E31.
            Relation::Foreign => self.both(&named, &by_identity),
            _ => self.either(direct, &self.both(limited, self.bounded)),
        };
        [by_name, self.both(by_account, &by_identity)]
    }
}

impl Needs<'_> {
    /// Rules E20, E30 to E33, E40: by the key policy, by identity policies, by grants.
    fn with_key(&self, owner: &Owner) -> [Masked; 3] {
        let [by_key, by_iam] = self.with_policy(&owner.direct, &owner.limited, &owner.by_account);
        let granted = &owner.granted;
        if matches!(self.home.who, Who::Root | Who::Service) {
            let by_grant = self.either(&granted.direct, &granted.limited);
            return [by_key, by_iam, self.either(&by_grant, &granted.account)];
        }
        let (retired, by_retiring) = self.retiring(owner, &self.by_identity());
        let by_grant = self.by_grant(owner, self.relation == Relation::Foreign);
        [by_key, self.either(&by_iam, &by_retiring), self.either(&by_grant, &retired)]
    }

    /// Rules P8 to P10, E33, G11.
    fn by_grant(&self, owner: &Owner, foreign: bool) -> Masked {
        let used = ActionSet::ALL.minus(KmsAction::RETIRE_GRANT.into());
        let granted = &owner.granted;
        let limits = self.passed(self.bounded);
        let limited = self.both(&granted.limited, &limits);
        let mut direct = self.either(&granted.direct, &limited);
        if foreign && !direct.is_never() {
            // O1: some ask an external grantee for an identity Allow.
            let asked = self.point(OpenPoint::O1).not(self.formulas);
            direct = self.both(&direct, &self.either(&asked, &self.home.allow));
        }
        // The boundary does not limit the identity Allow where O3 lets grants pass it.
        let by_account = self.both(&granted.account, &self.both(&self.home.allow, &limits));
        self.either(&direct, &by_account).within(used)
    }

    /// Rules G41, G42: directly, and by identity policies.
    fn retiring(&self, owner: &Owner, by_identity: &Masked) -> (Masked, Masked) {
        let retire = ActionSet::of(KmsAction::RETIRE_GRANT);
        let granted = &owner.granted;
        let limited = self.both(&granted.limited, &self.passed(self.bounded));
        let directly = self.either(&granted.direct, &limited).within(retire);
        (directly, self.both(&granted.account.within(retire), by_identity))
    }

    /// O3: some let grants pass boundary and session policies.
    fn passed(&self, bounded: &Masked) -> Masked {
        if *bounded == Masked::all() {
            return bounded.clone();
        }
        self.either(bounded, &self.point(OpenPoint::O3))
    }

    fn point(&self, point: OpenPoint) -> Masked {
        Masked::of(ActionSet::ALL, self.formulas.of(Atom::Open(point)))
    }
}
