//! One caller, one action, one target: the questions of rules and of `why`.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::aws::{ActionSet, ControlSet, KeyArn, KmsAction};
use crate::decision::{
    Allowing, Bound, Caller, Cell, CellAnswer, Context, Fate, Request, Standing, Target, Unknown,
    Verdict, Why,
};
use crate::inventory::{Alias, Key};
use crate::policy::{Element, PolicyKind};
use crate::source::{FileId, Place, Span};

use super::Access;
use super::asked::{Asked, REQUEST_ALIAS, account_form, asks_about_caller};
use super::formula::Formula;
use super::frame::{Frame, KeyLimits, Limit};
use super::grants::Granted;
use super::home::Home;
use super::judge::Judge;
use super::library::World;
use super::masked::Masked;
use super::owner::Owner;
use super::participants;
use super::question::{missing_allow, missing_deny};
use super::solve::Found;
use super::spellings::folded;
use super::statement::sure_actions;
use super::subject::Subject;
use super::ways::{Relation, Ways};

/// Everything about one question, ready to be decided.
pub(super) struct Posed<'a> {
    pub(super) ways: Ways,
    pub(super) frame: Frame,
    pub(super) judge: Judge<'a>,
}

impl Access<'_> {
    /// The verdict over every request that AWS could send and that agrees with the context of `request`.
    pub fn verdict_of(&self, request: &Request) -> Verdict {
        verdict(request, self.answer_of(request))
    }

    /// Everything about it: verdict, exact condition, witnesses, reasons.
    pub fn answer_of(&self, request: &Request) -> CellAnswer {
        let given = self.given_by(request);
        let posed = self.posed(request, &given);
        posed.judge.answer(&posed.ways, request.action, &posed.frame)
    }

    /// The least and the most that the verdict can be.
    pub fn bounds_of(&self, request: &Request) -> (Bound, Bound) {
        let given = self.given_by(request);
        let posed = self.posed(request, &given);
        let allowed = posed.ways.allowed(&self.core.formulas).at(request.action);
        let standing = posed.judge.standing(allowed, &posed.frame);
        (standing.at_least(), standing.at_most())
    }

    /// The KMS actions that an `Action` or `NotAction` element covers for certain.
    pub fn actions(&self, element: &Element) -> ActionSet {
        sure_actions(element)
    }

    /// The same of the actions outside KMS that lead to a key.
    pub fn control_actions(&self, element: &Element) -> ControlSet {
        sure_actions(element)
    }

    /// What becomes of an Allow statement or a grant for one cell.
    pub fn fate(&self, cell: &Cell, allowing: Allowing<'_>) -> Fate {
        let request = cell.plain_request();
        let world = self.world(&self.given);
        let formulas = &*self.core.formulas;
        let subject = Subject::of(&self.inventory, request.caller.clone());
        let Some(key) = self.inventory.key(&cell.key) else {
            return Fate::Unknown;
        };
        let (applies, of_key) = match allowing {
            Allowing::Statement(document, index) => {
                (world.statement(document, index).at(cell.action), is_of_key(document.kind))
            }
            Allowing::Grant(grant) => {
                let granted = Granted::of_grant(formulas, key, grant);
                let named = granted.direct.or(formulas, &granted.limited);
                (named.or(formulas, &granted.account).at(cell.action), true)
            }
        };
        let applies = settled(&world, key, &subject, applies, of_key);
        if applies == Formula::FALSE {
            return Fate::NeverApplies;
        }
        let posed = self.posed(&request, &self.given);
        let applies = posed.judge.as_decided(applies);
        let undenied = formulas.not(posed.ways.denied(formulas, cell.action));
        let free = formulas.and([applies, posed.judge.as_decided(undenied)]);
        let find = |formula| self.core.solver.find(formula, &posed.frame);
        let found = match (find(free), find(applies)) {
            (Found::Yes(context), _) => return Fate::Free(Box::new(extended(&request, &context))),
            (_, Found::No) => return Fate::NeverApplies,
            (Found::Undecided, _) | (_, Found::Undecided) => return Fate::Unknown,
            // Rule U7: what is missing may spare it.
            _ if find(formulas.and([applies, posed.judge.at_most(undenied)])) != Found::No => {
                return Fate::Unknown;
            }
            (Found::No, Found::Yes(context)) => Box::new(extended(&request, &context)),
        };
        let (mut gates, mut by) = (BTreeSet::new(), Vec::new());
        for policy in participants::of(&world, &subject, Some(key)) {
            for (index, citation) in policy.denies() {
                let denies = world.statement(policy.document, index).at(cell.action);
                let of_key = is_of_key(policy.document.kind);
                let denies = settled(&world, key, &subject, denies, of_key);
                let denies = posed.judge.as_decided(denies);
                if let Found::Yes(_) = find(formulas.and([applies, denies])) {
                    gates.insert(policy.gate);
                    by.push(citation);
                }
            }
        }
        Fate::Denied { request: found, gates, by }
    }

    /// What fixes condition keys: the assumptions, and the question itself, which wins.
    fn given_by(&self, request: &Request) -> Context {
        let mut given = self.given.clone();
        given.lay_over(&request.context);
        if let Target::Alias(arn) = &request.target
            && request.action.info().accepts_alias_as_key_id
            && given.get("kms:RequestAlias").is_none()
        {
            // Rule C55.
            given.set_one("kms:RequestAlias", arn.name());
        }
        given
    }

    pub(super) fn posed<'a>(&'a self, request: &Request, given: &'a Context) -> Posed<'a> {
        // What is kept must not hang on which policies were met before.
        let world = World { every_limit: true, ..self.world(given) };
        let subject = Subject::of(&self.inventory, request.caller.clone());
        let is_bare = request.session_policies.is_empty();
        let is_plain = is_bare && *given == self.given;
        let home = || Home::of(&world, &subject, &request.session_policies);
        let home = match is_bare {
            true => self.homes.get((request.caller.clone(), given.clone()), |_| Arc::new(home())),
            false => Arc::new(home()),
        };
        let wanted = ActionSet::of(request.action);
        let home = home.mapped(|masked| masked.within(wanted));
        let (home, owner, relation) = self.sides(&world, &subject, home, request, is_plain);
        let owner = owner.mapped(|masked| {
            let masked = masked.within(wanted);
            masked.mapped(|formula| world.with_caller(formula, &subject))
        });
        let frame = frame(&home, &owner, request.action, given);
        let ways = Ways::of(&self.core.formulas, &home, &owner, relation);
        let judge = Judge { formulas: &self.core.formulas, solver: &self.core.solver };
        Posed { ways, frame, judge }
    }

    /// Both sides once it is known what is asked for.
    fn sides(
        &self,
        world: &World<'_>,
        subject: &Subject<'_>,
        home: Home,
        request: &Request,
        is_plain: bool,
    ) -> (Home, Arc<Owner>, Relation) {
        let on = |asked: Asked<'_>| {
            home.mapped(|masked| {
                masked.mapped(|formula| {
                    let formula = world.with_key(formula, asked);
                    world.with_caller(formula, subject)
                })
            })
        };
        let without_key = |before: &str, after: &str| {
            let asked = Asked::Nothing { resource: (before, after) };
            let owner = Owner::of_nothing(world, asked, ActionSet::ALL);
            (on(asked), Arc::new(owner), Relation::NoKey)
        };
        let info = request.action.info();
        let key = match &request.target {
            Target::Key(arn) => Some(arn.clone()),
            Target::Alias(arn) if !info.has_alias_resource => {
                self.inventory.alias(arn).and_then(Alias::key)
            }
            // Rules E52, L1 to L3: the alias half.
            Target::Alias(arn) => return without_key(arn.as_str(), ""),
            Target::NewKey { region, account } => {
                let partition = request.caller.partition();
                return without_key(&format!("arn:{partition}:kms:{region}:{account}:key/*"), "");
            }
            Target::Principal(arn) => return without_key(arn, ""),
            Target::Account if asks_about_caller(request.action) => {
                return without_key(subject.principal_arn().unwrap_or_default(), "");
            }
            Target::Account => None,
        };
        let Some(arn) = key else {
            let account = subject.caller.account.map(|account| account.to_string());
            let account = account.unwrap_or_default();
            let (before, after) = account_form(subject.caller.partition(), &account);
            return without_key(&before, &after);
        };
        let unknown;
        let key = match self.inventory.key(&arn) {
            Some(key) => key,
            None => {
                unknown = Key::new(arn.clone(), Place::plain(FileId(0), Span::default()));
                &unknown
            }
        };
        let owner = || Arc::new(self.owner(world, key));
        let owner = match is_plain {
            true => self.owners.get(arn.clone(), |_| owner()),
            false => owner(),
        };
        (on(Asked::Key(key)), owner, Relation::of(&request.caller, &arn))
    }

    /// The side of a key, whoever calls.
    fn owner(&self, world: &World<'_>, key: &Key) -> Owner {
        let arn = &key.arn;
        let mut owner = Owner::of(world, key);
        // A key that cannot perform an action gets its decision all the same (rule S1).
        owner.possible = ActionSet::ALL;
        if let Some(what) = self.gaps.key_part(arn, "grants") {
            owner = owner.with_unlisted_grants(world, &what);
        }
        if self.inventory.key(arn).is_none() {
            let what = format!("key policy of {arn}");
            let allows = missing_allow(world.formulas, what.clone());
            let denies = missing_deny(world.formulas, what);
            owner.direct = Masked::of(ActionSet::ALL, allows);
            owner.deny = Masked::of(ActionSet::ALL, denies);
        }
        owner
    }

    /// Everyone who might hold `action` on `key`, strangers aside; sorted.
    pub fn candidates(&self, key: &KeyArn, action: KmsAction) -> Vec<Caller> {
        super::candidates::of(self, key, action)
    }
}

