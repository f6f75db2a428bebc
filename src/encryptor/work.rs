//! One call at work: who asks, in which world, and what changes.

use std::cell::RefCell;
use std::sync::Arc;

use crate::aws::{
    AccountId, AliasArn, Arn, ControlAction, Exception, Footnote, KeyArn, KeySpec, KeyUsage,
    KmsAction, StateAnswer,
};
use crate::decision::{Context, ControlRequest, Request, Target};
use crate::eval::reference::{Ability, ability};
use crate::graph::{Ask, Call};
use crate::inventory::{Alias, Edit, Inventory, Key};

use super::error::Without;
use super::material::Materials;
use super::state::{State, seconds};
use super::usage::Usages;
use super::{Ambient, Caller, Encryptor, KmsError, Touched};

/// By whose right a call is made.
pub(super) enum Authority<'a> {
    /// Somebody's, who must be allowed.
    Of(&'a Caller, &'a Ambient),
    /// The same, who must be allowed this action alone.
    For(KmsAction, &'a Caller, &'a Ambient),
    /// Nobody's: nothing is asked. Names are those of this key's account and Region.
    Nobody(&'a KeyArn),
}

/// A key that a call names.
pub(super) struct Found<'w> {
    pub(super) key: &'w Key,
    /// The key, or the alias that it was named by.
    pub(super) target: Target,
}

pub(super) struct Work<'e> {
    encryptor: &'e Encryptor,
    authority: &'e Authority<'e>,
    operation: &'static str,
    state: Arc<State>,
    change: RefCell<Option<(State, Vec<Touched>)>>,
}

impl<'e> Work<'e> {
    pub(super) fn new(
        encryptor: &'e Encryptor,
        authority: &'e Authority<'e>,
        operation: &'static str,
    ) -> Self {
        let state = encryptor.state();
        Self { encryptor, authority, operation, state, change: RefCell::default() }
    }

    pub(super) fn into_change(self) -> Option<(State, Vec<Touched>)> {
        self.change.into_inner()
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn world(&self) -> &Inventory {
        &self.state.world
    }

    pub(super) fn materials(&self) -> &Materials {
        &self.encryptor.materials
    }

    pub(super) fn now(&self) -> i64 {
        seconds(self.encryptor.clock.now())
    }

    /// The id of the request that a call came with.
    pub(super) fn request_id(&self) -> Option<&str> {
        match self.authority {
            Authority::Of(_, ambient) | Authority::For(_, _, ambient) => {
                ambient.request_id.as_deref()
            }
            Authority::Nobody(_) => None,
        }
    }

    /// The version of a key's material that is the current one.
    pub(super) fn version(&self, key: &Key) -> u32 {
        self.state.records().get(&key.arn).map_or(1, |record| record.version())
    }

    pub(super) fn usages(&self) -> &Usages {
        &self.encryptor.usages
    }

    /// When a grant that is made now counts without its token.
    pub(super) fn grant_effective(&self) -> i64 {
        self.now().saturating_add(self.encryptor.grant_delay)
    }

    pub(super) fn region(&self) -> &str {
        match self.authority {
            Authority::Of(caller, _) | Authority::For(_, caller, _) => &caller.region,
            Authority::Nobody(key) => key.region(),
        }
    }

    pub(super) fn partition(&self) -> &str {
        match self.authority {
            Authority::Of(caller, _) | Authority::For(_, caller, _) => caller.principal.partition(),
            Authority::Nobody(key) => key.partition(),
        }
    }

    /// The caller's account; services have none.
    pub(super) fn account(&self) -> Result<AccountId, KmsError> {
        let account = match self.authority {
            Authority::Of(caller, _) | Authority::For(_, caller, _) => caller.principal.account,
            Authority::Nobody(key) => Some(key.account()),
        };
        account.ok_or_else(|| KmsError::validation("The caller has no account."))
    }

    /// Changes the state once the call has succeeded.
    pub(super) fn change(&self, touched: &[Touched], change: impl FnOnce(&mut State)) {
        let mut slot = self.change.borrow_mut();
        let (state, all) = slot.get_or_insert_with(|| (State::clone(&self.state), Vec::new()));
        change(state);
        all.extend_from_slice(touched);
    }

    /// Makes an edit once the call has succeeded.
    pub(super) fn edit(&self, edit: &Edit, touched: Touched) {
        self.change(&[touched], |state| state.apply(edit));
    }

    /// The key that a text names: by id or ARN, by an alias or its ARN.
    pub(super) fn find(&self, text: &str) -> Result<Found<'_>, KmsError> {
        if let Some(alias) = self.alias_named(text)? {
            let not_there =
                || self.not_there(alias.account(), format!("Alias {alias} is not found."));
            let target = self.world().alias(&alias).and_then(Alias::key);
            let key = target.and_then(|arn| self.world().key(&arn)).ok_or_else(not_there)?;
            return Ok(Found { key, target: Target::Alias(alias) });
        }
        self.find_key(text)
    }

