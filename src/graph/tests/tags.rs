//! Tags that are given and taken on the way (rules T32, T34).

use super::super::{Call, Wanted};
use super::{of_bob, of_bob_as_rules, params_of_bob, paths_wanted};

/// A key with some tags, and a user bob with a tag and two statements.
fn tagged(bob: &str, key: &str, allow: &str, other: &str) -> String {
    let text = "accounts: { 111122223333: {
           users: { bob: { tags: { BOB }, policies: [{ Version: '2012-10-17', Statement: [{ allow: [ALLOW], on: '*' },
             { OTHER, on: '*' }] }] } },
           keys: { k: { tags: { KEY }, policy: default } } } }";
    text.replace("BOB", bob).replace("KEY", key).replace("ALLOW", allow).replace("OTHER", other)
}

#[test]
fn t32_t34_tags_are_made_alike() {
    let alike = "allow: kms:Decrypt, when: { StringEquals: { 'aws:ResourceTag/team': '${aws:PrincipalTag/team}' } }";
    let turned = "allow: kms:Decrypt, when: { StringEquals: { 'aws:PrincipalTag/team': '${aws:ResourceTag/team}' } }";
    for condition in [alike, turned] {
        let by_key = params_of_bob(&tagged("team: x", "", "kms:TagResource", condition), 0);
        assert_eq!(by_key["Tags"][0]["TagValue"], "x");
        let by_user = params_of_bob(&tagged("", "team: x", "iam:TagUser", condition), 0);
        assert_eq!(by_user["Tags"][0]["Value"], "x");
        assert!(of_bob(&tagged("", "", "kms:TagResource", condition)).is_none());
    }
}

#[test]
fn t34_a_tag_is_given_that_makes_a_text_like_something_of_the_key() {
    let check = |statement: &str, expected: &str| {
        let params = params_of_bob(&tagged("", "team: pay-x", "iam:TagUser", statement), 0);
        let tag = &params["Tags"][0];
        assert_eq!((tag["Key"].as_str(), tag["Value"].as_str()), (Some("a"), Some(expected)));
        // With one that is another's it would not be alike.
        assert!(of_bob(&tagged("a: other", "team: pay-x", "iam:UntagUser", statement)).is_none());
    };
    let when = |condition: &str| format!("allow: kms:Decrypt, when: {{ {condition} }}");
    let own = "${aws:PrincipalTag/a}";
    check(&when(&format!("StringLike: {{ 'aws:ResourceTag/team': '{own}-*' }}")), "pay");
    check(&when("StringEquals: { 'aws:PrincipalTag/a': 'x-${aws:ResourceTag/team}' }"), "x-pay-x");
    check(&when("StringEquals: { 'aws:PrincipalTag/a': '${aws:username}' }"), "bob");
    check(&when(&format!("StringEquals: {{ 'aws:ResourceAccount': '{own}' }}")), "111122223333");
    check(&when(&format!("StringEquals: {{ 'aws:RequestedRegion': '{own}' }}")), "us-east-1");
    let of_arn = "OTHER, on: 'arn:aws:kms:*:111122223333:key/${aws:PrincipalTag/a}' }";
    let text = tagged("", "", "iam:TagUser", "allow: kms:Decrypt")
        .replace("allow: kms:Decrypt, on: '*' }", &of_arn.replace("OTHER", "allow: kms:Decrypt"));
    assert_eq!(params_of_bob(&text, 0)["Tags"][0]["Value"], "k");
}

#[test]
fn t32_t33_a_key_gets_what_is_like_the_role_that_is_taken_on() {
    let text = |allow: &str, when: &str| {
        let text = "accounts: { 111122223333: {
           users: { bob: { policies: [{ allow: [sts:AssumeRole, ALLOW] }] } },
           roles: { app: { trust: account, tags: { team: red },
             policies: [{ Version: '2012-10-17', Statement: [{ allow: kms:Decrypt, on: '*', when: { WHEN } }] }] } },
           keys: { k: { policy: default } } } }";
        of_bob_as_rules(&text.replace("ALLOW", allow).replace("WHEN", when))
    };
    let tag = "StringEquals: { 'aws:ResourceTag/of': '${aws:PrincipalTag/team}' }";
    let mut calls = text("kms:TagResource", tag);
    calls.sort_unstable();
    assert_eq!(calls, ["T32", "edge"]);
    let alias = "StringEquals: { 'kms:RequestAlias': 'alias/${aws:PrincipalTag/team}' }";
    let mut calls = text("kms:CreateAlias", alias);
    calls.sort_unstable();
    assert_eq!(calls, ["T33", "edge"]);
    assert!(text("kms:CreateAlias", tag).is_empty() && text("kms:TagResource", alias).is_empty());
}

