//! Small worlds and the calls that are made in them.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails, and each that includes this module uses a part of it"
)]

pub mod calls;
pub mod executed;
pub mod heard;
pub mod oracle;

use std::collections::BTreeSet;

use keyreach::aws::{AliasArn, ControlAction, KeyArn, KmsAction};
use keyreach::decision::{Caller, Context, ContextValue};
use keyreach::graph::{Call, EdgeKind, Hop, LAUNCHES, Launch, Path};
use keyreach::ingest::scenario::load;
use keyreach::inventory::{Constraints, Grant, Grantee, Inventory, Tags};
use keyreach::policy::{PolicyDocument, PolicyKind};
use keyreach::source::{FileId, Place, Span};

/// The account of names without one.
pub const A: &str = "111122223333";
/// The account of names that begin with `B:`.
pub const B: &str = "444455556666";

/// The world of a scenario without its first line; the lines may stand as deep as the code around them.
pub fn world(text: &str) -> Inventory {
    let deep = text.lines().skip(1).filter(|line| !line.trim().is_empty());
    let deep = deep.map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    let lines = text.lines().map(|line| match line.get(..deep) {
        Some(start) if start.trim().is_empty() => line.get(deep..).unwrap_or_default(),
        _ => line.trim_start(),
    });
    let first = "keyreach: scenario/1\nregion: us-east-1".to_owned();
    let text = lines.fold(first, |all, line| all + "\n" + line);
    let scenario = load(&text, FileId(0));
    assert_eq!(scenario.problems, [], "{text}");
    scenario.inventory
}

/// `user/bob` and the like are of account A, `B:user/eve` of account B; keys and aliases in us-east-1.
pub fn arn(name: &str) -> String {
    let (account, name) = match name.strip_prefix("B:") {
        Some(name) => (B, name),
        None => (A, name),
    };
    match name.split_once('/') {
        Some(("session", rest)) => format!("arn:aws:sts::{account}:assumed-role/{rest}"),
        Some(("key" | "alias", _)) => format!("arn:aws:kms:us-east-1:{account}:{name}"),
        Some(("function", rest)) => format!("arn:aws:lambda:us-east-1:{account}:function:{rest}"),
        Some(("user" | "role" | "group" | "policy" | "oidc-provider" | "saml-provider", _)) => {
            format!("arn:aws:iam::{account}:{name}")
        }
        _ if name == "root" => format!("arn:aws:iam::{account}:root"),
        _ if name == "AdministratorAccess" => format!("arn:aws:iam::aws:policy/{name}"),
        _ => name.to_owned(),
    }
}

/// Who signs a request; `provider:saml-provider/corp` for the subject of a provider.
pub fn caller(name: &str) -> Caller {
    match name.strip_prefix("provider:") {
        Some(provider) => Caller::of_provider(&arn(provider)),
        None => Caller::parse(&arn(name)).unwrap_or_else(|| panic!("{name}")),
    }
}

pub fn key(name: &str) -> KeyArn {
    KeyArn::parse(&arn(name)).unwrap_or_else(|| panic!("{name}"))
}

pub fn alias(name: &str) -> AliasArn {
    AliasArn::parse(&arn(name)).unwrap_or_else(|| panic!("{name}"))
}

/// A policy that no file holds.
pub fn document(kind: PolicyKind, text: impl Into<Box<str>>) -> PolicyDocument {
    PolicyDocument::json(Place::plain(FileId(0), Span::default()), kind, text)
}

/// What allows everything, to `principal` where the policy is one of a resource.
pub fn everything(kind: PolicyKind, principal: Option<&str>) -> PolicyDocument {
    let action = match kind {
        PolicyKind::Key => "kms:*",
        PolicyKind::Trust => "sts:AssumeRole",
        _ => "*",
    };
    let resource = if kind == PolicyKind::Trust { "" } else { r#","Resource":"*""# };
    let principal = match principal {
        Some("*") => r#","Principal":"*""#.to_owned(),
        Some(arn) => format!(r#","Principal":{{"AWS":"{arn}"}}"#),
        None => String::new(),
    };
    let statement = format!(r#"{{"Effect":"Allow","Action":"{action}"{resource}{principal}}}"#);
    document(kind, format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#))
}

/// A context of single values; `[a b]` is a set.
pub fn context(entries: &[(&str, &str)]) -> Context {
    let mut context = Context::default();
    for (name, value) in entries {
        match value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(values) => {
                let values = values.split_whitespace().map(Into::into).collect();
                context.set(name, ContextValue::Many(values));
            }
            None => context.set_one(name, value),
        }
    }
    context
}

pub fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

/// A grant without constraints.
pub fn grant(grantee: &str, operations: &[KmsAction]) -> Grant {
    Grant {
        id: "made".into(),
        name: None,
        grantee: Grantee::principal(&arn(grantee)),
        retiring: None,
        issuing_account: None,
        operations: operations.iter().copied().collect(),
        unknown_operations: Vec::new(),
        constraints: Constraints::default(),
        place: Place::plain(FileId(0), Span::default()),
    }
}

/// The launch of a service by these actions.
pub fn launch(service: &str, actions: &[ControlAction], passes: bool) -> &'static Launch {
    let is_it =
        |row: &&Launch| row.service == service && row.actions == actions && row.passes == passes;
    LAUNCHES.iter().find(is_it).unwrap_or_else(|| panic!("{service} {actions:?}"))
}

/// One call without a context of its own.
pub fn hop(who: &str, call: Call) -> Hop {
    hop_with(who, call, &[])
}

/// One call with the condition keys that its requests bring.
pub fn hop_with(who: &str, call: Call, entries: &[(&str, &str)]) -> Hop {
    Hop {
        caller: caller(who),
        call,
        edge: EdgeKind::Uses,
        because: Vec::new(),
        context: context(entries),
        modelled: false,
    }
}

/// A way to kms:Decrypt on a key.
pub fn path(from: &str, hops: Vec<Hop>, goal_as: &str, goal_key: &str) -> Path {
    Path {
        from: caller(from),
        key: key(goal_key),
        goal: KmsAction::DECRYPT,
        hops,
        goal_as: caller(goal_as),
        goal_key: key(goal_key),
        context: Context::default(),
        because: Vec::new(),
        doubts: BTreeSet::new(),
    }
}
