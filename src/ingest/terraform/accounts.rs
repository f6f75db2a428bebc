//! Accounts whose numbers are not known, by what provider configurations say of them.

use std::collections::BTreeMap;

use crate::aws::AccountId;

use super::evaluator::{Evaluator, Scope};
use super::value::{At, Data, PieceData, Value, shape};

/// What a configuration says of its account.
pub(super) struct Said {
    /// How it is written: two configurations of a module that write the same are of one account.
    pub(super) expression: String,
    /// Whether this stands where the number of the account does.
    pub(super) is_number: bool,
}

/// The accounts of the configurations of a module that say no number.
pub(super) struct Accounts {
    taken: Vec<AccountId>,
    /// By what is said of them.
    known: BTreeMap<String, AccountId>,
    /// Those whose numbers an expression stands for.
    numbers: Vec<(Box<str>, AccountId)>,
}

impl Accounts {
    /// None so far; their symbols are none of `taken`.
    pub(super) fn new(taken: Vec<AccountId>) -> Self {
        Self { taken, known: BTreeMap::new(), numbers: Vec::new() }
    }

    /// What is said of an account.
    pub(super) fn keep(&mut self, said: Said, account: AccountId) {
        if said.is_number {
            self.numbers.push((said.expression.as_str().into(), account));
        }
        self.known.insert(said.expression, account);
    }

    /// The account of which something is said: that of which it was said before, or else one that no other
    /// has, called by the name of the configuration.
    pub(super) fn of(&mut self, said: Option<Said>, name: &str) -> AccountId {
        let known = said.as_ref().and_then(|said| self.known.get(&said.expression).copied());
        let account = known.unwrap_or_else(|| self.symbol(name));
        if let Some(said) = said {
            self.keep(said, account);
        }
        account
    }

    fn symbol(&mut self, name: &str) -> AccountId {
        let numbered = (2..100).map(|number| AccountId::symbol(&format!("{number}-{name}")));
        let mut symbols = [AccountId::symbol(name)].into_iter().chain(numbered);
        let symbol = symbols.find(|symbol| !self.taken.contains(symbol));
        let symbol = symbol.unwrap_or_else(|| AccountId::symbol(name));
        self.taken.push(symbol);
        symbol
    }

    /// The accounts whose numbers an expression stands for.
    pub(super) fn numbers(self) -> Vec<(Box<str>, AccountId)> {
        self.numbers
    }
}

/// What may lead to the number of an account, and is the same wherever a module writes it.
const HEADS: [&str; 4] = ["data", "local", "module", "var"];

/// What the role that a configuration assumes says of its account; nothing where its text cannot be told
/// from another by how it is written in `directory`.
pub(super) fn said_by(evaluator: &Evaluator<'_>, role: &Value, directory: &str) -> Option<Said> {
    let is_text = matches!(role.data, Data::Text(_) | Data::Unknown(_));
    let pieces = role.as_pieces().filter(|_| is_text)?;
    let is_own = pieces.iter().all(|piece| match &piece.data {
        PieceData::Hole(hole) => is_written(evaluator, &hole.expression, piece.at, directory),
        PieceData::Known(_) | PieceData::Symbol(_) => true,
    });
    let (_, written) = shape(&pieces);
    let number = written.split_once(":iam::${").and_then(|(_, rest)| rest.split_once("}:role/"));
    let number = number.map(|(number, _)| number).filter(|number| !number.contains("${"));
    let (expression, is_number) = (number.unwrap_or(&written).to_owned(), number.is_some());
    is_own.then_some(Said { expression, is_number })
}

/// Whether an expression stands at a place of a directory as it is, and means the same elsewhere in it.
fn is_written(evaluator: &Evaluator<'_>, expression: &str, at: At, directory: &str) -> bool {
    let written = evaluator.written(at);
    let written = written.trim_start_matches("${").trim_end_matches('}').trim_matches(['~', ' ']);
    let is_here = evaluator.path(at.file).map(|path| super::module::split(path).0);
    is_here == Some(directory) && written == expression && HEADS.contains(&head(expression))
}

/// What an expression begins with.
fn head(expression: &str) -> &str {
    expression.split(['.', '[']).next().unwrap_or_default()
}

impl Evaluator<'_> {
    /// The value of an expression: where a provider of the root names its account by it, that account.
    pub(super) fn with_account(&self, value: Value, at: At, scope: &Scope) -> Value {
        let Data::Unknown(hole) = &value.data else { return value };
        let account = self.accounts.borrow().get(&*hole.expression).copied();
        let is_root = || self.instance(scope.instance).is_some_and(|it| it.call.is_none());
        let is_meant = || {
            is_root()
                && scope.get(head(&hole.expression)).is_none()
                && self.written(at) == *hole.expression
        };
        match account.filter(|_| is_meant()) {
            Some(account) => Value::text(at, account.as_str()),
            None => value,
        }
    }
}