/// A formula of one policy once caller and key are known; `of_key` where it is of the key's side, which is
/// made before anybody asks. What a test of one side compares with a value of the other hangs on that.
pub(super) fn settled(
    world: &World<'_>,
    key: &Key,
    subject: &Subject<'_>,
    formula: Formula,
    of_key: bool,
) -> Formula {
    // Either may put in what the other must answer.
    let formula = if of_key { formula } else { world.with_caller(formula, subject) };
    let formula = world.with_key(formula, Asked::Key(key));
    world.with_caller(formula, subject)
}

/// Whether the policies of a kind are of the key's side.
pub(super) fn is_of_key(kind: PolicyKind) -> bool {
    matches!(kind, PolicyKind::Key | PolicyKind::Rcp | PolicyKind::Endpoint)
}

/// What a cell of the two sides is decided in.
pub(super) fn frame(home: &Home, owner: &Owner, action: KmsAction, given: &Context) -> Frame {
    let limits = limits(home, owner, given);
    Frame { caller: home.who, action: action.into(), limits }
}

/// What request-time keys can hold for two sides; what is given wins.
pub(super) fn limits(home: &Home, owner: &Owner, given: &Context) -> KeyLimits {
    let gives_nothing = given.is_empty() && given.absent().next().is_none();
    match (&*home.limits, &*owner.limits) {
        ([], _) if gives_nothing => Arc::clone(&owner.limits),
        (_, []) if gives_nothing => Arc::clone(&home.limits),
        (of_home, of_owner) => {
            // Of aliases a key that asks for them itself knows more.
            let is_told = of_owner.iter().any(|(key, _)| **key == *REQUEST_ALIAS);
            let is_left = |(key, _): &&(Box<str>, Limit)| !is_told || **key != *REQUEST_ALIAS;
            merged(given, of_home.iter().filter(is_left).chain(of_owner))
        }
    }
}

