//! Fingerprints: of rule, subject and statement; no lines, no principals, so that they survive edits
//! around them. Of statements that look the same but for principals each has its number.

use super::Finding;

impl Finding {
    /// 16 hexadecimal digits that name this finding in baselines and suppressions.
    pub fn fingerprint(&self) -> String {
        self.numbered(self.alike)
    }

    /// The fingerprints of findings that differ in nothing but which of the statements that look the same
    /// they speak of, in the order of these. Without end.
    pub fn fingerprints_alike(&self) -> impl Iterator<Item = String> {
        (0..).map(|number| self.numbered(number))
    }

    fn numbered(&self, number: usize) -> String {
        let facet = self.facet.unwrap_or_default();
        let statement = self.statement.as_deref().unwrap_or_default();
        let mut parts = vec![self.rule, facet, self.subject.as_str(), statement];
        let number = if number > 0 { number.to_string() } else { String::new() };
        parts.extend((!number.is_empty()).then_some(&*number));
        format!("{:016x}", fnv1a(&parts.join("\u{0}")))
    }
}

/// FNV-1a, 64 bits: stable across versions and machines, which the standard hasher does not promise.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
