//! Who would miss a key that is going away or does not work: asked by several rules.

use crate::aws::{ActionSet, KeyState};
use crate::inventory::KeyMetadata;

use super::KeyScope;
use super::controllers::{list, reveal, short};
use super::grants::written;
use super::trust::performed;

/// What a key is still there for.
pub(super) struct InUse {
    /// In words, each a part of a sentence.
    pub(super) words: Vec<String>,
    /// Whether somebody would still reveal data with it.
    pub(super) by_readers: bool,
}

/// The state of the key, where it is known.
pub(super) fn state(scope: &KeyScope<'_>) -> Option<KeyState> {
    let metadata: &KeyMetadata = scope.key.metadata.as_ref()?;
    KeyState::parse(metadata.state.as_deref()?)
}

/// Who or what still relies on the key: users and roles whom its policy or a grant names and lets reveal
/// data, grants, aliases.
pub(super) fn in_use(scope: &KeyScope<'_>) -> InUse {
    let wanted: ActionSet = reveal(scope).into_iter().collect();
    let holders = scope.holders(performed(scope, wanted));
    let holding = holders.iter().filter(|group| !group.holds.sure.is_empty());
    let known = holding.flat_map(|group| group.who.iter());
    // Whoever may do everything in the account may use each of its keys: that is no use of this one.
    let known = known.filter(|caller| {
        let identity = scope.identity(caller);
        identity.is_some_and(|it| !scope.scope.is_administrator(it))
    });
    let users: Vec<String> = known.map(|caller| short(caller).to_owned()).collect();
    let mut words = Vec::new();
    if !users.is_empty() {
        words.push(format!("{} may use it", list(&users)));
    }
    match written(scope).count() {
        0 => {}
        1 => words.push("it has a grant".to_owned()),
        count => words.push(format!("it has {count} grants")),
    }
    let aliases: Vec<String> =
        scope.world().aliases_of(scope.key).map(|alias| alias.arn.name().to_owned()).collect();
    if !aliases.is_empty() {
        words.push(format!("{} points to it", list(&aliases)));
    }
    InUse { words, by_readers: !users.is_empty() }
}
