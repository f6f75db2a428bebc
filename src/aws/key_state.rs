//! What each key state makes of each action.

use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, de::Error};

use super::{KmsAction, tables::embedded, words::words};

words! {
    /// The state of a key, as DescribeKey spells it.
    pub enum KeyState {
        /// Ready for use.
        Enabled = "Enabled",
        /// Disabled until EnableKey.
        Disabled = "Disabled",
        /// Waiting for its deletion.
        PendingDeletion = "PendingDeletion",
        /// A multi-Region primary key that waits for its replicas to go.
        PendingReplicaDeletion = "PendingReplicaDeletion",
        /// Without key material.
        PendingImport = "PendingImport",
        /// In a custom key store out of reach.
        Unavailable = "Unavailable",
        /// A multi-Region replica in the making.
        Creating = "Creating",
        /// A multi-Region key whose primary Region changes.
        Updating = "Updating",
    }
}

words! {
    /// The exceptions that key states lead to.
    pub enum Exception {
        /// The key is disabled or goes away.
        Disabled = "DisabledException",
        /// The state does not allow the operation.
        InvalidState = "KMSInvalidStateException",
        /// The kind of key does not allow the operation.
        UnsupportedOperation = "UnsupportedOperationException",
    }
}

/// What a key state makes of an action (Rule S3). Authorization comes first (Rule S1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StateAnswer {
    /// It succeeds; a footnote says what its effect depends on.
    Succeeds(Option<Footnote>),
    /// It succeeds and changes nothing.
    NoEffect,
    /// It succeeds, but for the keys of the footnote fails with it.
    Depends(Footnote),
    /// It fails with the footnote.
    Fails(Footnote),
    /// It fails with either footnote: with the one that tells its kind of key for those keys, with the
    /// other for the rest. Of 2 and 3, between which AWS does not decide, the second.
    FailsEither(Footnote, Footnote),
    /// Keys that know the action cannot be in the state.
    Impossible,
}

/// The number of a footnote to the table of key states in the KMS Developer Guide.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Footnote(u8);

/// What a footnote says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FootnoteInfo {
    /// The number, from 1; 13 is none of ours.
    pub number: u8,
    /// What the request fails with; nothing where it succeeds.
    #[serde(default)]
    pub exception: Option<Exception>,
    /// The text of the exception, `{arn}` standing for the key's ARN; nothing where AWS gives none.
    #[serde(borrow, default)]
    pub message: Option<&'static str>,
    /// The kinds of keys that it speaks of, or what else it says.
    #[serde(borrow, default)]
    pub when: Option<&'static str>,
}

/// What `state` makes of `action` (Rule S3); an action without a key succeeds.
#[expect(clippy::indexing_slicing, reason = "a row has a cell for each state")]
pub fn state_allows(action: KmsAction, state: KeyState) -> StateAnswer {
    match &action.info().key_states {
        Some(cells) => cells[state as usize],
        None => StateAnswer::Succeeds(None),
    }
}

impl Footnote {
    /// The number.
    pub fn number(self) -> u8 {
        self.0
    }

    /// What it says.
    #[expect(clippy::expect_used, reason = "a footnote is made only of a number in the table")]
    pub fn info(self) -> &'static FootnoteInfo {
        row(self.0).expect("a footnote of the table")
    }

    fn parse(number: &str) -> Option<Self> {
        number.parse().ok().filter(|number| row(*number).is_some()).map(Self)
    }
}

impl StateAnswer {
    /// Reads a cell: `Y`, `X`, `?` with their footnotes, `NA`, `no effect`; a `*` marks an inference.
    fn parse(cell: &str) -> Option<Self> {
        match cell {
            "Y" => return Some(Self::Succeeds(None)),
            "no effect" => return Some(Self::NoEffect),
            "NA" => return Some(Self::Impossible),
            _ => {}
        }
        let (kind, notes) = cell.split_at_checked(1)?;
        match (kind, notes.trim_end_matches('*').split_once('|')) {
            ("X", Some((one, other))) => {
                Some(Self::FailsEither(Footnote::parse(one)?, Footnote::parse(other)?))
            }
            ("X", None) => Footnote::parse(notes.trim_end_matches('*')).map(Self::Fails),
            ("?", None) => Footnote::parse(notes).map(Self::Depends),
            ("Y", None) => Footnote::parse(notes).map(|note| Self::Succeeds(Some(note))),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for StateAnswer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let cell = <&str>::deserialize(from)?;
        let unknown = || D::Error::custom(format_args!("unknown state cell {cell}"));
        Self::parse(cell).ok_or_else(unknown)
    }
}

fn row(number: u8) -> Option<&'static FootnoteInfo> {
    TABLE.footnotes.iter().find(|row| row.number == number)
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
struct Table {
    footnotes: Vec<FootnoteInfo>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| embedded(include_str!("data/key-states.json")));

#[cfg(test)]
mod tests {
    use super::*;

