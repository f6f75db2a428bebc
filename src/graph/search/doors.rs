//! Whom somebody comes to be by what others did: roles whose trust policies were written, users that were
//! made (rules T25, T35).

use crate::aws::ControlAction;
use crate::decision::{Chance, Context};

use super::super::cast::Ix;
use super::super::change::Change;
use super::super::label::{Act, Label};
use super::super::moves::Move;
use super::super::plan::Doing;
use super::super::state::{DoingIx, StateName, States, Tags};
use super::{Fact, Search};

/// A role that can be taken on since its trust policy was written, or a user that was made.
#[derive(Clone, Copy)]
pub(super) struct Door {
    /// Who it is.
    at: Ix,
    /// The call that takes it on.
    by: DoingIx,
    primitive: bool,
}

impl Search<'_, '_, '_> {
    /// A role that trusts whoever wants in, or a session of it (rule T25), or a user that was made (rule T35).
    pub(super) fn open_door(&mut self, at: Ix, what: Move, label: &Label) {
        let primitive = what.primitive().is_some();
        let by = self.states.doings.intern(Doing::Move(what));
        let door = Door { at, by, primitive };
        self.doors.push((door, label.clone()));
        for nth in 0..self.reached.len() {
            if let Some((name, how)) = self.reached_with(nth, label) {
                self.enter(&name, door, &how);
            }
        }
    }

    /// Rules T25, T35: takes on whom a door leads to.
    pub(super) fn enter(&mut self, name: &StateName, door: Door, label: &Label) {
        if !self.fits(label) || name.at == door.at {
            return;
        }
        let fact = Fact::Held(door.at, Tags::Own);
        let act = Act { by: name.at, what: door.by, primitive: door.primitive };
        let seen = self.seen.get(&fact);
        if seen.is_some_and(|seen| seen.are_enough_with(label, act, label.chance)) {
            return;
        }
        let chance = self.states.enters(name, door.by);
        if self.goes_on(chance) {
            self.push(fact, label.then(act, chance));
        }
    }

    /// Rule T6: whether a role was taken on where policies ask for the names of sessions; under the name of
    /// one that policies name it is a call of its own then.
    pub(super) fn has_asked_for_a_name(&self, role: Ix, label: &Label) -> bool {
        let states = self.states;
        let is_taken_on = |act: &Act| match states.doings.get(act.what) {
            Doing::Move(Move::Assume(at) | Move::AssumeTagged(at)) => *at == role,
            _ => false,
        };
        states.cast.hears_session_names && label.acts.iter().any(is_taken_on)
    }
}

impl States<'_, '_> {
    /// Whether a state may take on a role whose trust policy lets everyone in, or a session of it (rule T25),
    /// or make credentials of a user (rules T26, T27, T35).
    fn enters(&self, name: &StateName, by: DoingIx) -> Chance {
        let class = self.get(name).class;
        self.entering.get((class, by), |_| match self.doings.get(by) {
            Doing::Move(Move::Assume(at)) => self.assumes_trusting(name, *at),
            Doing::Move(Move::AccessKey(user)) => {
                self.takes_credentials(name, ControlAction::IAM_CREATE_ACCESS_KEY, *user)
            }
            Doing::Move(Move::LoginProfile { user, .. }) => {
                self.takes_credentials(name, ControlAction::IAM_CREATE_LOGIN_PROFILE, *user)
            }
            _ => Chance::No,
        })
    }

    fn assumes_trusting(&self, name: &StateName, at: Ix) -> Chance {
        let role = self.cast.role_of(at).unwrap_or(at);
        let Some(arn) = self.cast.arn(role) else { return Chance::No };
        let asker = self.asker(name);
        let mut said = self.tags_of_made(role);
        said.lay_over(&self.cast.naming(at));
        match asker.assume_action() {
            ControlAction::STS_ASSUME_ROLE => asker.side(&said).entering(arn),
            _ => Chance::No,
        }
    }

    fn takes_credentials(&self, name: &StateName, action: ControlAction, user: Ix) -> Chance {
        let asker = self.asker(name);
        match self.cast.arn(user) {
            Some(arn) if asker.account().is_some() && !asker.is_outside() => {
                asker.side(&self.tags_of_made(user)).chance(action, arn)
            }
            _ => Chance::No,
        }
    }

    /// What requests on one who was made say of the tags that it was made with.
    fn tags_of_made(&self, at: Ix) -> Context {
        let retagged = Change::Made(at).retagged(self.cast);
        retagged.map(|(_, said)| said).unwrap_or_default()
    }
}
