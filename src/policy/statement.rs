//! A policy, its statements, and what is wrong with them.

use crate::source::{Located, Span};

use super::{Condition, Principal, PrincipalElement, Unresolved};

/// A policy document as it was read.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The language version, which decides whether `${...}` is a variable (rules A2, A3).
    pub version: Version,
    /// Free text; resource policies only (rule A4).
    pub id: Option<Located<Box<str>>>,
    /// The statements in order; none where the document could not be read.
    pub statements: Vec<Statement>,
    /// What is wrong or strange, in the order of the text.
    pub faults: Vec<Fault>,
    /// False where the document itself could not be read: it may hold statements nobody saw.
    pub readable: bool,
}

/// The policy language version (rule A2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    /// `2008-10-17`, also where the member is absent: `${...}` is ordinary text.
    V2008,
    /// `2012-10-17`: `${...}` is a policy variable.
    V2012,
}

/// One statement. Members that are absent are `None`; [`Statement::standing`] says what that means.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The whole statement.
    pub span: Span,
    /// `Sid`, which never affects a decision (rule A11).
    pub sid: Option<Located<Box<str>>>,
    /// `Effect`; absent where it is missing or spelled otherwise (rule A12).
    pub effect: Option<Located<Effect>>,
    /// `Principal` or `NotPrincipal` (rule A13).
    pub principal: Option<PrincipalElement>,
    /// `Action` or `NotAction` (rule A14).
    pub action: Option<Element>,
    /// `Resource` or `NotResource` (rule A15).
    pub resource: Option<Element>,
    /// `Condition`: every entry must hold (rules A16, C1).
    pub conditions: Vec<Condition>,
    /// What the statement is good for.
    pub standing: Standing,
    /// Where it is not known whether the statement stands there at all, or whether it is restricted
    /// further: what decides.
    pub doubt: Option<Box<str>>,
    /// Which of several branches of code it stands in, where that is what decides.
    pub alternative: Option<Alternative>,
    /// Whether it may be restricted further, by conditions that are not known.
    pub may_ask_more: bool,
}

/// One of several branches of code, of which one at most is taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Alternative {
    /// Where all of them are written.
    pub of: Span,
    /// Its number among them.
    pub number: usize,
}

impl Alternative {
    /// Whether where one branch is taken the other is not.
    pub fn excludes(self, other: Self) -> bool {
        self.of == other.of && self.number != other.number
    }
}

impl Statement {
    /// Whether the statement allows, by its text.
    pub fn allows(&self) -> bool {
        self.effect.as_ref().is_some_and(|effect| effect.value == Effect::Allow)
    }

    /// Whether the statement denies, by its text.
    pub fn denies(&self) -> bool {
        self.effect.as_ref().is_some_and(|effect| effect.value == Effect::Deny)
    }

    /// The expressions that nobody could resolve, wherever they stand in the statement.
    pub fn unresolved(&self) -> impl Iterator<Item = Located<&str>> {
        self.unresolved_with(self.resource.as_ref())
    }

    /// The same, `resource` in the place of its own `Resource` or `NotResource`.
    pub fn unresolved_with<'s>(
        &'s self,
        resource: Option<&'s Element>,
    ) -> impl Iterator<Item = Located<&'s str>> {
        let elements = self.action.iter().chain(resource).flat_map(|element| &element.values);
        let conditions = self.conditions.iter().flat_map(|condition| &condition.values);
        let values = elements.chain(conditions).filter_map(|value| match &value.value {
            Value::Text(_) => None,
            Value::Unresolved(value_of) => Some(Located::new(&*value_of.expression, value.span)),
        });
        let entries = self.principal.iter().flat_map(|element| &element.entries);
        let principals = entries.filter_map(|entry| match &entry.value {
            Principal::Unresolved(of) => Some(Located::new(&*of.expression, entry.span)),
            _ => None,
        });
        let doubt = self.doubt.iter().map(|doubt| Located::new(&**doubt, self.span));
        doubt.chain(principals).chain(values)
    }
}

/// What a statement does when it applies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Effect {
    /// Allows.
    Allow,
    /// Denies, whatever else allows (rule E10).
    Deny,
}

impl Effect {
    /// `Allow` or `Deny`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }
}

/// What a statement is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Well-formed.
    Sound,
    /// Accepted by KMS, and without any effect: `Action` or `Resource` is missing (rules A14, A15).
    Inert,
    /// Malformed: an Allow does not apply; a Deny whose action and resource can be read applies, and
    /// the answer says that it hangs on it (rule A20).
    Malformed,
    /// Nobody wrote it: it stands for what a part of the policy that is not known may say. It never allows; what
    /// it may deny is denied, and no Deny is claimed (rule U7).
    Unwritten,
}

/// Whether an element lists what it means or what it does not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Polarity {
    /// `Action`, `Resource`, `Principal`; an operator without `Not`.
    Is,
    /// `NotAction`, `NotResource`, `NotPrincipal`; an operator with `Not`.
    IsNot,
}

/// `Action`, `NotAction`, `Resource` or `NotResource` with its values (rule A18: a scalar is a list of one).
#[derive(Clone, Debug)]
pub struct Element {
    /// Whether the values are meant or excluded.
    pub polarity: Polarity,
    /// The values in order.
    pub values: Vec<Located<Value>>,
    /// The element's value, brackets included.
    pub span: Span,
}

/// A value of a policy.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Value {
    /// Text as it is written; what in it is a pattern or a variable depends on where it stands.
    Text(Box<str>),
    /// A value that is not known, or not wholly: it can match what its shape matches, and can fail to.
    /// The answer lists its expression as missing.
    Unresolved(Box<Unresolved>),
}

impl Value {
    /// The text, where it is known.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Unresolved(_) => None,
        }
    }
}

/// Something wrong or strange in a policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Where, in the policy's text.
    pub span: Span,
    /// One line, lower case, no full stop.
    pub message: String,
    /// What follows from it.
    pub gravity: Gravity,
}

/// What follows from a [`Fault`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gravity {
    /// The statement or the document is malformed (rule A20).
    Malformed,
    /// The statements are read all the same; they mean less than their author may think, or KMS would
    /// not store them.
    Ignored,
    /// It changes nothing that anybody could mean.
    Harmless,
}