#[test]
fn t34_a_tag_of_any_value_is_given_where_the_request_may_be_like_it() {
    let text = |own: &str, allow: &str| {
        tagged(
            own,
            "",
            allow,
            "allow: kms:Decrypt, when: { StringEquals: {
            'kms:EncryptionContext:app': '${aws:PrincipalTag/a}' } }",
        )
    };
    let params = params_of_bob(&text("", "iam:TagUser"), 0);
    assert_eq!(params["Tags"][0]["Key"], "a");
    assert!(of_bob(&text("", "iam:UntagUser")).is_none());
    assert!(of_bob(&text("a: x", "iam:TagUser")).is_none(), "it gets there as it is");
}

#[test]
fn t33_t34_aliases_and_tags_are_made_alike() {
    let text = |own: &str, aliases: &str, allow: &str| {
        tagged(
            own,
            "",
            allow,
            "allow: kms:Decrypt, when: { 'ForAnyValue:StringEquals': {
            'kms:ResourceAliases': 'alias/${aws:PrincipalTag/a}' } }",
        )
        .replace("keys: { k: { ", &format!("keys: {{ k: {{ aliases: [{aliases}], "))
    };
    let by_user = params_of_bob(&text("", "alias/pay", "iam:TagUser"), 0);
    assert_eq!(by_user["Tags"][0]["Value"], "pay");
    let by_alias = params_of_bob(&text("a: red", "", "kms:CreateAlias"), 0);
    assert_eq!(by_alias["AliasName"], "alias/red");
    assert!(of_bob(&text("", "", "kms:CreateAlias")).is_none());
    assert_eq!(of_bob_as_rules(&text("", "", "iam:TagUser, kms:CreateAlias")), ["T34", "T33"]);
}

#[test]
fn t32_t34_another_value_stops_a_denial() {
    let by_key = "deny: kms:Decrypt, when: { StringEquals: { 'aws:ResourceTag/env': prod } }";
    let tags = |actions: &str| tagged("env: prod", "env: prod", actions, by_key);
    let params = params_of_bob(&tags("kms:Decrypt, kms:TagResource"), 0);
    assert_eq!(params["Tags"][0]["TagKey"], "env");
    assert_ne!(params["Tags"][0]["TagValue"], "prod");
    assert!(of_bob(&tags("kms:Decrypt")).is_none());
    let by_user = "deny: kms:Decrypt, when: { StringEquals: { 'aws:PrincipalTag/env': prod } }";
    let params = params_of_bob(&tagged("env: prod", "", "kms:Decrypt, iam:TagUser", by_user), 0);
    assert_ne!(params["Tags"][0]["Value"], "prod");
    let negated = "allow: kms:Decrypt, when: { StringNotEquals: { 'aws:ResourceTag/env': prod } }";
    let params = params_of_bob(&tagged("", "env: prod", "kms:TagResource", negated), 0);
    assert_ne!(params["Tags"][0]["TagValue"], "prod");
}

#[test]
fn t32_one_call_gives_all_the_tags_that_it_must() {
    let text = "accounts: { 111122223333: {
           users: { bob: { policies: [
             { allow: kms:TagResource, when: { StringEquals: { 'aws:RequestTag/owner': bob } } },
             { allow: kms:Decrypt, when: { StringEquals: { 'aws:ResourceTag/team': red } } }] } },
           keys: { k: { policy: default } } } }";
    let params = params_of_bob(text, 0);
    let tags = serde_json::json!([
        { "TagKey": "owner", "TagValue": "bob" },
        { "TagKey": "team", "TagValue": "red" },
    ]);
    assert_eq!(params["Tags"], tags);
}

