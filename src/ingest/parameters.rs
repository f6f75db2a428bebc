//! Files with the parameters of a CloudFormation stack, as its deployer has them beside the template.

use std::collections::BTreeMap;

use crate::source::Span;
use crate::syntax::{Kind, Node, json, yaml};

/// What is wrong with such a file, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParametersFault {
    /// The smallest range that shows it.
    pub span: Span,
    /// One line, lower case, no full stop.
    pub message: String,
}

/// The parameters that a file gives, by name: the list that `aws cloudformation deploy` and `create-stack`
/// take (`ParameterKey` and `ParameterValue`), the object of CodePipeline and of `describe-stacks` (under
/// `Parameters`), or a plain object of names and values; in JSON or YAML. Where a parameter keeps its
/// previous value, or AWS looked the value up and it is not said, nothing is known of it.
///
/// # Errors
/// The first fault of the file.
pub fn parameters(text: &str) -> Result<BTreeMap<Box<str>, Box<str>>, ParametersFault> {
    let broken = |span, message: &str| ParametersFault { span, message: message.to_owned() };
    let mut made = BTreeMap::new();
    let root = if text.trim_start().starts_with(['{', '[']) {
        json::parse(text).map_err(|problem| broken(problem.span, &problem.message))?
    } else {
        let (mut documents, problems) = yaml::parse(text);
        if let Some(problem) = problems.first() {
            return Err(broken(problem.span, &problem.message));
        }
        match (documents.pop(), documents.is_empty()) {
            (Some(document), true) => document.root,
            _ => return Err(broken(Span::new(0, 0), "one document with parameters is wanted")),
        }
    };
    let inner = root.get("Parameters").unwrap_or(&root);
    match &inner.kind {
        Kind::Object(members) => {
            for member in members {
                let value = value(&member.value).ok_or_else(|| {
                    broken(member.value.span, "a value is a text, or a list of texts")
                })?;
                made.insert(member.name.value.as_ref().into(), value);
            }
        }
        Kind::Array(items) => {
            for item in items {
                // `Name=Value`, as the command line of `deploy` has it.
                if let Some((name, value)) = item.as_str().and_then(|text| text.split_once('=')) {
                    made.insert(name.into(), value.into());
                    continue;
                }
                let name = item.get("ParameterKey").and_then(Node::as_str);
                let name = name.ok_or_else(|| broken(item.span, "it has no `ParameterKey`"))?;
                let given = item.get("ResolvedValue").or_else(|| item.get("ParameterValue"));
                made.extend(given.and_then(value).map(|value| (name.into(), value)));
            }
        }
        _ => return Err(broken(inner.span, "neither a list nor an object of parameters")),
    }
    Ok(made)
}

/// A value as CloudFormation has it: a list is a text with commas.
fn value(node: &Node<'_>) -> Option<Box<str>> {
    match &node.kind {
        Kind::Array(items) => {
            let items: Option<Vec<&str>> = items.iter().map(Node::scalar).collect();
            Some(items?.join(",").into())
        }
        _ => node.scalar().map(Into::into),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_gives_the_same() {
        for text in [
            r#"[{"ParameterKey": "Env", "ParameterValue": "prod"}, {"ParameterKey": "Who", "ParameterValue": "a,b"}]"#,
            r#"["Env=prod", "Who=a,b"]"#,
            r#"{"Parameters": {"Env": "prod", "Who": ["a", "b"]}, "Tags": {"x": "y"}}"#,
            r#"{"Parameters": [{"ParameterKey": "Env", "ParameterValue": "prod"}, {"ParameterKey": "Who", "ParameterValue": "/p", "ResolvedValue": "a,b"}]}"#,
            "Env: prod\nWho: [a, b]\n",
            "Parameters:\n  Env: prod\n  Who: a,b\n",
        ] {
            let found = parameters(text).expect(text);
            let found: Vec<(&str, &str)> =
                found.iter().map(|(name, it)| (&**name, &**it)).collect();
            assert_eq!(found, [("Env", "prod"), ("Who", "a,b")], "{text}");
        }
        let kept = r#"[{"ParameterKey": "Env", "UsePreviousValue": true}]"#;
        assert_eq!(parameters(kept), Ok(BTreeMap::new()));
    }

    #[test]
    fn faults_are_told_where_they_are() {
        for (text, shown) in [
            ("[{\"Key\": \"x\"}]", "{\"Key\": \"x\"}"),
            ("{\"Env\": {\"x\": 1}}", "{\"x\": 1}"),
            ("\"x\"", "\"x\""),
        ] {
            let fault = parameters(text).expect_err(text);
            assert_eq!(fault.span.slice(text), Some(shown), "{}", fault.message);
        }
    }
}
