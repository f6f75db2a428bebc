//! Which statements of a policy apply to a request (rules A12 to A24, U2).

use crate::decision::{Citation, Cited};
use crate::policy::{
    Condition, Effect, Polarity, PolicyDocument, PolicyKind, Principal, Standing, Statement,
};

use super::condition;
use super::matching;
use super::participants::{Name, Taking};
use super::principals::{self, Class};
use super::scene::{Lens, Scene};
use super::truth::Truth;

/// A statement that applies; put into words only where the trace tells of it.
#[derive(Clone, Copy)]
pub(super) struct Applying<'a> {
    name: Name<'a>,
    document: &'a PolicyDocument,
    index: usize,
}

impl Applying<'_> {
    /// The statement as traces cite it.
    pub(super) fn citation(self) -> Citation {
        let cited = Cited::Statement { document: self.document.clone(), index: self.index };
        Citation { policy: self.name.words(), cited }
    }
}

/// The statements of one policy that apply.
#[derive(Default)]
pub(super) struct Applied<'a> {
    /// Allow statements, with the classes in which a resource policy means the caller; empty for others.
    pub(super) allows: Vec<(Applying<'a>, Vec<Class>)>,
    /// Deny statements.
    denies: Vec<Applying<'a>>,
}

impl Applied<'_> {
    /// The Allow statements, whatever the class.
    pub(super) fn allow_citations(&self) -> impl Iterator<Item = Citation> {
        self.allows.iter().map(|(applying, _)| applying.citation())
    }

    /// The Deny statements.
    pub(super) fn deny_citations(&self) -> impl Iterator<Item = Citation> {
        self.denies.iter().map(|applying| applying.citation())
    }
}

/// What a set of policies says together (rules E1, E2, K8).
pub(super) fn applied<'a>(scene: &Scene<'_, '_>, set: &[Taking<'a>]) -> Applied<'a> {
    let mut together = Applied::default();
    for policy in set {
        add_applied(scene, policy, &mut together);
    }
    together
}

/// Adds the statements of `policy` that apply to the request. What hangs on something unknown never
/// allows and always denies, and is noted as missing (rules A20, U7).
fn add_applied<'a>(scene: &Scene<'_, '_>, policy: &Taking<'a>, applied: &mut Applied<'a>) {
    let parsed = policy.document.policy();
    if !parsed.readable {
        scene.note_missing(format!("{}: malformed", policy.name));
    }
    for (index, statement) in parsed.statements.iter().enumerate() {
        let Some(effect) = statement.effect.as_ref().map(|effect| effect.value) else {
            continue;
        };
        let truth = applies(scene, Lens::of(policy.document, effect), statement);
        let classes = match (effect, truth) {
            (_, Truth::False) => continue,
            (Effect::Allow, Truth::Unknown) => {
                scene.note_missing(hangs_on_unknown(policy.name, statement, index));
                continue;
            }
            (Effect::Deny, Truth::Unknown) => {
                scene.note_missing(hangs_on_unknown(policy.name, statement, index));
                Vec::new()
            }
            (Effect::Deny, Truth::True) => Vec::new(),
            (Effect::Allow, Truth::True) => {
                // Another entry could mean the caller by a name that opens more.
                let (sure, perhaps) = told_classes(scene, statement);
                if perhaps.iter().any(|class| !sure.contains(class)) {
                    scene.note_missing(hangs_on_unknown(policy.name, statement, index));
                }
                sure
            }
        };
        let applying = Applying { name: policy.name, document: policy.document, index };
        match effect {
            Effect::Allow => applied.allows.push((applying, classes)),
            Effect::Deny => applied.denies.push(applying),
        }
    }
}

fn hangs_on_unknown(policy: Name<'_>, statement: &Statement, index: usize) -> String {
    let sid = statement
        .sid
        .as_ref()
        .map_or_else(|| format!("{}", index + 1), |sid| sid.value.to_string());
    let expressions: Vec<&str> = statement.unresolved().map(|it| it.value).collect();
    match (statement.standing, expressions.is_empty()) {
        (Standing::Malformed, _) => format!("{policy}: statement {sid} is malformed"),
        (_, false) => format!("{policy}: statement {sid} hangs on {}", expressions.join(", ")),
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
        covered => covered.min(condition::all_hold(scene, lens, &statement.conditions)),
    }
}

/// Whether a statement is about the request, its conditions aside.
fn covers(scene: &Scene<'_, '_>, lens: Lens, statement: &Statement) -> Truth {
    let sound = match statement.standing {
        Standing::Sound => Truth::True,
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
        None => Truth::False,
    }
}

fn principal_covers(scene: &Scene<'_, '_>, lens: Lens, statement: &Statement) -> Truth {
    match (&statement.principal, lens.effect) {
        (None, _) => Truth::from(!lens.kind.is_resource_policy()),
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
        None => (lens.kind == PolicyKind::Trust).into(),
    }
}