#[test]
fn t32_t34_one_call_gives_all_the_tags_that_are_wanted_at_once() {
    let text = |action: &str, family: &str, when: &str| {
        let text = "accounts: { 111122223333: {
           users: { bob: { policies: [{ allow: ACTION WHEN },
             { allow: kms:Decrypt, when: { StringEquals: { 'aws:FAMILY/a': x, 'aws:FAMILY/b': y } } }] } },
           keys: { k: { policy: default } } } }";
        text.replace("ACTION", action).replace("FAMILY", family).replace("WHEN", when)
    };
    let pairs = |key: &str, value: &str| serde_json::json!([{ key: "a", value: "x" }, { key: "b", value: "y" }]);
    let (of_key, of_user) = (pairs("TagKey", "TagValue"), pairs("Key", "Value"));
    // Both, neither of which is allowed alone.
    let both = ", when: { StringEquals: { 'aws:RequestTag/a': x, 'aws:RequestTag/b': y } }";
    for (action, family, tags) in
        [("kms:TagResource", "ResourceTag", of_key), ("iam:TagUser", "PrincipalTag", of_user)]
    {
        for when in ["", both] {
            let text = text(action, family, when);
            assert_eq!(of_bob_as_rules(&text).len(), 1);
            assert_eq!(params_of_bob(&text, 0)["Tags"], tags);
        }
        let wrong = both.replace("'aws:RequestTag/b': y", "'aws:RequestTag/b': z");
        assert!(of_bob(&text(action, family, &wrong)).is_none());
    }
}

#[test]
fn t32_tags_that_several_statements_want_are_given_and_taken_at_once() {
    let text = |actions: &str, tags: &str, first: &str, second: &str| {
        let text = "accounts: { 111122223333: {
           users: { bob: { policies: [{ allow: [ACTIONS] }, FIRST, SECOND] } },
           keys: { k: { tags: { TAGS }, policy: default } } } }";
        let text = text.replace("ACTIONS", actions).replace("TAGS", tags);
        text.replace("FIRST", first).replace("SECOND", second)
    };
    let allowed = "{ allow: kms:Decrypt, when: { StringEquals: { 'aws:ResourceTag/a': x } } }";
    let spared = "{ deny: kms:Decrypt, when: { StringNotEquals: { 'aws:ResourceTag/b': y } } }";
    let both = text("kms:TagResource", "", allowed, spared);
    let tags = serde_json::json!([
        { "TagKey": "a", "TagValue": "x" },
        { "TagKey": "b", "TagValue": "y" },
    ]);
    assert_eq!(params_of_bob(&both, 0)["Tags"], tags);
    assert!(of_bob(&text("kms:UntagResource", "", allowed, spared)).is_none());
    let denied = |tag: &str| {
        format!("{{ deny: kms:Decrypt, when: {{ 'Null': {{ 'aws:ResourceTag/{tag}': false }} }} }}")
    };
    let denied = |actions: &str| text(actions, "a: x, b: y", &denied("a"), &denied("b"));
    let keys = serde_json::json!(["a", "b"]);
    assert_eq!(params_of_bob(&denied("kms:Decrypt, kms:UntagResource"), 0)["TagKeys"], keys);
    assert!(of_bob(&denied("kms:Decrypt, kms:TagResource")).is_none());
}

#[test]
fn t32_a_request_gives_the_tags_that_its_policies_want_beside() {
    let text = |condition: &str| {
        let text = "accounts: { 111122223333: {
           users: { bob: { policies: [{ allow: kms:TagResource, when: { CONDITION } },
             { allow: kms:Decrypt, when: { StringEquals: { 'aws:ResourceTag/a': x } } }] } },
           keys: { k: { policy: default } } } }";
        text.replace("CONDITION", condition)
    };
    let keys = |condition: &str| {
        let params = params_of_bob(&text(condition), 0);
        let tags = params["Tags"].as_array().cloned().unwrap_or_default();
        tags.iter().filter_map(|tag| Some(tag["TagKey"].as_str()?.to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(keys("'ForAnyValue:StringEquals': { 'aws:TagKeys': owner }"), ["a", "owner"]);
    assert_eq!(keys("'Null': { 'aws:RequestTag/owner': false }"), ["a", "owner"]);
    assert_eq!(keys("StringNotEquals: { 'aws:RequestTag/owner': nobody }"), ["a"]);
    assert_eq!(keys("'ForAllValues:StringEquals': { 'aws:TagKeys': [a, b] }"), ["a"]);
    assert!(of_bob(&text("'ForAllValues:StringEquals': { 'aws:TagKeys': [b] }")).is_none());
}

#[test]
fn t34_whoever_tags_itself_takes_on_the_roles_of_the_like() {
    let text = |action: &str| {
        let text = "accounts: { 111122223333: {
           users: { bob: { policies: [{ Version: '2012-10-17', Statement: [{ allow: ACTION, on: '*' },
             { allow: sts:AssumeRole, on: '*',
               when: { StringEquals: { 'aws:ResourceTag/team': '${aws:PrincipalTag/team}' } } }] }] } },
           roles: { app: { trust: account, tags: { team: red }, policies: [{ allow: kms:Decrypt }] } },
           keys: { k: { policy: default } } } }";
        of_bob_as_rules(&text.replace("ACTION", action))
    };
    assert_eq!(text("iam:TagUser"), ["T34", "edge"]);
    assert!(text("iam:UntagUser").is_empty());
}

