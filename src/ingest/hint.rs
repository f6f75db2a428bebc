//! What a path says of its file. A name only helps: it never decides what a document is.

use crate::aws::region::{is_region, partition};
use crate::aws::{AccountId, KeyArn};

/// The calls whose outputs are read, longest name first where one begins with another.
const COMMANDS: &[&str] = &[
    "list-organizational-units-for-parent",
    "get-account-authorization-details",
    "list-attached-group-policies",
    "list-attached-role-policies",
    "list-attached-user-policies",
    "account-authorization-details",
    "list-accounts-for-parent",
    "list-entities-for-policy",
    "list-policies-for-target",
    "list-targets-for-policy",
    "get-key-rotation-status",
    "describe-vpc-endpoints",
    "describe-organization",
    "list-groups-for-user",
    "list-policy-versions",
    "list-group-policies",
    "list-resource-tags",
    "get-policy-version",
    "list-role-policies",
    "list-user-policies",
    "get-group-policy",
    "describe-policy",
    "get-role-policy",
    "get-user-policy",
    "get-key-policy",
    "list-accounts",
    "list-children",
    "list-policies",
    "describe-key",
    "list-aliases",
    "list-parents",
    "list-grants",
    "list-groups",
    "list-roles",
    "list-roots",
    "list-users",
    "get-policy",
    "list-keys",
    "get-group",
    "get-role",
    "get-user",
];

/// Calls that other programs have files named for, too: such a name says little about a file.
const COMMON: &[&str] = &[
    "list-accounts",
    "list-children",
    "list-groups",
    "list-keys",
    "list-parents",
    "list-policies",
    "list-roles",
    "list-users",
    "get-group",
    "get-policy",
    "get-role",
    "get-user",
];

/// Extensions that are no part of a name.
const EXTENSIONS: [&str; 8] =
    [".json", ".gz", ".yaml", ".yml", ".jsonl", ".ndjson", ".txt", ".log"];

/// Extensions of files that hold data and nothing else: what cannot be read in them is a fault, and no
/// example in a text or a program. A file without an extension is taken for one.
const DATA: [&str; 8] = ["json", "jsonl", "ndjson", "yaml", "yml", "template", "cfn", "gz"];

/// A path, cut up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hint<'p> {
    /// The directory; empty for a file without one.
    pub(super) directory: &'p str,
    /// The file name without extensions.
    pub(super) stem: &'p str,
    /// The call that the file is named for.
    pub(super) command: Option<&'static str>,
    /// What stands behind the call in the file name, `.` or `-` between them cut.
    pub(super) suffix: &'p str,
    /// What stands before the call in the file name.
    pub(super) prefix: &'p str,
    /// Whether the name is that of a file of data.
    is_data: bool,
}

impl<'p> Hint<'p> {
    /// Reads a path with `/` between its parts.
    pub(super) fn new(path: &'p str) -> Self {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut stem = name;
        while let Some(shorter) = EXTENSIONS.iter().find_map(|extension| strip_end(stem, extension))
        {
            stem = shorter;
        }
        let exact = COMMANDS.iter().find(|command| **command == stem);
        let found = exact.map(|command| (*command, "", "")).or_else(|| {
            COMMANDS.iter().find_map(|command| {
                let (prefix, suffix) = split_at_command(stem, command)?;
                Some((*command, prefix, suffix))
            })
        });
        let (command, prefix, suffix) = match found {
            Some((command, prefix, suffix)) => (Some(command), prefix, suffix),
            None => (None, "", ""),
        };
        let is_of = |extension: &str| DATA.iter().any(|data| data.eq_ignore_ascii_case(extension));
        let is_data = name.rsplit_once('.').is_none_or(|(_, extension)| is_of(extension));
        Self { directory, stem, command, suffix, prefix, is_data }
    }

    /// The directories from the nearest up.
    pub(super) fn directories(&self) -> impl Iterator<Item = &'p str> + use<'p> {
        self.directory.rsplit('/').filter(|name| !name.is_empty())
    }

