//! `--config`, `--no-config`, `--baseline`: where the user's choices are, and what is wrong with them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::audit::Control;
use crate::audit::assertions::Assertion;
use crate::config::{self, Config};
use crate::diag::{Diagnostic, Label, Severity, Snippet};
use crate::findings::{Base, Baseline};
use crate::ingest::Loaded;
use crate::source::{FileId, Sources};

use super::Fault;
use super::terminal::Terminal;

/// The options that say which configuration counts.
#[derive(Default, clap::Args)]
pub(super) struct ConfigChoice {
    /// Take the configuration from there; else the keyreach.yaml at or above what is checked counts.
    #[arg(long, value_name = "FILE", conflicts_with = "no_config")]
    config: Option<String>,
    /// Take no configuration.
    #[arg(long)]
    no_config: bool,
}

/// The options that say where choices are.
#[derive(clap::Args)]
pub(super) struct Choices {
    #[command(flatten)]
    pub(super) config: ConfigChoice,
    /// Leave out the findings that this file knows, written by --write-baseline.
    #[arg(long, value_name = "FILE")]
    baseline: Option<String>,
    /// Write what is found there and leave it out, to begin with; any --baseline is left aside.
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
}

impl ConfigChoice {
    /// The configuration for `paths`, and its place among the files that were read.
    ///
    /// # Errors
    /// There are two, it cannot be read, or something in it means nothing.
    pub(super) fn config(
        &self,
        paths: &[String],
        sources: &mut Arc<Sources>,
        terminal: Terminal,
    ) -> Result<(Config, Option<PathBuf>), Fault> {
        let Some(path) = self.find(paths)? else {
            return Ok((Config::default(), None));
        };
        let text = read(&path)?;
        let current = std::env::current_dir()?;
        let whole = current.join(&path);
        let folder = whole.parent().unwrap_or(&current).to_owned();
        let base = Base { current, folder: folder.clone() };
        let (config, mut faults) =
            config::read(&text, file(sources, &path), Arc::new(base.clone()));
        if let Some(span) = config.first_glob.filter(|_| faults.is_empty())
            && !paths.iter().any(|path| touches(&base, path))
        {
            let folder = folder.display();
            faults.push(config::Fault {
                span,
                message: format!(
                    "no file that is checked lies in {folder}, where patterns count from"
                ),
                help: "put the configuration at or above what is checked".to_owned(),
            });
        }
        refuse(&path, &text, &faults, terminal)?;
        Ok((config, Some(folder)))
    }

    /// The configuration that counts for `paths`; none where two do.
    pub(super) fn nearest(&self, paths: &[String]) -> Result<Option<String>, Fault> {
        match self.find(paths) {
            Err(Fault::Usage(_)) => Ok(None),
            found => found,
        }
    }

    fn find(&self, paths: &[String]) -> Result<Option<String>, Fault> {
        if self.no_config || self.config.is_some() {
            return Ok(self.config.clone());
        }
        let mut found: BTreeSet<String> = BTreeSet::new();
        for path in paths {
            found.extend(above(Path::new(path))?);
        }
        let mut found = found.into_iter();
        match (found.next(), found.next()) {
            (Some(one), Some(other)) => Err(Fault::Usage(format!(
                "two configurations: {one} and {other}; name the one that counts with --config"
            ))),
            (one, _) => Ok(one),
        }
    }
}

impl Choices {
    /// Where a baseline is to be written.
    pub(super) fn write_baseline(&self) -> Option<&Path> {
        self.write_baseline.as_deref()
    }

    /// The baseline that is to be left out.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub(super) fn baseline(
        &self,
        sources: &mut Arc<Sources>,
        terminal: Terminal,
    ) -> Result<Option<Baseline>, Fault> {
        let wanted = self.baseline.as_ref().filter(|_| self.write_baseline.is_none());
        let Some(path) = wanted else {
            return Ok(None);
        };
        let text = read(path)?;
        match config::read_baseline(&text, file(sources, path)) {
            Ok(baseline) => Ok(Some(baseline)),
            Err(faults) => refuse(path, &text, &faults, terminal).map(|()| None),
        }
    }
}

