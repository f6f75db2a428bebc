//! Which statements of a policy apply to a request (rules A12 to A24, U2).

use std::collections::BTreeSet;

use crate::decision::{Citation, Cited};
use crate::policy::{
    Condition, Effect, Polarity, PolicyDocument, PolicyKind, Principal, Standing, Statement,
};

use super::condition;
use super::matching;
use super::participants::{Name, Taking};
use super::principals::{self, Class};
use super::scene::{Lens, Scene};
use super::told::Cite;
use super::truth::Truth;

/// A statement that applies; put into words only where the trace tells of it.
#[derive(Clone, Copy)]
pub(super) struct Applying<'a> {
    name: Name<'a>,
    document: &'a PolicyDocument,
    index: usize,
}

impl<'a> Applying<'a> {
    /// The statement.
    pub(super) fn statement(self) -> Option<&'a Statement> {
        self.document.policy().statements.get(self.index)
    }

    /// Whether somebody wrote it: else it stands for what a policy that is not known may say.
    pub(super) fn is_written(self) -> bool {
        self.statement().is_some_and(|statement| statement.standing != Standing::Unwritten)
    }

    /// Whether both are the same statement.
    pub(super) fn is(self, other: Applying<'_>) -> bool {
        self.document.place == other.document.place && self.index == other.index
    }

    /// Whether it applies for certain to the request of another scene.
    pub(super) fn applies(self, scene: &Scene<'_, '_>) -> bool {
        statement_applies(scene, self.document, self.index)
    }

    /// The statement as traces cite it.
    pub(super) fn citation(self) -> Citation {
        let cited = Cited::Statement { document: self.document.clone(), index: self.index };
        Citation { policy: self.name.words(), cited }
    }
}

/// The Allow statements of some policies that apply.
#[derive(Default)]
pub(super) struct Applied<'a> {
    /// Each with the classes in which a resource policy means the caller; empty for other policies.
    pub(super) allows: Vec<(Applying<'a>, Vec<Class>)>,
}

impl<'a> Applied<'a> {
    /// The statements, whatever the class.
    pub(super) fn cites(&self) -> impl Iterator<Item = Cite<'a>> {
        self.allows.iter().map(|(applying, _)| Cite::Statement(*applying))
    }
}

/// What a set of policies allows together (rules E1, E2, K8). What hangs on something unknown never allows,
/// and is noted as missing (rules A20, U7).
pub(super) fn allowing<'a>(scene: &Scene<'_, '_>, set: &[Taking<'a>]) -> Applied<'a> {
    let mut together = Applied::default();
    note_unreadable(scene, set);
    for policy in set {
        for (applying, statement, truth) in told(scene, policy, Effect::Allow) {
            if truth == Truth::Unknown {
                scene.note_missing(hangs_on_unknown(policy.name, statement, applying.index));
                continue;
            }
            // Another entry could mean the caller by a name that opens more.
            let (sure, perhaps) = told_classes(scene, statement);
            if perhaps.iter().any(|class| !sure.contains(class)) {
                scene.note_missing(hangs_on_unknown(policy.name, statement, applying.index));
            }
            together.allows.push((applying, sure));
        }
    }
    together
}

/// Notes the policies of a set that cannot be read: what they say is missing (rule A20).
pub(super) fn note_unreadable(scene: &Scene<'_, '_>, set: &[Taking<'_>]) {
    for policy in set.iter().filter(|policy| !policy.document.policy().readable) {
        scene.note_missing(format!("{}: malformed", policy.name));
    }
}

/// What a set of policies denies together (rules E10, K8). What hangs on something unknown denies, and is
/// noted as missing (rules A20, U7).
pub(super) fn denying<'a>(scene: &Scene<'_, '_>, set: &[Taking<'a>]) -> Vec<Applying<'a>> {
    let mut together = Vec::new();
    for policy in set.iter().filter(|policy| policy.document.may_deny()) {
        for (applying, statement, truth) in told(scene, policy, Effect::Deny) {
            if truth == Truth::Unknown {
                scene.note_missing(hangs_on_unknown(policy.name, statement, applying.index));
            }
            together.push(applying);
        }
    }
    together
}

