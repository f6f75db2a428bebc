//! What AWS refuses, and in which words.

use keyreach::policy::{PolicyDocument, PolicyKind};
use keyreach::source::{FileId, Place, Span};
use serde_json::{Value, json};

use super::*;

const DENIED: &str = "AccessDeniedException";
const MALFORMED: &str = "MalformedPolicyDocumentException";

/// A policy that lets the admin go on, and says one more thing.
fn policy(more: Value) -> Value {
    let own = json!({ "Effect": "Allow", "Principal": { "AWS": arn(ADMIN) }, "Action": "kms:*",
        "Resource": "*" });
    json!({ "Version": "2012-10-17", "Statement": [own, more] })
}

#[test]
fn l10_multi_region_keys_take_a_permission_of_iam_as_well() {
    let kms = kms();
    let role = "aws-service-role/mrk.kms.amazonaws.com/\
                AWSServiceRoleForKeyManagementServiceMultiRegionKeys";
    let text = format!(
        "User: {} is not authorized to perform: iam:CreateServiceLinkedRole on resource: {} because no \
         identity-based policy allows the iam:CreateServiceLinkedRole action",
        arn("user/maker"),
        arn(&format!("role/{role}")),
    );
    let wanted = json!({ "MultiRegion": true });
    fails(&kms, "user/maker", "CreateKey", wanted.clone(), DENIED, &text);
    did(&kms, "user/maker", "CreateKey", json!({}));
    did(&kms, ADMIN, "CreateKey", wanted);
}

#[test]
fn policies_that_kms_would_not_store_are_refused() {
    let kms = kms();
    let allow = |principal: Value| {
        policy(json!({ "Effect": "Allow", "Principal": principal, "Action": "kms:Decrypt",
            "Resource": "*" }))
    };
    let put = |policy: &Value| json!({ "KeyId": "K", "Policy": policy.to_string() });
    let invalid = "Policy contains a statement with one or more invalid principals.";
    // Rule A22.
    for principal in [
        json!({ "AWS": arn("user/nobody") }),
        json!({ "AWS": arn("role/nobody") }),
        json!({ "AWS": arn("group/admins") }),
        json!({ "AWS": arn("user/*") }),
        json!({ "AWS": "alice" }),
        json!({ "AWS": "arn:aws-cn:iam::999999999999:user/x" }),
    ] {
        fails(&kms, ADMIN, "PutKeyPolicy", put(&allow(principal)), MALFORMED, invalid);
    }
    // Rule A21.
    for (broken, part) in [
        (policy(json!({ "Effect": "allow", "Principal": "*", "Action": "kms:*" })), "Effect"),
        (policy(json!({ "Effect": "Allow", "Action": "kms:*", "Resource": "*" })), "Principal"),
        (json!({ "Version": "2012-10-17" }), "Statement"),
        (json!({ "Version": "2013", "Statement": policy(json!({}))["Statement"][0] }), "Version"),
        (json!([]), "object"),
    ] {
        fails(&kms, ADMIN, "PutKeyPolicy", put(&broken), MALFORMED, part);
        let create = json!({ "Policy": broken.to_string() });
        fails(&kms, ADMIN, "CreateKey", create, MALFORMED, part);
    }
    // Rule A23.
    let mut for_all = allow(json!({ "AWS": arn("user/bob") }));
    for_all["Statement"][1]["Condition"] =
        json!({ "ForAllValues:StringEquals": { "kms:EncryptionContext:app": "a" } });
    let text = "OverlyPermissiveCondition";
    fails(&kms, ADMIN, "PutKeyPolicy", put(&for_all), MALFORMED, text);
    for_all["Statement"][1]["Condition"] =
        json!({ "ForAllValues:StringEquals": { "kms:EncryptionContextKeys": "app" } });
    did(&kms, ADMIN, "PutKeyPolicy", put(&for_all));
    // Rule A8.
    let mut dash = allow(json!({ "AWS": arn("user/bob") }));
    dash["Id"] = "a — b".into();
    let text = "'policy' failed to satisfy constraint";
    fails(&kms, ADMIN, "PutKeyPolicy", put(&dash), "ValidationException", text);
    // Others may exist, and what is left out has no effect (rules A14, A15).
    did(&kms, ADMIN, "PutKeyPolicy", put(&allow(json!({ "AWS": "999999999999" }))));
    let stranger = json!({ "AWS": "arn:aws:iam::999999999999:user/x" });
    did(&kms, ADMIN, "PutKeyPolicy", put(&allow(stranger)));
    let inert = policy(json!({ "Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt" }));
    did(&kms, ADMIN, "PutKeyPolicy", put(&inert));
    // Rule A48: whom it lets in nobody names.
    let all_but = |effect: &str| {
        policy(
            json!({ "Effect": effect, "NotPrincipal": { "AWS": [arn("user/bob"), arn(ADMIN), arn("root")] },
            "Action": "kms:Decrypt", "Resource": "*" }),
        )
    };
    fails(&kms, ADMIN, "PutKeyPolicy", put(&all_but("Allow")), MALFORMED, invalid);
    did(&kms, ADMIN, "PutKeyPolicy", put(&all_but("Deny")));
    // Who may not put a policy does not hear what is wrong with it.
    let body = json!({ "KeyId": "K", "Policy": "{" });
    fails(&kms, "user/bob", "PutKeyPolicy", body, DENIED, "kms:PutKeyPolicy");
    let long = json!({ "KeyId": "K", "Policy": " ".repeat(32 * 1024 + 1) });
    fails(&kms, "user/bob", "PutKeyPolicy", long.clone(), DENIED, "");
    fails(&kms, ADMIN, "PutKeyPolicy", long, "LimitExceededException", "32 KiB");
}

