//! `account`, `region`, `variables`: where infrastructure code is deployed to.

use std::sync::Arc;

use crate::aws::AccountId;
use crate::aws::region::is_region;
use crate::findings::Base;
use crate::ingest::Deployment;
use crate::source::{FileId, Place, Span};
use crate::syntax::{Node, yaml};

use super::Fault;
use super::reader::Reader;

/// Reads what the configuration in `text` says of deployments, and nothing else of it. Where there is a
/// fault, it is not to be used.
pub fn read_deployment(text: &str) -> (Deployment, Vec<Fault>) {
    let place = Place::plain(FileId(0), Span::new(0, text.len()));
    let nowhere = Base { current: "/".into(), folder: "/".into() };
    let mut reader = Reader::new(place, Arc::new(nowhere));
    let mut deployment = Deployment::default();
    let (documents, _) = yaml::parse(text);
    for member in documents.first().map(|it| it.root.members()).unwrap_or_default() {
        member_of(&mut reader, &member.name.value, &member.value, &mut deployment);
    }
    (deployment, reader.faults)
}

/// Reads a member of the configuration that speaks of deployments.
pub(super) fn member_of(
    reader: &mut Reader,
    name: &str,
    value: &Node<'_>,
    deployment: &mut Deployment,
) {
    match name {
        "account" => {
            let text = reader.text(value, "an account id").unwrap_or_default();
            match AccountId::parse(&text).filter(|account| !account.is_symbol()) {
                Some(account) => deployment.account = account,
                None => {
                    let message = format!("`{text}` is no account id");
                    reader.fault(value.span, message, "an account id has twelve digits");
                }
            }
        }
        "region" => {
            if let Some(region) = reader.text(value, "a Region") {
                match is_region(&region) {
                    true => deployment.in_region(&region),
                    false => {
                        let message = format!("`{region}` is no Region");
                        reader.fault(value.span, message, "a Region is named like eu-central-1");
                    }
                }
            }
        }
        "variables" => {
            let pairs: Vec<_> = reader
                .map(value, "a map from names to values")
                .into_iter()
                .map(|(name, span, value)| (Box::<str>::from(name), span, value))
                .collect();
            for (name, span, value) in pairs {
                let Some(text) = reader.text(value, "a value") else { continue };
                let twice = format!("`{name}` stands twice");
                if deployment.variables.insert(name, text.into()).is_some() {
                    reader.fault(span, twice, "keep one of the two");
                }
            }
        }
        _ => {}
    }
}
