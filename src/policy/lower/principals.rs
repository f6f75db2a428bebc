//! Principal elements (section 1.4 of the semantics).

use crate::policy::{AtMost, Polarity, Principal, PrincipalElement, UnresolvedPrincipal, Value};
use crate::source::Located;
use crate::syntax::{Kind, Member, Node};

use super::doubt::spread;
use super::{Lowering, value};

impl Lowering {
    /// Section 1.4. False where a form makes the statement malformed (rule A40).
    pub(super) fn principal(&mut self, member: &Member<'_>) -> (PrincipalElement, bool) {
        let polarity =
            if &*member.name.value == "Principal" { Polarity::Is } else { Polarity::IsNot };
        let mut entries = Vec::new();
        let mut sound = true;
        let node = &member.value;
        let mut take = |node: &Node<'_>, doubt: Option<&str>| match &node.kind {
            Kind::String(text) if text == "*" && doubt.is_none() => {
                entries.push(Located::new(Principal::Anyone, node.span));
            }
            Kind::String(text) if text == "*" => {
                entries.push(Located::new(star_in_doubt(doubt.unwrap_or_default()), node.span));
            }
            Kind::Unresolved(value) => {
                entries.push(Located::new(Principal::unresolved("", value), node.span));
            }
            Kind::Object(types) => {
                sound &= self.unique(types);
                for of_type in types {
                    sound &= self.principals_of_type(of_type, doubt, &mut entries);
                }
            }
            _ => {
                sound = false;
                let name = &member.name.value;
                self.malformed(
                    node.span,
                    format!("`{name}` is `\"*\"` or an object of principal types"),
                );
            }
        };
        match &node.kind {
            Kind::OneOf { .. } => spread(node, &mut take),
            _ => take(node, None),
        }
        (PrincipalElement { polarity, entries, span: node.span }, sound)
    }

    fn principals_of_type(
        &mut self,
        member: &Member<'_>,
        in_doubt: Option<&str>,
        entries: &mut Vec<Located<Principal>>,
    ) -> bool {
        let of_type = &*member.name.value;
        let make: fn(&str) -> Principal = match of_type {
            "AWS" => Principal::aws,
            "Service" => |text| Principal::Service(text.into()),
            "Federated" => |text| Principal::Federated(text.into()),
            "CanonicalUser" => |text| Principal::CanonicalUser(text.into()),
            name => {
                self.malformed(member.name.span, format!("unknown principal type `{name}`"));
                return false;
            }
        };
        let mut sound = true;
        if matches!(&member.value.kind, Kind::Array(items) if items.is_empty()) {
            self.harmless(member.value.span, "an empty list: it names no principal");
        }
        spread(&member.value, &mut |item, doubt| {
            let doubt = doubt.or(in_doubt);
            let is_star =
                of_type == "AWS" && matches!(&item.kind, Kind::String(text) if text == "*");
            let principal = match value(item, doubt) {
                Some(Value::Text(text)) => make(&text),
                Some(Value::Unresolved(value)) if is_star => star_in_doubt(&value.expression),
                Some(Value::Unresolved(value)) => Principal::unresolved(of_type, &value),
                None => {
                    sound = false;
                    let found = item.kind_name();
                    self.malformed(item.span, format!("a principal is text, this is {found}"));
                    return;
                }
            };
            if let Principal::Invalid(text) = &principal {
                sound = false;
                self.malformed(item.span, invalid_principal(text));
            }
            entries.push(Located::new(principal, item.span));
        });
        sound
    }
}

/// Everyone, where it is not known whether that stands there.
fn star_in_doubt(doubt: &str) -> Principal {
    let at_most = AtMost::Principal(Principal::Anyone);
    Principal::Unresolved(Box::new(UnresolvedPrincipal { expression: doubt.into(), at_most }))
}

pub(super) fn is_star(principal: &PrincipalElement) -> bool {
    principal.polarity == Polarity::Is
        && principal.entries.iter().all(|entry| entry.value == Principal::Anyone)
        && !principal.entries.is_empty()
}

fn invalid_principal(text: &str) -> String {
    let why = if text.contains(":group/") {
        "a group is no principal"
    } else if text.contains(['*', '?']) {
        "a principal takes no partial wildcard"
    } else {
        "no principal has this form"
    };
    format!("`{text}`: {why}")
}
