//! Objects that give a key twice: Terraform takes the last, the parser takes none.

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::parser;
use hcl_edit::structure::Body;

use crate::source::Span;

use super::continued::join;
use super::heredocs::remarked;

/// How many keys of a file may be given again.
const REPEATED: usize = 32;

/// How many braces are looked at to find the object that a key is in.
const BRACES: usize = 64;

/// The body of a text; an item of an object whose key is given again below counts as blanks, heredocs have
/// markers that the parser ends them at, and operations that go on stand in one line. All spans are those of
/// the text.
pub(super) fn body(text: &str) -> Result<Body, parser::Error> {
    let mut written = text.to_owned();
    for _ in 0..REPEATED {
        match written.parse() {
            Ok(body) => return Ok(body),
            Err(error) => match (first_of(&written, &error), remarked(&written)) {
                (Some(first), _) => blank(&mut written, first),
                (None, Some(other)) => written = other,
                (None, None) if join(&mut written, error.location().offset()) => {}
                (None, None) => return Err(error),
            },
        }
    }
    written.parse()
}

/// Where the item stands whose key the parser met again.
fn first_of(text: &str, error: &parser::Error) -> Option<Span> {
    let is_key = error.message().contains("redefined object key");
    let again = error.location().offset();
    let (before, behind) = text.split_at_checked(again).filter(|_| is_key)?;
    let key = behind.split(['=', ':']).next()?.trim();
    let braces = before.rmatch_indices('{').take(BRACES);
    braces.filter_map(|(start, _)| item(before, start, key)).next()
}

/// Where the item with a key stands in the object that begins at `start`; nothing where none does that is
/// open at the end of the text.
fn item(text: &str, start: usize, key: &str) -> Option<Span> {
    let rest = text.get(start..)?;
    let Ok(Expression::Object(object)) = format!("{rest}}}").parse() else { return None };
    object.iter().find_map(|(name, value)| {
        let span = match name {
            ObjectKey::Ident(name) => name.span(),
            ObjectKey::Expression(name) => name.span(),
        };
        let span = span.filter(|span| rest.get(span.clone()).map(str::trim) == Some(key))?;
        let mut end = value.expr().span()?.end;
        let behind = rest.get(end..)?;
        if let Some(next) = behind.trim_start_matches([' ', '\t']).strip_prefix(',') {
            end = rest.len() - next.len();
        }
        Some(Span::new(start + span.start, start + end))
    })
}

/// Puts blanks in the place of what stands at `span`.
fn blank(text: &mut String, span: Span) {
    let blanks = " ".repeat((span.end - span.start) as usize);
    text.replace_range(span.start as usize..span.end as usize, &blanks);
}
