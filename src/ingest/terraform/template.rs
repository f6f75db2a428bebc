//! Templates: texts with interpolations and directives.

use std::rc::Rc;

use hcl_edit::Span as _;
use hcl_edit::template::{Directive, Element, Strip, Template};

use super::elements;
use super::evaluator::{Evaluator, Scope};
use super::value::{At, Data, Hole, Inside, Piece, PieceData, Value};

impl Evaluator<'_> {
    /// The text that a template makes; a template of one interpolation is its value.
    pub(super) fn template(&self, template: &Template, at: At, scope: &Scope) -> Value {
        if let Some(Element::Interpolation(of)) = template.as_single_element() {
            return self.evaluate(&of.expr, scope);
        }
        let mut pieces = Vec::new();
        match self.elements(template, at, scope, &mut pieces) {
            Some(()) => Value::pieces(at, pieces),
            None => Value::failed(at, self.written(at)),
        }
    }

    /// Adds what the elements of a template make; nothing where an interpolation is no text.
    fn elements(
        &self,
        template: &Template,
        at: At,
        scope: &Scope,
        pieces: &mut Vec<Piece>,
    ) -> Option<()> {
        let mut trim_next = false;
        for element in template {
            let strip = match element {
                Element::Literal(text) => {
                    let mut known = text.as_str();
                    if std::mem::take(&mut trim_next) {
                        known = known.trim_start();
                    }
                    let at = self.at(scope.file, text.span());
                    pieces.push(Piece { at, data: PieceData::Known(known.into()) });
                    continue;
                }
                Element::Interpolation(of) => of.strip,
                Element::Directive(directive) => match &**directive {
                    Directive::If(of) => of.if_expr.strip,
                    Directive::For(of) => of.for_expr.strip,
                },
            };
            if matches!(strip, Strip::Start | Strip::Both)
                && let Some(Piece { data: PieceData::Known(text), .. }) = pieces.last_mut()
            {
                *text = text.trim_end().into();
            }
            match element {
                Element::Interpolation(of) => {
                    let at = self.at(scope.file, of.span());
                    let value = self.evaluate(&of.expr, scope);
                    let made = value.as_pieces()?;
                    // What stands inside was written here, as far as this text is concerned.
                    pieces.extend(made.into_iter().map(|piece| Piece { at, ..piece }));
                    trim_next = matches!(of.strip, Strip::End | Strip::Both);
                }
                Element::Directive(directive) => {
                    self.directive(directive, at, scope, pieces)?;
                    let strip = match &**directive {
                        Directive::If(of) => of.endif_expr.strip,
                        Directive::For(of) => of.endfor_expr.strip,
                    };
                    trim_next = matches!(strip, Strip::End | Strip::Both);
                }
                Element::Literal(_) => {}
            }
        }
        Some(())
    }

    fn directive(
        &self,
        directive: &Directive,
        at: At,
        scope: &Scope,
        pieces: &mut Vec<Piece>,
    ) -> Option<()> {
        match directive {
            Directive::If(of) => {
                let otherwise = of.else_expr.as_ref().map(|otherwise| &otherwise.template);
                let condition = self.evaluate(&of.if_expr.cond_expr, scope);
                match condition.truth() {
                    Some(true) => self.elements(&of.if_expr.template, at, scope, pieces)?,
                    Some(false) => {
                        otherwise.map_or(Some(()), |it| self.elements(it, at, scope, pieces))?;
                    }
                    None => {
                        let parts = [Some(&of.if_expr.template), otherwise].into_iter().flatten();
                        let parts = parts.map(|part| self.part(part, at, scope)).collect();
                        let of = self.at(scope.file, of.if_expr.cond_expr.span());
                        pieces.push(self.open_part(of, &condition, parts));
                    }
                }
            }
            Directive::For(of) => {
                let of = &of.for_expr;
                let collection = self.evaluate(&of.collection_expr, scope);
                let is_open = matches!(&collection.data, Data::List(list) if list.is_open);
                let scope_of = |key: Value, value: Value| {
                    let scope = scope.with(of.value_var.as_str(), value);
                    match &of.key_var {
                        Some(name) => scope.with(name.as_str(), key),
                        None => scope,
                    }
                };
                let elements = elements(&collection, false);
                if let Some(elements) = elements.as_ref().filter(|_| !is_open) {
                    for (key, value) in elements {
                        let scope = scope_of(key.clone(), value.clone());
                        self.elements(&of.template, at, &scope, pieces)?;
                    }
                    return Some(());
                }
                // Where an item stands in a list that is not known is not known.
                let key = || Value::unknown(at, "a key");
                let items = elements.unwrap_or_default();
                let mut items: Vec<Value> = items.into_iter().map(|(_, item)| item).collect();
                if items.is_empty() {
                    items.push(Value::unknown(at, of.value_var.as_str()));
                }
                let parts = items.into_iter().map(|item| scope_of(key(), item));
                // One item does not keep the others away.
                let parts = parts.map(|scope| Some(vec![self.part(&of.template, at, &scope)?]));
                let of = self.at(scope.file, of.collection_expr.span());
                pieces.extend(parts.map(|part| self.open_part(of, &collection, part)));
            }
        }
        Some(())
    }

    /// What a template makes as a part of another.
    fn part(&self, template: &Template, at: At, scope: &Scope) -> Option<Vec<Piece>> {
        let mut pieces = Vec::new();
        self.elements(template, at, scope, &mut pieces)?;
        Some(pieces)
    }

    /// A part of a text that hangs on what is not known: these, each any number of times, or where one of them
    /// is not known anything.
    fn open_part(&self, at: At, of: &Value, parts: Option<Vec<Vec<Piece>>>) -> Piece {
        let hole = Hole {
            fails: of.fails(),
            inside: parts.map_or(Inside::Anything, Inside::Parts),
            ..Hole::new(self.written(at), "*")
        };
        Piece { at, data: PieceData::Hole(Rc::new(hole)) }
    }
}