    /// The names in the file name that could tell what the file is about: behind the call, before it,
    /// or, where it is named for none, the whole; each also without the number of a page.
    pub(super) fn names(&self) -> impl Iterator<Item = &'p str> + use<'p> {
        let whole = if self.command.is_none() { self.stem } else { "" };
        let names = [self.suffix, self.prefix, whole];
        let short = names.map(|name| without_page(name).unwrap_or_default());
        names.into_iter().chain(short).filter(|name| !name.is_empty())
    }

    /// What the file name says beside the call, to pair files that are about the same.
    pub(super) fn label(&self) -> &'p str {
        if self.suffix.is_empty() { self.prefix } else { self.suffix }
    }

    /// The nearest directory that is named for an account.
    pub(super) fn account(&self) -> Option<AccountId> {
        self.directories().find_map(AccountId::parse)
    }

    /// The nearest directory that is named for a Region.
    pub(super) fn region(&self) -> Option<&'p str> {
        self.directories().find(|name| is_region(name))
    }

    /// The key in whose directory of the canonical layout the file lies, the id of any form:
    /// `<account>/<region>/kms/<key-id>`.
    pub(super) fn canonical_key(&self) -> Option<KeyArn> {
        let mut up = self.directories();
        let (id, kms, region) = (up.next()?, up.next()?, up.next()?);
        let account = AccountId::parse(up.next()?)?;
        let is_place = kms == "kms" && is_region(region);
        KeyArn::new(partition(region), region, account, id).filter(|_| is_place)
    }

    /// The key in whose directory the file lies: that of the canonical layout, or below an account and
    /// a Region one with the form of a key id.
    pub(super) fn key_by_directory(&self) -> Option<KeyArn> {
        let by_form = || self.directories().find(|name| is_key_id(name));
        self.canonical_key().or_else(|| self.key_of_id(by_form()?))
    }

    /// The key `id` in the account and Region that the directories name.
    pub(super) fn key_of_id(&self, id: &str) -> Option<KeyArn> {
        let region = self.region()?;
        KeyArn::new(partition(region), region, self.account()?, id)
    }

    /// Whether what cannot be read in the file is a fault of it.
    pub(super) fn is_data(&self) -> bool {
        self.is_data || self.is_export()
    }

    /// Whether the path says that this is an export: it is named for a call that no other program
    /// has files named for, or for any call in a directory of the canonical layout.
    pub(super) fn is_export(&self) -> bool {
        let in_place = || {
            let known = |name: &str| matches!(name, "organizations" | "iam" | "kms");
            self.account().is_some() || self.directories().any(known)
        };
        self.command.is_some_and(|command| !COMMON.contains(&command) || in_place())
    }
}

/// What stands before and behind `command` in `stem`, where it stands there as words of its own.
fn split_at_command<'p>(stem: &'p str, command: &str) -> Option<(&'p str, &'p str)> {
    let spelled = |(one, other): (u8, u8)| {
        let one = if one == b'_' { b'-' } else { one.to_ascii_lowercase() };
        one == other
    };
    let at = stem
        .as_bytes()
        .windows(command.len())
        .position(|window| window.iter().copied().zip(command.bytes()).all(spelled))?;
    let (prefix, rest) = stem.split_at_checked(at)?;
    let (_, suffix) = rest.split_at_checked(command.len())?;
    let is_joint = |c: char| !c.is_alphanumeric();
    let apart = (prefix.is_empty() || prefix.ends_with(is_joint))
        && (suffix.is_empty() || suffix.starts_with(is_joint));
    let cut = |text: &'p str| text.trim_matches(['.', '-', '_', ' ']);
    apart.then(|| (cut(prefix), cut(suffix)))
}

/// `name` without the number of a page at its end: `bob` of `bob.2`, `bob-page2` and `bob_page_2`.
fn without_page(name: &str) -> Option<&str> {
    let joints = ['-', '.', '_'];
    let (short, last) = name.rsplit_once(joints)?;
    let number = last.strip_prefix("page").unwrap_or(last);
    let is_number = (1..=4).contains(&number.len()) && number.bytes().all(|c| c.is_ascii_digit());
    let short = short.strip_suffix("page").map_or(short, |short| short.trim_end_matches(joints));
    is_number.then_some(short)
}

