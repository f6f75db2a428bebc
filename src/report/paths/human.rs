//! Paths for people: by key, those who take the same steps together.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write};

use crate::aws::AccountId;
use crate::decision::{Caller, CallerKind, Citation, ContextValue, Why};
use crate::diag::{Renderer, Severity};
use crate::graph::{Call, Gives, Hop, Path, is_stand_in, is_written};

use super::super::basis::{opening, plural, some};
use super::super::citing;
use super::{CAPPED, PathsReport};

/// What of it is shown beside the paths.
#[derive(Clone, Copy, Default, Debug)]
pub struct Shown {
    /// The statements, underlined.
    pub snippets: bool,
    /// Ways that hang on what is not known.
    pub unknown: bool,
}

/// Writes what the paths stand on, and the paths.
///
/// # Errors
/// What `out` says.
pub fn write(
    out: &mut dyn Write,
    report: &PathsReport<'_>,
    renderer: &Renderer,
    shown: Shown,
) -> io::Result<()> {
    for line in opening(report.basis, "who could get to a key") {
        renderer.paragraph(out, &line, "  ")?;
    }
    let found = report.found;
    renderer.paragraph(out, &told(report), "  ")?;
    if found.capped {
        renderer.paragraph(out, CAPPED, "  ")?;
    }
    by_key(out, report, renderer, &found.paths, shown.snippets)?;
    if found.supposed > 0 {
        writeln!(out)?;
        let count = plural(found.supposed, "more way");
        let tail = match shown.unknown {
            true => ", and not executed:",
            false => ": --unknown prints them",
        };
        renderer.paragraph(
            out,
            &format!("Unknown: {count}, where what is not known says so{tail}"),
            "  ",
        )?;
        if shown.unknown {
            by_key(out, report, renderer, &found.unknown, false)?;
        }
    }
    if !found.broken.is_empty() {
        writeln!(out)?;
        let count = plural(found.broken.len(), "way");
        let text = format!(
            "{count} should lead to a key and did not when executed: a fault of keyreach, please report it"
        );
        renderer.paragraph(out, &text, "  ")?;
        for broken in &found.broken {
            let failure = broken.failure.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
            let text = format!("- {} to {}{failure}", broken.from, broken.key);
            renderer.paragraph(out, &text, "  ")?;
        }
    }
    Ok(())
}

fn by_key(
    out: &mut dyn Write,
    report: &PathsReport<'_>,
    renderer: &Renderer,
    paths: &[Path],
    snippets: bool,
) -> io::Result<()> {
    let mut by_key: BTreeMap<String, BTreeMap<Vec<String>, Vec<&Path>>> = BTreeMap::new();
    for path in paths {
        let key = report.world.key(&path.key);
        let name = key.map_or_else(|| path.key.to_string(), |key| report.world.shown_key(key));
        by_key.entry(name).or_default().entry(steps(report, path)).or_default().push(path);
    }
    for (key, ways) in by_key {
        writeln!(out)?;
        renderer.paragraph(out, &format!("== {key}"), "   ")?;
        for (steps, paths) in ways {
            way(out, report, renderer, &steps, &paths, snippets)?;
        }
    }
    Ok(())
}

/// What was looked for.
pub(super) fn bound(max_primitives: usize) -> String {
    format!(
        "Looked for: ways that change policies, identities or keys {}",
        match max_primitives {
            0 => "nowhere".to_owned(),
            1 => "once at most".to_owned(),
            2 => "twice at most".to_owned(),
            more => format!("{more} times at most"),
        }
    )
}

fn told(report: &PathsReport<'_>) -> String {
    let paths = &report.found.paths;
    let bound = bound(report.max_primitives);
    match paths.len() {
        0 if report.found.supposed == 0 => {
            format!("{bound}. Found: nobody else can get there in the world as it was exported.")
        }
        0 => format!("{bound}. Found: nobody who can get there for certain."),
        count => {
            let mut from: Vec<_> = paths.iter().map(|path| &path.from).collect();
            from.sort();
            from.dedup();
            let who = plural(from.len(), "principal");
            format!("{bound}. Found: {} of {who}, each executed.", plural(count, "path"))
        }
    }
}

