//! `file` and `templatefile`, of which only what lies among the given paths is read, and `templatestring`.

use std::rc::Rc;

use hcl_edit::template::Template;

use crate::source::{FileId, FileProblem, LineIndex, ProblemKind, Span};

use super::super::super::text;
use super::super::evaluator::{Evaluator, Scope};
use super::super::module::joined;
use super::super::value::{At, Data, Object, Piece, PieceData, Value};

/// What a call gives; nothing where that is not known.
pub(super) fn call(
    evaluator: &Evaluator<'_>,
    name: &str,
    arguments: &[Value],
    at: At,
    scope: &Scope,
) -> Option<Value> {
    let path = arguments.first()?.known()?;
    let file = found(evaluator, &path, at, scope)?;
    let text = evaluator.text(file);
    let whole = At { file, span: Span::new(0, text.len()) };
    match (name, arguments.get(1).map(|values| &values.data)) {
        ("file", None) => {
            let piece = Piece { at: whole, data: PieceData::Known(text) };
            Some(Value::pieces(whole, vec![piece]))
        }
        ("templatefile", Some(Data::Object(values))) if values.rest.is_none() => {
            let template: Template = text.parse().ok()?;
            let mut inner = Scope { instance: scope.instance, file, names: None };
            for member in &values.members {
                inner = inner.with(&member.name, member.value.clone());
            }
            Some(evaluator.template(&template, whole, &inner))
        }
        _ => None,
    }
}

/// What a text that is a template comes to with `values`, used at a place; nothing where that is not known.
pub(in super::super) fn rendered(
    evaluator: &Evaluator<'_>,
    template: &Value,
    values: &Object,
    (at, instance): (At, usize),
) -> Option<Value> {
    let (text, file) = (template.known()?, template.at.file);
    let parsed: Template = text.parse().ok()?;
    let mut inner = Scope { instance, file, names: None };
    for member in values.members.iter().filter(|_| values.rest.is_none()) {
        inner = inner.with(&member.name, member.value.clone());
    }
    let whole = At { file, span: Span::new(0, text.len()) };
    let made = evaluator.template(&parsed, whole, &inner);
    // What is no file of its own has no places that a part could stand at.
    match template.at == whole && evaluator.text(file) == text {
        true => Some(made),
        false => made.known().map(|text| Value::text(at, text)),
    }
}

/// The file of a path, its text read.
fn found(evaluator: &Evaluator<'_>, path: &str, at: At, scope: &Scope) -> Option<FileId> {
    let root = evaluator.instance(scope.instance)?.root;
    let candidates = [joined(root, path), joined("", path)];
    let number = candidates.iter().find_map(|path| evaluator.paths.binary_search(path).ok());
    let Some(number) = number else {
        let [inside, _] = &candidates;
        if inside.starts_with("../") || path.starts_with('/') {
            refuse(evaluator, path, at);
        }
        evaluator.unresolved(at, format!("`{path}` is not among the given paths"));
        return None;
    };
    let file = FileId(evaluator.first.saturating_add(u32::try_from(number).ok()?));
    let is_known =
        evaluator.texts.contains_key(&file) || evaluator.read.borrow().contains_key(&file);
    if !is_known {
        let path = evaluator.paths.get(number)?;
        let read = evaluator.files.read(path).ok();
        let Some(text) = read.and_then(|bytes| text::decode(bytes).ok()) else {
            evaluator.unresolved(at, format!("`{path}` cannot be read as a text"));
            return None;
        };
        evaluator.read.borrow_mut().insert(file, Rc::from(text));
    }
    Some(file)
}

/// Tells that a path leads out of what is looked at.
fn refuse(evaluator: &Evaluator<'_>, path: &str, at: At) {
    let number = at.file.0.checked_sub(evaluator.first).map(|number| number as usize);
    let Some(source) = number.and_then(|number| evaluator.paths.get(number)) else { return };
    let position =
        LineIndex::new(&evaluator.text(at.file)).position(&evaluator.text(at.file), at.span.start);
    let problem = FileProblem {
        kind: ProblemKind::Unusable,
        path: source.clone(),
        span: Some(at.span),
        position: Some(position),
        message: format!("`{path}` lies outside the given paths: it is not read"),
        help: "give keyreach a directory that holds it, or move it beside".to_owned(),
    };
    let mut problems = evaluator.problems.borrow_mut();
    if !problems.contains(&problem) {
        problems.push(problem);
    }
}
