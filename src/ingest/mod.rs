//! Files to an inventory: walk, find out what each document is, read it, merge.
//!
//! [`load`] takes the files of a disk, a git revision, or edits laid over either. A document is known
//! by what it contains; its path only helps (which key an output is about that does not name its key).
//! The same facts in any order of files and pages give the same [`Inventory`]. What contradicts is
//! recorded as a conflict and the first by path counts; what is missing is recorded as a gap.
//!
//! Input never panics, and one bad file never hides the rest: it becomes a [`FileProblem`]. A file that
//! is no export is skipped and counted. Policies are not looked into here: what is wrong inside one its
//! own [`PolicyDocument`](crate::policy::PolicyDocument) says when it is asked.
//!
//! Spans count in the text that [`read_text`] gives: unpacked, and without a byte order mark.

mod authorization_details;
mod bare;
mod bare_keys;
mod beside;
mod cloudformation;
mod compared;
mod declared;
mod detect;
mod digest;
mod disk;
mod document;
mod endpoints;
mod facts;
mod file;
mod gaps;
mod given;
mod hint;
mod homes;
mod iam;
mod kms;
mod managed;
mod merge;
mod organizations;
mod parameters;
mod quotes;
mod recorded;
mod resolve;
pub mod scenario;
mod settle;
mod stored;
mod symbols;
mod terraform;
mod text;
mod worlds;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use rayon::prelude::*;

use crate::inventory::{Declared, Inventory};
use crate::policy::SharedPolicies;
use crate::source::{FileId, FileProblem, Files, LineIndex, Listed, ProblemKind, Sources, Span};

pub use declared::{Deployment, REGION};
pub use disk::Disk;
pub use parameters::{ParametersFault, parameters};

use cloudformation::manifest::Deployments;
use digest::Digests;
use symbols::Symbols;

/// How many files a core reads in one go, at most: one that is much larger than the others shall not keep
/// those behind it waiting.
const TOGETHER: usize = 64;

/// What was loaded.
#[derive(Debug)]
pub struct Loaded {
    /// What the files state, what is missing and what contradicts.
    pub inventory: Inventory,
    /// What is wrong with files, by path and place.
    pub problems: Vec<FileProblem>,
    /// What is wrong with the only file that was looked at, where it seems to be none of ours.
    pub aside: Option<FileProblem>,
    /// How many files were looked at.
    pub read: usize,
    /// How many of them gave facts.
    pub used: usize,
    /// How many of them are none of ours.
    pub skipped: usize,
    /// SHA-256 of all that was read, where it was asked for: what
    /// `(cd DIR && find . -type f | sed 's|^\./||' | LC_ALL=C sort | xargs sha256sum) | sha256sum` prints.
    pub digest: Option<String>,
    /// ARNs of who ran Terraform, as its plans say.
    pub callers: BTreeSet<Box<str>>,
    /// What infrastructure code among the files was deployed as.
    pub deployment: Deployment,
}

/// Loads every file at or below `paths`, in parallel, and merges what they state in the order of paths.
/// Infrastructure code among them is read as it would be deployed to an account that is not known.
pub fn load(files: &dyn Files, paths: &[String]) -> Loaded {
    load_deployed(files, paths, &Deployment::default())
}

/// Loads like [`load`], with infrastructure code as it would be deployed as `deployment` says.
pub fn load_deployed(files: &dyn Files, paths: &[String], deployment: &Deployment) -> Loaded {
    load_taking(files, paths, Sources::default(), deployment, |_| None)
}

/// Loads like [`load_deployed`] what will stand beside an inventory that came from `sources`: the files
/// are numbered behind those.
pub fn load_behind(
    files: &dyn Files,
    paths: &[String],
    sources: &Sources,
    deployment: &Deployment,
) -> Loaded {
    load_taking(files, paths, sources.clone(), deployment, |_| None)
}

/// Loads like [`load_deployed`], and takes the digest of what is read.
pub fn load_digested(files: &dyn Files, paths: &[String], deployment: &Deployment) -> Loaded {
    load_taking(files, paths, Sources::default(), deployment, |files| Some(Digests::new(files)))
}

