//! What is kept is kept; what is damaged is refused and left as it is.

use std::fs;
use std::path::Path;

use super::*;

/// A directory of its own for one test, empty.
fn scratch(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tmp/directory").join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(path.parent().expect("a parent")).expect("it can be made");
    path
}

fn put(directory: &Directory, name: &str, text: &str) {
    let writes = Writes::from([(name.to_owned(), Some(text.as_bytes().to_vec()))]);
    directory.write(&writes).expect("it is kept");
}

fn text(directory: &Directory, name: &str) -> Option<String> {
    let bytes = directory.read(name).expect("it can be read")?;
    Some(String::from_utf8(bytes).expect("a text"))
}

/// Every file below `root` with its bytes.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = walkdir::WalkDir::new(root).into_iter().map(|entry| entry.expect("an entry"));
    let files = entries.filter(|entry| entry.file_type().is_file());
    files.map(|file| (file.path().to_owned(), fs::read(file.path()).expect("bytes"))).collect()
}

#[test]
fn a_change_is_there_after_a_restart() {
    let root = scratch("restart");
    let directory = Directory::open(&root).expect("a new state");
    let secret = *directory.secret();
    put(&directory, "1/a.json", "first");
    put(&directory, "1/a.json", "second");
    put(&directory, "1/b.json", "goes");
    directory.write(&Writes::from([("1/b.json".to_owned(), None)])).expect("it goes");
    drop(directory);
    for _ in 0..2 {
        let directory = Directory::open(&root).expect("it opens again");
        assert_eq!(*directory.secret(), secret);
        assert_eq!(text(&directory, "1/a.json").as_deref(), Some("second"));
        assert_eq!(text(&directory, "1/b.json"), None);
        assert_eq!(directory.names(), BTreeSet::from(["1/a.json".to_owned()]));
        assert_eq!(fs::read(root.join("1/a.json")).expect("a document"), b"second");
    }
}

#[test]
fn documents_that_did_not_follow_the_journal_are_written_again() {
    let root = scratch("follow");
    let directory = Directory::open(&root).expect("a new state");
    put(&directory, "a", "kept");
    drop(directory);
    fs::write(root.join("a"), "half").expect("written");
    let directory = Directory::open(&root).expect("the journal has it");
    assert_eq!(text(&directory, "a").as_deref(), Some("kept"));
    assert_eq!(fs::read(root.join("a")).expect("a document"), b"kept");
}

#[test]
fn a_record_torn_off_anywhere_is_dropped_and_the_ones_before_stay() {
    let root = scratch("torn");
    let directory = Directory::open(&root).expect("a new state");
    put(&directory, "a", "acknowledged");
    let before = fs::read(root.join("journal")).expect("a journal").len();
    put(&directory, "a", "torn off");
    drop(directory);
    let whole = fs::read(root.join("journal")).expect("a journal");
    let snapshot = fs::read(root.join("snapshot")).expect("a snapshot");
    for length in before..whole.len() {
        fs::write(root.join("journal"), &whole[..length]).expect("written");
        fs::write(root.join("snapshot"), &snapshot).expect("written");
        let directory = Directory::open(&root).expect("it opens");
        assert_eq!(text(&directory, "a").as_deref(), Some("acknowledged"), "{length}");
    }
    let zeros = [&whole[..before], &[0; 300]].concat();
    fs::write(root.join("journal"), zeros).expect("written");
    fs::write(root.join("snapshot"), &snapshot).expect("written");
    let directory = Directory::open(&root).expect("it opens");
    assert_eq!(text(&directory, "a").as_deref(), Some("acknowledged"));
}

#[test]
fn any_flipped_byte_refuses_to_start_and_nothing_is_touched() {
    let root = scratch("flipped");
    let directory = Directory::open(&root).expect("a new state");
    put(&directory, "old", "in the snapshot");
    directory.checkpoint().expect("a snapshot");
    put(&directory, "new", "in the journal");
    drop(directory);
    for name in ["journal", "snapshot", "secret", "old"] {
        let sound = fs::read(root.join(name)).expect("bytes");
        for at in 0..sound.len() {
            let mut bytes = sound.clone();
            bytes[at] ^= 1;
            fs::write(root.join(name), bytes).expect("written");
            let before = files(&root);
            let error = Directory::open(&root).expect_err("it is damaged");
            assert!(matches!(error, StateError::Damaged { .. }), "{name} {at}: {error}");
            assert_eq!(files(&root), before, "{name} {at}");
        }
        fs::write(root.join(name), sound).expect("written");
    }
    let directory = Directory::open(&root).expect("it is sound again");
    assert_eq!(text(&directory, "new").as_deref(), Some("in the journal"));
}

