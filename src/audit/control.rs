//! What the user chose not to hear, applied to what the rules found.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::KeyArn;
use crate::aws::pattern::takes;
use crate::decision::Assumptions;
use crate::findings::{Baseline, Choice, Finding, PathRules, Reach, Suppressed, Suppression, What};
use crate::inventory::Inventory;
use crate::rules::{Registered, Settings, Stale};
use crate::source::{Place, Span};

use super::Texts;
use super::assertions::Assertion;

/// What the user chose.
#[derive(Default)]
pub struct Control {
    /// What rules take as intended.
    pub settings: Settings,
    /// What becomes of rules, by name; a rule that is off is not to be run at all.
    pub rules: BTreeMap<&'static str, Choice>,
    /// The same for some files; the last that names a rule counts.
    pub paths: Vec<PathRules>,
    /// What is not to be told.
    pub suppressions: Vec<Suppression>,
    /// What every request is taken to carry.
    pub assumptions: Assumptions,
    /// What is asserted.
    pub assertions: Vec<Assertion>,
    /// What was there before.
    pub baseline: Option<Baseline>,
    /// Whether all that the suppressions could speak of was read: a suppression that met nothing is then
    /// one that does nothing.
    pub complete: bool,
}

/// Findings that are not shown, counted.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Aside {
    /// Ignored by the configuration or by a comment.
    pub suppressed: usize,
    /// There before.
    pub baselined: usize,
}

impl Control {
    /// Gives findings the severity that was chosen, and drops those of rules that are off in their files.
    pub(super) fn choose(&self, world: &Inventory, findings: &mut Vec<Finding>) {
        if self.rules.is_empty() && self.paths.is_empty() {
            return;
        }
        findings.retain_mut(|finding| {
            let path = path(world, finding);
            let of_paths =
                self.paths.iter().rev().filter(|one| one.rules.contains_key(finding.rule));
            let of_path = of_paths
                .filter(|one| one.files.take(path))
                .find_map(|one| one.rules.get(finding.rule));
            match of_path.or_else(|| self.rules.get(finding.rule)) {
                Some(Choice::Off) => return false,
                Some(Choice::Severity(severity)) => finding.severity = *severity,
                Some(Choice::On) | None => {}
            }
            true
        });
    }

    /// Takes suppressed findings out, and says which suppressions met one. A suppression that names
    /// principals takes those out of a finding, which stays for the others; what is wrong with an inline
    /// policy concerns whose it is.
    pub(super) fn suppress(
        &self,
        world: &Inventory,
        texts: &Texts<'_>,
        now: i64,
        findings: &mut Vec<Finding>,
    ) -> (Vec<Finding>, BTreeSet<usize>) {
        let (mut suppressed, mut met) = (Vec::new(), BTreeSet::new());
        let live: Vec<(usize, &Suppression)> = self
            .suppressions
            .iter()
            .enumerate()
            .filter(|(_, one)| one.until.as_ref().is_none_or(|(end, _)| now < *end))
            .collect();
        if live.is_empty() {
            return (suppressed, met);
        }
        findings.retain_mut(|finding| {
            for (nth, suppression) in &live {
                if !means(suppression, world, texts, finding) {
                    continue;
                }
                if suppression.principals.is_empty() || is_owned(suppression, finding) {
                    met.insert(*nth);
                    suppressed.push(finding.clone());
                    return false;
                }
                let whole = finding.clone();
                finding.leave_out(|arn| of_principal(&suppression.principals, arn));
                if finding.principals.len() < whole.principals.len() {
                    met.insert(*nth);
                    if finding.principals.is_empty() {
                        suppressed.push(whole);
                        return false;
                    }
                }
            }
            true
        });
        (suppressed, met)
    }

