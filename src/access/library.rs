//! A world as the engine sees it: policies compiled when first met, levels of the organization, gaps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::aws::{AccountId, ActionSet, ControlSet};
use crate::decision::Context;
use crate::inventory::{Inventory, OrgPolicyKind};
use crate::policy::{Policy, PolicyDocument, PolicyKind, Standing, Statement};
use crate::source::FileId;

use super::asked::{Asked, Setting};
use super::formula::{Atom, Formula, Formulas, Kinds};
use super::gaps::Gaps;
use super::levels::{Levels, levels};
use super::masked::Masked;
use super::statement::{Compiled, statement};
use super::subject::Subject;
use super::word::Word;
use crate::kept::Memo;

/// What tells texts of policies apart, and the file of one that is named in what is missing.
type Body = (usize, Option<FileId>);

/// Compiled policies by their bodies; the text is kept, so that it stays told apart. Nothing is compiled
/// for a body whose policies name their files.
type Shelf<S = ActionSet> = Memo<Body, (PolicyDocument, Option<Arc<Compiled<S>>>)>;

/// Policies compiled so far; shared by a world and its edits.
pub(super) struct Library {
    compiled: Shelf,
    control: Shelf<ControlSet>,
    statements: Memo<(Body, usize), (PolicyDocument, Arc<Masked>)>,
    /// Whether some policy of a key, an organization or an endpoint asks for `aws:userid`.
    asks_user_id: AtomicBool,
}

impl Library {
    /// Without policies.
    pub(super) fn new() -> Self {
        let (compiled, control, statements) = (Memo::new(), Memo::new(), Memo::new());
        Self { compiled, control, statements, asks_user_id: AtomicBool::new(false) }
    }
}

/// A world with everything that is made of it on the way.
pub(super) struct World<'w> {
    /// The inventory.
    pub(super) inventory: &'w Inventory,
    /// What is missing in it.
    pub(super) gaps: &'w Gaps,
    /// Condition keys that are fixed for the whole question.
    pub(super) given: &'w Context,
    /// The service that calls on the caller's behalf.
    pub(super) via: Option<&'w str>,
    /// Whether sides carry every limit, not those alone that some policy asks for.
    pub(super) every_limit: bool,
    /// The formulas.
    pub(super) formulas: &'w Formulas,
    /// The compiled policies.
    pub(super) library: &'w Library,
    /// The levels of the organization above each account.
    pub(super) levels: &'w Memo<(AccountId, OrgPolicyKind), Option<Arc<Levels>>>,
    /// The same for the second action word.
    pub(super) control_levels:
        &'w Memo<(AccountId, OrgPolicyKind), Option<Arc<Levels<ControlSet>>>>,
}

impl<'w> World<'w> {
    /// A policy as formulas.
    pub(super) fn compiled(&self, document: &PolicyDocument) -> Arc<Compiled> {
        self.on_shelf(&self.library.compiled, document)
    }

    /// The same for the second action word.
    pub(super) fn compiled_control(&self, document: &PolicyDocument) -> Arc<Compiled<ControlSet>> {
        self.on_shelf(&self.library.control, document)
    }

    /// Policies of one text are compiled once, but for those that are named where they are malformed.
    fn on_shelf<S: Word>(&self, shelf: &Shelf<S>, document: &PolicyDocument) -> Arc<Compiled<S>> {
        let compile = |policy: &Policy| {
            let name = self.inventory.sources.path(document.place.file);
            self.formulas.spellings.hear_policy(policy);
            let compiled = Compiled::of(self.formulas, policy, document.kind, name);
            self.note(&compiled, document.kind);
            Arc::new(compiled)
        };
        let (_, made) = shelf.get((document.identity(), None), |_| {
            let made = document.peek(|policy| (!names_file(policy)).then(|| compile(policy)));
            (document.clone(), made)
        });
        made.unwrap_or_else(|| {
            let body = (document.identity(), Some(document.place.file));
            let (_, made) = shelf.get(body, |_| (document.clone(), Some(document.peek(compile))));
            made.unwrap_or_default()
        })
    }

