//! Callers: what the export fixes about them, and their answers to the questions of policies.

use std::sync::Arc;

use crate::aws::{Identity as Named, identity as named};
use crate::decision::{Caller, CallerKind, Context, OpenPoint};
use crate::inventory::{Identity, Inventory};
use crate::policy::{AtMost, Comparison, Operator, Polarity, PolicyDocument, Principal};

use super::axioms::equals;
use super::formula::{Atom, Formula, Formulas};
use super::frame::Who;
use super::gaps::Gaps;
use super::kinds::PRINCIPAL_ARN;
use super::question::{Classes, Known, Question, Sight, missing};
use super::resolve::{resolved_resource, resolved_test};
use super::test::Test;

/// A caller, and what is known of it.
#[derive(Clone)]
pub(super) struct Subject<'w> {
    /// Who it is.
    pub(super) caller: Caller,
    /// The user, or the session's role, where the export has it.
    pub(super) identity: Option<&'w Identity>,
    /// The ARN that the role of a session would have without a path, where the export lacks the role.
    pathless_role: Option<Box<str>>,
    /// Whether sessions may bring tags of their own (rule T7).
    pub(super) tagged: bool,
    /// What was not exported, where that is why nothing is known of it.
    pub(super) unlisted: Option<Box<str>>,
    /// A stranger: what the export would say of it, the request does.
    pub(super) stranger: Option<Stranger>,
    /// What its permissions boundary says, where that is not what the export has.
    pub(super) boundary: Option<&'w PolicyDocument>,
}

/// Somebody outside the export, who stands for many.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Stranger {
    /// Whom it stands for.
    pub(super) whose: Whose,
    /// Whether a policy names it: then its ARN is known.
    pub(super) named: bool,
    /// Those of its account who have rows of their own, by their ARNs: it stands for none of them.
    pub(super) beside: Arc<[Box<str>]>,
}

impl Stranger {
    /// Somebody of these whom nothing names.
    pub(super) fn of(whose: Whose) -> Self {
        Self { whose, named: false, beside: Arc::default() }
    }
}

/// Whom a stranger stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Whose {
    /// Principals of its account.
    Account,
    /// Those of accounts of which patterns are known.
    SomeAccount {
        /// Whether no pattern tells any of them from the others.
        told: bool,
    },
    /// Those of an organization, at one of these places where they are known.
    Organization {
        /// Its id.
        id: Box<str>,
        /// Paths as `aws:PrincipalOrgPaths` has them; none where they can be anywhere.
        places: Box<[Box<str>]>,
        /// Whether it is that of all of them, so far as patterns tell.
        told: bool,
    },
    /// Services.
    Service {
        /// Whether no pattern tells any of them from the others.
        told: bool,
    },
    /// All whom nothing names.
    Anyone {
        /// Whether only those of accounts that are in no organization.
        in_none: bool,
    },
}

/// The class in which an entry means a caller (rules A30 to A39).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Class {
    Everyone,
    Root,
    User,
    Session,
    Service,
    Role,
    UserOfSession,
    Account,
}

impl Class {
    fn is_in(self, classes: Classes) -> bool {
        match classes {
            Classes::Any => true,
            Classes::Account => self == Self::Account,
            Classes::Limited => matches!(self, Self::Role | Self::UserOfSession),
            Classes::Direct => !matches!(self, Self::Role | Self::UserOfSession | Self::Account),
        }
    }
}

impl<'w> Subject<'w> {
    /// The caller in its world.
    pub(super) fn of(world: &'w Inventory, caller: Caller) -> Self {
        let identity = caller.identity_in(world);
        let pathless_role = match (&caller.kind, caller.account) {
            (CallerKind::AssumedRole { role, .. }, Some(account)) if identity.is_none() => {
                let partition = caller.partition();
                Some(format!("arn:{partition}:iam::{account}:role/{role}").into())
            }
            _ => None,
        };
        let tagged = match caller.kind {
            CallerKind::FederatedUser { .. } => true,
            CallerKind::Role | CallerKind::AssumedRole { .. } => identity.is_none_or(takes_tags),
            _ => false,
        };
        let is_identity = !matches!(caller.kind, CallerKind::Root | CallerKind::Service);
        let unlisted = caller
            .account
            .filter(|account| is_identity && identity.is_none() && !Gaps::lists(world, *account));
        let unlisted = unlisted.map(|account| format!("identities of account {account}").into());
        Self { caller, identity, pathless_role, tagged, unlisted, stranger: None, boundary: None }
    }

