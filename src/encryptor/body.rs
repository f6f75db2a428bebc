//! The members of a call's body, read as AWS reads them: a wrong type is a SerializationException, a
//! missing or unfit member a ValidationException.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::aws::is_service;

use super::KmsError;
use super::blob::EncryptionContext;

/// The most bytes that the keys and values of an encryption context have together.
const CONTEXT: usize = 8192;

/// The most characters of what names a key.
pub(super) const KEY_ID: usize = 2048;

/// The most characters of a description.
const DESCRIPTION: usize = 8192;

/// The most grant tokens of a call.
const TOKENS: usize = 10;

/// Whether a text is of a form, and the pattern by which AWS tells the form.
pub(super) type Spelling = (fn(&str) -> bool, &'static str);

/// What names principals.
const PRINCIPAL: Spelling = (|text| consists_of(text, "_+=,.@:/-"), r"^[\w+=,.@:/-]+$");

/// What names services.
const SERVICE: Spelling = (is_service, r"^([A-Za-z0-9\-]+)\.([A-Za-z0-9\-]+)(\.[A-Za-z0-9\-]+)+$");

/// Names of aliases and grants.
pub(super) const NAME: Spelling = (|text| consists_of(text, ":/_-"), "^[a-zA-Z0-9:/_-]+$");

/// Names of key policies.
pub(super) const WORD: Spelling = (|text| consists_of(text, "_"), r"[\w]+");

/// The body of a call.
pub(super) struct Body<'v>(&'v Map<String, Value>);

impl<'v> Body<'v> {
    pub(super) fn new(value: &'v Value) -> Result<Self, KmsError> {
        value.as_object().map(Self).ok_or_else(|| wrong_type("the body", "a structure"))
    }

    /// A member that is there and not null.
    pub(super) fn get(&self, name: &str) -> Option<&'v Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'v str>, KmsError> {
        let text = |value: &'v Value| value.as_str().ok_or_else(|| wrong_type(name, "a string"));
        self.get(name).map(text).transpose()
    }