    /// The suppressions that do nothing: expired, or without a finding though all that they could speak of
    /// was read.
    pub(super) fn stale(
        &self,
        world: &Inventory,
        ran: &[&Registered],
        now: i64,
        met: &BTreeSet<usize>,
    ) -> Vec<Stale> {
        let ran: BTreeSet<&str> = ran.iter().map(|rule| rule.metadata.slug).collect();
        let mut stale = Vec::new();
        for (nth, suppression) in self.suppressions.iter().enumerate() {
            let expired = suppression.until.as_ref().filter(|(end, _)| now >= *end);
            let could_meet = self.complete
                && world.gaps.is_empty()
                && is_run(suppression, &ran)
                && is_in_scope(suppression, world);
            if expired.is_some() || (could_meet && !met.contains(&nth)) {
                stale.push(Stale {
                    place: suppression.place,
                    span: Some(suppression.span),
                    what: described(suppression),
                    several: false,
                    expired: expired.map(|(_, day)| day.clone()),
                    // One that has expired may have to be decided anew.
                    taken_out: expired.is_none().then(|| taken_out(suppression)),
                });
            }
        }
        stale
    }

    /// What of the baseline is not among the fingerprints that are `there`, though its keys and rules were
    /// looked at.
    pub(super) fn stale_baseline(
        &self,
        world: &Inventory,
        ran: &[&Registered],
        there: &BTreeSet<String>,
    ) -> Option<Stale> {
        let baseline = self.baseline.as_ref().filter(|_| self.complete && world.gaps.is_empty())?;
        let ran: BTreeSet<&str> = ran.iter().map(|rule| rule.metadata.slug).collect();
        let is_gone = |(fingerprint, known): &(&String, &crate::findings::Known)| {
            !there.contains(*fingerprint)
                && ran.contains(&*known.rule)
                && known.key.as_ref().is_none_or(|key| is_covered(world, key))
        };
        let mut gone = baseline.known.iter().filter(is_gone);
        let (_, first) = gone.next()?;
        let (what, several) = match gone.count() {
            0 => (format!("an entry of the baseline, for {},", first.rule), false),
            others => (format!("{} entries of the baseline", others + 1), true),
        };
        let (place, span) = (baseline.place, Some(first.span));
        // The baseline is written anew, and not by hand.
        Some(Stale { place, span, what, several, expired: None, taken_out: None })
    }
}

/// The file that a finding stands in.
fn path<'w>(world: &'w Inventory, finding: &Finding) -> &'w str {
    finding.labels.first().map_or("", |label| world.sources.path(label.place.file))
}

fn means(
    suppression: &Suppression,
    world: &Inventory,
    texts: &Texts<'_>,
    finding: &Finding,
) -> bool {
    let is_what = match &suppression.what {
        Suppressed::Rules(rules) => rules.contains(&finding.rule),
        Suppressed::Fingerprint(fingerprint) => *fingerprint == finding.fingerprint(),
    };
    let of_key = || match &finding.key {
        Some(key) => suppression.keys.iter().any(|pattern| is_key(world, key, pattern)),
        None => false,
    };
    is_what
        && (suppression.keys.is_empty() || of_key())
        && match &suppression.files {
            Reach::Everywhere => true,
            Reach::Files(files) => files.take(path(world, finding)),
            Reach::Line(line) => stands_on(suppression, *line, texts, finding),
        }
}

/// Whether the primary label of a finding covers a line of the file that the suppression is written in, or names what
/// holds that line, or the statement that it is about begins there.
fn stands_on(suppression: &Suppression, line: u32, texts: &Texts<'_>, finding: &Finding) -> bool {
    let Some(label) = finding.labels.first() else {
        return false;
    };
    if label.place.file != suppression.place.file {
        return false;
    }
    let Some(whole) = texts.whole(label.place.file) else {
        return false;
    };
    let lines = |place: Place, span: Option<Span>| {
        let span = span.map_or(place.span, |span| place.locate(&whole.text, span));
        let last = span.end.saturating_sub(1).max(span.start);
        whole.lines.line(span.start)..=whole.lines.line(last)
    };
    let named = || {
        let end =
            label.span.map_or(label.place.span, |span| label.place.locate(&whole.text, span)).end;
        block_below(&whole.text, end).is_some_and(|below| {
            let first = whole.lines.line(end);
            (first..=first.saturating_add(below)).contains(&line)
        })
    };
    let of_cause = finding.cause.filter(|(place, _)| place.file == label.place.file);
    lines(label.place, label.span).contains(&line)
        || named()
        || of_cause.is_some_and(|(place, span)| *lines(place, span).start() == line)
}