fn load_taking(
    files: &dyn Files,
    roots: &[String],
    mut sources: Sources,
    deployment: &Deployment,
    digests: impl FnOnce(usize) -> Option<Digests>,
) -> Loaded {
    let (paths, mut problems) = list(files, roots);
    let first = sources.len();
    let digests = digests(paths.len());
    let policies = SharedPolicies::default();
    let some = |(nth, paths): (usize, &[String])| {
        let (mut read, mut buffer) = (Read::default(), Vec::new());
        for (path, number) in paths.iter().zip(first + nth * TOGETHER..) {
            let file = (FileId(to_u32(number)), path.as_str());
            read.add(file.0, file::read(files, file, &policies, digests.as_ref(), &mut buffer));
        }
        read
    };
    let parts: Vec<Read> = paths.par_chunks(TOGETHER).enumerate().map(some).collect();
    let mut read = Read::of(parts);
    read.wake(&paths, first, &policies);
    let Read { mut facts, problems: more, aside, used, skipped, .. } = read;
    problems.extend(more);
    let stored = std::mem::take(&mut facts.stored);
    stored::facts(stored, &paths).into_iter().for_each(|fact| facts.add(fact));
    let is_beside = facts.are_of_accounts();
    let input = terraform::Input { files, paths: &paths, first, is_beside };
    let declared = declare(&mut facts, deployment, input);
    problems.extend(declared.problems);
    let (used, skipped) = (used + declared.used, skipped + declared.skipped);
    problems.sort_by(|left, right| (&left.path, left.span).cmp(&(&right.path, right.span)));
    let read = paths.len();
    let aside = match paths.as_slice() {
        [only] if skipped > 0 => aside.or_else(|| file::broken_yaml(files, only)),
        [_] => aside,
        _ => None,
    };
    for path in paths {
        sources.add(path);
    }
    let sources = Arc::new(sources);
    let (mut inventory, digest) = rayon::join(
        || merge::merge(Arc::clone(&sources), facts),
        || {
            drop(policies);
            digests.map(|digests| digests.of_all(roots, &sources))
        },
    );
    bare_keys::add(&mut inventory, deployment);
    let (callers, deployment) = (declared.callers, deployment.clone());
    Loaded { inventory, problems, aside, read, used, skipped, digest, callers, deployment }
}

/// What infrastructure code among the files comes to.
#[derive(Default)]
struct Declaring {
    problems: Vec<FileProblem>,
    /// ARNs of who ran Terraform.
    callers: BTreeSet<Box<str>>,
    /// How many files of Terraform gave facts, and how many did not.
    used: usize,
    skipped: usize,
}