    /// The key that a text names by id or ARN alone.
    pub(super) fn find_key(&self, text: &str) -> Result<Found<'_>, KmsError> {
        let arn = match text.starts_with("arn:") {
            true => KeyArn::parse(text),
            false => KeyArn::new(self.partition(), self.region(), self.account()?, text),
        };
        let invalid = || KmsError::not_found(format!("Invalid keyId '{text}'"));
        let arn = arn.filter(|_| !text.starts_with("alias/")).ok_or_else(invalid)?;
        if arn.region() != self.region() {
            return Err(KmsError::not_found(format!("Invalid arn {}", arn.region())));
        }
        let not_there = || match text.starts_with("arn:") || is_key_id(text) {
            true => self.not_there(arn.account(), format!("Key '{arn}' does not exist")),
            false => invalid(),
        };
        let key = self.world().key(&arn).ok_or_else(not_there)?;
        Ok(Found { key, target: Target::Key(arn) })
    }

    /// That something is not there, which is told of the caller's own account alone.
    pub(super) fn not_there(&self, owner: AccountId, text: String) -> KmsError {
        match self.asking() {
            Some((caller, _)) if caller.principal.account != Some(owner) => {
                let action = match self.operation {
                    "ReEncrypt" => "ReEncryptTo",
                    operation => operation,
                };
                KmsError::foreign_key(&caller.shown(), &format!("kms:{action}"))
            }
            _ => KmsError::not_found(text),
        }
    }

    /// The alias that a text names, where it names one.
    pub(super) fn alias_named(&self, text: &str) -> Result<Option<AliasArn>, KmsError> {
        if text.starts_with("alias/") {
            let account = self.account()?;
            return Ok(AliasArn::new(self.partition(), self.region(), account, text));
        }
        let alias = AliasArn::parse(text);
        if let Some(alias) = alias.as_ref().filter(|alias| alias.region() != self.region()) {
            return Err(KmsError::not_found(format!("Invalid arn {}", alias.region())));
        }
        if alias.is_none() && Arn::parse(text).is_some_and(|arn| arn.service != "kms") {
            return Err(KmsError::new("InvalidArnException", format!("Invalid arn {text}")));
        }
        Ok(alias)
    }

    /// Who asks, and the condition keys of a request beside what its body says.
    pub(super) fn asking(&self) -> Option<(&'e Caller, Context)> {
        let (caller, ambient) = match self.authority {
            Authority::Of(caller, ambient) | Authority::For(_, caller, ambient) => {
                (*caller, *ambient)
            }
            Authority::Nobody(_) => return None,
        };
        let mut context = ambient.context.clone();
        for (key, value) in caller.session_tags.iter() {
            context.set_one(&format!("aws:PrincipalTag/{key}"), value);
        }
        Some((caller, context))
    }

    /// Asks for one permission. `said` is what the body says of condition keys.
    pub(super) fn authorize(
        &self,
        action: KmsAction,
        target: Target,
        said: Context,
        tokens: &[&str],
    ) -> Result<(), KmsError> {
        let waiting = self.waiting(&target, tokens)?;
        self.authorize_without((action, target, said), waiting)
    }

    /// The same in the world after some edits.
    pub(super) fn authorize_without(
        &self,
        (action, target, said): (KmsAction, Target, Context),
        edits: Vec<Edit>,
    ) -> Result<(), KmsError> {
        let Some((caller, mut context)) = self.asking() else {
            return Ok(());
        };
        context.lay_over(&said);
        let mut request = Request::plain(caller.principal.clone(), action, target);
        request.context = context;
        self.decide(caller, request, &edits)
    }

    /// Asks for a permission of another service that KMS insists on.
    pub(super) fn authorize_control(
        &self,
        action: ControlAction,
        resource: &str,
        said: Context,
    ) -> Result<(), KmsError> {
        let Some((caller, mut context)) = self.asking() else {
            return Ok(());
        };
        if matches!(self.authority, Authority::For(..)) {
            return Ok(());
        }
        context.lay_over(&said);
        let request = ControlRequest {
            caller: caller.principal.clone(),
            action,
            resource: resource.into(),
            context,
            session_policies: caller.session_policies.clone(),
        };
        let decision = self.state.reference().evaluate_control(&request);
        match decision.is_allowed() {
            true => Ok(()),
            false => Err(KmsError::denied_control(&caller.shown(), request, decision)),
        }
    }

    /// Asks for every permission that a call needs, as the graph knows it.
    pub(super) fn authorize_call(&self, call: &Call) -> Result<(), KmsError> {
        self.authorize_call_with(call, &[])
    }

    /// The same with grant tokens.
    pub(super) fn authorize_call_with(&self, call: &Call, tokens: &[&str]) -> Result<(), KmsError> {
        let Some((caller, context)) = self.asking() else {
            return Ok(());
        };
        for ask in call.asks(&caller.principal, self.world(), &context) {
            if let Ask::Kms(request) = ask {
                let waiting = self.waiting(&request.target, tokens)?;
                self.decide(caller, request, &waiting)?;
            }
        }
        Ok(())
    }

    fn decide(
        &self,
        caller: &Caller,
        mut request: Request,
        edits: &[Edit],
    ) -> Result<(), KmsError> {
        if let Authority::For(action, ..) = self.authority
            && *action != request.action
        {
            return Ok(());
        }
        request.session_policies.clone_from(&caller.session_policies);
        let left_out = |edit: &Edit| match edit {
            Edit::RevokeGrant { grant, .. } => Some(grant.clone()),
            _ => None,
        };
        let without = (!edits.is_empty()).then(|| Without {
            grants: edits.iter().filter_map(left_out).collect(),
            world: edits.iter().fold(self.world().clone(), |it, edit| it.apply(edit)),
        });
        let reference = self.state.reference();
        let decision = match &without {
            None => reference.evaluate(&request),
            Some(without) => reference.after(&without.world).evaluate(&request),
        };
        match decision.is_allowed() {
            true => Ok(()),
            false => {
                let target = self.shown(&request);
                let error = KmsError::denied(&caller.shown(), &target, request, decision);
                Err(error.without(without))
            }
        }
    }

    /// What a request is made on, as AWS tells it: the key behind an alias, but for the alias's own half
    /// of an operation on aliases.
    fn shown(&self, request: &Request) -> String {
        let of_alias = [KmsAction::CREATE_ALIAS, KmsAction::UPDATE_ALIAS, KmsAction::DELETE_ALIAS];
        let key = match &request.target {
            Target::Alias(alias) if !of_alias.contains(&request.action) => {
                self.world().alias(alias).and_then(Alias::key)
            }
            _ => None,
        };
        key.map_or_else(|| request.target.to_string(), |key| key.to_string())
    }

    /// What takes the grants away that do not count yet, and whose tokens are not given.
    fn waiting(&self, target: &Target, tokens: &[&str]) -> Result<Vec<Edit>, KmsError> {
        let key = match target {
            Target::Key(arn) => arn.clone(),
            Target::Alias(alias) => match self.world().alias(alias).and_then(Alias::key) {
                Some(arn) => arn,
                None => return Ok(Vec::new()),
            },
            _ => return Ok(Vec::new()),
        };
        let shown: Result<Vec<String>, KmsError> =
            tokens.iter().map(|token| super::operations::grant_of_token(self, token)).collect();
        let (shown, now) = (shown?, self.now());
        let Some(record) = self.state.records().get(&key) else {
            return Ok(Vec::new());
        };
        let waiting = record.grants.iter().filter(|(id, _)| !shown.contains(id));
        let waiting = waiting.filter(|(_, grant)| grant.effective > now);
        let revoke =
            |(id, _): (&String, _)| Edit::RevokeGrant { key: key.clone(), grant: (**id).into() };
        Ok(waiting.map(revoke).collect())
    }

    /// Whether the key can perform an action, by its state and its usage, in this order.
    pub(super) fn can(
        &self,
        key: &Key,
        action: KmsAction,
        operation: &str,
    ) -> Result<(), KmsError> {
        match ability(key, action) {
            Ability::Can | Ability::Unknown => Ok(()),
            Ability::NotNow(answer) => Err(state_error(key, answer)),
            Ability::NotThisKey => {
                let (arn, (_, usage)) = (&key.arn, kind(key));
                let text =
                    format!("{arn} key usage is {usage} which is not valid for {operation}.");
                Err(KmsError::new("InvalidKeyUsageException", text))
            }
        }
    }

    /// The end of a call that only wanted to know whether it would succeed.
    pub(super) fn unless_dry_run(&self, dry_run: bool) -> Result<(), KmsError> {
        let text = "The request would have succeeded, but the DryRun option is set.";
        match dry_run {
            true => Err(KmsError::new("DryRunOperationException", text)),
            false => Ok(()),
        }
    }
}

