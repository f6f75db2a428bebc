//! Actions and resources against a request (sections 1.5 and 1.6 of the semantics).

use crate::aws::{Action, ActionSet, KmsAction};
use crate::decision::OpenPoint;
use crate::policy::{Element, Polarity, PolicyDocument, PolicyKind, Value, Variables};

use super::scene::{Lens, Scene};
use super::text::{Glyph, Lookup, Pattern};
use super::truth::Truth;

/// Whether `Action` or `NotAction` covers the action (rule A53).
pub(super) fn action(element: &Element, action: impl Into<Action>) -> Truth {
    let action = action.into();
    let matches = |value: &Value| match value {
        Value::Text(text) => matches_action(text, action).into(),
        Value::Unresolved(value) => {
            // Rule A51 forbids wildcards in the prefix, not that the prefix is not known.
            let prefix = value.shape.split(':').next().unwrap_or_default();
            possibly(prefix.contains('*') || matches_action(&value.shape, action))
        }
    };
    // Lists are long, and what they say of an action hangs on nothing else: the first that covers it will do.
    let mut any = Truth::False;
    for value in &element.values {
        any = any.max(matches(&value.value));
        if any == Truth::True {
            break;
        }
    }
    by_polarity(element, any)
}

/// Whether `Resource` or `NotResource` covers the requested resource (rules A60 to A70).
pub(super) fn resource(scene: &Scene<'_, '_>, lens: Lens, element: &Element) -> Truth {
    let requested = scene.resource();
    element_matches(element, |value| match value {
        Value::Text(text) => matches_resource(scene, lens, text, requested).into(),
        Value::Unresolved(value) => possibly(
            !is_arn(&value.shape) || matches_resource(scene, lens, &value.shape, requested),
        ),
    })
}

/// Whether a shape has all parts of an ARN: else what is not known may be several of them.
pub(super) fn is_arn(shape: &str) -> bool {
    shape.matches(':').nth(4).is_some()
}

/// What is not known matches perhaps, or surely not.
fn possibly(matches: bool) -> Truth {
    if matches { Truth::Unknown } else { Truth::False }
}

/// Rule A18 gives empty lists their meaning: nothing matches, so `Not...` covers everything.
fn element_matches(element: &Element, matches: impl Fn(&Value) -> Truth) -> Truth {
    by_polarity(element, Truth::any(element.values.iter().map(|value| matches(&value.value))))
}

fn by_polarity(element: &Element, any: Truth) -> Truth {
    match element.polarity {
        Polarity::Is => any,
        Polarity::IsNot => !any,
    }
}

/// The actions that `Action` or `NotAction` covers for certain.
pub(in crate::eval) fn covered_actions(element: &Element) -> ActionSet {
    KmsAction::all().filter(|wanted| action(element, *wanted) == Truth::True).collect()
}

/// The actions that some Allow statement of the policy covers, resources and conditions aside.
pub(in crate::eval) fn allowed_actions(document: &PolicyDocument) -> ActionSet {
    let allows = document.policy().statements.iter().filter(|statement| statement.allows());
    let elements: Vec<&Element> =
        allows.filter_map(|statement| statement.action.as_ref()).collect();
    let covers = |wanted: &KmsAction| {
        elements.iter().any(|element| action(element, *wanted) != Truth::False)
    };
    KmsAction::all().filter(covers).collect()
}

/// Rules A50 to A55.
fn matches_action(pattern: &str, action: Action) -> bool {
    if pattern == "*" {
        return true;
    }
    // Rule A51: no wildcard in the prefix. Rule A52: white space, an empty name and a second colon are in
    // no action's name.
    let (pattern, action) = (pattern.as_bytes(), action.as_str().as_bytes());
    let prefixes = pattern.iter().zip(action);
    let alike =
        prefixes.take_while(|(one, other)| one.eq_ignore_ascii_case(other) && **one != b':');
    let at = alike.count();
    match (pattern.get(at..), action.get(at..)) {
        (Some([b':', name @ ..]), Some([b':', wanted @ ..])) => matches_name(name, wanted),
        _ => false,
    }
}

/// Rules A50, A51: `*` takes any run, `?` any one, letters match in either case. Action names are ASCII,
/// so bytes do. When a try fails, the last run takes one more: earlier ones could only move the same text.
fn matches_name(pattern: &[u8], name: &[u8]) -> bool {
    let (mut rest, mut at) = (pattern, 0);
    let mut run: Option<(&[u8], usize)> = None;
    while let Some(byte) = name.get(at) {
        match (rest, run) {
            ([b'*', after @ ..], _) => (rest, run) = (after, Some((after, at))),
            ([one, after @ ..], _) if *one == b'?' || one.eq_ignore_ascii_case(byte) => {
                (rest, at) = (after, at + 1);
            }
            (_, Some((after, from))) => {
                (rest, at, run) = (after, from + 1, Some((after, from + 1)));
            }
            (_, None) => return false,
        }
    }
    rest.iter().all(|byte| *byte == b'*')
}

