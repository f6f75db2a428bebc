//! The store of iam-collect as it lies on disk.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "support/command.rs"]
mod command;

use std::fs;
use std::path::Path;

use command::{Folder, keyreach};
use keyreach::ingest::{Disk, Loaded, load};

const STORE: &str = "testdata/iam-collect";
const GOLDEN: &str = "testdata/golden/iam-collect.csv";
const ACCOUNT: &str = "aws/aws/accounts/111122223333";

fn loaded(path: &Path) -> Loaded {
    load(&Disk, &[path.to_str().unwrap().to_owned()])
}

/// A store of its own to change.
fn store(name: &str) -> Folder {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            let target = to.join(path.file_name().unwrap());
            match path.is_dir() {
                true => copy(&path, &target),
                false => drop(fs::copy(&path, &target).unwrap()),
            }
        }
    }
    let folder = Folder::new(name);
    copy(Path::new(STORE), folder.path());
    folder
}

fn gaps(loaded: &Loaded) -> Vec<String> {
    loaded.inventory.gaps.iter().map(|gap| format!("{:?}", gap.kind)).collect()
}

#[test]
fn the_matrix_of_a_store_is_that_of_the_exports_it_was_made_from() {
    let run = keyreach(&["matrix", "--format", "csv", STORE]).run();
    assert_eq!((run.code, &*run.stderr), (0, ""));
    if std::env::var_os("KEYREACH_BLESS").is_some() {
        fs::write(GOLDEN, &run.stdout).unwrap();
    }
    assert_eq!(run.stdout, fs::read_to_string(GOLDEN).unwrap());
}

#[test]
fn each_part_of_an_entity_is_read() {
    let loaded = loaded(Path::new(STORE));
    assert_eq!(loaded.problems, []);
    let world = &loaded.inventory;
    assert!(world.conflicts.is_empty());
    let account = world.accounts.values().find(|it| !it.identities.is_empty()).unwrap();
    let names: Vec<&str> = account.identities.keys().collect();
    let expected = [
        "arn:aws:iam::111122223333:role/Admin",
        "arn:aws:iam::111122223333:role/service/Orders",
        "arn:aws:iam::111122223333:user/Alice",
    ];
    assert_eq!(names, expected);
    assert!(account.identities_listed);
    let orders = account.identities.get("arn:aws:iam::111122223333:role/service/Orders").unwrap();
    assert_eq!(
        orders.boundary.as_ref().map(|it| &*it.arn),
        Some("arn:aws:iam::111122223333:policy/Limit")
    );
    assert_eq!(orders.attached.len(), 1);
    assert!(orders.trust.is_some() && orders.tags.contains_key("team"));
    assert_eq!(
        account.identities.get("arn:aws:iam::111122223333:role/Admin").unwrap().inline.len(),
        1
    );
    let alice = account.identities.get("arn:aws:iam::111122223333:user/Alice").unwrap();
    assert_eq!(alice.groups.iter().map(|it| &**it).collect::<Vec<_>>(), ["Readers"]);
    assert_eq!(account.groups.get("Readers").unwrap().attached.len(), 1);
    assert_eq!(account.policies.len(), 3);
    let organization = world.organization.as_ref().unwrap();
    assert_eq!(organization.id.as_deref(), Some("o-exampleorg1"));
    assert_eq!(organization.units["ou-ab12-workload"].name.as_deref(), Some("Workloads"));
    let policies = organization.policies.values();
    assert!(policies.clone().all(|policy| policy.document.is_some()), "{policies:?}");
    assert_eq!(policies.count(), 3);
    // What the store does not hold is not known: grants of both keys, and nothing else.
    let gaps = gaps(&loaded);
    assert_eq!(gaps.len(), 2, "{gaps:?}");
    assert!(gaps.iter().all(|gap| gap.contains("grants")), "{gaps:?}");
}

#[test]
fn a_part_that_cannot_be_read_is_not_taken_for_none() {
    let folder = store("iam-collect-broken");
    let role = format!("{ACCOUNT}/iam/role/admin");
    folder.put(&format!("{role}/inline-policies.json"), "[{\"PolicyName\":");
    let loaded = loaded(folder.path());
    let [problem] = loaded.problems.as_slice() else { panic!("{:?}", loaded.problems) };
    assert!(problem.path.ends_with("inline-policies.json"), "{problem:?}");
    assert!(problem.help.contains("iam-collect"), "{}", problem.help);
    let told = gaps(&loaded);
    assert!(told.iter().any(|gap| gap.contains("inline policies")), "{told:?}");
}

#[test]
fn who_is_in_an_account_is_not_known_where_somebody_cannot_be_read() {
    for (name, file, text) in [
        ("iam-collect-nameless", "iam/role/admin/metadata.json", None),
        ("iam-collect-damaged", "iam/user/alice/metadata.json", Some("{")),
        (
            "iam-collect-other",
            "iam/group/readers/metadata.json",
            Some("{\"arn\": \"arn:aws:iam::444455556666:group/Readers\"}"),
        ),
    ] {
        let folder = store(name);
        let path = format!("{ACCOUNT}/{file}");
        match text {
            Some(text) => drop(folder.put(&path, text)),
            None => fs::remove_file(folder.path().join(&path)).unwrap(),
        }
        let loaded = loaded(folder.path());
        assert_eq!(loaded.problems.len(), usize::from(text.is_some()), "{:?}", loaded.problems);
        let told = gaps(&loaded);
        assert!(told.iter().any(|gap| gap.starts_with("Identities")), "{name}: {told:?}");
    }
}