    /// What was not exported, where that is why nothing is known of the caller.
    pub(super) fn unlisted(&self) -> Option<&str> {
        self.unlisted.as_deref().filter(|_| self.stranger.is_none())
    }

    /// Whom a stranger stands for.
    pub(super) fn whose(&self) -> Option<&Whose> {
        self.stranger.as_ref().map(|stranger| &stranger.whose)
    }

    /// Whether it stands for everyone whom nothing names.
    pub(super) fn is_anyone(&self) -> bool {
        self.stranger.as_ref().is_some_and(|it| matches!(it.whose, Whose::Anyone { .. }))
    }

    /// Whether it stands for those alone whose account is in no organization.
    pub(super) fn is_in_none(&self) -> bool {
        let whose = self.stranger.as_ref().map(|it| &it.whose);
        whose == Some(&Whose::Anyone { in_none: true })
    }

    /// Rule E44: by the path of its role.
    pub(super) fn is_service_linked(&self) -> bool {
        self.role_arn().is_some_and(|arn| arn.contains(":role/aws-service-role/"))
    }

    /// The organization that it stands for.
    pub(super) fn organization(&self) -> Option<&str> {
        match &self.stranger.as_ref()?.whose {
            Whose::Organization { id, .. } => Some(id),
            _ => None,
        }
    }

    /// Whether it stands for principals of accounts, of whom none is named.
    pub(super) fn is_unnamed(&self) -> bool {
        let is_service = |it: &Stranger| matches!(it.whose, Whose::Service { .. });
        self.stranger.as_ref().is_some_and(|it| !it.named && !is_service(it))
    }

    /// The kind of caller.
    pub(super) fn who(&self) -> Who {
        if self.is_unnamed() { Who::Unnamed } else { Who::from(&self.caller.kind) }
    }

    /// The name of the role of a session that is named from outside: its path, which its ARN lacks (rule A34),
    /// nobody knows.
    pub(super) fn outside_role(&self) -> Option<&str> {
        match &self.caller.kind {
            CallerKind::AssumedRole { role, .. } if self.identity.is_none() => {
                self.stranger.as_ref().map(|_| &**role)
            }
            _ => None,
        }
    }

    /// `aws:PrincipalArn` (rule C46).
    pub(super) fn principal_arn(&self) -> Option<&str> {
        match self.caller.kind {
            CallerKind::Service | CallerKind::Provider => None,
            CallerKind::AssumedRole { .. } => self.role_arn().or(self.pathless_role.as_deref()),
            _ => Some(&self.caller.text),
        }
    }

    /// The role's ARN, for a session whose role is known with its path.
    fn role_arn(&self) -> Option<&str> {
        match self.caller.kind {
            CallerKind::Role => Some(&self.caller.text),
            CallerKind::AssumedRole { .. } => self.identity.map(|role| &*role.arn),
            _ => None,
        }
    }

    /// The answer to a question, as far as the caller alone gives it.
    pub(super) fn answer(
        &self,
        world: &Inventory,
        formulas: &Formulas,
        given: &Context,
        question: &Question,
    ) -> Formula {
        let known = |key: &str| self.known(world, given, key);
        match question {
            Question::Test { test, sight } => {
                let test = self.without_what_others_have(world, given, test);
                let known = |key: &str| self.known_to(world, given, &test, key);
                resolved_test(formulas, &test, *sight, &known)
            }
            Question::Resource(pattern) => resolved_resource(formulas, pattern, None, &known),
            Question::Names(entry, classes) => match self.class(formulas, entry) {
                Some((class, sure)) if class.is_in(*classes) => sure,
                _ => Formula::FALSE,
            },
            Question::Spares(list) => {
                let spared = self.spared(formulas, list);
                formulas.or([spared, self.root_spared(formulas, list, &known)])
            }
        }
    }