fn way(
    out: &mut dyn Write,
    report: &PathsReport<'_>,
    renderer: &Renderer,
    steps: &[String],
    paths: &[&Path],
    snippets: bool,
) -> io::Result<()> {
    let Some(first) = paths.first() else { return Ok(()) };
    let names: Vec<String> = setting_out(report, paths).map(|it| named(report, it)).collect();
    writeln!(out)?;
    renderer.paragraph(out, &some(names.iter().map(String::as_str)), "  ")?;
    for (nth, step) in steps.iter().enumerate() {
        renderer.paragraph(out, &format!("  {}. {step}", nth + 1), "     ")?;
        let cited = match first.hops.get(nth) {
            Some(hop) => &hop.because,
            None => &first.because,
        };
        if snippets {
            let known: Vec<Citation> = cited.iter().filter(|it| !is_written(it)).cloned().collect();
            let text = format!("step {} is allowed", nth + 1);
            renderer.render(out, &citing::told(report.texts, text, Severity::Info, &known))?;
        }
    }
    let doubts: Vec<String> = first.doubts.iter().map(doubt).collect();
    if !doubts.is_empty() {
        let text = format!("  Not certain: {}", doubts.join("; "));
        renderer.paragraph(out, &text, "     ")?;
    }
    Ok(())
}

/// Those who set out, without those outside the export for whom another one of them stands.
fn setting_out<'p>(
    report: &PathsReport<'_>,
    paths: &[&'p Path],
) -> impl Iterator<Item = &'p Caller> {
    let from = || paths.iter().map(|path| &path.from);
    let stands = |from: &Caller| from.kind == CallerKind::Role && is_stand_in(report.world, from);
    let whole: BTreeSet<AccountId> =
        from().filter(|it| stands(it)).filter_map(|it| it.account).collect();
    let told = from().filter(|it| stands(it) || it.account.is_none_or(|at| !whole.contains(&at)));
    told.collect::<Vec<_>>().into_iter()
}

/// Who sets out, and whom else it stands for.
fn named(report: &PathsReport<'_>, from: &Caller) -> String {
    match from.account.filter(|_| is_stand_in(report.world, from)) {
        Some(account) => {
            let kind = match from.kind {
                CallerKind::User => "user",
                _ => "principal",
            };
            format!("{from} (any {kind} of account {account} that the account itself allows)")
        }
        None => from.text.to_string(),
    }
}

fn doubt(why: &Why) -> String {
    match why {
        Why::Missing(what) => format!("{what} was not exported"),
        Why::Open(point) => format!("AWS leaves {point} open"),
        Why::Undecided => "not decidable within the caps".to_owned(),
    }
}

/// The steps of a path, the goal last; `it` is the one who sets out.
fn steps(report: &PathsReport<'_>, path: &Path) -> Vec<String> {
    let who = |text: &str| match text == &*path.from.text {
        true => "it".to_owned(),
        false => short(text).to_owned(),
    };
    let mut all: Vec<String> = path.hops.iter().map(|hop| step(report, path, hop, &who)).collect();
    let mut goal = format!("{}: {}", who(&path.goal_as.text), path.goal.as_str());
    if path.goal_key != path.key {
        let _ = write!(goal, " with the replica {}", path.goal_key);
    }
    goal.push_str(&when(path.context.entries().map(|entry| (&*entry.name, &entry.value))));
    goal.push_str(&because(report, &path.because));
    all.push(goal);
    all
}

fn step(report: &PathsReport<'_>, path: &Path, hop: &Hop, who: &impl Fn(&str) -> String) -> String {
    let mut text = format!("{}: {}", who(&hop.caller.text), hop.call.name());
    if let Some(on) = on(path, &hop.call, who) {
        let _ = write!(text, " {on}");
    }
    if hop.modelled {
        text.push_str(", taken at its word");
    }
    text.push_str(&when(hop.context.entries().map(|entry| (&*entry.name, &entry.value))));
    text.push_str(&because(report, &hop.because));
    text
}

