//! Whom the one who set out can be by now.

use crate::aws::{Identity as Named, identity};
use crate::decision::{Caller, CallerKind, Context, ContextValue};
use crate::graph::{Call, Hop};
use crate::inventory::{Inventory, Tags};

/// An identity that is held.
pub(super) struct Held {
    caller: Caller,
    /// The name of a role's session, where a call fixed it.
    session: Option<Box<str>>,
    /// The tags of the session; nothing where it may have any (rule T7).
    tags: Option<Tags>,
    /// Its source identity, where a user made it; nothing where it may have any.
    source: Option<Option<Box<str>>>,
}

impl Held {
    /// The one who sets out. A role stands for any session of it, with whatever tags it was given.
    pub(super) fn start(from: &Caller) -> Self {
        let tags = (from.kind == CallerKind::User).then(Tags::default);
        Self { caller: from.clone(), session: None, tags, source: None }
    }

    /// The identity that a hop takes on.
    pub(super) fn gained(hop: &Hop) -> Option<Self> {
        let caller = hop.call.gained()?;
        let (session, tags) = match &hop.call {
            Call::AssumeRole { tags, .. } => (session_name(&hop.context), tags.clone()),
            Call::AssumeRoleWithSaml { .. } | Call::AssumeRoleWithWebIdentity { .. } => {
                (session_name(&hop.context), Tags::default())
            }
            Call::GetFederationToken { tags, .. } => (None, tags.clone()),
            _ => (None, Tags::default()),
        };
        // A provider may put tags into its assertions.
        let by_provider = hop.caller.kind == CallerKind::Provider;
        let by_user = hop.caller.kind == CallerKind::User;
        let is_assumed = matches!(hop.call, Call::AssumeRole { .. });
        let source = (by_user && is_assumed).then(|| one(&hop.context, "sts:SourceIdentity"));
        Some(Self { caller, session, tags: (!by_provider).then_some(tags), source })
    }

    /// Whether `caller` is this identity, or the session of a role that is held.
    pub(super) fn is(&self, caller: &Caller) -> bool {
        let CallerKind::AssumedRole { role, session } = &caller.kind else {
            return self.caller == *caller;
        };
        let is_role = || match identity(&self.caller.text) {
            // Rule A42: names of roles are unique, whatever the case.
            Some(Named::Role { name, .. }) => name.eq_ignore_ascii_case(role),
            _ => false,
        };
        let same_name = self.session.as_ref().is_none_or(|fixed| fixed == session);
        self.caller == *caller || self.caller.account == caller.account && is_role() && same_name
    }

    /// Whether a context says of the session's name and source identity what they are (rule T6).
    fn is_made_so(&self, context: &Context) -> Result<(), Box<str>> {
        let id = one(context, "aws:userid");
        let named = id.as_deref().and_then(|id| id.split_once(':')).map(|(_, name)| name);
        let is_other = |fixed: &str| named.is_some_and(|named| named != fixed);
        if self.session.as_deref().is_some_and(is_other) {
            return Err("aws:userid".into());
        }
        match (&self.source, one(context, "aws:SourceIdentity")) {
            (Some(fixed), Some(said)) if *fixed != Some(said.clone()) => {
                Err("aws:SourceIdentity".into())
            }
            _ => Ok(()),
        }
    }

    /// The context of a request as this identity: the tags of its session are in it (rules T7, T34).
    ///
    /// # Errors
    ///
    /// A tag that `context` claims and the session does not have.
    pub(super) fn context(
        &self,
        caller: &Caller,
        context: &Context,
        world: &Inventory,
    ) -> Result<Context, Box<str>> {
        self.is_made_so(context)?;
        let Some(tags) = &self.tags else {
            return Ok(context.clone());
        };
        let own = caller.identity_in(world).map(|identity| &identity.tags);
        let has = |key: &str, value: &ContextValue| {
            let of = |tags: &Tags| {
                let mut all = tags.iter();
                all.find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, it)| it.clone())
            };
            let held = of(tags).or_else(|| own.and_then(of));
            held.is_some_and(|held| *value.values() == [held])
        };
        let mut claimed = context.with_prefix("aws:PrincipalTag/");
        if let Some((key, _)) = claimed.find(|(key, entry)| !has(key, &entry.value)) {
            return Err(format!("aws:PrincipalTag/{key}").into());
        }
        let mut context = context.clone();
        for (key, value) in tags.iter() {
            context.set_one(&format!("aws:PrincipalTag/{key}"), value);
        }
        Ok(context)
    }
}

fn session_name(context: &Context) -> Option<Box<str>> {
    one(context, "sts:RoleSessionName")
}

fn one(context: &Context, name: &str) -> Option<Box<str>> {
    context.get(name)?.value.values().first().cloned()
}
