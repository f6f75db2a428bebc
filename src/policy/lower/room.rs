//! How much could stand in a key policy at all (rule A8).

use crate::policy::document::KEY_POLICY_BYTES;
use crate::policy::{Fault, Gravity, Policy, Statement};

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

#[cfg(test)]
mod tests {
    use crate::policy::{PolicyDocument, PolicyKind};
    use crate::source::{FileId, Place, Span};

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