/// Whether AWS gives such ids to keys: a UUID, or `mrk-` and its digits. An export can have others.
fn is_key_id(text: &str) -> bool {
    let is_hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    match text.strip_prefix("mrk-") {
        Some(digits) => is_hex(digits, 32),
        None => {
            let parts: Vec<&str> = text.split('-').collect();
            let lengths = [8, 4, 4, 4, 12];
            parts.len() == lengths.len() && parts.iter().zip(lengths).all(|(it, of)| is_hex(it, of))
        }
    }
}

/// What the key is made of and for.
pub(super) fn kind(key: &Key) -> (KeySpec, KeyUsage) {
    let metadata = key.metadata.as_ref();
    let spec = metadata.and_then(|it| KeySpec::parse(it.spec.as_deref()?));
    let usage = metadata.and_then(|it| KeyUsage::parse(it.usage.as_deref()?));
    let spec = spec.unwrap_or(KeySpec::SymmetricDefault);
    let usual = || spec.info().usages.first().copied().unwrap_or(KeyUsage::EncryptDecrypt);
    (spec, usage.unwrap_or_else(usual))
}

/// Where the material comes from: `AWS_KMS`, `EXTERNAL`, ...
pub(super) fn origin(key: &Key) -> &str {
    key.metadata.as_ref().and_then(|it| it.origin.as_deref()).unwrap_or("AWS_KMS")
}

