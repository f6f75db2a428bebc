//! One file of a store: of an entity one part.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::aws::{AccountId, Arn, KeyArn};
use crate::inventory::{AttachedPolicy, NamedPolicy, OrgPolicyKind, Tags, policy_name};
use crate::policy::{PolicyDocument, PolicyKind};
use crate::source::Span;

use super::super::document::{Document, Read, Refusal, Source, Text};
use super::super::facts::{Fact, KeyFact, KeyPart, Page, PrincipalKind};
use super::{About, Piece, organization};

/// What a file says of its entity.
#[derive(Debug)]
pub(super) enum Part {
    Metadata(Box<Metadata>),
    Trust(PolicyDocument),
    /// The policy that the entity is.
    Policy(PolicyDocument),
    Inline(Vec<NamedPolicy>),
    Managed(Vec<AttachedPolicy>),
    /// Names of groups.
    Groups(BTreeSet<Box<str>>),
    Tags(Tags),
}

/// Who an entity is.
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) arn: Box<str>,
    pub(super) id: Option<Box<str>>,
    pub(super) name: Option<Box<str>>,
    pub(super) boundary: Option<Box<str>>,
    pub(super) default_version: Option<Box<str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    #[serde(borrow)]
    arn: Text<'a>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    permission_boundary: Option<Text<'a>>,
    #[serde(borrow)]
    default_version_id: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inline<'a> {
    #[serde(borrow)]
    policy_name: Text<'a>,
    #[serde(borrow)]
    policy_document: &'a RawValue,
}

/// Reads the file at `path`, which is about `about` and holds the part `name` of it.
pub(in crate::ingest) fn read<'a>(
    source: &Source<'a>,
    path: &str,
    about: About,
    name: &str,
) -> Read {
    let start = source.text.len() - source.text.trim_start().len();
    let span = Span::new(start, source.text.trim_end().len().max(start));
    let document = Document { source: *source, span, members: &[] };
    let text = span.slice(source.text).unwrap_or_default();
    let raw: &'a RawValue = serde_json::from_str(text).map_err(|error| {
        let at = super::super::document::offset(text, error.line(), error.column());
        Refusal::Unusable {
            span: Some(Span::new(start + at, start + at)),
            message: format!("broken JSON: {}", super::super::document::cause(&error)),
        }
    })?;
    match &about {
        About::Key(arn) => of_key(&document, arn, name, raw),
        About::Organization => organization::read(&document, name, raw),
        About::Unit(id) => organization::unit(&document, id, raw),
        About::Iam { .. } | About::OrgPolicy { .. } => {
            let part = part(&document, &about, name, raw)?;
            let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
            let place = document.place();
            Ok(vec![Fact::Stored(Box::new(Piece {
                about,
                directory: directory.into(),
                place,
                part,
            }))])
        }
    }
}

fn of_key(document: &Document<'_, '_>, arn: &KeyArn, name: &str, raw: &RawValue) -> Read {
    let place = document.place();
    let part = match name {
        "policy" => KeyPart::Policy(document.policy(raw, PolicyKind::Key)),
        "tags" => KeyPart::Tags(Page { items: tags(document, raw)?, place, more: false }),
        _ => {
            let written: Written<'_> = parsed(document, raw)?;
            if KeyArn::parse(&written.arn).as_ref() != Some(arn) {
                return Err(named_otherwise(document, &written.arn));
            }
            KeyPart::Known
        }
    };
    Ok(vec![Fact::Key(KeyFact { arn: arn.clone(), place, part })])
}

fn part(
    document: &Document<'_, '_>,
    about: &About,
    name: &str,
    raw: &RawValue,
) -> Result<Part, Refusal> {
    Ok(match (about, name) {
        (About::OrgPolicy { kind: OrgPolicyKind::Scp, .. }, "policy") => {
            Part::Policy(document.policy(raw, PolicyKind::Scp))
        }
        (About::OrgPolicy { kind: OrgPolicyKind::Rcp, .. }, "policy") => {
            Part::Policy(document.policy(raw, PolicyKind::Rcp))
        }
        (_, "current-policy") => Part::Policy(document.policy(raw, PolicyKind::Identity)),
        (_, "trust-policy") => Part::Trust(document.policy(raw, PolicyKind::Trust)),
        (_, "inline-policies") => {
            let inline: Vec<Inline<'_>> = parsed(document, raw)?;
            let named = inline.into_iter().map(|inline| NamedPolicy {
                name: inline.policy_name.into(),
                document: document.policy(inline.policy_document, PolicyKind::Identity),
            });
            Part::Inline(named.collect())
        }
        (_, "managed-policies") => {
            let arns: Vec<Text<'_>> = parsed(document, raw)?;
            let attached = arns
                .into_iter()
                .map(|arn| AttachedPolicy { place: document.place_of(&arn), arn: arn.into() });
            Part::Managed(attached.collect())
        }
        (_, "groups") => {
            let arns: Vec<Text<'_>> = parsed(document, raw)?;
            Part::Groups(arns.iter().map(|arn| policy_name(arn).into()).collect())
        }
        (_, "tags") => Part::Tags(tags(document, raw)?),
        _ => {
            let written: Written<'_> = parsed(document, raw)?;
            if let About::Iam { account, kind } = about {
                is_named(&written.arn, *account, *kind)
                    .then_some(())
                    .ok_or_else(|| named_otherwise(document, &written.arn))?;
            }
            Part::Metadata(Box::new(Metadata {
                arn: written.arn.into(),
                id: written.id.map(Into::into),
                name: written.name.map(Into::into),
                boundary: written.permission_boundary.map(Into::into),
                default_version: written.default_version_id.map(Into::into),
            }))
        }
    })
}

/// Whether an ARN is of an entity of that kind in an account; a managed policy may be one of AWS's.
fn is_named(arn: &str, account: AccountId, kind: Option<PrincipalKind>) -> bool {
    let Some(arn) = Arn::parse(arn).filter(|arn| arn.service == "iam") else { return false };
    let word = match kind {
        Some(PrincipalKind::User) => "user/",
        Some(PrincipalKind::Role) => "role/",
        Some(PrincipalKind::Group) => "group/",
        None => "policy/",
    };
    let is_of = arn.account == account.as_str() || kind.is_none() && arn.account == "aws";
    is_of && arn.resource.starts_with(word)
}

fn named_otherwise(document: &Document<'_, '_>, arn: &Text<'_>) -> Refusal {
    Refusal::Unusable {
        span: document.source.span(arn),
        message: "the ARN is not of what the path names".to_owned(),
    }
}

fn tags(document: &Document<'_, '_>, raw: &RawValue) -> Result<Tags, Refusal> {
    let tags: BTreeMap<Text<'_>, Text<'_>> = parsed(document, raw)?;
    Ok(tags.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
}

/// A part of a file as what it should be.
pub(super) fn parsed<'t, T: Deserialize<'t>>(
    document: &Document<'_, '_>,
    raw: &'t RawValue,
) -> Result<T, Refusal> {
    serde_json::from_str(raw.get()).map_err(|error| {
        let base = document.source.span(raw.get()).unwrap_or(document.span).start as usize;
        let at = super::super::document::offset(raw.get(), error.line(), error.column());
        Refusal::Unusable {
            span: Some(Span::new(base + at, base + at)),
            message: super::super::document::cause(&error),
        }
    })
}
