//! Devices for MFA of users whose credentials are made on the way (rules T27, T43).

use super::{Hop, Path, of_bob, of_bob_as_rules};

/// Bob may do something to ann, who can decrypt with MFA, and something more.
fn behind_mfa(bob: &str, ann: &str) -> String {
    let text = "accounts: { 111122223333: {
           users: { bob: { policies: [{ allow: [BOB] }] },
             ann: { policies: [{ allow: kms:Decrypt, when: { Bool: { 'aws:MultiFactorAuthPresent': true } } } ANN] } },
           keys: { k: { policy: default } } } }";
    text.replace("BOB", bob).replace("ANN", ann)
}

#[track_caller]
fn way(text: &str) -> Path {
    of_bob(text).unwrap_or_else(|| panic!("no path: {text}"))
}

#[test]
fn t43_whoever_takes_credentials_gives_the_user_a_device() {
    let both = "iam:CreateVirtualMFADevice, iam:EnableMFADevice";
    for (take, rule) in [("iam:CreateAccessKey", "T26"), ("iam:UpdateLoginProfile", "T27")] {
        let text = behind_mfa(&format!("{take}, {both}"), "");
        assert_eq!(of_bob_as_rules(&text), [rule, "T43", "T43"]);
        let path = way(&text);
        assert!(path.doubts.is_empty(), "{:?}", path.doubts);
        // Each hop is one call, with the parameters of that one.
        let of = |nth: usize| {
            let hop = &path.hops[nth];
            (hop.call.name(), hop.call.params(&hop.context).to_string())
        };
        let made = ("iam:CreateVirtualMFADevice", r#"{"VirtualMFADeviceName":"ann"}"#.to_owned());
        assert_eq!(of(1), made);
        let device = "arn:aws:iam::111122223333:mfa/ann";
        let params = format!(r#"{{"SerialNumber":"{device}","UserName":"ann"}}"#);
        assert_eq!(of(2), ("iam:EnableMFADevice", params));
    }
    // The user itself may be the one who may.
    let text = behind_mfa("iam:CreateAccessKey", &format!(", {{ allow: [{both}] }}"));
    let path = way(&text);
    assert_eq!(of_bob_as_rules(&text), ["T26", "T43", "T43"]);
    assert!(path.hops[1..].iter().all(|hop| hop.caller.text.ends_with(":user/ann")));
    // Either may be made by another.
    let enable = ", { allow: iam:EnableMFADevice }";
    let text = behind_mfa("iam:CreateAccessKey, iam:CreateVirtualMFADevice", enable);
    let path = way(&text);
    let name = |hop: &Hop| hop.caller.text.rsplit('/').next().map(str::to_owned);
    let callers: Vec<Option<String>> = path.hops.iter().map(name).collect();
    assert_eq!(callers, [Some("bob".into()), Some("bob".into()), Some("ann".into())]);
    // Not where that takes MFA already.
    let when = "when: { Bool: { 'aws:MultiFactorAuthPresent': true } }";
    let text = behind_mfa("iam:CreateAccessKey", &format!(", {{ allow: [{both}], {when} }}"));
    assert_eq!(of_bob_as_rules(&text), ["T26"]);
}

#[test]
fn t27_without_a_device_the_way_stays_conditional() {
    for more in ["", ", iam:EnableMFADevice", ", iam:CreateVirtualMFADevice"] {
        let text = behind_mfa(&format!("iam:CreateAccessKey{more}"), "");
        assert_eq!(of_bob_as_rules(&text), ["T26"]);
        assert_eq!(way(&text).doubts.len(), 1);
    }
}
