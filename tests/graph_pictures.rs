//! What `keyreach graph` draws: stated edges, what is near, what is drawn as one, and text that would break
//! a format.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use support::command::{Folder, Run, keyreach};

/// Groups, a boundary, trust of all kinds, grants, delegation, and somebody who could get there.
const WORLD: &str = r#"
keyreach: scenario/1
region: eu-west-1
accounts:
  "111122223333":
    name: main
    users:
      alice: { groups: [admins] }
      bob: { groups: [admins] }
      carol: { groups: [], boundary: arn:aws:iam::aws:policy/ReadOnlyAccess }
      eve: { policies: [{ allow: iam:CreateAccessKey, on: user/carol }] }
    groups:
      admins: { policies: [{ allow: "kms:*" }] }
    roles:
      app: { trust: [{ allow: sts:AssumeRole, to: ["444455556666"], when: { StringEquals: { "sts:ExternalId": 'a"]-->{b}|<c>&\d#' } } }] }
      batch: { trust: [{ allow: sts:AssumeRole, to: ["service:lambda.amazonaws.com", role/app] }] }
      ci: { trust: [{ allow: sts:AssumeRoleWithWebIdentity, to: ["provider:token.actions.githubusercontent.com"] }] }
      anyone: { trust: [{ allow: sts:AssumeRole, not_to: [user/bob] }] }
    keys:
      orders:
        aliases: [alias/orders]
        policy:
          - { sid: Root, allow: "kms:*", to: [account] }
          - { sid: Carol, allow: "kms:Decrypt", to: [user/carol] }
        grants: [{ id: "0123456789abcdef", to: role/batch, operations: [Decrypt], retiring: user/alice }]
"#;

fn run(folder: &Folder, args: &str) -> Run {
    let args = ["graph", "--now", "2026-01-01"].into_iter().chain(args.split_whitespace());
    keyreach(&args.collect::<Vec<_>>()).within(folder.path()).run()
}

fn world(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.put("world.yaml", WORLD);
    folder
}

fn shown(folder: &Folder, args: &str) -> String {
    let run = run(folder, args);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{args}");
    run.stdout
}

fn json(folder: &Folder, args: &str) -> Value {
    serde_json::from_str(&shown(folder, &format!("{args} --format json"))).unwrap()
}