/// What a call is made on, and what it does there.
fn on(path: &Path, call: &Call, who: &impl Fn(&str) -> String) -> Option<String> {
    Some(match call {
        Call::AssumeRole { role, .. }
        | Call::AssumeRoleWithSaml { role, .. }
        | Call::AssumeRoleWithWebIdentity { role, .. } => format!("to become {}", short(role)),
        Call::Launch { role, .. } => format!("to run code as {}", short(role)),
        Call::Center { center, role, .. } => match center.gives {
            Gives::Role => format!("to become {}", short(role)),
            Gives::Inline => format!("of {}: allow everything", short(role)),
            Gives::Managed => format!("of {}: attach AdministratorAccess", short(role)),
        },
        Call::GetFederationToken { session: user, .. }
        | Call::CreateAccessKey { user }
        | Call::LoginProfile { user, .. } => {
            format!("to become {}", short(user))
        }
        Call::CreateMfaDevice { user } => format!("for {}", who(user)),
        Call::EnableMfaDevice { user } => format!("of {}", who(user)),
        Call::PutPolicy { holder, .. } => format!("on {}: allow everything", who(holder)),
        Call::AttachPolicy { holder, policy } => {
            format!("on {}: attach {}", who(holder), short(policy))
        }
        Call::CreatePolicyVersion { policy, .. } => {
            format!("of {}: allow everything", short(policy))
        }
        Call::SetDefaultPolicyVersion { policy, version } => {
            format!("of {}: {version}", short(policy))
        }
        Call::AddUserToGroup { user, group } => format!("{} to {}", who(user), short(group)),
        Call::RemoveUserFromGroup { user, group } => format!("{} from {}", who(user), short(group)),
        Call::UpdateAssumeRolePolicy { role, .. } => format!("of {}", short(role)),
        Call::DeleteBoundary { holder } | Call::PutBoundary { holder, .. } => {
            format!("of {}", who(holder))
        }
        Call::DetachPolicy { holder, policy } => {
            format!("{} from {}", short(policy), who(holder))
        }
        Call::DeletePolicy { holder, name } => format!("{name} of {}", who(holder)),
        Call::CreateUser { user: made, boundary, tags }
        | Call::CreateRole { role: made, boundary, tags, .. } => {
            let mut text = short(made).to_owned();
            if let Some(boundary) = boundary {
                let _ = write!(text, " within {}", short(boundary));
            }
            if !tags.is_empty() {
                let _ = write!(text, ": {}", pairs(tags));
            }
            text
        }
        Call::CreateGroup { group } => short(group).to_owned(),
        Call::CreatePolicy { policy, .. } => format!("{}: allow everything", short(policy)),
        Call::DetachOrgPolicy { policy, target } => format!("{policy} from {target}"),
        Call::UpdateOrgPolicy { policy, .. } => format!("{policy}: allow everything"),
        Call::DisablePolicyType { root, kind } => format!("of {root}: {}s", kind.name()),
        Call::MoveAccount { account, to, .. } => format!("{account} to {to}"),
        Call::UpdateSamlProvider { provider } | Call::CreateProvider { provider } => {
            format!("to speak for {}", short(provider))
        }
        Call::TagIdentity { holder, tags } => format!("{}: {}", who(holder), pairs(tags)),
        Call::UntagIdentity { holder, keys } => format!("{}: {}", who(holder), keys.join(", ")),
        Call::PutKeyPolicy { .. } => "of the key".to_owned(),
        Call::ReplicateKey { region, .. } => format!("to {region}, with a policy of its own"),
        Call::CreateGrant { grant, .. } => {
            format!("to {}: {}", who(grant.grantee.text()), path.goal.name())
        }
        Call::TagKey { tags, .. } => pairs(tags),
        Call::UntagKey { keys, .. } => keys.join(", "),
        Call::CreateAlias { alias, .. }
        | Call::UpdateAlias { alias, .. }
        | Call::DeleteAlias { alias } => alias.name().to_owned(),
        _ => return None,
    })
}

fn pairs(tags: &crate::inventory::Tags) -> String {
    let pairs: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join(", ")
}

/// The part of an ARN behind the account: `role/app`.
fn short(arn: &str) -> &str {
    arn.splitn(6, ':').nth(5).unwrap_or(arn)
}

fn when<'a>(entries: impl Iterator<Item = (&'a str, &'a ContextValue)>) -> String {
    let each: Vec<String> =
        entries.map(|(name, value)| format!("{name} is {}", value.values().join(", "))).collect();
    if each.is_empty() { String::new() } else { format!(", when {}", each.join(" and ")) }
}

/// Where it is allowed: the policies with their lines, each once.
fn because(report: &PathsReport<'_>, cited: &[Citation]) -> String {
    let mut all: Vec<String> = Vec::new();
    for citation in cited {
        let (place, span) = citation.at();
        let text = match (is_written(citation), citing::at(report.texts, place, span)) {
            (true, _) => "written before".to_owned(),
            (false, (Some(file), Some(line))) => format!("{file}:{line}"),
            (false, _) => citation.policy.clone(),
        };
        if !all.contains(&text) {
            all.push(text);
        }
    }
    if all.is_empty() { String::new() } else { format!(" ({})", all.join(", ")) }
}
