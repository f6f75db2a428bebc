//! The executable specification of KMS authorization: plain, slow, obviously right.
//!
//! [`Reference::evaluate`] follows the order of section 3.2 of the semantics; every branch cites its
//! rule. It takes any context as given (rule U9), reads the points that AWS leaves open as section 10
//! chooses, and says when another reading would give the other answer (rule U8). Policies that are named
//! but not exported allow nothing and stand in [`Decision::missing`]. Costs some ten microseconds a
//! request, and the lowering of each policy at its first use.
//!
//! [`Reference::evaluate_control`] decides an action outside KMS by the same order (rule T2); `control`
//! has what is peculiar to it.

mod access;
mod asking;
mod caller;
mod certainty;
mod compare;
mod condition;
mod context;
mod control;
mod gaps;
mod grants;
mod instant;
mod matching;
mod operations;
mod participants;
mod paths;
mod principals;
mod scene;
mod statements;
mod text;
mod told;
mod truth;
mod usage;

use std::sync::Arc;

use crate::aws::{AccountId, KmsAction};
use crate::decision::{
    Allowing, Context, ContextValue, ControlRequest, Decision, Readings, Request,
};
use crate::inventory::{Inventory, OrgPolicyKind};
use crate::kept::Memo;
use crate::policy::Condition;

pub use gaps::Gaps;
pub use operations::{NewKey, Operation, lockout_check};
pub use usage::{Ability, ability};

use asking::Asking;
pub(in crate::eval) use matching::{allowed_actions, covered_actions};
use participants::{Bounds, Participants, Taking};
use scene::{Lens, Scene};
use statements::{Opening, conditions_in_play};
pub(in crate::eval) use text::takes;

/// The reference evaluator over one world.
pub struct Reference<'w> {
    world: &'w Inventory,
    readings: Readings,
    gaps: Arc<Gaps>,
    bounds: Memo<(AccountId, OrgPolicyKind), Arc<Bounds<'w>>>,
}

impl<'w> Reference<'w> {
    /// The evaluator with the choices of section 10 (mode `choice` of rule U8).
    pub fn new(world: &'w Inventory) -> Self {
        Self::with_readings(world, Readings::default())
    }

    /// The evaluator with some open points read the other way.
    pub fn with_readings(world: &'w Inventory, readings: Readings) -> Self {
        Self { world, readings, gaps: Arc::new(Gaps::of(world)), bounds: Memo::new() }
    }

    /// The evaluator over a world whose gaps are sorted already.
    pub fn with_gaps(world: &'w Inventory, gaps: Arc<Gaps>) -> Self {
        Self { world, readings: Readings::default(), gaps, bounds: Memo::new() }
    }