/// The statements of one policy with this effect that apply, or may.
fn told<'a>(
    scene: &Scene<'_, '_>,
    policy: &Taking<'a>,
    wanted: Effect,
) -> impl Iterator<Item = (Applying<'a>, &'a Statement, Truth)> {
    let (name, document) = (policy.name, policy.document);
    let lens = Lens::of(document, wanted);
    let statements = document.policy().statements.iter().enumerate();
    let of_effect = statements.filter(move |(_, statement)| {
        statement.effect.as_ref().is_some_and(|effect| effect.value == wanted)
    });
    of_effect.filter_map(move |(index, statement)| {
        let truth = applies(scene, lens, statement);
        let applying = Applying { name, document, index };
        (truth != Truth::False).then_some((applying, statement, truth))
    })
}

fn hangs_on_unknown(policy: Name<'_>, statement: &Statement, index: usize) -> String {
    let sid = statement
        .sid
        .as_ref()
        .map_or_else(|| format!("{}", index + 1), |sid| sid.value.to_string());
    let expressions: BTreeSet<&str> = statement.unresolved().map(|it| it.value).collect();
    let listed = expressions.iter().copied().collect::<Vec<_>>().join(", ");
    match (statement.standing, expressions.is_empty()) {
        (Standing::Malformed, _) => format!("{policy}: statement {sid} is malformed"),
        (Standing::Unwritten, _) => format!("{policy}: what it says hangs on {listed}"),
        (_, false) => format!("{policy}: statement {sid} hangs on {listed}"),
        (_, true) => format!("{policy}: statement {sid} hangs on what is not known"),
    }
}

/// The classes in which a statement surely means the caller, and those in which it may.
fn told_classes(scene: &Scene<'_, '_>, statement: &Statement) -> (Vec<Class>, Vec<Class>) {
    let element = statement.principal.as_ref();
    let classes = element.map_or_else(Vec::new, |element| principals::allowed(scene, element));
    let of = |wanted| {
        let classes = classes.iter().filter(move |(_, truth)| *truth == wanted);
        classes.map(|(class, _)| *class).collect()
    };
    (of(Truth::True), of(Truth::Unknown))
}

/// Whether one statement of a policy applies for certain.
pub(super) fn statement_applies(
    scene: &Scene<'_, '_>,
    document: &PolicyDocument,
    index: usize,
) -> bool {
    let statement = document.policy().statements.get(index);
    statement.is_some_and(|statement| {
        let effect = statement.effect.as_ref().map_or(Effect::Allow, |effect| effect.value);
        applies(scene, Lens::of(document, effect), statement) == Truth::True
    })
}

/// Whether a statement could apply in some context, its principals aside: its action fits, and so does its
/// resource, where no variable in it hangs on the context.
pub(super) fn could_cover(
    scene: &Scene<'_, '_>,
    document: &PolicyDocument,
    statement: &Statement,
) -> bool {
    let resources = statement.resource.iter().flat_map(|element| &element.values);
    let varies = |text: Option<&str>| text.is_none_or(|text| text.contains('$'));
    let lens = Lens::of(document, Effect::Allow);
    action_covers(scene, statement) != Truth::False
        && (resources.into_iter().any(|value| varies(value.value.text()))
            || resource_covers(scene, lens, statement) != Truth::False)
}

/// Whether some Allow statement of an identity policy could apply in some context.
pub(super) fn could_allow(scene: &Scene<'_, '_>, document: &PolicyDocument) -> bool {
    let policy = document.policy();
    let mut allows = policy.statements.iter().filter(|statement| statement.allows());
    !policy.readable || allows.any(|statement| could_cover(scene, document, statement))
}

/// How far a key policy could open a key to the caller, in some context.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub(super) enum Opening {
    /// No statement could allow.
    #[default]
    Closed,
    /// It delegates to the caller's account: an identity policy must allow as well (rule P6).
    ToIdentityPolicies,
    /// It could allow the caller by itself.
    ToCaller,
}

/// How far a key policy could open the key to the caller.
pub(super) fn could_open(scene: &Scene<'_, '_>, document: &PolicyDocument) -> Opening {
    let policy = document.policy();
    if !policy.readable {
        return Opening::ToCaller;
    }
    let allows = policy.statements.iter().filter(|statement| statement.allows());
    let covering = allows.filter(|statement| could_cover(scene, document, statement));
    let openings = covering.flat_map(|statement| &statement.principal).map(|element| {
        // Which provider made a session is for the context to say (rule A37).
        let is_open = element.polarity == Polarity::IsNot
            || element.entries.iter().any(|it| matches!(it.value, Principal::Federated(_)));
        let classes = principals::allowed(scene, element);
        match classes.iter().all(|(class, _)| *class == Class::Account) {
            _ if is_open => Opening::ToCaller,
            true if classes.is_empty() => Opening::Closed,
            true => Opening::ToIdentityPolicies,
            false => Opening::ToCaller,
        }
    });
    openings.max().unwrap_or_default()
}