/// The same for any limits of sides.
pub(super) fn merged<'l>(
    given: &Context,
    of_sides: impl Iterator<Item = &'l (Box<str>, Limit)>,
) -> KeyLimits {
    let mut limits: Vec<(Box<str>, Limit)> = Vec::new();
    for entry in given.entries() {
        let values = entry.value.values().into();
        limits.push((folded(&entry.name), Limit::Given(values)));
    }
    limits.extend(given.absent().map(|name| (name.into(), Limit::Absent)));
    let fixed = limits.len();
    for limit in of_sides {
        // The question fixes few.
        if !limits.iter().take(fixed).any(|(key, _)| *key == limit.0) {
            limits.push(limit.clone());
        }
    }
    limits.sort();
    limits.into()
}

/// What the assumptions fix, and what a question fixes, which wins.
pub(super) fn merged_with(assumed: &Context, given: &Context) -> Context {
    let mut all = assumed.clone();
    all.lay_over(given);
    all
}

fn extended(request: &Request, context: &Context) -> Request {
    let mut request = request.clone();
    let mut whole = context.clone();
    whole.lay_over(&request.context);
    request.context = whole;
    request
}

/// The verdict of a request that these answers are about.
pub fn verdict(request: &Request, answer: CellAnswer) -> Verdict {
    let with = |context: Option<Context>| {
        let context = context.unwrap_or_default();
        Box::new(extended(request, &context))
    };
    match answer.verdict {
        Standing::Always => Verdict::Always { witness: with(answer.witness) },
        Standing::Conditional => {
            Verdict::Conditional { witness: with(answer.witness), counter: with(answer.counter) }
        }
        Standing::Never => Verdict::Never { counter: with(answer.counter) },
        Standing::Unknown { at_least, at_most } => {
            let mut why: BTreeSet<Why> = answer.missing.into_iter().map(Why::Missing).collect();
            why.extend(answer.open.iter().map(|point| Why::Open(point.name())));
            if answer.undecided {
                why.insert(Why::Undecided);
            }
            let witness = answer.witness.map(|context| with(Some(context)));
            Verdict::Unknown(Unknown { at_least, at_most, witness, why })
        }
    }
}
