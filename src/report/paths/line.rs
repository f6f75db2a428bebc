//! One path for programs. Members may be added, none removed or changed.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::audit::Texts;
use crate::decision::{Context, ContextValue, Why};
use crate::graph::Path;

use super::super::citing::{Because, because};

/// A way from a principal to an action on a key that it cannot take today.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Line<'a> {
    /// Who sets out: an ARN, or the provider that vouches for somebody.
    from: &'a str,
    /// The key's ARN.
    key: &'a str,
    /// What is gained: `kms:Decrypt`.
    goal: &'static str,
    /// The calls, in order.
    hops: Vec<Hop<'a>>,
    /// Who takes the action in the end.
    goal_as: &'a str,
    /// The key it is taken on: another one where a hop made a replica.
    goal_key: &'a str,
    /// The condition keys that the request for the goal needs.
    context: BTreeMap<&'a str, Values<'a>>,
    /// What allows it in the end.
    because: Vec<Because<'a>>,
    /// Whether a hop's effect lies outside KMS, IAM and STS and is taken at its word.
    modelled: bool,
    /// What was not exported and could close the path; sorted.
    missing: Vec<&'a str>,
    /// Points that AWS leaves open and that could close it: `O1`; sorted.
    open: Vec<&'a str>,
    /// Whether a cap kept the engine from deciding.
    undecided: bool,
    /// Whether it exists only if what is missing or open says so: it was not executed then.
    unknown: bool,
}

/// One call.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Hop<'a> {
    /// Who calls: the one who sets out, or an identity that an earlier hop took on.
    #[serde(rename = "as")]
    caller: &'a str,
    /// What is called: `iam:PutUserPolicy`.
    call: &'static str,
    /// The parameters as the AWS API names them.
    params: Value,
    /// What kind of step it is: `assumes`, `escalates-by T20`.
    edge: String,
    /// The statements and grants that allow it.
    because: Vec<Because<'a>>,
    /// The condition keys that its requests need beyond the parameters.
    context: BTreeMap<&'a str, Values<'a>>,
    /// Whether its effect lies outside KMS, IAM and STS and is taken at its word.
    modelled: bool,
}

/// The value of a condition key: a text, or a list for a multi-valued one.
#[derive(Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum Values<'a> {
    /// One value.
    One(&'a str),
    /// A set.
    Many(Vec<&'a str>),
}

impl<'a> Line<'a> {
    /// The line of a path; `unknown` where it was not executed.
    pub(in crate::report) fn of(texts: &'a Texts<'a>, path: &'a Path, unknown: bool) -> Self {
        let hops = path.hops.iter().map(|hop| Hop {
            caller: &hop.caller.text,
            call: hop.call.name(),
            params: hop.call.params(&hop.context),
            edge: hop.edge.name(),
            because: because(texts, &hop.because),
            context: context(&hop.context),
            modelled: hop.modelled,
        });
        let missing = path.doubts.iter().filter_map(|why| match why {
            Why::Missing(what) => Some(what.as_str()),
            _ => None,
        });
        let open = path.doubts.iter().filter_map(|why| match why {
            Why::Open(point) => Some(*point),
            _ => None,
        });
        Self {
            from: &path.from.text,
            key: path.key.as_str(),
            goal: path.goal.as_str(),
            hops: hops.collect(),
            goal_as: &path.goal_as.text,
            goal_key: path.goal_key.as_str(),
            context: context(&path.context),
            because: because(texts, &path.because),
            modelled: path.is_modelled(),
            missing: missing.collect(),
            open: open.collect(),
            undecided: path.doubts.contains(&Why::Undecided),
            unknown,
        }
    }
}

fn context(context: &Context) -> BTreeMap<&str, Values<'_>> {
    context.entries().map(|entry| (&*entry.name, values(&entry.value))).collect()
}

fn values(value: &ContextValue) -> Values<'_> {
    match value {
        ContextValue::One(value) => Values::One(value),
        ContextValue::Many(values) => Values::Many(values.iter().map(|it| &**it).collect()),
    }
}
