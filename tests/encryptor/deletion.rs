//! What becomes of a key once its window is over, and of the family of a multi-Region key.

use serde_json::{Value, json};

use super::*;

const DAY: i64 = 86_400;
const BEGIN: i64 = 1_767_225_600;
const NOT_FOUND: &str = "NotFoundException";

fn delete(kms: &Encryptor, region: &str, key: &str, days: i64) -> Value {
    let body = json!({ "KeyId": key, "PendingWindowInDays": days });
    in_region(kms, region, "ScheduleKeyDeletion", body).unwrap()
}

fn in_region(
    kms: &Encryptor,
    region: &str,
    operation: &str,
    body: Value,
) -> Result<Value, KmsError> {
    kms.call(&Caller::new(caller(ADMIN), region), &Ambient::default(), operation, &body)
}

fn described(kms: &Encryptor, region: &str, key: &str) -> Value {
    in_region(kms, region, "DescribeKey", json!({ "KeyId": key })).unwrap()["KeyMetadata"].clone()
}

#[test]
fn a_key_that_is_gone_is_nowhere_and_its_aliases_are_free() {
    let kms = kms();
    let sealed = did(&kms, ADMIN, "Encrypt", json!({ "KeyId": "K", "Plaintext": SECRET }));
    let grant = json!({ "KeyId": "K", "GranteePrincipal": arn("user/bob"),
        "RetiringPrincipal": arn(ADMIN), "Operations": ["Encrypt"] });
    did(&kms, ADMIN, "CreateGrant", grant);
    delete(&kms, "us-east-1", "K", 7);
    let before = after(&kms, 6);
    assert_eq!(described(&before, "us-east-1", "alias/k")["KeyState"], "PendingDeletion");
    let late = after(&kms, 7);
    let gone = json!({ "KeyId": arn("key/K") });
    fails(&late, ADMIN, "DescribeKey", gone, NOT_FOUND, "does not exist");
    fails(&late, ADMIN, "DescribeKey", json!({ "KeyId": "alias/k" }), NOT_FOUND, "is not found.");
    let blob = json!({ "CiphertextBlob": sealed["CiphertextBlob"] });
    let text = "The ciphertext refers to a customer master key";
    fails(&late, ADMIN, "Decrypt", blob, "AccessDeniedException", text);
    let retirable = json!({ "RetiringPrincipal": arn(ADMIN) });
    assert_eq!(did(&late, ADMIN, "ListRetirableGrants", retirable)["Grants"], json!([]));
    assert_eq!(did(&late, ADMIN, "ListAliases", json!({}))["Aliases"], json!([]));
    let keys = did(&late, ADMIN, "ListKeys", json!({}))["Keys"].clone();
    assert_eq!(keys.as_array().unwrap().len(), 3);
    did(&late, ADMIN, "CreateAlias", json!({ "AliasName": "alias/k", "TargetKeyId": "L" }));
    assert_eq!(described(&late, "us-east-1", "alias/k")["KeyId"], "L");
}

#[test]
fn a_primary_key_waits_for_its_replicas() {
    let kms = kms();
    let made = did(&kms, ADMIN, "CreateKey", json!({ "MultiRegion": true }));
    let id = made["KeyMetadata"]["KeyId"].as_str().unwrap();
    for region in ["eu-west-1", "eu-west-2"] {
        did(&kms, ADMIN, "ReplicateKey", json!({ "KeyId": id, "ReplicaRegion": region }));
    }
    // Each of the family tells of all.
    let told = |kms: &Encryptor, region: &str| {
        described(kms, region, id)["MultiRegionConfiguration"]["ReplicaKeys"].clone()
    };
    for region in ["us-east-1", "eu-west-1", "eu-west-2"] {
        assert_eq!(told(&kms, region).as_array().unwrap().len(), 2, "{region}");
    }
    let answer = delete(&kms, "us-east-1", id, 9);
    assert_eq!((&answer["KeyState"], answer.get("DeletionDate")), (&WAITS.into(), None));
    let metadata = described(&after(&kms, 400), "us-east-1", id);
    assert_eq!(metadata["KeyState"], WAITS);
    assert_eq!(metadata["PendingDeletionWindowInDays"], 9);
    assert_eq!(metadata.get("DeletionDate"), None);
    delete(&kms, "eu-west-1", id, 7);
    delete(&kms, "eu-west-2", id, 8);
    let metadata = described(&after(&kms, 7), "us-east-1", id);
    assert_eq!(metadata["KeyState"], WAITS);
    assert_eq!(told(&after(&kms, 7), "eu-west-2").as_array().unwrap().len(), 1);
    let metadata = described(&after(&kms, 10), "us-east-1", id);
    assert_eq!(metadata["KeyState"], "PendingDeletion");
    assert_eq!(metadata["DeletionDate"], BEGIN + 17 * DAY);
    assert_eq!(metadata.get("PendingDeletionWindowInDays"), None);
    let cancelled = after(&kms, 10);
    did(&cancelled, ADMIN, "CancelKeyDeletion", json!({ "KeyId": id }));
    assert_eq!(described(&after(&cancelled, 99), "us-east-1", id)["KeyState"], "Disabled");
    // The last look at it was long ago: both ends come one after the other.
    fails(&after(&kms, 99), ADMIN, "DescribeKey", json!({ "KeyId": id }), NOT_FOUND, "");
}