fn strip_end<'p>(name: &'p str, extension: &str) -> Option<&'p str> {
    let at = name.len().checked_sub(extension.len()).filter(|at| *at > 0)?;
    let (stem, end) = name.split_at_checked(at)?;
    end.eq_ignore_ascii_case(extension).then_some(stem)
}

/// Whether `name` has the form of a key id: a UUID, or `mrk-` and 32 hexadecimal digits.
pub(super) fn is_key_id(name: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(digits) = name.strip_prefix("mrk-") {
        return digits.len() == 32 && hex(digits);
    }
    let lengths = [8, 4, 4, 4, 12];
    let mut parts = name.split('-');
    lengths.iter().all(|&length| parts.next().is_some_and(|part| part.len() == length && hex(part)))
        && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, command: Option<&str>, suffix: &str) {
        let hint = Hint::new(path);
        assert_eq!((hint.command, hint.suffix), (command, suffix), "{path}");
    }

    #[test]
    fn calls_are_found_in_file_names() {
        check("a/get-key-policy.json", Some("get-key-policy"), "");
        check("get_key_policy.JSON.gz", Some("get-key-policy"), "");
        check("list-groups-for-user.bob.json", Some("list-groups-for-user"), "bob");
        check("list-groups.json", Some("list-groups"), "");
        check(
            "list-attached-user-policies-al.ice.json",
            Some("list-attached-user-policies"),
            "al.ice",
        );
        check("get-policy-version-p-v2.json", Some("get-policy-version"), "p-v2");
        check("prod.describe-key.json", Some("describe-key"), "");
        check("forget-user.json", None, "");
        check("get-users.json", None, "");
        check("policy.json", None, "");
        check(".json", None, "");
        assert_eq!(Hint::new("x/prod.describe-key.json").prefix, "prod");
        let names = |path| Hint::new(path).names().collect::<Vec<_>>();
        assert_eq!(names("list-grants.bob-page-2.json"), ["bob-page-2", "bob"]);
        assert_eq!(names("list-grants-bob.json"), ["bob"]);
    }

    #[test]
    fn directories_name_the_key() {
        let key = |path: &str| Hint::new(path).key_by_directory().map(|key| key.to_string());
        let arn = |rest: &str| Some(format!("arn:{rest}"));
        assert_eq!(
            key("x/111122223333/cn-north-1/kms/any id/get-key-policy.json"),
            None,
            "white space is in no id"
        );
        assert_eq!(
            key("x/111122223333/cn-north-1/kms/anything/get-key-policy.json"),
            arn("aws-cn:kms:cn-north-1:111122223333:key/anything")
        );
        let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
        assert_eq!(
            key(&format!("111122223333/us-gov-west-1/{id}/deep/p.json")),
            Some(format!("arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/{id}"))
        );
        assert_eq!(key(&format!("us-east-1/kms/{id}/p.json")), None);
        assert_eq!(key("111122223333/us-east-1/iam/anything/p.json"), None);
    }

    #[test]
    fn forms_are_told_apart() {
        for region in ["us-east-1", "ap-southeast-10", "us-gov-west-1", "eusc-de-east-1"] {
            assert!(is_region(region), "{region}");
        }
        for other in ["us-east", "east-1", "us-1", "US-EAST-1", "a-b-c", "list-grants-1", ""] {
            assert!(!is_region(other), "{other}");
        }
        assert!(is_key_id("mrk-1234abcd12ab34cd56ef1234567890ab"));
        assert!(!is_key_id("mrk-1234") && !is_key_id("1234abcd-12ab") && !is_key_id("kms"));
    }

    #[test]
    fn common_names_need_their_place() {
        assert!(Hint::new("get-key-policy.json").is_export());
        assert!(Hint::new("111122223333/iam/list-users.json").is_export());
        assert!(!Hint::new("web/fixtures/list-users.json").is_export());
        assert!(!Hint::new("111122223333/iam/readme.json").is_export());
    }
}
