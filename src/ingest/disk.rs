//! Files of the disk this program runs on.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::sync::OnceLock;

use rayon::prelude::*;
use walkdir::{DirEntry, WalkDir};

use crate::source::{Files, Listed};

use super::text;

/// Directories whose contents are nobody's export.
const PRUNED: [&str; 3] = [".git", ".terraform", "node_modules"];

/// The room that a file gets before its length is known: most exports fit.
const ROOM: usize = 1 << 14;

/// The disk, from the current directory on.
///
/// Links are followed within what is listed; one that leads out of it, or to a directory above itself, is
/// a fault. Directories called `.git`, `.terraform` and `node_modules` are passed over unless they are
/// asked for by name.
#[derive(Clone, Copy, Default, Debug)]
pub struct Disk;

impl Files for Disk {
    fn list(&self, root: &str) -> Vec<Listed> {
        let tree = Tree::new(root);
        let mut listed = in_parallel(&tree).unwrap_or_else(|| {
            tree.walk(Path::new(root), usize::MAX).filter_map(|it| listed(root, it)).collect()
        });
        listed.par_sort_by(|left, right| path_of(left).cmp(path_of(right)));
        listed
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read_into(path, &mut bytes)?;
        Ok(bytes)
    }

    fn read_into(&self, path: &str, buffer: &mut Vec<u8>) -> io::Result<()> {
        // Its length is not asked for: most exports are small, and a pipe has none.
        let file = File::open(path)?;
        buffer.clear();
        buffer.reserve(ROOM);
        file.take(text::LIMIT as u64 + 1).read_to_end(buffer)?;
        if buffer.len() > text::LIMIT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(())
    }
}

/// A root and what lies below it.
struct Tree<'r> {
    root: &'r str,
    /// Where the root lies, without links; found out when the first link is met.
    real: OnceLock<Option<PathBuf>>,
}

/// What was met on the way: an entry that may be looked at, one that leads out of the tree, or a fault.
enum Met {
    Entry(DirEntry),
    Outside(DirEntry),
    Fault(walkdir::Error),
}

impl<'r> Tree<'r> {
    fn new(root: &'r str) -> Self {
        Self { root, real: OnceLock::new() }
    }

    /// What stands at and below `from`, down to a depth.
    fn walk<'t>(&'t self, from: &Path, depth: usize) -> impl Iterator<Item = Met> + use<'t> {
        let is_wanted = |entry: &DirEntry| {
            let name = entry.file_name().to_str();
            entry.depth() == 0
                || !entry.file_type().is_dir()
                || !name.is_some_and(|name| PRUNED.contains(&name))
        };
        let entries = WalkDir::new(from).follow_links(true).max_depth(depth);
        let mut entries = entries.into_iter();
        std::iter::from_fn(move || {
            loop {
                let entry = match entries.next()? {
                    Ok(entry) => entry,
                    Err(error) => return Some(Met::Fault(error)),
                };
                let is_dir = entry.file_type().is_dir();
                if !is_wanted(&entry) {
                    entries.skip_current_dir();
                    continue;
                }
                if entry.depth() == 0 || !entry.path_is_symlink() || !self.is_outside(&entry) {
                    return Some(Met::Entry(entry));
                }
                if is_dir {
                    entries.skip_current_dir();
                }
                return Some(Met::Outside(entry));
            }
        })
    }

    /// Whether a link leads out of the tree. A root that is a link itself was asked for by name.
    fn is_outside(&self, link: &DirEntry) -> bool {
        let real = self.real.get_or_init(|| fs::canonicalize(self.root).ok());
        let target = fs::canonicalize(link.path()).ok();
        target.zip(real.as_ref()).is_none_or(|(target, root)| !target.starts_with(root))
    }
}

/// What stands at and below a root, its directories walked in parallel. Nothing where a link leads to a
/// directory: only one walk from the root knows whether that lies above the link.
fn in_parallel(tree: &Tree<'_>) -> Option<Vec<Listed>> {
    let told = |met: Met| match &met {
        Met::Entry(entry)
            if entry.depth() > 0 && entry.path_is_symlink() && entry.file_type().is_dir() =>
        {
            None
        }
        _ => Some(listed(tree.root, met)),
    };
    let below = |met: Met| -> Option<Vec<Option<Listed>>> {
        match &met {
            Met::Entry(directory)
                if directory.depth() > 0
                    && directory.file_type().is_dir()
                    && !directory.path_is_symlink() =>
            {
                tree.walk(directory.path(), usize::MAX).map(told).collect()
            }
            _ => Some(vec![told(met)?]),
        }
    };
    let top: Vec<_> = tree.walk(Path::new(tree.root), 1).collect();
    let found: Option<Vec<Vec<Option<Listed>>>> = top.into_par_iter().map(below).collect();
    Some(found?.into_iter().flatten().flatten().collect())
}

fn path_of(listed: &Listed) -> &str {
    match listed {
        Listed::File(path) | Listed::Outside(path) | Listed::Fault(path, _) => path,
    }
}

/// An entry as a path; nothing for directories, and for sockets and the like below the root.
fn listed(root: &str, met: Met) -> Option<Listed> {
    match met {
        Met::Entry(entry) if entry.file_type().is_dir() => None,
        Met::Entry(entry) if entry.depth() > 0 && !entry.file_type().is_file() => None,
        Met::Outside(entry) => {
            let path = printed(root, entry.path()).unwrap_or_else(|path| path);
            Some(Listed::Outside(path))
        }
        Met::Entry(entry) => Some(match printed(root, entry.path()) {
            Ok(path) => Listed::File(path),
            Err(path) => Listed::Fault(path, io::Error::other("its name is not UTF-8: rename it")),
        }),
        Met::Fault(error) => {
            let path = error.path().map(|path| printed(root, path));
            let path =
                path.map_or_else(|| root.to_owned(), |path| path.unwrap_or_else(|path| path));
            let cause = match error.loop_ancestor() {
                Some(_) => io::Error::other("a link to a directory above it: it has no end"),
                None => error.into(),
            };
            Some(Listed::Fault(path, cause))
        }
    }
}

/// `path` with `/` between its parts, without the `./` of a walk that began at `.`; an error where it
/// is no UTF-8.
fn printed(root: &str, path: &Path) -> Result<String, String> {
    let clean = |path: &str| {
        let path = path.strip_prefix("./").filter(|_| root == ".").unwrap_or(path);
        if MAIN_SEPARATOR == '/' { path.to_owned() } else { path.replace(MAIN_SEPARATOR, "/") }
    };
    path.to_str().map(clean).ok_or_else(|| clean(&path.to_string_lossy()))
}