    /// The class in which an entry means this caller, and when.
    fn class(&self, formulas: &Formulas, entry: &Principal) -> Option<(Class, Formula)> {
        let kind = &self.caller.kind;
        let is_session = matches!(kind, CallerKind::Role | CallerKind::AssumedRole { .. });
        let is_called = |text: &str| *self.caller.text == *text;
        let class = match entry {
            // Rule A30.
            Principal::Anyone => Class::Everyone,
            // Rules A31, A42.
            Principal::Account { account, partition } => {
                let home = self.caller.account == Some(*account)
                    && partition.as_deref().is_none_or(|it| it == self.caller.partition());
                match home {
                    false => return None,
                    true if *kind == CallerKind::Root => Class::Root,
                    true => Class::Account,
                }
            }
            // Rule A32.
            Principal::User(arn) if *kind == CallerKind::User && is_called(arn) => Class::User,
            Principal::User(arn) if matches!(kind, CallerKind::FederatedUser { .. }) => {
                if let Some(what) = self.unlisted() {
                    // The user that made the session, who has its name.
                    let made = match (named(arn), kind) {
                        (
                            Some(Named::User { account, name, .. }),
                            CallerKind::FederatedUser { name: own },
                        ) => Some(account) == self.caller.account && *name == **own,
                        _ => false,
                    };
                    let unknown = missing(formulas, what, arn, false);
                    return made.then_some((Class::UserOfSession, unknown));
                }
                let same = self.identity.is_some_and(|user| *user.arn == **arn);
                same.then_some(Class::UserOfSession)?
            }
            // Rules A33, A42.
            Principal::Role(arn) if is_session && self.is_session_of(arn) => Class::Role,
            // Rule A34.
            Principal::AssumedRole(arn) => {
                let is_it = matches!(kind, CallerKind::AssumedRole { .. }) && self.is_session(arn);
                is_it.then_some(Class::Session)?
            }
            // Rule A35.
            Principal::FederatedUser(arn) if is_called(arn) => Class::Session,
            // Rule A36.
            Principal::Service(name) if *kind == CallerKind::Service && is_called(name) => {
                Class::Service
            }
            // Rule T8.
            Principal::Federated(name) if *kind == CallerKind::Provider && is_called(name) => {
                Class::Service
            }
            // Rule A37.
            Principal::Federated(provider) if is_session => {
                return Some((Class::Role, self.federated(formulas, provider)?));
            }
            // Rule A39.
            Principal::UniqueId(id) => {
                if let Some(what) = self.unlisted() {
                    let class = match kind {
                        CallerKind::User => Class::User,
                        CallerKind::FederatedUser { .. } => Class::UserOfSession,
                        _ => Class::Role,
                    };
                    let what = format!("{what} (who has the id {id})");
                    return Some((class, missing(formulas, what, id, false)));
                }
                let own = self.identity?.unique_id.as_deref();
                match kind {
                    _ if own != Some(&**id) => return None,
                    CallerKind::User => Class::User,
                    CallerKind::FederatedUser { .. } => Class::UserOfSession,
                    _ => Class::Role,
                }
            }
            Principal::Unresolved(of) => {
                let what =
                    missing(formulas, of.expression.clone(), ("principal", &of.at_most), false);
                return match &of.at_most {
                    AtMost::Principal(principal) => {
                        let (class, sure) = self.class(formulas, principal)?;
                        Some((class, formulas.and([sure, what])))
                    }
                    AtMost::Of(account) if self.caller.account != Some(*account) => None,
                    AtMost::Service if *kind != CallerKind::Service => None,
                    AtMost::Service => Some((Class::Service, what)),
                    AtMost::Anyone | AtMost::Of(_) => Some((Class::Everyone, what)),
                };
            }
            _ => return None,
        };
        Some((class, Formula::TRUE))
    }

    fn is_session_of(&self, role: &str) -> bool {
        if let Some(arn) = self.role_arn() {
            return *arn == *role;
        }
        let CallerKind::AssumedRole { role: own, .. } = &self.caller.kind else {
            return false;
        };
        // A role that was not exported is told by its name, which is all that the session's ARN says.
        match named(role) {
            Some(Named::Role { account, name, .. }) => {
                Some(account) == self.caller.account && name.eq_ignore_ascii_case(own)
            }
            _ => false,
        }
    }

    /// Rules A34, A42: the session's name is literal, the role's ignores case.
    fn is_session(&self, arn: &str) -> bool {
        let (Some(one), Some(other)) = (named(arn), named(&self.caller.text)) else {
            return false;
        };
        match (one, other) {
            (
                Named::AssumedRole { partition, account, role_name, session },
                Named::AssumedRole {
                    partition: own_partition,
                    account: own_account,
                    role_name: own_role,
                    session: own_session,
                },
            ) => {
                (partition, account, session) == (own_partition, own_account, own_session)
                    && role_name.eq_ignore_ascii_case(own_role)
            }
            _ => false,
        }
    }