const WAITS: &str = "PendingReplicaDeletion";

#[test]
fn replicas_that_nobody_exported_stay_in_the_family() {
    let kms = kms();
    let made = did(&kms, ADMIN, "CreateKey", json!({ "MultiRegion": true }));
    let id = made["KeyMetadata"]["KeyId"].as_str().unwrap();
    for region in ["eu-west-1", "eu-west-2"] {
        did(&kms, ADMIN, "ReplicateKey", json!({ "KeyId": id, "ReplicaRegion": region }));
    }
    let of = |region: &str| format!("arn:aws:kms:{region}:{A}:key/{id}");
    let mut state = State::clone(&kms.state());
    let outside = keyreach::aws::KeyArn::parse(&of("eu-west-2")).unwrap();
    assert!(state.world.keys.remove(&outside).is_some());
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let secret = MasterSecret::from_bytes([7; 32]);
    let kms = Encryptor::with_store(state, secret, Clock::At(now), Arc::new(Nowhere));
    let move_to = |from: &str, to: &str| {
        let body = json!({ "KeyId": id, "PrimaryRegion": to });
        in_region(&kms, from, "UpdatePrimaryRegion", body).unwrap();
    };
    let replicas = |region: &str| {
        let told = described(&kms, region, id)["MultiRegionConfiguration"].clone();
        let of = |one: &Value| one["Region"].as_str().unwrap().to_owned();
        told["ReplicaKeys"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    move_to("us-east-1", "eu-west-1");
    for region in ["us-east-1", "eu-west-1"] {
        assert_eq!(described(&kms, region, id)["Description"], "");
        assert_eq!(replicas(region), ["eu-west-2", "us-east-1"], "{region}");
    }
    let body = json!({ "KeyId": id, "ReplicaRegion": "eu-west-2" });
    let error = in_region(&kms, "eu-west-1", "ReplicateKey", body).unwrap_err();
    assert_eq!(error.name, "AlreadyExistsException");
    move_to("eu-west-1", "us-east-1");
    assert_eq!(replicas("eu-west-1"), ["eu-west-1", "eu-west-2"]);
    assert_eq!(
        described(&kms, "us-east-1", id)["MultiRegionConfiguration"]["MultiRegionKeyType"],
        "PRIMARY"
    );
}

#[test]
fn a_key_stays_gone_after_a_restart_though_the_export_has_it() {
    use keyreach::encryptor::directory::Directory;
    let root = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("deleted-key");
    let _ = std::fs::remove_dir_all(&root);
    let begin: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let open = |days: i64| {
        let directory = Arc::new(Directory::open(&root).unwrap());
        let clock = Clock::At(begin + jiff::SignedDuration::from_hours(24 * days));
        Encryptor::open(&world(&world_text()), &directory, clock).unwrap()
    };
    delete(&open(0), "us-east-1", "K", 7);
    let kms = open(8);
    did(&kms, ADMIN, "CreateAlias", json!({ "AliasName": "alias/k", "TargetKeyId": "L" }));
    drop(kms);
    for days in [8, 9] {
        let kms = open(days);
        fails(&kms, ADMIN, "DescribeKey", json!({ "KeyId": "K" }), NOT_FOUND, "");
        assert_eq!(described(&kms, "us-east-1", "alias/k")["KeyId"], "L");
    }
}
