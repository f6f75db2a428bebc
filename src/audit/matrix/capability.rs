//! Capabilities: words for sets of actions, so that a table of a few words says what fifty actions say.

use crate::aws::{ActionSet, Category, KmsAction};

/// A word for a set of actions. Each action has one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Capability {
    /// Changing the key, its policy, its aliases and tags.
    Administer,
    /// Making ciphertext, data keys among it.
    Encrypt,
    /// Getting at plaintext or secrets.
    Decrypt,
    /// Signatures.
    Sign,
    /// Message authentication codes.
    Mac,
    /// Making and ending grants.
    Grant,
    /// Looking at metadata and policies.
    Read,
    /// Ending the key or its material.
    Destroy,
    /// What is done without a key.
    Service,
}

impl Capability {
    /// All of them, in the order they are printed.
    pub const ALL: [Self; 9] = [
        Self::Administer,
        Self::Encrypt,
        Self::Decrypt,
        Self::Sign,
        Self::Mac,
        Self::Grant,
        Self::Read,
        Self::Destroy,
        Self::Service,
    ];

    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Administer => "administer",
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
            Self::Sign => "sign",
            Self::Mac => "mac",
            Self::Grant => "grant",
            Self::Read => "read",
            Self::Destroy => "destroy",
            Self::Service => "service",
        }
    }

    /// The capability of an action.
    pub fn of(action: KmsAction) -> Self {
        let info = action.info();
        match info.category {
            Category::Use => Self::of_use(action),
            Category::Grant => Self::Grant,
            Category::Read => Self::Read,
            Category::ServiceLevel => Self::Service,
            Category::Tag | Category::Administer => match action {
                KmsAction::SCHEDULE_KEY_DELETION | KmsAction::DELETE_IMPORTED_KEY_MATERIAL => {
                    Self::Destroy
                }
                _ => Self::Administer,
            },
        }
    }

    fn of_use(action: KmsAction) -> Self {
        match action {
            KmsAction::SIGN | KmsAction::VERIFY => Self::Sign,
            KmsAction::GENERATE_MAC | KmsAction::VERIFY_MAC => Self::Mac,
            KmsAction::DECRYPT
            | KmsAction::RE_ENCRYPT_FROM
            | KmsAction::DECAPSULATE
            | KmsAction::DERIVE_SHARED_SECRET => Self::Decrypt,
            _ => Self::Encrypt,
        }
    }

    /// Its actions.
    pub fn actions(self) -> ActionSet {
        KmsAction::all().filter(|action| Self::of(*action) == self).collect()
    }

    /// The actions that a word of a filter stands for: a capability, `use`, or `use:decrypt` where the
    /// capability is called as an action is.
    pub fn named(word: &str) -> Option<ActionSet> {
        let used = [Self::Encrypt, Self::Decrypt, Self::Sign, Self::Mac];
        if word == "use" {
            let all = used.iter().map(|capability| capability.actions());
            return Some(all.fold(ActionSet::EMPTY, ActionSet::union));
        }
        let (among, name) = match word.strip_prefix("use:") {
            Some(name) => (used.as_slice(), name),
            None => (Self::ALL.as_slice(), word),
        };
        let found = among.iter().find(|capability| capability.name() == name);
        found.map(|capability| capability.actions())
    }

    /// `actions` in words: a capability whole where all its actions that the key can perform are there,
    /// else its actions by name, or what it lacks where that is shorter.
    pub fn words(actions: ActionSet, possible: ActionSet) -> Vec<String> {
        let mut words = Vec::new();
        for capability in Self::ALL {
            let whole = capability.actions().intersection(possible.union(actions));
            let (has, lacks) = (whole.intersection(actions), whole.minus(actions));
            if has.is_empty() {
                continue;
            }
            if lacks.is_empty() {
                words.push(capability.name().to_owned());
            } else if lacks.len() <= 2 && has.len() > lacks.len() {
                let lacks: Vec<&str> = lacks.iter().map(KmsAction::name).collect();
                words.push(format!("{} but {}", capability.name(), lacks.join(" and ")));
            } else {
                words.extend(has.iter().map(|action| action.name().to_owned()));
            }
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_action_has_one_capability_and_each_capability_actions() {
        let all = Capability::ALL.map(Capability::actions);
        assert!(all.iter().all(|actions| !actions.is_empty()));
        assert_eq!(all.iter().map(|actions| actions.len()).sum::<usize>(), KmsAction::COUNT);
    }

    #[test]
    fn words_are_whole_or_name_what_there_is() {
        let possible = Capability::named("use:decrypt").expect("a word");
        assert_eq!(Capability::words(possible, possible), ["decrypt"]);
        assert_eq!(Capability::words(KmsAction::DECRYPT.into(), possible), ["Decrypt"]);
        let read = Capability::Read.actions();
        let some = read.minus(KmsAction::LIST_GRANTS.into());
        assert_eq!(Capability::words(some, read), ["read but ListGrants"]);
        assert_eq!(Capability::named("encript"), None);
    }
}
