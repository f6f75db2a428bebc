//! The operations, a file for each family.

mod aliases;
mod asymmetric;
mod grants;
mod import;
mod keys;
mod mac;
mod page;
mod pairs;
mod policies;
mod principals;
mod replicas;
mod rotation;
mod said;
mod symmetric;
mod tags;

use serde_json::Value;

use crate::source::{FileId, Place, Span};

use super::KmsError;
use super::body::Body;
use super::work::Work;

pub(super) use grants::grant_of_token;

/// One operation.
pub(super) struct Operation {
    pub(super) name: &'static str,
    /// Whether it can change something: such calls come one after the other.
    pub(super) changes: bool,
    /// Whether it uses a key, as GetKeyLastUsage tells it.
    pub(super) uses: bool,
    pub(super) perform: Perform,
}

type Perform = fn(&Work<'_>, &Body<'_>) -> Result<Value, KmsError>;

/// The operation of a name.
pub(super) fn find(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}

const fn reads(name: &'static str, perform: Perform) -> Operation {
    Operation { name, changes: false, uses: false, perform }
}

const fn uses(name: &'static str, perform: Perform) -> Operation {
    Operation { name, changes: false, uses: true, perform }
}

const fn changes(name: &'static str, perform: Perform) -> Operation {
    Operation { name, changes: true, uses: false, perform }
}

const OPERATIONS: &[Operation] = &[
    uses("Encrypt", symmetric::encrypt),
    uses("Decrypt", symmetric::decrypt),
    uses("ReEncrypt", symmetric::re_encrypt),
    uses("GenerateDataKey", symmetric::generate_data_key),
    uses("GenerateDataKeyWithoutPlaintext", symmetric::generate_data_key_without_plaintext),
    uses("GenerateDataKeyPair", pairs::generate_data_key_pair),
    uses("GenerateDataKeyPairWithoutPlaintext", pairs::generate_data_key_pair_without_plaintext),
    reads("GenerateRandom", symmetric::generate_random),
    uses("Sign", asymmetric::sign),
    uses("Verify", asymmetric::verify),
    reads("GetPublicKey", asymmetric::get_public_key),
    uses("DeriveSharedSecret", asymmetric::derive_shared_secret),
    uses("Encapsulate", asymmetric::encapsulate),
    uses("Decapsulate", asymmetric::decapsulate),
    uses("GenerateMac", mac::generate_mac),
    uses("VerifyMac", mac::verify_mac),
    reads("DescribeKey", keys::describe_key),
    reads("GetKeyLastUsage", keys::get_key_last_usage),
    reads("ListKeys", keys::list_keys),
    changes("CreateKey", keys::create_key),
    changes("UpdateKeyDescription", keys::update_key_description),
    changes("EnableKey", keys::enable_key),
    changes("DisableKey", keys::disable_key),
    changes("ScheduleKeyDeletion", keys::schedule_key_deletion),
    changes("CancelKeyDeletion", keys::cancel_key_deletion),
    reads("ListAliases", aliases::list_aliases),
    changes("CreateAlias", aliases::create_alias),
    changes("UpdateAlias", aliases::update_alias),
    changes("DeleteAlias", aliases::delete_alias),
    reads("GetKeyPolicy", policies::get_key_policy),
    reads("ListKeyPolicies", policies::list_key_policies),
    changes("PutKeyPolicy", policies::put_key_policy),
    reads("ListResourceTags", tags::list_resource_tags),
    changes("TagResource", tags::tag_resource),
    changes("UntagResource", tags::untag_resource),
    reads("ListGrants", grants::list_grants),
    reads("ListRetirableGrants", grants::list_retirable_grants),
    changes("CreateGrant", grants::create_grant),
    changes("RetireGrant", grants::retire_grant),
    changes("RevokeGrant", grants::revoke_grant),
    reads("GetKeyRotationStatus", rotation::get_key_rotation_status),
    reads("ListKeyRotations", rotation::list_key_rotations),
    changes("EnableKeyRotation", rotation::enable_key_rotation),
    changes("DisableKeyRotation", rotation::disable_key_rotation),
    changes("RotateKeyOnDemand", rotation::rotate_key_on_demand),
    changes("ReplicateKey", replicas::replicate_key),
    changes("UpdatePrimaryRegion", replicas::update_primary_region),
    reads("GetParametersForImport", import::get_parameters_for_import),
    changes("ImportKeyMaterial", import::import_key_material),
    changes("DeleteImportedKeyMaterial", import::delete_imported_key_material),
    // Known by name, so that clients hear what is the matter.
    reads("ConnectCustomKeyStore", unsupported),
    reads("CreateCustomKeyStore", unsupported),
    reads("DeleteCustomKeyStore", unsupported),
    reads("DescribeCustomKeyStores", unsupported),
    reads("DisconnectCustomKeyStore", unsupported),
    reads("UpdateCustomKeyStore", unsupported),
];

fn unsupported(_: &Work<'_>, _: &Body<'_>) -> Result<Value, KmsError> {
    Err(KmsError::unsupported("keyreach does not have this operation."))
}

/// Where policies and grants stand that calls made: in no file.
fn nowhere() -> Place {
    Place::plain(FileId(u32::MAX), Span::default())
}
