//! A listing in the export stops before its end.

use crate::inventory::{Gap, GapKind};

use super::export::{command, key_name, weakened};
use super::report::Sink;
use super::{Rule, Scope};

/// See the rule's page.
pub(super) struct TruncatedExport;

impl Rule for TruncatedExport {
    fn world(&self, scope: &Scope<'_>, sink: &mut Sink<'_>) {
        for gap in scope.world.gaps.iter().filter(|gap| gap.kind.is_truncation()) {
            tell(scope, gap, sink);
        }
    }
}

fn tell(scope: &Scope<'_>, gap: &Gap, sink: &mut Sink<'_>) {
    let path = scope.world.sources.path(gap.place.file);
    let help = format!(
        "run `{}`, which fetches every page where --max-items, --starting-token and --no-paginate are \
         left out; pages fetched by hand go into a file each{}",
        command(&gap.kind),
        weakened(&gap.kind)
    );
    let mut report = sink
        .report(format!("{} {path}", gap.kind), message(scope, &gap.kind))
        .at(gap.place, None, "this page says that more follow, and they are not here")
        .help(help);
    if let Some(key) = gap.kind.of_key() {
        report = report.key(key);
    }
    report.done();
}

fn message(scope: &Scope<'_>, kind: &GapKind) -> String {
    match kind {
        GapKind::KeyPart { key, part, .. } => {
            format!("the {part} of {} stop before their end", key_name(scope, key))
        }
        GapKind::Listing { what } => format!("the listing of {what} stops before its end"),
        _ => match kind.of_account() {
            Some(account) => {
                format!("the users, roles and policies of account {account} stop before their end")
            }
            None => format!("{kind} are not here"),
        },
    }
}