/// Evaluates infrastructure code, and adds its facts to those of the other files.
fn declare(
    facts: &mut merge::Facts,
    deployment: &Deployment,
    input: terraform::Input<'_>,
) -> Declaring {
    let mut templates = std::mem::take(&mut facts.templates);
    let sources = std::mem::take(&mut facts.terraform);
    let path = |file: FileId| {
        let nth = (file.0 as usize).saturating_sub(input.first);
        input.paths.get(nth).cloned().unwrap_or_default()
    };
    if terraform::held::is_held_in(&sources) {
        // What a template says matters for what the code around it speaks of.
        let has_keys = templates.iter().any(cloudformation::Template::has_keys);
        let input = terraform::Input { is_beside: input.is_beside || has_keys, ..input };
        let around = terraform::facts(input, &sources, deployment, Symbols::default());
        // What is filled in is no template before.
        let is_filled_in = |template: &cloudformation::Template| {
            let is_template = terraform::raw::is_template(&path(template.file));
            is_template && around.read.contains(&template.file)
        };
        let is_given =
            |template: &cloudformation::Template| around.held.files.contains(&template.file);
        templates.retain(|template| !is_filled_in(template) && !is_given(template));
        templates.extend(around.held.templates);
    }
    // Beside exports it would not be known which accounts sets of stacks are for.
    let sets = match input.is_beside {
        true => Vec::new(),
        false => cloudformation::held::of_sets(&templates, deployment),
    };
    let (held, labels): (Vec<_>, Vec<_>) = sets.into_iter().unzip();
    let accounts = held.iter().filter_map(cloudformation::Template::account);
    let labels: Vec<_> = accounts.zip(labels).collect();
    templates.extend(held);
    templates.sort_by_key(|template| template.file);
    // What one of the two languages leaves without a name the other can speak of, and exports as well.
    let is_beside = input.is_beside;
    // What one of the two makes of identities matters for the keys of the other.
    let has_keys = templates.iter().any(cloudformation::Template::has_keys);
    let input = terraform::Input { is_beside: is_beside || has_keys, ..input };
    let is_terraform = input.is_in(&sources);
    let is_code = is_terraform || !templates.is_empty();
    let is_beside = is_code && is_beside;
    let exported = if is_beside { beside::heard(facts) } else { Symbols::default() };
    let manifests = std::mem::take(&mut facts.manifests);
    let stacks = Deployments::new(&manifests, &templates, deployment, &path);
    let mut symbols = match !templates.is_empty() && (is_terraform || is_beside) {
        true => cloudformation::symbols(&templates, &stacks, &path),
        false => Symbols::default(),
    };
    symbols.append(&exported);
    let evaluated = || {
        let modules = terraform::facts(input, &sources, deployment, symbols.clone());
        let found = cloudformation::facts(&templates, &stacks, &modules.symbols, &path);
        (modules, found)
    };
    let (mut modules, mut found) = evaluated();
    let mut homes = modules.symbols.homes.clone();
    homes.append(&found.homes);
    if symbols.compared.learn(&homes) {
        (modules, found) = evaluated();
    }
    let (used, skipped) = (modules.files.len(), sources.len().saturating_sub(modules.files.len()));
    let mut made = Declaring { used, skipped, callers: modules.callers, ..Declaring::default() };
    let mut files: BTreeSet<FileId> = templates.iter().map(|template| template.file).collect();
    // Templates of a run are those of one account.
    let mut parts = modules.of_roots;
    parts.push(files.clone());
    files.extend(&modules.files);
    made.problems = modules.problems;
    facts.loose.retain(|policy| !modules.read.contains(&policy.document.place.file));
    if is_beside && let Some(why) = apart(facts, &modules.symbols) {
        let first = files.first().map(|file| left_out(path(*file), files.len(), why));
        made.problems.extend(first);
        return made;
    }
    found.unmade.append(modules.unmade);
    found.assumed.extend(found.unmade.words());
    found.assumed.append(&mut modules.assumed);
    if files.is_empty() && modules.unresolved.is_empty() && found.assumed.is_empty() {
        return made;
    }
    if is_beside {
        beside::read_again(facts, &modules.symbols);
    }
    found.facts.into_iter().chain(modules.facts).for_each(|fact| facts.add(fact));
    let mut unresolved = found.unresolved;
    unresolved.extend(modules.unresolved);
    unresolved.sort_by(|left, right| (left.place, &left.value).cmp(&(right.place, &right.value)));
    facts.symbols = modules.symbols;
    // Code is also what declares nothing: variables, and texts that expressions read.
    files.extend(sources.iter().map(|source| source.file));
    files.extend(&modules.read);
    let (assumed, mut accounts) = (found.assumed, modules.labels);
    accounts.extend(labels.into_iter().map(|(account, label)| (account, label.into())));
    facts.declared =
        Some(Declared { files, unresolved, parts, assumed, accounts, ..Declared::default() });
    made
}

/// Why code cannot be looked at together with the exports beside it.
#[derive(Clone, Copy)]
enum Apart {
    /// It may be of any of their accounts.
    Account,
    /// What a scenario says is complete, and it does not say what the code makes.
    Scenario,
}

fn apart(facts: &merge::Facts, symbols: &Symbols) -> Option<Apart> {
    if symbols.homes.open_accounts().next().is_some() {
        return Some(Apart::Account);
    }
    (!facts.worlds.is_empty() && !symbols.is_empty()).then_some(Apart::Scenario)
}

/// Code that cannot be looked at together with the exports beside it: the first of `count` files.
fn left_out(path: String, count: usize, why: Apart) -> FileProblem {
    let others = match count {
        0 | 1 => "left out".to_owned(),
        2 => "left out with another file of infrastructure code".to_owned(),
        count => format!("left out with {} other files of infrastructure code", count - 1),
    };
    let (why, help) = match why {
        Apart::Account => (
            "exports of real accounts stand beside it, and nothing says to which account all of it \
             is deployed",
            "pass `--account ID` (and `--var` for the roles that providers assume), or check the two \
             apart",
        ),
        Apart::Scenario => (
            "a scenario stands beside it, and nothing says which of its names and Regions are meant",
            "check the two apart",
        ),
    };
    FileProblem {
        kind: ProblemKind::Unusable,
        path,
        span: None,
        position: None,
        message: format!("{others}: {why}"),
        help: help.to_owned(),
    }
}

/// What was read of some files, in their order.
#[derive(Default)]
struct Read {
    facts: merge::Facts,
    problems: Vec<FileProblem>,
    /// What is wrong with the first file that seems to be none of ours.
    aside: Option<FileProblem>,
    used: usize,
    skipped: usize,
    /// Templates that matter only beside what has to do with keys.
    idle: Vec<(FileId, Box<str>)>,
}

