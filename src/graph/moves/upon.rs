//! What somebody can do to a user or role once that one has other tags (rule T34).

use crate::decision::Context;

use super::super::asker::Asker;
use super::super::cast::{Cast, Ix};
use super::super::change::Change;
use super::{Moves, Open};

impl<'c, 'w> Moves<'c, 'w> {
    /// Every move on `target` where it has the tags that requests say by `base`.
    pub(in crate::graph) fn upon(
        cast: &'c Cast<'w>,
        asker: &'c Asker<'c, 'w>,
        (target, base): (Ix, Context),
    ) -> Vec<Open> {
        let mut moves = Self::on(cast, asker, Some(target), base);
        moves.assume(|_| false);
        if let Some(account) = asker.account().filter(|_| !asker.is_outside())
            && let Some(identity) = cast.identity(target).filter(|it| it.account == account)
        {
            moves.take_on();
            moves.write_to(identity.kind, &[target]);
            moves.trust();
            moves.launch();
        }
        moves.found
    }
}

impl Change {
    /// The user or role whose tags it changes, where a policy asks for tags of whom it is called on, with
    /// what requests on it say of them from then on (condition keys aws:ResourceTag and iam:ResourceTag).
    pub(in crate::graph) fn retagged(&self, cast: &Cast<'_>) -> Option<(Ix, Context)> {
        let is_made = matches!(self, Self::Made(_) | Self::Trusting(_));
        if !is_made && !cast.hears_target_tags {
            return None;
        }
        let mut context = Context::default();
        let mut say = |key: &str, value: Option<&str>| {
            for family in ["aws:ResourceTag/", "iam:ResourceTag/"] {
                let name = format!("{family}{key}");
                match value {
                    Some(value) => context.set_one(&name, value),
                    None => context.set_absent(&name),
                }
            }
        };
        let at = match self {
            Self::Tagged(at, set) => {
                set.iter().for_each(|(key, value)| say(key, Some(value)));
                *at
            }
            Self::Untagged(at, keys) => {
                keys.iter().for_each(|key| say(key, None));
                *at
            }
            // Rule T35: what is made with tags has them.
            Self::Made(at) | Self::Trusting(at) => {
                let tags = Some(cast.made_tags(*at)).filter(|tags| !tags.is_empty())?;
                tags.iter().for_each(|(key, value)| say(key, Some(value)));
                *at
            }
            _ => return None,
        };
        Some((at, context))
    }
}
