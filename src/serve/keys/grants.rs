//! Grants.

use std::collections::BTreeMap;

use aws_lc_rs::rand;
use serde_json::{Value, json};

use crate::aws::{ActionSet, KeyArn, KmsAction};
use crate::decision::{Request, Target};
use crate::graph::Call as GraphCall;
use crate::inventory::{Constraints, Edit, Grant, Grantee, Inventory, Key};
use crate::policy::Principal;
use crate::serve::kms::KmsFault;
use crate::serve::sigv4::hex_of;

use super::input::{Input, invalid};
use super::{Call, Done};

/// Grants on one key.
const GRANTS: usize = 50_000;
/// Pairs of a constraint.
const PAIRS: usize = 8;

impl Call<'_> {
    pub(super) fn create_grant(&self) -> Done {
        let (_, key) = self.bare_key("KeyId")?;
        let grant = self.wanted(&key)?;
        let call = GraphCall::CreateGrant { key: key.arn.clone(), grant: Box::new(grant.clone()) };
        self.may_call(&call, key.arn.as_str())?;
        self.in_state(KmsAction::CREATE_GRANT, &key)?;
        let unsuited = grant.operations.minus(key.grant_operations());
        if let Some(action) = unsuited.iter().next() {
            let message = format!("{} is not valid for the key {}.", action.name(), key.arn);
            return Err(invalid(message));
        }
        self.dry_run()?;
        let mut id = grant.id.clone();
        self.edit(&[&key.arn], |world| {
            let known = world.key(&key.arn).map_or(&[][..], |key| &key.grants);
            // The same name with the same parameters is the same grant (page "CreateGrant").
            if let Some(same) = known.iter().find(|known| is_same(known, &grant)) {
                id.clone_from(&same.id);
                return Ok(Vec::new());
            }
            match known.len() >= GRANTS {
                true => Err(KmsFault::new("LimitExceededException", "Too many grants on the key")),
                false => Ok(call.edits(&self.caller.principal)),
            }
        })?;
        if id == grant.id {
            self.keys.fresh.note(&key.arn, &id);
        }
        Ok(json!({ "GrantId": &*id, "GrantToken": self.keys.fresh.token(&id) }))
    }

    /// The grant that is asked for, under an id of its own.
    fn wanted(&self, key: &Key) -> Result<Grant, KmsFault> {
        let grantee = self.party("Grantee")?;
        let missing = "Value null at 'granteePrincipal' failed to satisfy constraint: Member must not be null";
        let grantee =
            grantee.ok_or_else(|| invalid(format!("1 validation error detected: {missing}")))?;
        let mut operations = ActionSet::EMPTY;
        for name in self.input.texts("Operations")? {
            let action = KmsAction::from_name(name);
            operations.insert(action.ok_or_else(|| {
                invalid(format!(
                    "1 validation error detected: Value '[{name}]' at 'operations' failed to satisfy \
                     constraint: Member must satisfy constraint: [Member must satisfy enum value set]"
                ))
            })?);
        }
        if operations.is_empty() {
            return Err(invalid(
                "1 validation error detected: Value null at 'operations' failed to satisfy constraint: \
                 Member must not be null",
            ));
        }
        let mut bytes = [0u8; 32];
        rand::fill(&mut bytes).map_err(|_| {
            KmsFault::new("KMSInternalException", "the system gives no random bytes")
        })?;
        let constraints = match self.input.inside("Constraints") {
            Some(given) => constraints(&given)?,
            None => Constraints::default(),
        };
        Ok(Grant {
            id: hex_of(&bytes).into(),
            name: self.input.text("Name")?.map(Into::into),
            grantee,
            retiring: self.party("Retiring")?,
            issuing_account: self.caller.principal.account,
            operations,
            unknown_operations: Vec::new(),
            constraints,
            place: key.place,
        })
    }

    fn party(&self, role: &str) -> Result<Option<Grantee>, KmsFault> {
        if let Some(text) = self.input.text(&format!("{role}ServicePrincipal"))? {
            return Ok(Some(Grantee::Service(text.into())));
        }
        let Some(text) = self.input.text(&format!("{role}Principal"))? else {
            return Ok(None);
        };
        let party = Grantee::principal(text);
        let fault = || {
            KmsFault::new(
                "InvalidArnException",
                format!("ARN does not refer to a valid principal: {text}"),
            )
        };
        match &party {
            Grantee::Principal(Principal::Invalid(_) | Principal::Anyone) => Err(fault()),
            // Whoever is named must be there, where it is known who is (rule G13).
            Grantee::Principal(Principal::User(arn) | Principal::Role(arn)) => {
                let account = crate::aws::identity(arn).map(|named| named.account());
                let listed = account.and_then(|account| self.world.account(account));
                let gone = listed.is_some_and(|known| known.identities_listed)
                    && self.world.identity(arn).is_none();
                if gone { Err(fault()) } else { Ok(Some(party)) }
            }
            _ => Ok(Some(party)),
        }
    }

    pub(super) fn revoke_grant(&self) -> Done {
        let (target, key) = self.bare_key("KeyId")?;
        let id = self.input.needed("GrantId")?;
        self.may(KmsAction::REVOKE_GRANT, &target, &key, &[])?;
        self.dry_run()?;
        self.remove(&key.arn, id)
    }

    /// RetireGrant (rule G41): by its token, or by its key and id.
    pub(super) fn retire_grant(&self) -> Done {
        let (key, id) = match self.input.text("GrantToken")? {
            Some(token) => {
                let id = self.keys.fresh.grant(token)?;
                let holds = |key: &&std::sync::Arc<Key>| key.grants.iter().any(|it| *it.id == *id);
                let key = self.world.keys.values().find(holds).map(|key| key.arn.clone());
                (key.ok_or_else(|| absent(&id))?, id)
            }
            None => {
                let (_, key) = self.bare_key("KeyId")?;
                (key.arn.clone(), self.input.needed("GrantId")?.to_owned())
            }
        };
        let grant = self.world.key(&key).and_then(|key| key.grants.iter().find(|it| *it.id == *id));
        let grant = grant.ok_or_else(|| absent(&id))?;
        // Another grant of the key that the caller may retire says nothing of this one.
        let alone =
            self.world.key(&key).map(|key| Key { grants: vec![grant.clone()], ..key.clone() });
        let alone = alone.map(|key| self.world.apply(&Edit::PutKey { key: Box::new(key) }));
        self.may_retire(&key, alone.as_ref().unwrap_or(&self.world))?;
        self.dry_run()?;
        self.remove(&key, &id)
    }

    fn may_retire(&self, key: &KeyArn, world: &Inventory) -> Result<(), KmsFault> {
        let mut request = Request::plain(
            self.caller.principal.clone(),
            KmsAction::RETIRE_GRANT,
            Target::Key(key.clone()),
        );
        request.context = self.context.clone();
        request.session_policies.clone_from(&self.caller.session_policies);
        let decision = crate::eval::reference::Reference::new(world).evaluate(&request);
        match decision.is_allowed() {
            true => Ok(()),
            false => Err(super::permission::denied(request, decision, key.as_str())),
        }
    }

    fn remove(&self, key: &KeyArn, id: &str) -> Done {
        self.edit(&[key], |world| {
            let known = world.key(key).is_some_and(|key| key.grants.iter().any(|it| *it.id == *id));
            let edit = Edit::RevokeGrant { key: key.clone(), grant: id.into() };
            known.then_some(vec![edit]).ok_or_else(|| absent(id))
        })?;
        Ok(Value::Null)
    }
}

fn absent(id: &str) -> KmsFault {
    KmsFault::new("NotFoundException", format!("Grant ID {id} not found"))
}

fn is_same(known: &Grant, wanted: &Grant) -> bool {
    wanted.name.is_some()
        && known.name == wanted.name
        && known.grantee == wanted.grantee
        && known.retiring == wanted.retiring
        && known.operations == wanted.operations
        && known.constraints == wanted.constraints
}

fn constraints(given: &Input<'_>) -> Result<Constraints, KmsFault> {
    let pairs = |member: &str| {
        let pairs: BTreeMap<Box<str>, Box<str>> = given
            .pairs(member)?
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        if pairs.len() > PAIRS || pairs.values().any(|value| value.len() > 384) {
            return Err(invalid(format!("A grant constraint has up to {PAIRS} pairs")));
        }
        Ok((!pairs.is_empty()).then_some(pairs))
    };
    Ok(Constraints {
        equals: pairs("EncryptionContextEquals")?,
        subset: pairs("EncryptionContextSubset")?,
        source_arn: given.text("SourceArn")?.map(Into::into),
    })
}