#[test]
fn t7_a_role_is_taken_on_again_where_one_session_cannot_have_all_the_tags() {
    let path = of_bob(
        "accounts: { 111122223333: {
           users: { bob: {} },
           roles: { app: { trust: [{ allow: [sts:AssumeRole, sts:TagSession], to: user/bob }],
             policies: [{ allow: 'kms:*' }] } },
           keys: { k: { policy: [{ allow: 'kms:*', to: account,
             when: { StringEquals: { 'aws:PrincipalTag/team': blue } } }] } } } }
         organization: { id: o-1, management: 999999999999, units: { shut: { accounts: [111122223333],
           scps: [{ deny: kms:Decrypt, when: { StringNotEquals: { 'aws:PrincipalTag/team': red } } }] } } }",
    );
    let hops = path.map(|path| path.hops).unwrap_or_default();
    let calls: Vec<&str> = hops.iter().map(|hop| hop.call.name()).collect();
    assert_eq!(calls.first(), Some(&"sts:AssumeRole"), "{calls:?}");
    let tags = hops.iter().filter_map(|hop| match &hop.call {
        Call::AssumeRole { tags, .. } => tags.get("team").map(|value| &**value),
        _ => None,
    });
    assert_eq!(tags.collect::<Vec<_>>(), ["blue", "red"]);
    assert_eq!(hops.len(), 3);
}

#[test]
fn t34_a_user_whose_own_tag_counts_as_well_is_given_it_back_where_that_is_no_primitive_too_many() {
    let text = |allowed: &str| {
        let text = "accounts: { 111122223333: {
           users: { bob: { tags: { team: red }, policies: [{ allow: ALLOWED }] } },
           keys: { k: { policy: [{ allow: 'kms:*', to: account,
             when: { StringEquals: { 'aws:PrincipalTag/team': blue } } }] } } } }
         organization: { id: o-1, management: 999999999999, units: { shut: { accounts: [111122223333],
           scps: [{ deny: kms:Decrypt, when: { StringNotEquals: { 'aws:PrincipalTag/team': red } } }] } } }";
        text.replace("ALLOWED", allowed)
    };
    let calls = |text: &str, wanted: &Wanted| {
        let mut paths = paths_wanted(text, wanted).into_iter();
        let of_bob = paths.find(|path| path.from.text.ends_with(":user/bob"));
        let hops = of_bob.map(|path| path.hops).unwrap_or_default();
        hops.iter().map(|hop| hop.call.name()).collect::<Vec<_>>()
    };
    // The tag, the policy and the tag again are three primitives (rule T52).
    let wanted = Wanted { max_hops: Some(3), ..Wanted::default() };
    let of_iam_and_keys = text("['iam:*', 'kms:*']");
    assert!(calls(&of_iam_and_keys, &wanted).is_empty());
    // Out of the organization the tag of the key is enough (rule T37).
    assert_eq!(calls(&text("'*'"), &wanted), ["organizations:LeaveOrganization", "iam:TagUser"]);
    let thrice = calls(&of_iam_and_keys, &Wanted { max_primitives: 3, ..wanted });
    assert_eq!(thrice, ["iam:TagUser", "kms:PutKeyPolicy", "iam:TagUser"]);
}

#[test]
fn t34_tags_change_after_what_needs_those_that_were_there() {
    let path = of_bob(
        "accounts: { 111122223333: {
           users: { bob: { tags: { team: red }, policies: [{ allow: '*' }] } },
           keys: { k: { multi_region: primary, policy: [{ allow: kms:ReplicateKey, to: '*' },
             { deny: 'kms:*', to: '*', when: { StringNotEquals: { 'aws:PrincipalTag/team': red } } }] } } } }
         organization: { id: o-1, management: 999999999999, units: { shut: { accounts: [111122223333],
           scps: [{ deny: kms:Decrypt, when: { StringNotEquals: { 'aws:PrincipalTag/team': blue } } }] } } }",
    );
    let hops = path.map(|path| path.hops).unwrap_or_default();
    let calls: Vec<&str> = hops.iter().map(|hop| hop.call.name()).collect();
    assert_eq!(calls, ["kms:ReplicateKey", "iam:TagUser"]);
}