/// How many lines stand below a name of YAML that ends at `end`, as what it names; nothing where it is none.
fn block_below(text: &str, end: u32) -> Option<u32> {
    let (before, rest) = text.split_at_checked(end as usize)?;
    let own = before.rsplit('\n').next().unwrap_or_default();
    let depth = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let (own_rest, below) = rest.strip_prefix(':')?.split_once('\n')?;
    let is_alone = own_rest.trim().is_empty() || own_rest.trim().starts_with('#');
    let is_below = |line: &&str| line.trim().is_empty() || depth(line) > depth(own);
    is_alone.then(|| u32::try_from(below.lines().take_while(is_below).count()).ok()).flatten()
}

/// Whether `pattern` names the key: its ARN, its id or an alias.
fn is_key(world: &Inventory, arn: &KeyArn, pattern: &str) -> bool {
    let of_alias = || {
        let key = world.keys.get(arn);
        key.is_some_and(|key| {
            world.aliases_of(key).any(|alias| {
                takes(pattern, alias.arn.name()) || takes(pattern, &alias.arn.to_string())
            })
        })
    };
    takes(pattern, arn.as_str()) || takes(pattern, arn.id()) || of_alias()
}

/// Whether one of the patterns names the principal: its ARN, or what stands behind its account.
fn of_principal(patterns: &[String], arn: &str) -> bool {
    let short = arn.splitn(6, ':').nth(5).unwrap_or(arn);
    patterns.iter().any(|pattern| takes(pattern, arn) || takes(pattern, short))
}

/// Whether a finding that concerns nobody by name is about an inline policy of one whom the suppression names.
fn is_owned(suppression: &Suppression, finding: &Finding) -> bool {
    let subjects = finding.instance.iter().chain([&finding.subject]);
    let mut owners = subjects.filter_map(|it| Some(it.split_once("/inline/")?.0));
    finding.principals.is_empty()
        && owners.any(|owner| of_principal(&suppression.principals, owner))
}

fn is_run(suppression: &Suppression, ran: &BTreeSet<&str>) -> bool {
    match &suppression.what {
        Suppressed::Rules(rules) => rules.iter().all(|rule| ran.contains(rule)),
        Suppressed::Fingerprint(_) => true,
    }
}

/// Whether something that a suppression speaks of was looked at.
fn is_in_scope(suppression: &Suppression, world: &Inventory) -> bool {
    let of_keys = suppression.keys.is_empty()
        || suppression.keys.iter().any(|pattern| match KeyArn::parse(pattern) {
            Some(key) => is_covered(world, &key),
            None => world.keys.keys().any(|key| is_key(world, key, pattern)),
        });
    let of_files = match &suppression.files {
        Reach::Files(files) => world.sources.paths().any(|path| files.take(path)),
        Reach::Everywhere | Reach::Line(_) => true,
    };
    of_keys && of_files
}

/// Whether keys of its account and Region were looked at.
fn is_covered(world: &Inventory, key: &KeyArn) -> bool {
    let is_beside =
        |other: &KeyArn| other.account() == key.account() && other.region() == key.region();
    world.keys.keys().any(is_beside)
}

/// How a suppression is taken out of the file that it is written in.
fn taken_out(suppression: &Suppression) -> What {
    match &suppression.files {
        Reach::Line(_) => What::Comment,
        Reach::Everywhere | Reach::Files(_) => What::TakeOut,
    }
}

/// What a suppression is, in a sentence.
fn described(suppression: &Suppression) -> String {
    let what = match &suppression.what {
        Suppressed::Rules(rules) => rules.join(", "),
        Suppressed::Fingerprint(fingerprint) => format!("finding {fingerprint}"),
    };
    let of = |what: &str, names: &[String]| match names.is_empty() {
        true => String::new(),
        false => format!(" {what} {}", names.join(", ")),
    };
    let (keys, principals) = (of("on", &suppression.keys), of("for", &suppression.principals));
    format!("the suppression of {what}{keys}{principals}")
}
