//! Functions of ARNs that the provider of AWS brings.

use crate::aws::Arn;

use super::super::member;
use super::super::value::{At, Value};
use super::texts::{join, plain};

/// What a call of `provider::aws::` gives; nothing where that is not known, or the function is none of these.
pub(super) fn call(name: &str, arguments: &[Value], at: At) -> Option<Value> {
    match (name, arguments) {
        ("arn_build", [_, _, _, _, _]) => {
            let mut parts = vec![Value::text(at, "arn")];
            parts.extend_from_slice(arguments);
            join(&Value::text(at, ":"), &[Value::list(at, parts)], at)
        }
        ("arn_parse", [arn]) => {
            let arn = plain(arn)?;
            let arn = Arn::parse(&arn)?;
            let parts = [
                ("partition", arn.partition),
                ("service", arn.service),
                ("region", arn.region),
                ("account_id", arn.account),
                ("resource", arn.resource),
            ];
            let part = |(name, part): (&str, &str)| member(name, Value::text(at, part));
            Some(Value::object(at, parts.map(part).into()))
        }
        ("trim_iam_role_path", [arn]) => {
            let known = plain(arn)?;
            let (before, path) = known.split_once(":role/")?;
            let name = path.rsplit('/').next()?;
            Some(Value::text(at, format!("{before}:role/{name}")))
        }
        _ => None,
    }
}
