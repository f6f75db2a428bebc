//! The rules: each a file of logic here, and a page of metadata and documentation under `rules/`.
//!
//! A rule says what is wrong. It asks the world and [`Reach`], never which engine answers; its page says
//! how bad that is; the [`builder`](report::Report) finds the places and takes no finding without one.

mod metadata;
mod report;
mod scope;

pub use metadata::{Facet, Metadata};
pub use report::{Report, Sink};
pub use scope::{KeyScope, Scope};

use rayon::prelude::*;

use crate::findings::Finding;

/// A rule. Each hook it overrides is called once for every key, or once for the world.
pub(crate) trait Rule: Sync {
    /// Looks at one key.
    fn key(&self, _scope: &KeyScope<'_>, _sink: &mut Sink<'_>) {}

    /// Looks at the world.
    fn world(&self, _scope: &Scope<'_>, _sink: &mut Sink<'_>) {}
}

/// A rule with its page.
pub struct Registered {
    /// What its page says.
    pub metadata: Metadata,
    rule: &'static dyn Rule,
}

/// Declares the modules of the rules and the table of all rules, in the order of the table.
macro_rules! rules {
    ($($module:ident :: $rule:ident = $slug:literal,)+) => {
        $(mod $module;)+

        /// Every rule with its page, in their order everywhere.
        static RULES: std::sync::LazyLock<Vec<Registered>> = std::sync::LazyLock::new(|| {
            vec![$(Registered {
                metadata: Metadata::parse(
                    $slug,
                    include_str!(concat!("../../rules/", $slug, ".md")),
                ),
                rule: &$module::$rule,
            }),+]
        });
    };
}

rules! {
    missing_root_statement::MissingRootStatement = "missing-root-statement",
}

/// Every rule, in their order everywhere.
pub fn all() -> &'static [Registered] {
    &RULES
}

/// What `selected` rules find, in no particular order. Costs each key once for every rule that looks at
/// keys, in parallel.
pub fn check(scope: &Scope<'_>, selected: &[&Registered]) -> Vec<Finding> {
    let of_keys = scope.world.keys.values().collect::<Vec<_>>().into_par_iter().flat_map_iter(|key| {
        let key_scope = KeyScope::new(scope, key);
        let mut found = Vec::new();
        for registered in selected {
            registered.rule.key(&key_scope, &mut Sink::new(&registered.metadata, &mut found));
        }
        found
    });
    let of_world = selected.par_iter().flat_map_iter(|registered| {
        let mut found = Vec::new();
        registered.rule.world(scope, &mut Sink::new(&registered.metadata, &mut found));
        found
    });
    of_keys.chain(of_world).collect()
}