    /// Each action of `names` has these cells, one a state.
    fn check(names: &str, cells: &str) {
        let cells: Vec<_> = cells
            .split_whitespace()
            .map(|cell| StateAnswer::parse(&cell.replace('_', " ")).expect("a cell"))
            .collect();
        for name in names.split_whitespace() {
            let action = KmsAction::from_name(name).expect("an action");
            let found: Vec<_> =
                KeyState::ALL.iter().map(|&state| state_allows(action, state)).collect();
            assert_eq!(found, cells, "{name}");
        }
    }

    #[test]
    fn s3_cells_are_those_of_the_rule() {
        check(
            "Encrypt Decrypt ReEncryptFrom ReEncryptTo GenerateDataKey GenerateDataKeyPair \
             GenerateDataKeyWithoutPlaintext GenerateDataKeyPairWithoutPlaintext",
            "Y X1 X2|3 X2|3 X5 X11 X14 Y",
        );
        check(
            "Sign Verify GenerateMac VerifyMac GetPublicKey DeriveSharedSecret Encapsulate \
             Decapsulate",
            "Y X1 X2|3 X2|3 X5 NA X14 Y",
        );
        check("CreateGrant", "Y X1 X2|3 X2|3 X5 Y X14 Y");
        check(
            "DescribeKey GetKeyPolicy PutKeyPolicy ListGrants ListKeyPolicies ListResourceTags \
             RetireGrant RevokeGrant DeleteAlias GetKeyLastUsage SynchronizeMultiRegionKey",
            "Y Y Y Y Y Y Y Y",
        );
        check("CreateAlias TagResource UntagResource UpdateKeyDescription", "Y Y X3 X3 Y Y Y Y");
        check("UpdateAlias", "Y Y ?10 ?10 Y Y Y Y");
        check("EnableKey DisableKey", "Y Y X3 X3 X5 Y12 X14 X15");
        check("ScheduleKeyDeletion", "Y Y X3 X3 Y Y Y X15");
        check("CancelKeyDeletion", "X4 X4 Y Y X4 X4 X4 X4");
        check("EnableKeyRotation DisableKeyRotation", "?7 X1|7 X3|7 X3|7 X6 X7 X14 ?7");
        check("GetKeyRotationStatus", "?7 ?7 ?7 ?7 X6 X7 ?7 ?7");
        check("GetParametersForImport", "?9 ?9 X8|9 X8|9 Y X9 X14 X15");
        check("ImportKeyMaterial", "?9 ?9 X8|9 X8|9 Y X9 X14 Y");
        check("DeleteImportedKeyMaterial", "Y9 Y9 Y9 Y9 no_effect NA X14 X15");
        check("ReplicateKey", "Y X1 X2|3 X2|3 X5 NA X14 X15");
        check("UpdatePrimaryRegion", "Y X1 X2|3 X2|3 X5 NA X14 Y");
        check("RotateKeyOnDemand", "?16 X1 X2|3 X2|3 X5 X7 X14 ?16");
        check("ListKeyRotations", "?16 ?16 ?16 ?16 ?16 X7 ?16 ?16");
    }

    #[test]
    fn actions_without_a_key_have_no_states() {
        check("CreateKey ListKeys GenerateRandom", "Y Y Y Y Y Y Y Y");
    }

    #[test]
    fn footnotes_ascend_and_say_something() {
        assert!(TABLE.footnotes.is_sorted_by(|left, right| left.number < right.number));
        for note in &TABLE.footnotes {
            assert!(note.message.is_some() || note.when.is_some(), "{}", note.number);
            assert!(note.message.is_none() || note.exception.is_some(), "{}", note.number);
            let footnote = Footnote::parse(&note.number.to_string()).expect("a footnote");
            assert_eq!(footnote.info().number, footnote.number());
        }
    }

    #[test]
    fn s3_footnotes_name_their_exception() {
        let StateAnswer::Fails(note) = state_allows(KmsAction::DECRYPT, KeyState::Disabled) else {
            panic!("a disabled key decrypts nothing");
        };
        assert_eq!(note.info().exception, Some(Exception::Disabled));
        assert_eq!(note.info().message, Some("{arn} is disabled."));
    }

    #[test]
    fn other_cells_are_refused() {
        for cell in ["", "Z", "X", "X99", "X13", "?7|9", "Y1|2", "é1", "X1|"] {
            assert_eq!(StateAnswer::parse(cell), None, "{cell}");
        }
    }
}