/// That the operation is not for keys of this origin.
pub(super) fn wrong_origin(key: &Key) -> KmsError {
    let (arn, origin) = (&key.arn, origin(key));
    KmsError::unsupported(format!(
        "{arn} origin is {origin} which is not valid for this operation."
    ))
}

/// That the key cannot be used so in its state.
pub(super) fn state_of(key: &Key, what: &str) -> KmsError {
    KmsError::new("KMSInvalidStateException", format!("{} {what}", key.arn))
}

fn state_error(key: &Key, answer: StateAnswer) -> KmsError {
    let tells_kind =
        |note: Footnote| note.info().exception == Some(Exception::UnsupportedOperation);
    let note: Option<Footnote> = match answer {
        StateAnswer::Fails(note) | StateAnswer::Depends(note) => Some(note),
        // Keys of the kind that it tells are refused before.
        StateAnswer::FailsEither(one, other) => Some(if tells_kind(other) { one } else { other }),
        StateAnswer::Succeeds(_) | StateAnswer::NoEffect | StateAnswer::Impossible => None,
    };
    let info = note.map(Footnote::info);
    let name = match info.and_then(|info| info.exception) {
        Some(Exception::Disabled) => "DisabledException",
        Some(Exception::UnsupportedOperation) => "UnsupportedOperationException",
        Some(Exception::InvalidState) | None => "KMSInvalidStateException",
    };
    let state = key.metadata.as_ref().and_then(|it| it.state.as_deref()).unwrap_or_default();
    let text = match info.and_then(|info| info.message) {
        Some(text) => text.replace("{arn}", key.arn.as_str()),
        None => format!("{} is {state} and cannot be used so.", key.arn),
    };
    KmsError::new(name, text)
}