#[test]
fn a_journal_that_is_not_replaced_goes_on_until_one_is() {
    // Both while the old one goes on and once a new one has followed.
    for is_replaced in [false, true] {
        let root = scratch("goes-on");
        let directory = Directory::open(&root).expect("a new state");
        put(&directory, "a", "before");
        directory.checkpoint().expect("a new journal");
        put(&directory, "b", "in the new one");
        // Nothing can be written where the next one would be.
        fs::create_dir(root.join("journal.part")).expect("made");
        assert!(matches!(directory.checkpoint(), Err(StateError::Io { .. })));
        put(&directory, "a", "after");
        fs::remove_dir(root.join("journal.part")).expect("gone");
        if is_replaced {
            directory.checkpoint().expect("a new journal");
            put(&directory, "b", "in the newest");
        }
        drop(directory);
        let directory = Directory::open(&root).expect("it opens");
        let newest = if is_replaced { "in the newest" } else { "in the new one" };
        assert_eq!(text(&directory, "a").as_deref(), Some("after"));
        assert_eq!(text(&directory, "b").as_deref(), Some(newest));
    }
}

#[test]
fn nothing_is_acknowledged_into_a_journal_whose_name_may_not_last() {
    let fails = |_: &Path| -> io::Result<()> { Err(io::ErrorKind::Other.into()) };
    let root = scratch("no-name");
    let directory = Directory::open(&root).expect("a new state");
    put(&directory, "a", "before");
    directory.checkpoint().expect("a new journal");
    put(&directory, "b", "in the new one");
    directory.held().sync = fails;
    assert!(matches!(directory.checkpoint(), Err(StateError::Broken)));
    directory.held().sync = file::sync_directory;
    let writes = Writes::from([("a".to_owned(), Some(b"after".to_vec()))]);
    assert!(matches!(directory.write(&writes), Err(StateError::Broken)));
    assert!(matches!(directory.checkpoint(), Err(StateError::Broken)));
    assert_eq!(text(&directory, "a").as_deref(), Some("before"));
    drop(directory);
    let directory = Directory::open(&root).expect("it opens");
    assert_eq!(text(&directory, "a").as_deref(), Some("before"));
    assert_eq!(text(&directory, "b").as_deref(), Some("in the new one"));
    put(&directory, "a", "after");
    drop(directory);
    let directory = Directory::open(&root).expect("it opens");
    assert_eq!(text(&directory, "a").as_deref(), Some("after"));
}

#[test]
fn no_document_leads_out_of_the_directory() {
    let root = scratch("names");
    let directory = Directory::open(&root).expect("a new state");
    for name in
        ["../a", "a/../../b", "/etc/a", "", "a//b", "a/.hidden", "secret", "journal", "a\\b"]
    {
        let writes = Writes::from([(name.to_owned(), Some(Vec::new()))]);
        assert!(matches!(directory.write(&writes), Err(StateError::BadName(_))), "{name}");
    }
    assert!(directory.names().is_empty() && !root.join("../a").exists());
}

#[test]
fn a_second_process_is_kept_out() {
    let root = scratch("locked");
    let directory = Directory::open(&root).expect("a new state");
    assert!(matches!(Directory::open(&root), Err(StateError::InUse(_))));
    drop(directory);
    assert!(Directory::open(&root).is_ok());
}

#[test]
fn a_directory_with_other_files_is_not_taken() {
    let root = scratch("other");
    fs::create_dir_all(&root).expect("made");
    fs::write(root.join("thesis.txt"), "years of work").expect("written");
    assert!(matches!(Directory::open(&root), Err(StateError::NotState(_))));
    assert_eq!(files(&root).len(), 1);
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let root = scratch("modes");
    fs::create_dir_all(&root).expect("made");
    let directory = Directory::open(&root).expect("a new state");
    put(&directory, "1/a/b.json", "x");
    for entry in walkdir::WalkDir::new(&root) {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("metadata").permissions().mode() & 0o777;
        let expected = if entry.file_type().is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "{}", entry.path().display());
    }
    drop(directory);
    fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).expect("changed");
    assert!(matches!(Directory::open(&root), Err(StateError::Open(_))));
}
