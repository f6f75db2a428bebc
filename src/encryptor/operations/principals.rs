//! Principals that a request names.

use crate::encryptor::KmsError;
use crate::encryptor::work::Work;
use crate::inventory::Grantee;

/// That a grant may name a principal (rule G13), and that there is one, as far as the export tells. Whoever
/// calls is there.
pub(super) fn grantable(work: &Work<'_>, named: &Grantee, partition: &str) -> Result<(), KmsError> {
    let calls = work.asking().is_some_and(|(caller, _)| *caller.principal.text == *named.text());
    match calls || work.world().is_grantable(named, partition) {
        true => Ok(()),
        false => Err(no_principal(&named.shown(partition))),
    }
}

/// That a text is the ARN of no principal.
pub(super) fn no_principal(text: &str) -> KmsError {
    let text = format!("ARN does not refer to a valid principal: {text}");
    KmsError::new("InvalidArnException", text)
}