fn matches_resource(scene: &Scene<'_, '_>, lens: Lens, pattern: &str, requested: &str) -> bool {
    // Rule A60.
    if pattern == "*" || pattern == requested {
        return true;
    }
    if differs_at_once(pattern, requested) {
        return false;
    }
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    let variables = Variables::from(lens.version);
    let lookup = |key: &str| scene.variable(lens, key);
    let crosses = !scene.reads_other(OpenPoint::O28, || parts.len() < 6);
    let by_parts = arn_pattern(&parts, variables, &lookup, crosses);
    if by_parts.is_some_and(|pattern| pattern.matches(requested)) {
        return true;
    }
    // Rule A63: what is missing of a short pattern, by the kind of policy.
    let filled = match lens.kind {
        PolicyKind::Identity | PolicyKind::Session => true,
        PolicyKind::Key | PolicyKind::Endpoint | PolicyKind::Trust => pattern.contains('*'),
        PolicyKind::Scp => pattern.ends_with('*'),
        PolicyKind::Rcp => false,
    };
    if parts.len() >= 6 || !filled {
        return false;
    }
    let mut parts = parts;
    parts.resize(6, "*");
    arn_pattern(&parts, variables, &lookup, false).is_some_and(|pattern| pattern.matches(requested))
}

/// Whether a whole ARN without variables differs from `requested` before its first wildcard: most do, and
/// no reading makes them match.
fn differs_at_once(pattern: &str, requested: &str) -> bool {
    let is_special = |byte: &u8| matches!(byte, b'*' | b'?' | b'$');
    let pairs = pattern.bytes().zip(requested.bytes());
    let literal = pairs.take_while(|(one, other)| one == other && !is_special(one)).count();
    let differs = !pattern.as_bytes().get(literal).is_some_and(is_special);
    differs && !pattern.contains('$') && pattern.matches(':').nth(4).is_some()
}

/// Rule A61: the first five parts keep their wildcards to themselves, but for a `*` that ends one and
/// may run on; the sixth takes any character. Rule A64: variables stand in the sixth part only.
fn arn_pattern(
    parts: &[&str],
    variables: Variables,
    lookup: Lookup<'_>,
    crosses: bool,
) -> Option<Pattern> {
    let mut glyphs = Vec::new();
    for (nth, part) in parts.iter().enumerate() {
        if nth > 0 {
            glyphs.push(Glyph::Char(':'));
        }
        if nth == 5 {
            glyphs.extend(Pattern::wild(part, variables, lookup)?.into_glyphs());
            continue;
        }
        let none = |_: &str| None;
        let mut own = Pattern::wild(part, Variables::Literal, &none)?.into_glyphs();
        let last = own.len().saturating_sub(1);
        for (at, glyph) in own.iter_mut().enumerate() {
            *glyph = match *glyph {
                Glyph::AnyRun if at == last && crosses => Glyph::AnyRun,
                Glyph::AnyRun => Glyph::AnyRunInPart,
                Glyph::AnyOne => Glyph::AnyOneInPart,
                other => other,
            };
        }
        glyphs.extend(own);
    }
    Some(Pattern::of(glyphs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, expected: bool) {
        let decrypt = KmsAction::parse("kms:Decrypt").expect("known");
        assert_eq!(matches_action(pattern, decrypt.into()), expected, "{pattern}");
    }

    #[test]
    fn a50_to_a55_action_patterns() {
        for pattern in ["*", "kms:*", "KMS:decrypt", "kms:Decryp?", "kms:*crypt", "kms:d*"] {
            check(pattern, true);
        }
        for pattern in
            ["k*:Decrypt", "kms:", "kms", "kms:Decrypt ", "kms:a:b", "s3:*", "?", "kms:Decryp"]
        {
            check(pattern, false);
        }
        for pattern in ["kms:**", "kms:*d*c*t", "kms:?*?", "kms:Decrypt*", "kms:*decryp?"] {
            check(pattern, true);
        }
        for pattern in ["kms:*d*d*", "kms:????????", "kms:Decrypt?", "kms:*decryp", "kms:*\u{fc}*"]
        {
            check(pattern, false);
        }
    }

    #[test]
    fn a55_reencrypt_without_suffix_is_no_action() {
        let from = KmsAction::parse("kms:ReEncryptFrom").expect("known").into();
        assert!(!matches_action("kms:ReEncrypt", from));
        assert!(matches_action("kms:ReEncrypt*", from));
    }
}
