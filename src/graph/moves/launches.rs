//! Who runs code under which role (rules T28, T29, section 5.3).

use crate::aws::ControlAction as A;
use crate::decision::{Chance, Context};

use super::super::asker::{Site, site};
use super::super::call::{Ask, Call};
use super::super::cast::Ix;
use super::super::launch::{LAUNCHES, Launch};
use super::{Gain, Move, Moves};

impl Moves<'_, '_> {
    /// Rules T28, T29, T50, T51.
    pub(super) fn launch(&mut self) {
        let Some(account) = self.asker.account() else { return };
        let is_able = |launch: &Launch| {
            launch.actions.iter().all(|action| self.can(*action))
                && (!launch.passes || self.can(A::IAM_PASS_ROLE))
        };
        let all = LAUNCHES.iter().enumerate();
        let open: Vec<(usize, &Launch)> = all.filter(|(_, launch)| is_able(launch)).collect();
        if open.is_empty() {
            return;
        }
        let partition = self.asker.member().caller.partition();
        let regions: Vec<&str> = self.cast.regions_of(account, partition).collect();
        let roles = self.roles();
        for (nth, launch) in open {
            let serving = roles.iter().copied();
            let serving: Vec<Ix> =
                serving.filter(|at| self.cast.trusts(*at, launch.service)).collect();
            if serving.is_empty() {
                continue;
            }
            let Some(site) = self.site(launch, &regions).filter(|it| it.chance > Chance::No) else {
                continue;
            };
            // What runs under which role was not exported.
            let started = match launch.existing {
                true => site.chance.min(Chance::AsTold),
                false => site.chance,
            };
            let mut context = self.base.clone();
            context.set_one("iam:PassedToService", launch.service);
            let side = self.asker.side(&context);
            let passed = match launch.passes {
                true => self.among(&side, A::IAM_PASS_ROLE, &serving),
                false => serving.into_iter().map(|at| (at, Chance::Sure)).collect(),
            };
            for (role, chance) in passed {
                let chance = chance.min(started).min(self.lets_in(role, launch, &site));
                self.add(Move::Launch(nth, role), Gain::Held(role), chance);
            }
        }
    }

    /// Where all companion actions of a launch are allowed, as far as they are.
    fn site(&self, launch: &Launch, regions: &[&str]) -> Option<Site> {
        let caller = &self.asker.member().caller;
        let side = |context: &Context| self.asker.side(context);
        site(side, caller, launch.actions, regions.iter().copied())
    }

    /// Rules T9, E41: whether the role's trust policy lets the service in that acts for the caller's account;
    /// for which resource of it is the caller's choice.
    fn lets_in(&self, role: Ix, launch: &'static Launch, site: &Site) -> Chance {
        if !self.cast.trust_asks(role, |_| true) {
            return Chance::Sure;
        }
        let (caller, access) = (&self.asker.member().caller, self.asker.access);
        let Some(arn) = self.cast.arn(role) else { return Chance::No };
        let (region, resources) = (site.region.clone(), site.resources.clone());
        let call = Call::Launch { launch, role: arn.into(), region, resources };
        let asks = call.asks(caller, access.inventory(), &Context::default());
        let Some(Ask::Control(mut request)) = asks.into_iter().next_back() else {
            return Chance::No;
        };
        request.context.forget("aws:SourceArn");
        access.control_as(&request.caller, None, &request.context).chance(request.action, arn)
    }
}