impl Read {
    fn add(&mut self, file: FileId, outcome: file::Outcome) {
        self.used += usize::from(outcome.is_used());
        self.skipped += usize::from(outcome.is_skipped());
        self.problems.extend(outcome.problems);
        self.aside = self.aside.take().or(outcome.aside);
        outcome.facts.into_iter().for_each(|fact| self.facts.add(fact));
        self.idle.extend(outcome.idle.map(|text| (file, text)));
    }

    /// Reads the templates that were left aside, where something beside them has to do with keys; else they
    /// are none of ours.
    fn wake(&mut self, paths: &[String], first: usize, policies: &SharedPolicies) {
        let idle = std::mem::take(&mut self.idle);
        if self.facts.are_without_keys() {
            return;
        }
        self.skipped -= idle.len();
        let read = |(file, text): (FileId, Box<str>)| {
            let nth = (file.0 as usize).saturating_sub(first);
            let path = paths.get(nth).map(String::as_str).unwrap_or_default();
            (file, file::read_idle((file, path), &text, policies))
        };
        let read: Vec<_> = idle.into_par_iter().map(read).collect();
        read.into_iter().for_each(|(file, outcome)| self.add(file, outcome));
    }

    /// What was read in parts, one behind the other.
    fn of(mut parts: Vec<Self>) -> Self {
        let aside = parts.iter_mut().find_map(|part| part.aside.take());
        let used = parts.iter().map(|part| part.used).sum();
        let skipped = parts.iter().map(|part| part.skipped).sum();
        let idle = parts.iter_mut().flat_map(|part| std::mem::take(&mut part.idle)).collect();
        let (facts, problems): (Vec<_>, Vec<_>) =
            parts.into_iter().map(|part| (part.facts, part.problems)).unzip();
        let problems = problems.into_iter().flatten().collect();
        Self { facts: merge::Facts::of(facts), problems, aside, used, skipped, idle }
    }
}

/// The text of a file as [`load`] read it: unpacked, without a byte order mark.
///
/// # Errors
/// Why it cannot be read as text.
pub fn read_text(files: &dyn Files, path: &str) -> Result<String, FileProblem> {
    let bytes = files.read(path).map_err(|error| unreadable(path, &error))?;
    text::decode(bytes).map_err(|(fault, _)| fault.problem(path))
}

/// The files at or below `paths`, sorted, each once; and what could not be walked.
fn list(files: &dyn Files, roots: &[String]) -> (Vec<String>, Vec<FileProblem>) {
    let (mut paths, mut problems) = (Vec::new(), Vec::new());
    let mut roots_seen = BTreeSet::new();
    for root in roots.iter().filter(|root| roots_seen.insert(root.as_str())) {
        for listed in files.list(root) {
            match listed {
                Listed::File(path) => paths.push(path),
                Listed::Outside(path) => problems.push(outside(path)),
                Listed::Fault(path, error) => problems.push(unreadable(&path, &error)),
            }
        }
    }
    if !paths.is_sorted() {
        paths.par_sort_unstable();
    }
    paths.dedup();
    problems.dedup();
    (paths, problems)
}

/// A link that is not followed.
fn outside(path: String) -> FileProblem {
    FileProblem {
        kind: ProblemKind::Unreadable,
        path,
        span: None,
        position: None,
        message: "a link that leads out of the given paths: it is not followed".to_owned(),
        help: "give keyreach the path it leads to, or put the file itself here".to_owned(),
    }
}

fn unreadable(path: &str, error: &io::Error) -> FileProblem {
    let (kind, message, help) = match error.kind() {
        io::ErrorKind::NotFound => (
            ProblemKind::NotFound,
            "not found".to_owned(),
            "check the path; a link may lead to a file that is gone",
        ),
        io::ErrorKind::FileTooLarge => return text::TextFault::TooLarge.problem(path),
        _ => (
            ProblemKind::Unreadable,
            format!("cannot be read: {}", lower_first(&error.to_string())),
            "make it readable for this user, or leave it out of the paths",
        ),
    };
    let path = path.to_owned();
    FileProblem { kind, path, span: None, position: None, message, help: help.to_owned() }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_lowercase().to_string()).unwrap_or_default();
    first + chars.as_str()
}

/// A problem at `span` of a text.
fn problem_at(
    kind: ProblemKind,
    path: &str,
    text: &str,
    span: Option<Span>,
    message: String,
    help: &str,
) -> FileProblem {
    let position = span.map(|span| LineIndex::new(text).position(text, span.start));
    FileProblem { kind, path: path.to_owned(), span, position, message, help: help.to_owned() }
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