/// The assertions in files of their own among those that were read.
///
/// # Errors
/// One cannot be read, or something in it means nothing.
pub(super) fn assertions(sources: &Sources, terminal: Terminal) -> Result<Vec<Assertion>, Fault> {
    let mut found = Vec::new();
    for (nth, path) in sources.paths().enumerate() {
        if config::ASSERTED.iter().any(|ending| path.ends_with(ending)) {
            let (text, file) = (read(path)?, FileId(u32::try_from(nth).unwrap_or(u32::MAX)));
            let (assertions, faults) = config::read_assertions(&text, file);
            refuse(path, &text, &faults, terminal)?;
            found.extend(assertions);
        }
    }
    Ok(found)
}

/// What the choices come to for a world that was loaded.
pub(super) fn control(
    config: Config,
    baseline: Option<Baseline>,
    loaded: &Loaded,
    covers: bool,
) -> Control {
    Control {
        settings: config.settings,
        rules: config.rules,
        paths: config.paths,
        suppressions: config.ignore,
        assumptions: config.assumptions,
        assertions: config.assertions,
        baseline,
        complete: covers && loaded.problems.is_empty(),
    }
}

/// Whether all of `folder` is checked.
pub(super) fn covers(folder: Option<&Path>, paths: &[String]) -> bool {
    let Ok(current) = std::env::current_dir() else {
        return false;
    };
    let Some(folder) = folder else {
        return true;
    };
    paths.iter().any(|path| {
        let base = Base { current: current.clone(), folder: current.join(path) };
        base.inside(&folder.display().to_string()).is_some()
    })
}

/// Whether `path` lies in the directory of the configuration, or holds it.
fn touches(base: &Base, path: &str) -> bool {
    base.inside(path).is_some() || covers(Some(&base.folder), &[path.to_owned()])
}

/// The nearest configurations at or above `path`, as they are printed; the root of a git work tree is as far
/// as one looks.
fn above(path: &Path) -> io::Result<Vec<String>> {
    let current = std::env::current_dir()?;
    let whole = current.join(path);
    let whole = fs::canonicalize(&whole).unwrap_or(whole);
    let current = fs::canonicalize(&current).unwrap_or(current);
    let from = if whole.is_dir() { Some(&*whole) } else { whole.parent() };
    for folder in from.into_iter().flat_map(Path::ancestors) {
        let files = config::NAMES.map(|name| folder.join(name));
        let found: Vec<String> = files
            .iter()
            .filter(|file| file.is_file())
            .map(|file| file.strip_prefix(&current).unwrap_or(file).display().to_string())
            .collect();
        if !found.is_empty() {
            return Ok(found);
        }
        if folder.join(".git").exists() {
            break;
        }
    }
    Ok(Vec::new())
}

/// The text of a file of the user's.
pub(super) fn read(path: &str) -> Result<String, Fault> {
    let text = fs::read_to_string(path).map_err(Fault::read(path))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The id of a file among those that were read; it is added where it is not there.
fn file(sources: &mut Arc<Sources>, path: &str) -> FileId {
    let known = sources.paths().position(|known| known == path);
    match known.and_then(|nth| u32::try_from(nth).ok()) {
        Some(nth) => FileId(nth),
        None => Arc::make_mut(sources).add(path.to_owned()),
    }
}

/// Tells the faults of a file of the user's, each at its place, and ends the run.
pub(super) fn refuse(
    path: &str,
    text: &str,
    faults: &[config::Fault],
    terminal: Terminal,
) -> Result<(), Fault> {
    for fault in faults {
        let snippet = Snippet::new(path, text, [Label::primary(fault.span, "")]);
        let mut diagnostic = Diagnostic::new(Severity::High, &fault.message).snippet(snippet);
        if !fault.help.is_empty() {
            diagnostic = diagnostic.help(&fault.help);
        }
        terminal.stderr().tell(&diagnostic)?;
    }
    match faults.len() {
        0 => Ok(()),
        1 => Err(Fault::Usage(format!("cannot use {path}: 1 fault"))),
        count => Err(Fault::Usage(format!("cannot use {path}: {count} faults"))),
    }
}