    /// Rule A37: a session that the provider made, which only the request can tell.
    fn federated(&self, formulas: &Formulas, provider: &str) -> Option<Formula> {
        const KEY: &str = "aws:federatedprovider";
        if self.unlisted().is_none() {
            let trust = self.identity?.trust.as_ref()?;
            let statements = trust.policy().statements.iter();
            let mut entries =
                statements.flat_map(|it| &it.principal).flat_map(|element| &element.entries);
            let is_it =
                |it: &Principal| matches!(it, Principal::Federated(it) if **it == *provider);
            entries.find(|entry| is_it(&entry.value))?;
        }
        let operator = Operator {
            quantifier: None,
            comparison: Comparison::StringEquals,
            polarity: Polarity::Is,
            if_exists: false,
        };
        let same = formulas.of(Atom::Request(Test::of(KEY, operator, &[provider])));
        let present = formulas.of(Atom::Request(Test::present(KEY)));
        let what = format!("the identity provider of the sessions of {}", self.caller);
        let unknown =
            formulas.and([formulas.not(present), missing(formulas, what, provider, false)]);
        Some(formulas.or([same, unknown]))
    }

    /// Rule A46: of the principals of an account that nobody names, its root user is spared where the account is
    /// listed, and the others are not.
    fn root_spared(
        &self,
        formulas: &Formulas,
        list: &[Principal],
        known: &dyn Fn(&str) -> Known,
    ) -> Formula {
        let Some(account) = self.caller.account.filter(|_| self.is_unnamed()) else {
            return Formula::FALSE;
        };
        let found = list.iter().filter_map(|entry| self.class(formulas, entry));
        let listed = found.filter(|(class, _)| *class == Class::Account).map(|(_, sure)| sure);
        let root = format!("arn:{}:iam::{account}:root", self.caller.partition());
        let is_root = equals(Comparison::StringEquals, PRINCIPAL_ARN, &root);
        let is_root = resolved_test(formulas, &is_root, Sight::Plain, known);
        formulas.and([formulas.or(listed), is_root])
    }

    /// Rules A46, A47.
    fn spared(&self, formulas: &Formulas, list: &[Principal]) -> Formula {
        let kind = &self.caller.kind;
        let bounded = self.identity.is_some_and(|identity| identity.boundary.is_some());
        if bounded && !matches!(kind, CallerKind::Root | CallerKind::FederatedUser { .. }) {
            return Formula::FALSE;
        }
        let unbounded = match self.unlisted() {
            // Whether it has a boundary nobody knows.
            Some(what) => formulas.not(missing(
                formulas,
                format!("{what} (whether one has a boundary)"),
                "boundary",
                false,
            )),
            None => Formula::TRUE,
        };
        let found: Vec<(Class, Formula)> =
            list.iter().filter_map(|entry| self.class(formulas, entry)).collect();
        let listed = |class: Class| {
            let of_class = found.iter().filter(|(other, _)| *other == class);
            formulas.or(of_class.map(|(_, sure)| *sure))
        };
        let levels: &[Class] = match kind {
            CallerKind::Root => &[Class::Root],
            CallerKind::User => &[Class::User, Class::Account],
            CallerKind::Role | CallerKind::AssumedRole { .. } => {
                &[Class::Session, Class::Role, Class::Account]
            }
            CallerKind::FederatedUser { .. } => {
                &[Class::Session, Class::UserOfSession, Class::Account]
            }
            CallerKind::Service | CallerKind::Provider => &[Class::Service],
        };
        let all = formulas.and(levels.iter().map(|level| listed(*level)));
        let any = formulas.or(found.iter().map(|(_, sure)| *sure));
        // O5: some read it so that any listed level spares.
        let other = formulas.of(Atom::Open(OpenPoint::O5));
        let by_level = match all == any {
            true => all,
            false => {
                formulas.or([formulas.and([other, any]), formulas.and([formulas.not(other), all])])
            }
        };
        let everyone = listed(Class::Everyone);
        formulas.and([unbounded, formulas.or([by_level, everyone])])
    }
}

/// Whether sessions of a role may bring tags (rule T7).
pub(super) fn takes_tags(role: &Identity) -> bool {
    role.trust.as_ref().is_none_or(admits_tags)
}

/// Rule T7: session tags come where the trust policy admits sts:TagSession.
fn admits_tags(trust: &PolicyDocument) -> bool {
    trust.peek(|policy| {
        let statements = policy.statements.iter().filter(|statement| statement.allows());
        let mut actions =
            statements.flat_map(|statement| &statement.action).flat_map(|element| &element.values);
        actions.any(|action| {
            let name = action.value.text().unwrap_or("*").to_ascii_lowercase();
            name == "*" || name == "sts:*" || name.starts_with("sts:tag")
        })
    })
}