#[test]
fn k9_the_policy_that_the_service_gives_is_not_held_against_its_maker() {
    let text = format!(
        "accounts: {{ {A}: {{ users: {{ admin: {{ policies: [
           {{ allow: [kms:CreateKey, kms:ReplicateKey, iam:CreateServiceLinkedRole] }} ] }} }} }} }}"
    );
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let kms = Encryptor::in_memory(world(&text), MasterSecret::from_bytes([7; 32]), Clock::At(now));
    let made = did(&kms, ADMIN, "CreateKey", json!({ "MultiRegion": true }));
    let id = made["KeyMetadata"]["KeyId"].clone();
    let replicate = |region: &str| json!({ "KeyId": id, "ReplicaRegion": region });
    did(&kms, ADMIN, "ReplicateKey", replicate("eu-west-1"));
    // The same policy, given by hand.
    let statement = json!({ "Effect": "Allow", "Principal": { "AWS": arn("root") },
        "Action": "kms:*", "Resource": "*" });
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    let locked = "will not allow you to update the key policy";
    fails(&kms, ADMIN, "CreateKey", json!({ "Policy": policy }), MALFORMED, locked);
    let mut given = replicate("eu-west-2");
    given["Policy"] = policy.into();
    fails(&kms, ADMIN, "ReplicateKey", given, MALFORMED, locked);
}

#[test]
fn k9_whose_session_policy_forbids_another_policy_is_locked_out() {
    let text = format!(
        "accounts: {{ {A}: {{ roles: {{ app: {{ policies: [{{ allow: 'kms:*' }}] }} }} }} }}"
    );
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let kms = Encryptor::in_memory(world(&text), MasterSecret::from_bytes([7; 32]), Clock::At(now));
    let statement = json!({ "Effect": "Allow", "Principal": { "AWS": arn("role/app") },
        "Action": "kms:*", "Resource": "*" });
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    let create = |actions: Value| {
        let session = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
            "Action": actions, "Resource": "*" }] });
        let place = Place::plain(FileId(0), Span::new(0, 0));
        let session = PolicyDocument::json(place, PolicyKind::Session, session.to_string());
        let mut app = Caller::new(caller("role/app"), "us-east-1");
        app.session_policies.push(session);
        let body = json!({ "Policy": policy });
        kms.call(&app, &Ambient::default(), "CreateKey", &body).map_err(|error| error.name)
    };
    assert_eq!(create(json!(["kms:CreateKey"])).err(), Some(MALFORMED));
    assert!(create(json!(["kms:CreateKey", "kms:PutKeyPolicy"])).is_ok());
}

