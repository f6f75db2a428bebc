//! The conditions of a template.

use crate::syntax::{Kind, Node};

use super::evaluate::{At, function, text_of};
use super::text;

/// Whether something holds, as far as that is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Truth {
    True,
    False,
    /// What decides.
    Unknown(Box<str>),
}

impl Truth {
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::False, _) | (_, Self::False) => Self::False,
            (Self::Unknown(what), _) | (_, Self::Unknown(what)) => Self::Unknown(what),
            _ => Self::True,
        }
    }

    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown(what) => Self::Unknown(what),
        }
    }

    fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }
}

impl At<'_, '_> {
    /// Whether the condition called `name` holds.
    pub(super) fn condition(self, name: &str) -> Truth {
        match self.is_supposed(name) {
            Some(true) => return Truth::True,
            Some(false) => return Truth::False,
            None => {}
        }
        let key = (self.number, Box::from(name));
        let known = self.world.conditions.borrow().get(&key).cloned();
        match known {
            Some(Some(truth)) => return truth,
            // It hangs on itself.
            Some(None) => return Truth::Unknown(format!("condition {name}").into()),
            None => {}
        }
        self.world.conditions.borrow_mut().insert(key.clone(), None);
        let written = self.stack.template.root.get("Conditions").and_then(|all| all.get(name));
        let truth = match written.zip(self.deeper()) {
            Some((node, at)) => at.holds(node),
            None => Truth::Unknown(Box::default()),
        };
        let truth = match truth {
            Truth::Unknown(_) => {
                let asked = written.and_then(|node| self.open_parameter(node));
                let asked = asked.map(|asked| format!(" (${{{asked}}})")).unwrap_or_default();
                Truth::Unknown(format!("condition {}{asked}", self.own(name)).into())
            }
            known => known,
        };
        self.world.conditions.borrow_mut().insert(key, Some(truth.clone()));
        truth
    }

    /// The first parameter without a value that a condition asks for, where its user could give it one.
    fn open_parameter(self, node: &Node<'static>) -> Option<String> {
        let at = self.deeper().filter(|at| at.stack.parent.is_none())?;
        if let Some((name, argument)) = function(node) {
            return match (name, argument.as_str()) {
                ("Ref", Some(name)) => {
                    let value = at.parameter(name, node.span).and_then(|value| text_of(&value))?;
                    (!text::is_known(&value)).then(|| name.to_owned())
                }
                ("Condition", Some(name)) => at.open_parameter_of(name),
                _ => argument.one_or_many().iter().find_map(|one| at.open_parameter(one)),
            };
        }
        if let [member] = node.members()
            && member.name.value == "Condition"
        {
            return at.open_parameter_of(member.value.as_str()?);
        }
        None
    }

    fn open_parameter_of(self, condition: &str) -> Option<String> {
        self.open_parameter(self.stack.template.root.get("Conditions")?.get(condition)?)
    }

    /// Whether what a condition is written as holds.
    fn holds(self, node: &Node<'static>) -> Truth {
        let unknown = || Truth::Unknown(Box::default());
        let Some(at) = self.deeper() else { return unknown() };
        if let [member] = node.members()
            && member.name.value == "Condition"
            && let Some(name) = member.value.as_str()
        {
            return at.condition(name);
        }
        let Some((name, argument)) = function(node) else {
            return match node.scalar() {
                Some("true") => Truth::True,
                Some("false") => Truth::False,
                _ => unknown(),
            };
        };
        let each = || argument.one_or_many().iter().map(|one| at.holds(one));
        match (name, &argument.kind) {
            ("Condition", Kind::String(name)) => at.condition(name),
            ("Equals", Kind::Array(items)) => match items.as_slice() {
                [left, right] => at.equals(left, right),
                _ => unknown(),
            },
            ("Not", _) => each().next().unwrap_or_else(unknown).not(),
            ("And", _) => each().fold(Truth::True, Truth::and),
            ("Or", _) => each().fold(Truth::False, Truth::or),
            _ => unknown(),
        }
    }

    fn equals(self, left: &Node<'static>, right: &Node<'static>) -> Truth {
        let text = |node| text_of(&self.eval(node)?);
        let same = text(left).zip(text(right)).and_then(|(left, right)| {
            text::same(&left, &right).or_else(|| self.is_same_as_supposed(&left, &right))
        });
        match same {
            Some(true) => Truth::True,
            Some(false) => Truth::False,
            None => Truth::Unknown(Box::default()),
        }
    }
}