/// Edges as `from kind to`, by labels.
fn edges(graph: &Value) -> BTreeSet<String> {
    let nodes = graph["nodes"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let labels: BTreeMap<String, String> =
        nodes.iter().map(|node| (text(&node["id"]), text(&node["label"]))).collect();
    let edges = graph["edges"].as_array().unwrap().iter();
    edges
        .map(|edge| {
            let end = |name: &str| &labels[edge[name].as_str().unwrap()];
            format!("{} {} {}", end("from"), edge["kind"].as_str().unwrap(), end("to"))
        })
        .collect()
}

fn labels(graph: &Value) -> BTreeSet<String> {
    let nodes = graph["nodes"].as_array().unwrap().iter();
    nodes.map(|node| node["label"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn documents_state_edges_with_their_statements() {
    let folder = world("graph-stated");
    let graph = json(&folder, "");
    let found = edges(&graph);
    for edge in [
        "user/alice member-of group/admins",
        "user/carol bounds policy/ReadOnlyAccess",
        "the account trusts role/app",
        "lambda.amazonaws.com trusts role/batch",
        "role/app trusts role/batch",
        "subjects of token.actions.githubusercontent.com trusts role/ci",
        "anyone trusts role/anyone",
        "IAM delegates alias/orders",
        "role/batch holds-grant grant 01234567",
        "user/alice retires grant 01234567",
        "grant 01234567 uses alias/orders",
        "user/carol uses alias/orders",
        "user/eve escalates-by T26 user/carol",
    ] {
        assert!(found.contains(edge), "{edge} is not among {found:#?}");
    }
    let of = |kind: &str| {
        let edges = graph["edges"].as_array().unwrap().iter();
        edges.filter(|edge| edge["kind"] == kind).cloned().collect::<Vec<_>>()
    };
    let delegates = of("delegates");
    assert_eq!(delegates[0]["because"][0]["sid"], "Root");
    assert_eq!(delegates[0]["because"][0]["file"], "world.yaml");
    assert_eq!(delegates[0]["actions"], serde_json::json!(["kms:*"]));
    let conditions: BTreeSet<String> =
        of("trusts").iter().map(|edge| edge["conditions"].to_string()).collect();
    let bob = r#"["the principal is none of arn:aws:iam::111122223333:user/bob"]"#;
    assert!(conditions.contains(bob), "{conditions:?}");
}

#[test]
fn filters_draw_what_is_near() {
    let folder = world("graph-filters");
    let key = labels(&json(&folder, "--key alias/orders --depth 1"));
    assert!(key.contains("user/carol") && key.contains("alias/orders"), "{key:?}");
    assert!(!key.contains("user/eve"), "{key:?}");
    let further = labels(&json(&folder, "--key alias/orders --depth 2"));
    assert!(further.contains("user/eve"), "{further:?}");
    assert!(further.is_superset(&key));
    let eve = labels(&json(&folder, "--principal eve --depth 2"));
    assert!(eve.contains("user/carol") && eve.contains("alias/orders"), "{eve:?}");
    assert!(!eve.contains("user/alice"), "{eve:?}");
    let between = labels(&json(&folder, "--principal eve --key alias/orders"));
    let expected = ["user/eve", "user/carol", "alias/orders"].map(str::to_owned);
    assert_eq!(between, BTreeSet::from(expected));
    let other = labels(&json(&folder, "--account 444455556666"));
    assert_eq!(other, BTreeSet::from(["the account".to_owned(), "role/app".to_owned()]));
}

#[test]
fn what_is_alike_is_drawn_as_one() {
    let folder = world("graph-collapse");
    let group = labels(&json(&folder, "--collapse group"));
    assert!(group.contains("2 members of group/admins"), "{group:?}");
    assert!(group.contains("user/carol"), "{group:?}");
    let focused = labels(&json(&folder, "--collapse group --principal alice --key alias/orders"));
    assert!(focused.contains("user/alice"), "{focused:?}");
    let accounts = labels(&json(&folder, "--collapse account"));
    assert!(accounts.contains("account main (111122223333)"), "{accounts:?}");
    assert!(accounts.contains("services"), "{accounts:?}");
}

#[test]
fn a_large_picture_is_drawn_coarser_and_says_so() {
    let folder = Folder::new("graph-large");
    let users: String = (0..200).map(|n| format!("      u{n}: {{ groups: [all] }}\n")).collect();
    folder.put(
        "world.yaml",
        format!(
            "keyreach: scenario/1\nregion: eu-west-1\naccounts:\n  \"111122223333\":\n    users:\n\
             {users}    groups: {{ all: {{}} }}\n    keys: {{ k: {{ policy: default }} }}\n"
        ),
    );
    let run_it = run(&folder, "");
    assert_eq!(run_it.code, 0);
    assert!(run_it.stderr.contains("drawn as one"), "{}", run_it.stderr);
    let title = run_it.stdout.lines().nth(1).unwrap();
    assert!(title.contains("drawn as one: members of the same groups"), "{title}");
    assert!(run_it.stdout.contains("200 members of group/all"), "{}", run_it.stdout);
    let whole = run(&folder, "--collapse none");
    assert!(whole.stderr.contains("too many to be read"), "{}", whole.stderr);
    assert!(whole.stdout.contains("label=\"user/u199"), "{}", whole.stdout);
    let graph = json(&folder, "");
    assert!(graph["nodes"].as_array().unwrap().len() > 200, "programs get everything");
}

#[test]
fn a_node_has_one_id_everywhere() {
    let folder = world("graph-ids");
    let graph = json(&folder, "");
    let near = json(&folder, "--key alias/orders");
    let ids = |graph: &Value| -> BTreeMap<String, String> {
        let nodes = graph["nodes"].as_array().unwrap().iter();
        nodes.map(|it| (it["names"][0].to_string(), it["id"].to_string())).collect()
    };
    let (all, some) = (ids(&graph), ids(&near));
    assert!(some.iter().all(|(name, id)| all[name] == *id));
    let distinct: BTreeSet<&String> = all.values().collect();
    assert_eq!(distinct.len(), all.len());
    for format in ["dot", "mermaid", "graphml"] {
        let text = shown(&folder, &format!("--format {format}"));
        for id in all.values() {
            assert!(text.contains(id.trim_matches('"')), "{format} lacks {id}");
        }
    }
}

#[test]
fn text_of_policies_cannot_leave_its_place() {
    let folder = world("graph-hostile");
    let mermaid = shown(&folder, "--format mermaid");
    let line = mermaid.lines().find(|line| line.contains("sts:ExternalId")).unwrap();
    // Two quotes around the label, two bars around these.
    assert_eq!(line.matches('"').count(), 2, "{line}");
    assert_eq!(line.matches('|').count(), 2, "{line}");
    assert!(line.contains("a#34;]--#62;#123;b#125;#124;#60;c"), "{line}");
    let dot = shown(&folder, "");
    let line = dot.lines().find(|line| line.contains("sts:ExternalId")).unwrap();
    let unescaped = line.replace("\\\\", "").replace("\\\"", "");
    assert_eq!(unescaped.matches('"').count() % 2, 0, "{line}");
    let graphml = shown(&folder, "--format graphml");
    assert!(graphml.contains("a&quot;]--&gt;{b}|&lt;c&gt;&amp;\\d#"), "{graphml}");
}
