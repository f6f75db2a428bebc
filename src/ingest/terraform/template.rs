//! Templates: texts with interpolations and directives.

use hcl_edit::Span as _;
use hcl_edit::template::{Directive, Element, Strip, Template};

use super::elements;
use super::evaluator::{Evaluator, Scope};
use super::value::{At, Data, Piece, PieceData, Value};

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
        let unknown =
            |of: &Value, range| self.open_of(self.at(scope.file, range), [of]).as_pieces();
        match directive {
            Directive::If(of) => {
                let condition = self.evaluate(&of.if_expr.cond_expr, scope);
                match condition.truth() {
                    Some(true) => self.elements(&of.if_expr.template, at, scope, pieces),
                    Some(false) => match &of.else_expr {
                        Some(otherwise) => self.elements(&otherwise.template, at, scope, pieces),
                        None => Some(()),
                    },
                    None => {
                        pieces.extend(unknown(&condition, of.if_expr.cond_expr.span())?);
                        Some(())
                    }
                }
            }
            Directive::For(of) => {
                let of = &of.for_expr;
                let collection = self.evaluate(&of.collection_expr, scope);
                let is_open = matches!(&collection.data, Data::List(list) if list.is_open);
                match elements(&collection, false).filter(|_| !is_open) {
                    Some(elements) => {
                        for (key, value) in elements {
                            let mut scope = scope.with(of.value_var.as_str(), value);
                            if let Some(name) = &of.key_var {
                                scope = scope.with(name.as_str(), key);
                            }
                            self.elements(&of.template, at, &scope, pieces)?;
                        }
                    }
                    None => pieces.extend(unknown(&collection, of.collection_expr.span())?),
                }
                Some(())
            }
        }
    }
}
