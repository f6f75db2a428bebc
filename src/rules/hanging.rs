//! The cells of the matrix that hang on what a policy leaves open.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::{ActionSet, KmsAction};
use crate::decision::{Bound, Caller, Holders, Unknown, Verdict, Why};
use crate::inventory::Key;
use crate::source::Located;

use super::controllers::{list, short};
use super::{Documented, KeyScope, Scope};

/// How many cells are looked at for one policy: beyond these it is said that there may be more.
const CELLS: usize = 64;

/// How many keys are looked at for one identity policy.
const KEYS: usize = 8;

/// How many callers are spelled out.
const TOLD: usize = 3;

/// Actions by the least and the most that their verdicts can be.
type ByBounds = BTreeMap<(Bound, Bound), ActionSet>;

/// Cells whose verdicts are unknown for what a policy leaves open.
#[derive(Default)]
pub(super) struct Hanging {
    /// Those that were found: by caller, and by the key where there are several.
    cells: BTreeMap<(Caller, Option<String>), ByBounds>,
    /// How many were looked at.
    looked: usize,
    /// Whether some were not.
    is_cut: bool,
}

impl Hanging {
    /// The cells that hang on `open`, expressions of a policy: of a key's own policy all callers that are no
    /// outsiders on that key, of an identity policy its holders on the keys of their account.
    pub(super) fn on(
        scope: &Scope<'_>,
        documented: &Documented<'_>,
        open: &[Located<&str>],
    ) -> Self {
        let open: BTreeSet<&str> = open.iter().map(|open| open.value).collect();
        let wanted = wanted(scope, documented);
        let mut made = Self::default();
        if let Some(key) = documented.key {
            let on_key = KeyScope::new(scope, key);
            let is_ours = |group: &&Holders| {
                let account = group.who.first().account;
                account.is_some_and(|account| scope.is_trusted(account))
            };
            for group in on_key.holders(ActionSet::ALL).iter().filter(is_ours) {
                let may = group.holds.within(wanted);
                let may = may.possible.minus(may.always);
                made.look(&on_key, group.who.first(), may, &open, None);
            }
        }
        for holder in &documented.holders {
            let Some(caller) = Caller::parse(&holder.arn) else { continue };
            let keys = scope.keys_of(holder.account);
            made.is_cut |= keys.len() > KEYS;
            for key in keys.iter().take(KEYS) {
                let on_key = KeyScope::new(scope, key);
                let may = on_key.holding(&caller, wanted);
                let may = may.possible.minus(may.always);
                let name = (keys.len() > 1).then(|| shown(scope, key));
                made.look(&on_key, &caller, may, &open, name);
            }
        }
        made
    }

    fn look(
        &mut self,
        scope: &KeyScope<'_>,
        caller: &Caller,
        actions: ActionSet,
        open: &BTreeSet<&str>,
        key: Option<String>,
    ) {
        for action in actions.iter() {
            if self.looked == CELLS {
                self.is_cut = true;
                return;
            }
            self.looked += 1;
            let verdict = scope.verdict(caller, action);
            let Verdict::Unknown(Unknown { at_least, at_most, why, .. }) = &*verdict else {
                continue;
            };
            let says = |what: &str| open.iter().any(|expression| what.contains(expression));
            if why.iter().any(|why| matches!(why, Why::Missing(what) if says(what))) {
                let of_caller = self.cells.entry((caller.clone(), key.clone())).or_default();
                of_caller.entry((*at_least, *at_most)).or_default().insert(action);
            }
        }
    }

    /// Whose verdicts they are.
    pub(super) fn principals(&self) -> BTreeSet<String> {
        self.cells.keys().map(|(caller, _)| caller.to_string()).collect()
    }

    /// The cells in words; nothing where there are none.
    pub(super) fn told(&self) -> Option<String> {
        let mut lines = Vec::new();
        for ((caller, key), by_bounds) in &self.cells {
            for ((least, most), actions) in by_bounds {
                let names: Vec<String> = actions.iter().map(|it| it.to_string()).collect();
                let key = key.as_ref().map(|key| format!(" on {key}")).unwrap_or_default();
                lines.push(format!(
                    "{} for {}{key} ({} to {})",
                    list(&names),
                    short(caller),
                    least.name(),
                    most.name()
                ));
            }
        }
        let rest = lines.len().saturating_sub(TOLD);
        lines.truncate(TOLD);
        if lines.is_empty() {
            return None;
        }
        let more = match (rest, self.is_cut) {
            (0, false) => String::new(),
            (0, true) => ", and maybe more".to_owned(),
            (rest, false) => format!(", and {rest} more"),
            (rest, true) => format!(", and {rest} more or others beside"),
        };
        Some(lines.join(", ") + &more)
    }
}

/// The actions that statements with something open in them may speak of.
fn wanted(scope: &Scope<'_>, documented: &Documented<'_>) -> ActionSet {
    let statements = documented.document.policy().statements.iter();
    let open = statements.filter(|statement| statement.unresolved().next().is_some());
    let actions = open.map(|statement| match &statement.action {
        Some(element) if element.values.iter().all(|value| value.value.text().is_some()) => {
            scope.reach.actions(element)
        }
        _ => KmsAction::all().collect(),
    });
    actions.fold(ActionSet::EMPTY, ActionSet::union)
}

fn shown(scope: &Scope<'_>, key: &Key) -> String {
    scope.world.shown_key(key)
}
