//! `aws ec2 describe-vpc-endpoints`: the policies of the endpoints of KMS.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::policy::PolicyKind;

use super::document::{Document, Read, Refusal, Text};
use super::facts::{Fact, Listing};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Endpoint<'a> {
    #[serde(borrow)]
    vpc_endpoint_id: Text<'a>,
    #[serde(borrow)]
    service_name: Option<Text<'a>>,
    #[serde(borrow)]
    policy_document: Option<&'a RawValue>,
}

/// Reads the endpoints whose service is KMS, or not told.
pub(super) fn read(document: &Document<'_, '_>) -> Read {
    let (endpoints, refusal) = document.read_list::<Endpoint<'_>>("VpcEndpoints")?;
    let mut facts = Vec::new();
    for endpoint in endpoints {
        let is_of_kms = endpoint.service_name.as_deref().is_none_or(|service| {
            let name = service.rsplit('.').next().unwrap_or_default();
            matches!(name, "kms" | "kms-fips")
        });
        if let Some(raw) = endpoint.policy_document.filter(|raw| is_of_kms && raw.get() != "null") {
            let policy = document.policy(raw, PolicyKind::Endpoint);
            facts.push(Fact::Endpoint(endpoint.vpc_endpoint_id.into(), policy));
        }
    }
    facts.push(Fact::Listing(Listing::Other("VPC endpoints", "".into()), document.page(())));
    if let Some(Refusal::Unusable { span, message }) = refusal {
        facts.push(Fact::Fault { span, message });
    }
    Ok(facts)
}