    /// The same evaluator over a world that edits made of its own.
    pub fn after<'x>(&self, world: &'x Inventory) -> Reference<'x> {
        let gaps = Arc::clone(&self.gaps);
        Reference { world, readings: self.readings, gaps, bounds: Memo::new() }
    }

    /// The gaps of its world, sorted once for all the worlds that edits make of it.
    pub fn gaps(&self) -> Arc<Gaps> {
        Arc::clone(&self.gaps)
    }

    /// The world it answers for.
    pub fn world(&self) -> &'w Inventory {
        self.world
    }

    /// The decision on one request.
    pub fn evaluate(&self, request: &Request) -> Decision {
        self.evaluated(request.into(), false)
    }

    /// The same; its trace has the steps alone that decide.
    pub fn evaluate_briefly(&self, request: &Request) -> Decision {
        self.evaluated(request.into(), true)
    }

    /// Whether a request is allowed, as the decision on it says, in each of these contexts instead of its own.
    pub fn allows_in(&self, request: &Request, contexts: &[&Context]) -> Vec<bool> {
        let asking = Asking::from(request);
        let mut participants = Participants::of(&Scene::new(self, asking, self.readings));
        let allows = |context| {
            let scene = Scene::new(self, Asking { context, ..asking }, self.readings);
            participants.look_at(&scene);
            access::decide_among(&scene, &participants).is_allowed()
        };
        contexts.iter().copied().map(allows).collect()
    }

    /// The decision on one request for an action outside KMS (rule T2).
    pub fn evaluate_control(&self, request: &ControlRequest) -> Decision {
        self.evaluated(request.into(), false)
    }

    fn evaluated(&self, request: Asking<'_>, brief: bool) -> Decision {
        let scene = Scene::new(self, request, self.readings);
        let mut decision = access::decide(&scene).in_words(brief);
        self.hinges(&scene, &mut decision);
        decision
    }

    /// Whether a statement of a policy, or a grant, applies to `request`.
    pub(in crate::eval) fn applies(&self, request: &Request, allowing: Allowing<'_>) -> bool {
        let scene = Scene::new(self, request, self.readings);
        match allowing {
            Allowing::Statement(document, index) => {
                statements::statement_applies(&scene, document, index)
            }
            Allowing::Grant(grant) => grants::ways(&scene).iter().any(|way| way.is_of(grant)),
        }
    }

    /// A look at `request` without a decision.
    pub(in crate::eval) fn view<'a>(&'a self, request: &'a Request) -> View<'a, 'w> {
        View(Scene::new(self, request, self.readings))
    }

    /// Rule U8: the points met on the way whose other reading gives the other answer, or could once what
    /// is missing is known.
    fn hinges(&self, scene: &Scene<'_, '_>, decision: &mut Decision) {
        let was_certain = decision.missing.is_empty();
        for point in scene.consulted() {
            let other = access::decide(&scene.read_as(self.readings.flipped(point)));
            let opens = was_certain && !other.missing.is_empty();
            if opens || other.is_allowed() != decision.is_allowed() {
                decision.open_points.insert(point);
            }
            if opens {
                decision.missing.extend(other.missing);
            }
        }
    }
}

/// What can be told of a request before it is decided.
pub(in crate::eval) struct View<'a, 'w: 'a>(Scene<'a, 'w>);

impl<'a> View<'a, '_> {
    /// Whether a statement of a policy, or a grant, could apply in some context: its action fits, and so
    /// does its resource where no variable stands in it.
    pub(in crate::eval) fn could_apply(&self, allowing: Allowing<'_>) -> bool {
        match allowing {
            Allowing::Statement(document, index) => {
                let statement = document.policy().statements.get(index);
                statement.is_some_and(|it| statements::could_cover(&self.0, document, it))
            }
            Allowing::Grant(_) => true,
        }
    }

    /// Whether the request could be allowed in some context, as far as actions, resources and principals
    /// tell: `false` is certain, whatever conditions say and whatever was not exported.
    pub(in crate::eval) fn could_be_allowed(&self) -> bool {
        let scene = &self.0;
        let participants = Participants::of(scene);
        let (Some(policies), Some(key)) = (&participants.key, scene.key) else {
            return true;
        };
        if scene.has_missing() || scene.request.is(KmsAction::RETIRE_GRANT) {
            return true;
        }
        let opens = |policy: &Taking<'_>| statements::could_open(scene, policy.document);
        let opening = policies.iter().map(opens).max().unwrap_or_default();
        let action = scene.request.kms();
        let mut granted = key.grants.iter().map(|it| it.operations);
        let by_grant = action.is_some_and(|action| granted.any(|it| it.contains(action)));
        let by_identity = || {
            let mut identity = participants.identity.iter();
            identity.any(|policy| statements::could_allow(scene, policy.document))
        };
        match opening {
            _ if by_grant => true,
            Opening::Closed => false,
            Opening::ToIdentityPolicies => by_identity(),
            Opening::ToCaller => true,
        }
    }

    /// The conditions of every statement that would apply but for them.
    pub(in crate::eval) fn conditions_in_play(&self) -> Vec<&'a Condition> {
        let participants = Participants::of(&self.0);
        let conditions = participants.all().flat_map(|policy| conditions_in_play(&self.0, policy));
        conditions.collect()
    }

    /// The value of a condition key that the export fixes, as identity policies see it.
    pub(in crate::eval) fn fixed(&self, name: &str) -> Option<ContextValue> {
        context::derived(&self.0, Lens::widest(), name)
    }
}
