//! Entries of `assume`.

use crate::access::contradiction;
use crate::decision::Assumptions;
use crate::syntax::Node;

use super::reader::Reader;

/// Reads a map from condition keys to values, lists of values, or `absent`.
pub(super) fn read(reader: &mut Reader, node: &Node<'_>) -> Assumptions {
    let mut assumptions = Assumptions::default();
    let mut seen: Vec<String> = Vec::new();
    for (name, span, value) in reader.map(node, "a map from condition keys to values") {
        let folded = name.to_ascii_lowercase();
        if seen.contains(&folded) {
            reader.fault(span, format!("`{name}` stands twice"), "give a list of values");
            continue;
        }
        seen.push(folded);
        for (text, _) in reader.texts(value, "a value, or `absent`,") {
            if let Err(error) = assumptions.fix(name, &text, "keyreach.yaml") {
                reader.fault(span, error, "");
                break;
            }
        }
        if value.one_or_many().is_empty() {
            let help = "write `absent` for a request without the key";
            reader.fault(value.span, "an empty list where a value is wanted", help);
        }
    }
    if let Some(together) = contradiction(&assumptions) {
        let error = format!("there is no request in which {}", together.join(" and "));
        reader.fault(node.span, error, "assume what one request can have");
    }
    assumptions
}