#[test]
fn the_form_of_a_request_comes_before_its_key_and_its_permission() {
    let kms = kms();
    let digits = "0".repeat(64);
    let import = json!({ "ImportToken": SECRET, "EncryptedKeyMaterial": SECRET });
    let of_import = |more: Value| {
        let mut body = import.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let never = "KEY_MATERIAL_DOES_NOT_EXPIRE";
    for (operation, mut body, part) in [
        ("ListGrants", json!({ "Limit": 0 }), "'limit'"),
        ("ListGrants", json!({ "Limit": 101 }), "'limit'"),
        ("ListGrants", json!({ "Marker": "" }), "'marker'"),
        ("ListGrants", json!({ "GrantId": "" }), "'grantId'"),
        ("ListGrants", json!({ "GranteePrincipal": "a b" }), "'granteePrincipal'"),
        ("ListKeyPolicies", json!({ "Limit": 1001 }), "'limit'"),
        ("ListResourceTags", json!({ "Limit": 51 }), "'limit'"),
        ("ListKeyRotations", json!({ "Limit": 0 }), "'limit'"),
        ("ListAliases", json!({ "Limit": 101 }), "'limit'"),
        ("GetKeyPolicy", json!({ "PolicyName": "a b" }), "'policyName'"),
        ("UntagResource", json!({ "TagKeys": ["a", ""] }), "'tagKeys'"),
        ("ImportKeyMaterial", import.clone(), "A validTo date must be set"),
        ("ImportKeyMaterial", of_import(json!({ "ValidTo": 1 })), "in the future"),
        ("ImportKeyMaterial", of_import(json!({ "ValidTo": 1e300 })), "within 365 days"),
        (
            "ImportKeyMaterial",
            of_import(json!({ "ValidTo": 1, "ExpirationModel": never })),
            "must not be set",
        ),
        (
            "ImportKeyMaterial",
            of_import(json!({ "ExpirationModel": never, "KeyMaterialId": "ab" })),
            "'keyMaterialId'",
        ),
        (
            "ImportKeyMaterial",
            of_import(json!({ "ExpirationModel": never, "ImportType": "NEW_KEY_MATERIAL",
                "KeyMaterialId": digits })),
            "KeyMaterialId cannot be set",
        ),
        (
            "DeleteImportedKeyMaterial",
            json!({ "KeyMaterialId": "G".repeat(64) }),
            "'keyMaterialId'",
        ),
    ] {
        for key in ["none", "K"] {
            body["KeyId"] = key.into();
            fails(&kms, "user/bob", operation, body.clone(), "ValidationException", part);
        }
    }
    let keys = json!({ "Limit": 1001 });
    fails(&kms, "user/bob", "ListKeys", keys, "ValidationException", "'limit'");
    let both = json!({ "KeySpec": "RSA_2048", "CustomerMasterKeySpec": "RSA_2048" });
    fails(&kms, "user/bob", "CreateKey", both, "ValidationException", "in the same request");
}

#[test]
fn what_is_wrong_is_told_in_the_words_of_aws() {
    let kms = kms();
    let not_found = "NotFoundException";
    for (key, text) in [
        ("fake-key-id", "Invalid keyId 'fake-key-id'".to_owned()),
        ("mrk-12", "Invalid keyId 'mrk-12'".to_owned()),
        (
            "134f2428-cec1-4b25-a1ae-9048164dba47",
            format!("Key '{}' does not exist", arn("key/134f2428-cec1-4b25-a1ae-9048164dba47")),
        ),
        (
            "mrk-d3b95762d3b95762d3b95762d3b95762",
            format!("Key '{}' does not exist", arn("key/mrk-d3b95762d3b95762d3b95762d3b95762")),
        ),
    ] {
        fails(&kms, ADMIN, "DescribeKey", json!({ "KeyId": key }), not_found, &text);
    }
    let spec = json!({ "KeySpec": "HMAC_random", "KeyUsage": "GENERATE_VERIFY_MAC" });
    let text = "Value 'HMAC_random' at 'keySpec' failed to satisfy constraint: Member must satisfy enum \
                value set: [SYMMETRIC_DEFAULT, ";
    fails(&kms, ADMIN, "CreateKey", spec, "ValidationException", text);
    let tags =
        |tag: Value| json!({ "KeyId": "K", "Tags": [{ "TagKey": "a", "TagValue": "b" }, tag] });
    for (tag, field) in [
        (json!({ "TagKey": "k".repeat(129), "TagValue": "v" }), "tagKey"),
        (json!({ "TagKey": "k", "TagValue": "v".repeat(257) }), "tagValue"),
    ] {
        let text = format!("at 'tags.2.member.{field}' failed to satisfy constraint");
        fails(&kms, ADMIN, "TagResource", tags(tag), "ValidationException", &text);
    }
    let single = json!({ "KeyId": "K", "ReplicaRegion": "eu-west-1" });
    let text = format!("{} is not a multi-region primary key.", arn("key/K"));
    fails(&kms, ADMIN, "ReplicateKey", single, "UnsupportedOperationException", &text);
    // Nor has it a replica, which would have a permission of its own.
    let update = json!({ "KeyId": "K", "PrimaryRegion": "eu-west-1" });
    fails(&kms, ADMIN, "UpdatePrimaryRegion", update, "UnsupportedOperationException", &text);
    let primary = did(&kms, ADMIN, "CreateKey", json!({ "MultiRegion": true }));
    let update = json!({ "KeyId": primary["KeyMetadata"]["KeyId"], "PrimaryRegion": "eu-west-1" });
    fails(&kms, ADMIN, "UpdatePrimaryRegion", update, not_found, "does not exist");
    for _ in 0..25 {
        did(&kms, ADMIN, "RotateKeyOnDemand", json!({ "KeyId": "L" }));
    }
    let text =
        format!("No more on-demand rotations can be performed for this key: {}", arn("key/L"));
    fails(
        &kms,
        ADMIN,
        "RotateKeyOnDemand",
        json!({ "KeyId": "L" }),
        "LimitExceededException",
        &text,
    );
    // Another key is another key, whatever it is for.
    let sealed = did(&kms, ADMIN, "Encrypt", json!({ "KeyId": "K", "Plaintext": SECRET }));
    let mac = json!({ "KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC" });
    let mac = did(&kms, ADMIN, "CreateKey", mac)["KeyMetadata"]["KeyId"].clone();
    let body = json!({ "CiphertextBlob": sealed["CiphertextBlob"], "KeyId": mac });
    fails(&kms, ADMIN, "Decrypt", body, "IncorrectKeyException", "does not identify a CMK");
    let body = json!({ "CiphertextBlob": sealed["CiphertextBlob"], "SourceKeyId": mac,
        "DestinationKeyId": "L" });
    fails(&kms, ADMIN, "ReEncrypt", body, "IncorrectKeyException", "");
}

#[test]
fn a_grant_that_is_gone_tells_another_account_nothing() {
    let kms = kms();
    let stranger = Caller::new(
        keyreach::decision::Caller::parse("arn:aws:iam::999999999999:user/eve").unwrap(),
        "us-east-1",
    );
    let said = |key: &str| {
        let body = json!({ "KeyId": arn(key), "GrantId": "0".repeat(64) });
        let error = kms.call(&stranger, &Ambient::default(), "RetireGrant", &body).unwrap_err();
        (error.name, error.message.unwrap())
    };
    assert_eq!(said("key/K"), said("key/none"));
    assert_eq!(said("key/K").0, DENIED);
    let body = json!({ "KeyId": "K", "GrantId": "0" });
    fails(&kms, ADMIN, "RetireGrant", body, "NotFoundException", "Grant ID 0 not found");
}

#[test]
fn a_dry_run_asks_for_a_permission_without_a_ciphertext() {
    let kms = kms();
    let dry = json!({ "KeyId": "K", "DryRun": true, "DryRunModifiers": ["IGNORE_CIPHERTEXT"] });
    let done = "DryRunOperationException";
    fails(&kms, ADMIN, "Decrypt", dry.clone(), done, "would have succeeded");
    fails(&kms, "user/bob", "Decrypt", dry.clone(), DENIED, "kms:Decrypt");
    let with = |name: &str, value: Value| {
        let mut body = dry.clone();
        body[name] = value;
        body
    };
    // Bytes that are given all the same are not looked at.
    fails(&kms, ADMIN, "Decrypt", with("CiphertextBlob", SECRET.into()), done, "");
    let validation = "ValidationException";
    fails(&kms, ADMIN, "Decrypt", with("KeyId", Value::Null), validation, "'keyId'");
    let wet = with("DryRun", false.into());
    fails(&kms, ADMIN, "Decrypt", wet, validation, "'ciphertextBlob'");
    let other = with("DryRunModifiers", json!(["OTHER"]));
    fails(&kms, ADMIN, "Decrypt", other, validation, "'dryRunModifiers'");
    did(&kms, ADMIN, "DisableKey", json!({ "KeyId": "K" }));
    fails(&kms, ADMIN, "Decrypt", dry, "DisabledException", "");
    let again = json!({ "SourceKeyId": "L", "DestinationKeyId": "L", "DryRun": true,
        "DryRunModifiers": ["IGNORE_CIPHERTEXT"] });
    fails(&kms, ADMIN, "ReEncrypt", again.clone(), done, "");
    fails(&kms, "user/bob", "ReEncrypt", again, DENIED, "kms:ReEncryptFrom");
}

#[test]
fn what_has_no_answer_here_is_refused_and_not_given_in_clear() {
    let kms = kms();
    let enclave = json!({ "KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256" });
    let sealed = did(&kms, ADMIN, "Encrypt", json!({ "KeyId": "K", "Plaintext": SECRET }));
    for (operation, mut body) in [
        ("Decrypt", json!({ "CiphertextBlob": sealed["CiphertextBlob"] })),
        ("GenerateDataKey", json!({ "KeyId": "K", "KeySpec": "AES_256" })),
        ("GenerateDataKeyPair", json!({ "KeyId": "K", "KeyPairSpec": "ECC_NIST_P256" })),
        ("GenerateRandom", json!({ "NumberOfBytes": 8 })),
        ("DeriveSharedSecret", json!({ "KeyId": "K", "KeyAgreementAlgorithm": "ECDH" })),
    ] {
        body["Recipient"] = enclave.clone();
        fails(&kms, ADMIN, operation, body, "ValidationException", "Nitro");
    }
    let store = |body: Value| {
        let mut body = body;
        body["CustomKeyStoreId"] = "cks-1".into();
        body
    };
    let unsupported = "UnsupportedOperationException";
    let text = "no custom key stores";
    let random = store(json!({ "NumberOfBytes": 8 }));
    fails(&kms, ADMIN, "GenerateRandom", random, unsupported, text);
    fails(&kms, ADMIN, "CreateKey", store(json!({})), unsupported, text);
}

#[test]
fn members_are_held_to_their_lengths() {
    let kms = kms();
    let long = "x".repeat(8193);
    let validation = "ValidationException";
    let too_long = "less than or equal to 8192";
    fails(&kms, ADMIN, "CreateKey", json!({ "Description": long }), validation, too_long);
    let describe = json!({ "KeyId": "K", "Description": long });
    fails(&kms, ADMIN, "UpdateKeyDescription", describe, validation, too_long);
    did(&kms, ADMIN, "UpdateKeyDescription", json!({ "KeyId": "K", "Description": "" }));
    let body = json!({ "KeyId": "", "CiphertextBlob": SECRET });
    fails(&kms, ADMIN, "Decrypt", body, validation, "greater than or equal to 1");
    let tag = json!({ "KeyId": "K" });
    fails(&kms, ADMIN, "TagResource", tag, validation, "Value null at 'tags'");
}

#[test]
fn an_alias_moves_between_keys_of_one_type_alone() {
    let kms = kms();
    let to = |key: &str| json!({ "AliasName": "alias/k", "TargetKeyId": key });
    fails(&kms, ADMIN, "UpdateAlias", to("R"), "ValidationException", "another type");
    // Nor to one that goes; from one it does.
    did(&kms, ADMIN, "ScheduleKeyDeletion", json!({ "KeyId": "L" }));
    let state = "KMSInvalidStateException";
    fails(&kms, ADMIN, "UpdateAlias", to("L"), state, "key/L is pending deletion.");
    did(&kms, ADMIN, "CancelKeyDeletion", json!({ "KeyId": "L" }));
    did(&kms, ADMIN, "ScheduleKeyDeletion", json!({ "KeyId": "K" }));
    did(&kms, ADMIN, "UpdateAlias", to("L"));
}

#[test]
fn a_key_has_fifty_aliases_at_most() {
    let kms = kms();
    // It has one already.
    for number in 1..50 {
        let alias = json!({ "AliasName": format!("alias/n{number}"), "TargetKeyId": "K" });
        did(&kms, ADMIN, "CreateAlias", alias);
    }
    let to = |name: &str, key: &str| json!({ "AliasName": name, "TargetKeyId": key });
    let full = "LimitExceededException";
    let text = "Aliases per key quota for this account in this region is 50, current usage is 50.";
    fails(&kms, ADMIN, "CreateAlias", to("alias/more", "K"), full, text);
    did(&kms, ADMIN, "CreateAlias", to("alias/more", "L"));
    fails(&kms, ADMIN, "UpdateAlias", to("alias/more", "K"), full, text);
    // One that is there already stays, and one that goes leaves a place.
    did(&kms, ADMIN, "UpdateAlias", to("alias/n1", "K"));
    did(&kms, ADMIN, "UpdateAlias", to("alias/n1", "L"));
    did(&kms, ADMIN, "UpdateAlias", to("alias/more", "K"));
    // Who may not is not told.
    fails(&kms, "user/bob", "CreateAlias", to("alias/yet", "K"), DENIED, "kms:CreateAlias");
}

#[test]
fn each_grant_token_is_another() {
    let kms = kms();
    let grant = json!({ "KeyId": "K", "GranteePrincipal": arn("user/bob"), "Name": "one",
        "Operations": ["Encrypt"] });
    let made = did(&kms, ADMIN, "CreateGrant", grant.clone());
    let again = did(&kms, ADMIN, "CreateGrant", grant);
    assert_eq!(made["GrantId"], again["GrantId"]);
    assert_ne!(made["GrantToken"], again["GrantToken"]);
    for token in [&made["GrantToken"], &again["GrantToken"]] {
        let body = json!({ "KeyId": "K", "Plaintext": SECRET, "GrantTokens": [token] });
        did(&kms, "user/bob", "Encrypt", body);
    }
}

#[test]
fn another_account_does_not_learn_which_keys_there_are() {
    let kms = kms();
    let stranger = Caller::new(
        keyreach::decision::Caller::parse("arn:aws:iam::999999999999:user/eve").unwrap(),
        "us-east-1",
    );
    let said = |operation: &str, body: Value| {
        let error = kms.call(&stranger, &Ambient::default(), operation, &body).unwrap_err();
        assert_eq!(error.name, DENIED);
        error.message.unwrap()
    };
    let named = |key: &str| {
        let key = format!("arn:aws:kms:us-east-1:{A}:{key}");
        said("Encrypt", json!({ "KeyId": key, "Plaintext": SECRET }))
    };
    assert_eq!(named("key/K"), named("key/none"));
    assert_eq!(named("alias/k"), named("alias/none"));
    assert!(named("key/K").ends_with("or a resource-based policy explicitly denies access"));
    // Nor by a ciphertext.
    let sealed = did(&kms, ADMIN, "Encrypt", json!({ "KeyId": "K", "Plaintext": SECRET }));
    let there = said("Decrypt", json!({ "CiphertextBlob": sealed["CiphertextBlob"] }));
    let delete = json!({ "KeyId": "K", "PendingWindowInDays": 7 });
    did(&kms, ADMIN, "ScheduleKeyDeletion", delete);
    let gone = after(&kms, 8);
    let body = json!({ "CiphertextBlob": sealed["CiphertextBlob"] });
    let error = gone.call(&stranger, &Ambient::default(), "Decrypt", &body).unwrap_err();
    assert_eq!((error.name, error.message.unwrap()), (DENIED, there));
}

#[test]
fn the_tags_of_a_replica_are_a_permission_of_their_own() {
    let text = format!(
        "accounts: {{ {A}: {{ users: {{ admin: {{ policies: [
           {{ allow: [kms:CreateKey, kms:ReplicateKey, kms:PutKeyPolicy,
             iam:CreateServiceLinkedRole] }} ] }} }} }} }}"
    );
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let kms = Encryptor::in_memory(world(&text), MasterSecret::from_bytes([7; 32]), Clock::At(now));
    let made = did(&kms, ADMIN, "CreateKey", json!({ "MultiRegion": true }));
    let tags = json!([{ "TagKey": "a", "TagValue": "b" }]);
    let body = |tags: Value| {
        json!({ "KeyId": made["KeyMetadata"]["KeyId"],
        "ReplicaRegion": "eu-west-1", "Tags": tags })
    };
    let text = "is not authorized to perform: kms:TagResource because no identity-based policy";
    fails(&kms, ADMIN, "ReplicateKey", body(tags.clone()), DENIED, text);
    fails(&kms, ADMIN, "CreateKey", json!({ "Tags": tags }), DENIED, text);
    did(&kms, ADMIN, "ReplicateKey", body(json!([])));
}