/// The conditions of the statements that would apply but for them.
pub(super) fn conditions_in_play<'a>(
    scene: &Scene<'a, '_>,
    policy: &Taking<'a>,
) -> impl Iterator<Item = &'a Condition> {
    let document = policy.document;
    document
        .policy()
        .statements
        .iter()
        .filter(move |statement| {
            statement.effect.as_ref().is_some_and(|effect| {
                let lens = Lens::of(document, effect.value);
                covers(scene, lens, statement) != Truth::False
                    || (resource_hangs(statement)
                        && action_covers(scene, statement) != Truth::False
                        && principal_covers(scene, lens, statement) != Truth::False)
            })
        })
        .flat_map(|statement| &statement.conditions)
}

/// Whether the context (rule A64) or the reading of O28 decides what the resource element covers.
fn resource_hangs(statement: &Statement) -> bool {
    let texts = statement.resource.iter().flat_map(|element| &element.values);
    let mut texts = texts.filter_map(|value| value.value.text());
    texts.any(|text| text.contains('$') || (text != "*" && text.splitn(6, ':').count() < 6))
}

/// Whether a statement applies: the minimum of its elements (rule U2), cheapest first.
fn applies(scene: &Scene<'_, '_>, lens: Lens, statement: &Statement) -> Truth {
    match covers(scene, lens, statement) {
        Truth::False => Truth::False,
        // Rule A20: how a malformed statement is restricted nobody knows.
        covered if statement.standing == Standing::Malformed => covered,
        covered => covered.min(condition::all_hold(scene, lens, &statement.conditions)),
    }
}

/// Whether a statement is about the request, its conditions aside.
fn covers(scene: &Scene<'_, '_>, lens: Lens, statement: &Statement) -> Truth {
    let sound = match statement.standing {
        // What stands for something unknown is in doubt besides.
        Standing::Sound | Standing::Unwritten => Truth::True,
        // Rules A14, A15.
        Standing::Inert => Truth::False,
        // Rule A20.
        Standing::Malformed => Truth::Unknown,
    };
    // What is in doubt may stand there or not.
    let sound = if statement.doubt.is_some() { sound.min(Truth::Unknown) } else { sound };
    let elements: [&dyn Fn() -> Truth; 3] = [
        &|| action_covers(scene, statement),
        &|| principal_covers(scene, lens, statement),
        &|| resource_covers(scene, lens, statement),
    ];
    let mut covered = sound;
    for element in elements {
        if covered == Truth::False {
            break;
        }
        covered = covered.min(element());
    }
    covered
}

fn action_covers(scene: &Scene<'_, '_>, statement: &Statement) -> Truth {
    match &statement.action {
        Some(element) => matching::action(element, scene.request.action()),
        None => lacking(statement),
    }
}

/// Rule A20: what a malformed statement lacks could be anything.
fn lacking(statement: &Statement) -> Truth {
    match statement.standing {
        Standing::Malformed => Truth::Unknown,
        Standing::Sound | Standing::Inert | Standing::Unwritten => Truth::False,
    }
}

fn principal_covers(scene: &Scene<'_, '_>, lens: Lens, statement: &Statement) -> Truth {
    match (&statement.principal, lens.effect) {
        (None, _) if lens.kind.is_resource_policy() => lacking(statement),
        (None, _) => Truth::True,
        (Some(element), Effect::Allow) => {
            Truth::any(principals::allowed(scene, element).iter().map(|(_, truth)| *truth))
        }
        (Some(element), Effect::Deny) => principals::denied(scene, element),
    }
}

fn resource_covers(scene: &Scene<'_, '_>, lens: Lens, statement: &Statement) -> Truth {
    match &statement.resource {
        Some(element) => matching::resource(scene, lens, element),
        // Rule A15: trust policies have none.
        None if lens.kind == PolicyKind::Trust => Truth::True,
        None => lacking(statement),
    }
}