    /// When one statement of a policy applies, in whatever class; false where it never does.
    pub(super) fn statement(&self, document: &PolicyDocument, index: usize) -> Arc<Masked> {
        let body = (document.identity(), Some(document.place.file));
        let made = self.library.statements.get((body, index), |_| {
            let name = self.inventory.sources.path(document.place.file);
            let (policy, kind) = (document.policy(), document.kind);
            let applies = statement(self.formulas, policy, kind, index, name);
            let applies = applies.map(|it| it.any(self.formulas)).unwrap_or_default();
            (document.clone(), Arc::new(applies))
        });
        made.1
    }

    /// Notes whether a policy of the key's side asks every role for its `aws:userid`. Those are compiled
    /// before any caller's side is made.
    fn note<S>(&self, compiled: &Compiled<S>, kind: PolicyKind) {
        let of_key = matches!(kind, PolicyKind::Key | PolicyKind::Rcp | PolicyKind::Endpoint);
        if of_key && compiled.asks_user_id {
            self.library.asks_user_id.store(true, Ordering::Relaxed);
        }
    }

    /// Whether some policy that is not a caller's own may ask for its `aws:userid`.
    pub(super) fn asks_user_id(&self) -> bool {
        self.every_limit || self.library.asks_user_id.load(Ordering::Relaxed)
    }

    /// What the organization says of an account.
    pub(super) fn levels(&self, account: AccountId, kind: OrgPolicyKind) -> Option<Arc<Levels>> {
        self.levels.get((account, kind), |_| levels(self, account, kind).map(Arc::new))
    }

    /// The same for the second action word.
    pub(super) fn control_levels(
        &self,
        account: AccountId,
        kind: OrgPolicyKind,
    ) -> Option<Arc<Levels<ControlSet>>> {
        self.control_levels.get((account, kind), |_| levels(self, account, kind).map(Arc::new))
    }

    /// A formula once the caller is known.
    pub(super) fn with_caller(&self, formula: Formula, subject: &Subject<'_>) -> Formula {
        self.formulas.replaced(formula, Kinds::CALLER, &mut |_, atom, holds| match atom {
            Atom::Caller(question) => {
                let answer = subject.answer(self.inventory, self.formulas, self.given, question);
                Some(if holds { answer } else { self.formulas.not(answer) })
            }
            _ => None,
        })
    }

    /// What questions are answered by, once it is known what is asked for.
    pub(super) fn setting(&self) -> Setting<'_> {
        Setting {
            world: self.inventory,
            gaps: self.gaps,
            given: self.given,
            formulas: self.formulas,
        }
    }

    /// A formula once it is known what is asked for.
    pub(super) fn with_key(&self, formula: Formula, asked: Asked<'_>) -> Formula {
        let setting = self.setting();
        let both = self.formulas.replaced(formula, Kinds::KEY, &mut |_, atom, holds| match atom {
            Atom::Key(question) => {
                let answer = asked.answer(&setting, question);
                Some(if holds { answer } else { self.formulas.not(answer) })
            }
            _ => None,
        });
        // Questions about the caller that hang on the key as well.
        self.formulas.replaced(both, Kinds::CALLER, &mut |_, atom, holds| match atom {
            Atom::Caller(question @ super::question::Question::Resource(_)) => {
                let answer = asked.answer(&setting, question);
                Some(if holds { answer } else { self.formulas.not(answer) })
            }
            Atom::Caller(question @ super::question::Question::Test { .. }) => {
                let answer = asked.answer(&setting, question);
                Some(if holds { answer } else { self.formulas.not(answer) })
            }
            _ => None,
        })
    }

    /// Whether some formula of `masked` has such atoms.
    pub(super) fn has<S: Word>(&self, masked: &Masked<S>, kinds: Kinds) -> bool {
        masked.has(self.formulas, kinds)
    }
}

/// Whether what is missing of a policy is called by the name of its file.
fn names_file(policy: &Policy) -> bool {
    let is_malformed = |statement: &Statement| statement.standing == Standing::Malformed;
    !policy.readable || policy.statements.iter().any(is_malformed)
}
