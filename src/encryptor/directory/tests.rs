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

fn put(store: &Store, name: &str, text: &str) {
    let writes = Writes::from([(name.to_owned(), Some(text.as_bytes().to_vec()))]);
    store.commit(&writes).expect("it is kept");
}

fn text(store: &Store, name: &str) -> Option<String> {
    let bytes = store.read(name).expect("it can be read")?;
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
    let store = Store::open(&root).expect("a new state");
    let secret = *store.secret();
    put(&store, "1/a.json", "first");
    put(&store, "1/a.json", "second");
    put(&store, "1/b.json", "goes");
    store.commit(&Writes::from([("1/b.json".to_owned(), None)])).expect("it goes");
    drop(store);
    for _ in 0..2 {
        let store = Store::open(&root).expect("it opens again");
        assert_eq!(*store.secret(), secret);
        assert_eq!(text(&store, "1/a.json").as_deref(), Some("second"));
        assert_eq!(text(&store, "1/b.json"), None);
        assert_eq!(store.names(), BTreeSet::from(["1/a.json".to_owned()]));
        assert_eq!(fs::read(root.join("1/a.json")).expect("a document"), b"second");
    }
}

#[test]
fn documents_that_did_not_follow_the_journal_are_written_again() {
    let root = scratch("follow");
    let store = Store::open(&root).expect("a new state");
    put(&store, "a", "kept");
    drop(store);
    fs::write(root.join("a"), "half").expect("written");
    let store = Store::open(&root).expect("the journal has it");
    assert_eq!(text(&store, "a").as_deref(), Some("kept"));
    assert_eq!(fs::read(root.join("a")).expect("a document"), b"kept");
}

#[test]
fn a_record_torn_off_anywhere_is_dropped_and_the_ones_before_stay() {
    let root = scratch("torn");
    let store = Store::open(&root).expect("a new state");
    put(&store, "a", "acknowledged");
    let before = fs::read(root.join("journal")).expect("a journal").len();
    put(&store, "a", "torn off");
    drop(store);
    let whole = fs::read(root.join("journal")).expect("a journal");
    let snapshot = fs::read(root.join("snapshot")).expect("a snapshot");
    for length in before..whole.len() {
        fs::write(root.join("journal"), &whole[..length]).expect("written");
        fs::write(root.join("snapshot"), &snapshot).expect("written");
        let store = Store::open(&root).expect("it opens");
        assert_eq!(text(&store, "a").as_deref(), Some("acknowledged"), "{length}");
    }
    let zeros = [&whole[..before], &[0; 300]].concat();
    fs::write(root.join("journal"), zeros).expect("written");
    fs::write(root.join("snapshot"), &snapshot).expect("written");
    let store = Store::open(&root).expect("it opens");
    assert_eq!(text(&store, "a").as_deref(), Some("acknowledged"));
}

#[test]
fn any_flipped_byte_refuses_to_start_and_nothing_is_touched() {
    let root = scratch("flipped");
    let store = Store::open(&root).expect("a new state");
    put(&store, "old", "in the snapshot");
    store.checkpoint().expect("a snapshot");
    put(&store, "new", "in the journal");
    drop(store);
    for name in ["journal", "snapshot", "secret", "old"] {
        let sound = fs::read(root.join(name)).expect("bytes");
        for at in 0..sound.len() {
            let mut bytes = sound.clone();
            bytes[at] ^= 1;
            fs::write(root.join(name), bytes).expect("written");
            let before = files(&root);
            let error = Store::open(&root).expect_err("it is damaged");
            assert!(matches!(error, StateError::Damaged { .. }), "{name} {at}: {error}");
            assert_eq!(files(&root), before, "{name} {at}");
        }
        fs::write(root.join(name), sound).expect("written");
    }
    let store = Store::open(&root).expect("it is sound again");
    assert_eq!(text(&store, "new").as_deref(), Some("in the journal"));
}

#[test]
fn no_document_leads_out_of_the_directory() {
    let root = scratch("names");
    let store = Store::open(&root).expect("a new state");
    for name in ["../a", "a/../../b", "/etc/a", "", "a//b", "a/.hidden", "secret", "journal", "a\\b"] {
        let writes = Writes::from([(name.to_owned(), Some(Vec::new()))]);
        assert!(matches!(store.commit(&writes), Err(StateError::BadName(_))), "{name}");
    }
    assert!(store.names().is_empty() && !root.join("../a").exists());
}

#[test]
fn a_second_process_is_kept_out() {
    let root = scratch("locked");
    let store = Store::open(&root).expect("a new state");
    assert!(matches!(Store::open(&root), Err(StateError::InUse(_))));
    drop(store);
    assert!(Store::open(&root).is_ok());
}

#[test]
fn a_directory_with_other_files_is_not_taken() {
    let root = scratch("other");
    fs::create_dir_all(&root).expect("made");
    fs::write(root.join("thesis.txt"), "years of work").expect("written");
    assert!(matches!(Store::open(&root), Err(StateError::NotState(_))));
    assert_eq!(files(&root).len(), 1);
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let root = scratch("modes");
    fs::create_dir_all(&root).expect("made");
    let store = Store::open(&root).expect("a new state");
    put(&store, "1/a/b.json", "x");
    for entry in walkdir::WalkDir::new(&root) {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("metadata").permissions().mode() & 0o777;
        let expected = if entry.file_type().is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "{}", entry.path().display());
    }
    drop(store);
    fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).expect("changed");
    assert!(matches!(Store::open(&root), Err(StateError::Open(_))));
}
