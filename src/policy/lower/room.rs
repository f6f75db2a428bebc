//! How much could stand in a key policy at all (rule A8).

use crate::policy::document::KEY_POLICY_BYTES;
use crate::policy::{Fault, Gravity, Policy, Statement};
use crate::syntax::{Kind, Node};

/// The shortest statement that KMS takes, and the shortest principal, each with the comma behind it.
const SHORTEST: [&str; 2] =
    [r#"{"Effect":"Deny","Action":"*","Principal":"*"},"#, r#""111122223333","#];

/// Leaves out what stands behind as many statements or principals as fit into a key policy of the greatest
/// length: KMS holds no such policy, and to judge each statement for each principal of one would take hours.
/// What is left out could say anything.
pub(super) fn leave_out_what_never_fits(policy: &mut Policy) -> Option<Fault> {
    let [most, most_principals] = SHORTEST.map(|it| KEY_POLICY_BYTES / it.len());
    let mut principals = 0;
    let fits = |(number, statement): &(usize, &Statement)| {
        principals += statement.principal.as_ref().map_or(0, |element| element.entries.len());
        *number < most && principals <= most_principals
    };
    let fitting = policy.statements.iter().enumerate().take_while(fits).count();
    let span = policy.statements.get(fitting)?.span;
    let message = format!(
        "statement {} of {}, not judged: no key policy of {KEY_POLICY_BYTES} bytes has more than {most} \
         statements or {most_principals} principals",
        fitting + 1,
        policy.statements.len(),
    );
    // Of a statement with too many principals the first of them are kept: it says what kind of policy this is.
    let before = policy.statements.iter().take(fitting).filter_map(|it| it.principal.as_ref());
    let room = most_principals - before.map(|element| element.entries.len()).sum::<usize>();
    let is_cut = fitting < most && room > 0;
    if let Some(element) = policy.statements.get_mut(fitting).and_then(|it| it.principal.as_mut()) {
        element.entries.truncate(room);
    }
    policy.statements.truncate(fitting + usize::from(is_cut));
    policy.readable = false;
    Some(Fault { span, message, gravity: Gravity::Malformed })
}

/// What is wrong with a key policy that code declares and that is longer than KMS takes, however its text is
/// written. What is not known of it, as `is_open` says of texts, counts as nothing.
pub(crate) fn too_long(tree: &Node<'_>, is_open: &dyn Fn(&str) -> bool) -> Option<Fault> {
    let bytes = least_bytes(tree, is_open);
    let message = format!("{bytes} bytes at least: a key policy has at most {KEY_POLICY_BYTES}");
    let fault = Fault { span: tree.span, message, gravity: Gravity::Ignored };
    (bytes > KEY_POLICY_BYTES).then_some(fault)
}

/// How many bytes the JSON text of a tree has at least, without white space: none where there may be none.
fn least_bytes(node: &Node<'_>, is_open: &dyn Fn(&str) -> bool) -> usize {
    let least = |node: &Node<'_>| least_bytes(node, is_open);
    // Brackets, and a comma between two.
    let listed = |parts: &mut dyn Iterator<Item = usize>| {
        let parts = parts.filter(|bytes| *bytes > 0);
        let (count, sum) = parts.fold((0_usize, 0), |(count, sum), it| (count + 1, sum + it));
        sum + 2 + count.saturating_sub(1)
    };
    match &node.kind {
        Kind::String(text) if is_open(text) => 2,
        Kind::String(text) => text.len() + 2,
        Kind::Number(text) => text.len(),
        Kind::Null | Kind::Bool(_) => 4,
        Kind::Array(items) => listed(&mut items.iter().map(least)),
        Kind::Object(members) => {
            listed(&mut members.iter().map(|member| match least(&member.value) {
                0 => 0,
                bytes => member.name.value.len() + 3 + bytes,
            }))
        }
        Kind::OneOf { .. } | Kind::Unresolved(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::too_long;
    use crate::policy::{PolicyDocument, PolicyKind};
    use crate::source::{FileId, Place, Span};
    use crate::syntax::json;

    /// How many statements are kept, and what is said of the rest, of a policy of so many statements that name
    /// so many principals each.
    fn kept(kind: PolicyKind, statements: usize, principals: usize) -> (usize, Option<String>) {
        let names = vec!["\"111122223333\""; principals].join(",");
        let one = format!(
            "{{\"Effect\":\"Allow\",\"Principal\":{{\"AWS\":[{names}]}},\"Action\":\"kms:*\",\
             \"Resource\":\"*\"}}"
        );
        let text = format!("{{\"Statement\":[{}]}}", vec![one; statements].join(","));
        let place = Place::plain(FileId(0), Span::new(0, text.len()));
        let document = PolicyDocument::json(place, kind, text);
        let policy = document.policy();
        let said = policy.faults.iter().map(|fault| &fault.message);
        let left_out = said.into_iter().find(|message| message.contains("not judged")).cloned();
        assert_eq!(policy.readable, left_out.is_none());
        (policy.statements.len(), left_out)
    }

    #[test]
    fn a8_what_code_declares_is_measured_without_white_space_and_what_is_not_known() {
        let told = |text: &str| {
            let tree = json::parse(text).expect("JSON");
            too_long(&tree, &|text| text.contains("this-")).map(|fault| fault.message)
        };
        let of = |length: usize| format!("{{ \"Sid\" : [\"{}\", 1] }}", "x".repeat(length));
        // `{"Sid":["",1]}` has 14.
        assert_eq!(told(&of(32_768 - 14)), None);
        let message = "32769 bytes at least: a key policy has at most 32768";
        assert_eq!(told(&of(32_768 - 13)).as_deref(), Some(message));
        assert_eq!(
            told(&of(32_768).replace("xx", "this-region ")),
            None,
            "its length is not known"
        );
    }

    #[test]
    fn a8_a_key_policy_has_no_more_than_fits() {
        let more = |statement: &str| {
            Some(format!(
                "statement {statement}, not judged: no key policy of 32768 bytes has more than 697 \
                 statements or 2184 principals"
            ))
        };
        assert_eq!(kept(PolicyKind::Key, 697, 1), (697, None));
        assert_eq!(kept(PolicyKind::Key, 698, 1), (697, more("698 of 698")));
        assert_eq!(kept(PolicyKind::Key, 3, 728), (3, None));
        assert_eq!(kept(PolicyKind::Key, 4, 728), (3, more("4 of 4")));
        assert_eq!(kept(PolicyKind::Key, 1, 2185), (1, more("1 of 1")));
        assert_eq!(kept(PolicyKind::Rcp, 698, 1), (698, None), "it is of keys alone");
    }
}