    /// A text that must be there, this long.
    pub(super) fn needed(&self, name: &str, most: usize) -> Result<&'v str, KmsError> {
        self.needed_as(name, &camel(name), most)
    }

    /// The same of a member that AWS's texts call `field`.
    pub(super) fn needed_as(
        &self,
        name: &str,
        field: &str,
        most: usize,
    ) -> Result<&'v str, KmsError> {
        let text = self.text(name)?.ok_or_else(|| KmsError::missing(field))?;
        match text.chars().count() {
            0 => {
                let must = "Member must have length greater than or equal to 1";
                Err(KmsError::constraint(Some(text), field, must))
            }
            length if length > most => {
                let must = format!("Member must have length less than or equal to {most}");
                Err(KmsError::constraint(Some(text), field, &must))
            }
            _ => Ok(text),
        }
    }

    /// That a text is of a form.
    pub(super) fn spelled<'t>(
        name: &str,
        text: &'t str,
        (known, pattern): Spelling,
    ) -> Result<&'t str, KmsError> {
        match known(text) {
            true => Ok(text),
            false => {
                let must = format!("Member must satisfy regular expression pattern: {pattern}");
                Err(KmsError::constraint(Some(text), &camel(name), &must))
            }
        }
    }

    /// The ARN of a principal, where it is given.
    pub(super) fn principal(&self, name: &str) -> Result<Option<&'v str>, KmsError> {
        let text = self.given(name, 256)?;
        text.map(|text| Self::spelled(name, text, PRINCIPAL)).transpose()
    }

    /// The name of a service, where it is given.
    pub(super) fn service(&self, name: &str) -> Result<Option<&'v str>, KmsError> {
        let text = self.given(name, 128)?;
        text.map(|text| Self::spelled(name, text, SERVICE)).transpose()
    }

    pub(super) fn key_id(&self, name: &str) -> Result<&'v str, KmsError> {
        self.needed(name, KEY_ID)
    }

    /// A text that is this long where it is given.
    pub(super) fn given(&self, name: &str, most: usize) -> Result<Option<&'v str>, KmsError> {
        self.get(name).map(|_| self.needed(name, most)).transpose()
    }

    /// The same of one that may be empty.
    pub(super) fn given_or_empty(
        &self,
        name: &str,
        most: usize,
    ) -> Result<Option<&'v str>, KmsError> {
        match self.text(name)? {
            Some("") => Ok(Some("")),
            _ => self.given(name, most),
        }
    }

    pub(super) fn description(&self) -> Result<Option<&'v str>, KmsError> {
        self.given_or_empty("Description", DESCRIPTION)
    }

    /// A Nitro enclave is answered with the plaintext under its own key, and never in clear: not here.
    pub(super) fn no_recipient(&self) -> Result<(), KmsError> {
        match self.get("Recipient") {
            None => Ok(()),
            Some(_) => {
                let text = "keyreach does not answer Nitro enclaves (Recipient).";
                Err(KmsError::validation(text))
            }
        }
    }

    /// One of several words; the first where the member is left out.
    pub(super) fn word(
        &self,
        name: &str,
        words: &[&'static str],
    ) -> Result<&'static str, KmsError> {
        match self.one_of(name, words)? {
            Some(word) => Ok(word),
            None => words.first().copied().ok_or_else(|| KmsError::missing(&camel(name))),
        }
    }

    /// One of several words, where the member is given.
    pub(super) fn one_of(
        &self,
        name: &str,
        words: &[&'static str],
    ) -> Result<Option<&'static str>, KmsError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let found = words.iter().find(|word| **word == text);
        found.map(|word| Some(*word)).ok_or_else(|| no_such_word(name, text, words))
    }

    /// Some of several words.
    pub(super) fn words(
        &self,
        name: &str,
        words: &[&'static str],
    ) -> Result<Vec<&'v str>, KmsError> {
        let given = self.texts(name)?;
        match given.iter().find(|word| !words.contains(word)) {
            Some(other) => Err(no_such_word(name, other, words)),
            None => Ok(given),
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, KmsError> {
        let flag = |value: &Value| value.as_bool().ok_or_else(|| wrong_type(name, "a boolean"));
        Ok(self.get(name).map(flag).transpose()?.unwrap_or_default())
    }

    /// A whole number in a range.
    pub(super) fn number(&self, name: &str, low: i64, high: i64) -> Result<Option<i64>, KmsError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let number = value.as_i64().ok_or_else(|| wrong_type(name, "an integer"))?;
        let must = match number {
            _ if number < low => format!("Member must have value greater than or equal to {low}"),
            _ if number > high => format!("Member must have value less than or equal to {high}"),
            _ => return Ok(Some(number)),
        };
        Err(KmsError::constraint(Some(&number.to_string()), &camel(name), &must))
    }

    /// An instant, in seconds since 1970; clients send fractions too.
    pub(super) fn instant(&self, name: &str) -> Result<Option<i64>, KmsError> {
        let instant = |value: &Value| value.as_f64().map(|seconds| seconds.floor() as i64);
        let of = |value| instant(value).ok_or_else(|| wrong_type(name, "a timestamp"));
        self.get(name).map(of).transpose()
    }

    /// Bytes that must be there; wiped when they are dropped.
    pub(super) fn blob(&self, name: &str, most: usize) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        let bytes = self.blob_if_any(name, most)?;
        bytes.ok_or_else(|| KmsError::missing(&camel(name)))
    }

    pub(super) fn blob_if_any(
        &self,
        name: &str,
        most: usize,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, KmsError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let bytes = STANDARD.decode(text).map_err(|_| wrong_type(name, "base64"))?;
        let (bytes, field) = (Zeroizing::new(bytes), camel(name));
        let must = match bytes.len() {
            0 => "Member must have length greater than or equal to 1".to_owned(),
            length if length > most => {
                format!("Member must have length less than or equal to {most}")
            }
            _ => return Ok(Some(bytes)),
        };
        Err(KmsError::constraint(None, &field, &must))
    }

    pub(super) fn list(&self, name: &str) -> Result<&'v [Value], KmsError> {
        let list = |value: &'v Value| value.as_array().ok_or_else(|| wrong_type(name, "a list"));
        Ok(self.get(name).map(list).transpose()?.map(Vec::as_slice).unwrap_or_default())
    }

    pub(super) fn texts(&self, name: &str) -> Result<Vec<&'v str>, KmsError> {
        let text = |value: &'v Value| value.as_str().ok_or_else(|| wrong_type(name, "a string"));
        self.list(name)?.iter().map(text).collect()
    }

    /// A structure inside the body.
    pub(super) fn inner(&self, name: &str) -> Result<Option<Self>, KmsError> {
        let inner = |value: &'v Value| match value.as_object() {
            Some(members) => Ok(Self(members)),
            None => Err(wrong_type(name, "a structure")),
        };
        self.get(name).map(inner).transpose()
    }

    /// Pairs of texts.
    pub(super) fn pairs(&self, name: &str) -> Result<Option<EncryptionContext>, KmsError> {
        let Some(inner) = self.inner(name)? else {
            return Ok(None);
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let pair = |(key, value): (&String, &Value)| Some((key.clone(), text(value)?));
        let pairs: Option<EncryptionContext> = inner.0.iter().map(pair).collect();
        pairs.map(Some).ok_or_else(|| wrong_type(name, "a map of strings"))
    }

    pub(super) fn encryption_context(&self, name: &str) -> Result<EncryptionContext, KmsError> {
        let pairs = self.pairs(name)?.unwrap_or_default();
        let bytes: usize = pairs.iter().map(|(key, value)| key.len() + value.len()).sum();
        match bytes > CONTEXT {
            true => Err(KmsError::validation("EncryptionContext is too large.")),
            false => Ok(pairs),
        }
    }

    pub(super) fn grant_tokens(&self) -> Result<Vec<&'v str>, KmsError> {
        let tokens = self.texts("GrantTokens")?;
        if tokens.len() > TOKENS {
            let must = format!("Member must have length less than or equal to {TOKENS}");
            return Err(KmsError::constraint(None, "grantTokens", &must));
        }
        Ok(tokens)
    }

    /// Whether a dry run is one of the permission alone, for whatever ciphertext.
    pub(super) fn ignores_ciphertext(&self) -> Result<bool, KmsError> {
        let modifiers = self.words("DryRunModifiers", &["IGNORE_CIPHERTEXT"])?;
        Ok(!modifiers.is_empty() && self.dry_run()?)
    }

    pub(super) fn dry_run(&self) -> Result<bool, KmsError> {
        self.flag("DryRun")
    }
}

/// Whether a text has letters, digits and some other characters alone.
fn consists_of(text: &str, others: &str) -> bool {
    text.chars().all(|one| one.is_ascii_alphanumeric() || others.contains(one))
}

/// Bytes as the wire has them.
pub(super) fn encoded(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Bytes that the wire has in a text, where it is base64.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// The name of a member as AWS's texts spell it.
fn camel(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

fn no_such_word(name: &str, word: &str, words: &[&str]) -> KmsError {
    let must = format!("Member must satisfy enum value set: [{}]", words.join(", "));
    KmsError::constraint(Some(word), &camel(name), &must)
}

fn wrong_type(name: &str, what: &str) -> KmsError {
    KmsError::new("SerializationException", format!("{name} must be {what}"))
}
