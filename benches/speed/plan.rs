//! A large plan of Terraform, as `terraform show -json` prints it: what it takes to read it as infrastructure code,
//! against what it takes to parse it as JSON and nothing more.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use keyreach::ingest::{Disk, load};
use serde_json::{Value, json};

use super::{measure, median, megabytes};

/// How many keys it declares, each with a policy, an alias, a role that uses it, and the role's policy.
const KEYS: usize = 500;

/// How many resources have nothing to do with KMS.
const OTHERS: usize = 11_000;

/// Parses the plan in a folder, then reads it: milliseconds of each.
pub fn tell(folder: &Path) {
    let path = file(folder);
    let milliseconds = |start: Instant| start.elapsed().as_secs_f64() * 1e3;
    let start = Instant::now();
    let parsed: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let parse = milliseconds(start);
    assert!(black_box(parsed).is_object());
    let start = Instant::now();
    let loaded = load(&Disk, &[path.to_str().unwrap().to_owned()]);
    let ingest = milliseconds(start);
    assert_eq!((loaded.inventory.keys.values().count(), loaded.problems.len()), (KEYS, 0));
    println!("{parse} {ingest}");
}

/// Prints the medians of processes of their own.
pub fn line(folder: &Path, runs: usize) {
    let path = file(folder);
    if !path.exists() {
        fs::create_dir_all(folder).unwrap();
        fs::write(&path, serde_json::to_vec(&written()).unwrap()).unwrap();
    }
    let told = |_| measure::told(&["--plan".as_ref(), folder.as_os_str()]);
    let all: Vec<Vec<f64>> = (0..runs).map(told).collect();
    println!(
        "\nplan: {:.1} MB; parsed in {:.0} ms, read in {:.0} ms, ratio {:.2}",
        megabytes(fs::metadata(path).unwrap().len() as f64),
        median(all.iter().map(|one| one[0])),
        median(all.iter().map(|one| one[1])),
        median(all.iter().map(|one| one[1] / one[0])),
    );
}

fn file(folder: &Path) -> PathBuf {
    folder.join("plan.json")
}

/// The resources of a plan, as its parts state them.
#[derive(Default)]
struct Resources {
    planned: Vec<Value>,
    changes: Vec<Value>,
    configured: Vec<Value>,
}

impl Resources {
    fn add(&mut self, of_type: &str, name: &str, values: &Value, references: Value) {
        let address = format!("{of_type}.{name}");
        let with = |more: Value| {
            let mut all =
                json!({ "address": address, "mode": "managed", "type": of_type, "name": name });
            let provider = json!({ "provider_name": "registry.terraform.io/hashicorp/aws" });
            for part in [provider, more] {
                all.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
            }
            all
        };
        self.planned.push(with(json!({ "values": values, "sensitive_values": {} })));
        self.changes.push(with(json!({ "change": {
            "actions": ["create"], "before": null, "after": values,
            "after_unknown": { "id": true, "arn": true, "tags_all": true },
            "before_sensitive": false, "after_sensitive": {},
        } })));
        self.configured
            .push(with(json!({ "provider_config_key": "aws", "expressions": references })));
    }

    fn add_key(&mut self, number: usize) {
        let name = format!("n{number}");
        let role = format!("arn:aws:iam::111122223333:role/{name}");
        let policy = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111122223333:root" }, "Action": "kms:*",
              "Resource": "*" },
            { "Effect": "Allow", "Principal": { "AWS": role }, "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
              "Resource": "*", "Condition": { "StringEquals": { "kms:ViaService": "s3.eu-west-1.amazonaws.com" } } },
        ] });
        let key = json!({ "description": name, "policy": policy.to_string(), "enable_key_rotation": true });
        self.add("aws_kms_key", &name, &key, json!({ "policy": {} }));
        let target = json!({ "references": [format!("aws_kms_key.{name}.key_id"), format!("aws_kms_key.{name}")] });
        let alias = json!({ "name": format!("alias/{name}") });
        self.add("aws_kms_alias", &name, &alias, json!({ "target_key_id": target }));
        let trust = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
            "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole" }] });
        let made = json!({ "name": name, "path": "/", "assume_role_policy": trust.to_string() });
        self.add("aws_iam_role", &name, &made, json!({ "name": { "constant_value": name } }));
        let use_of = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
            "Action": ["kms:Decrypt", "s3:GetObject"], "Resource": "*" }] });
        let inline = json!({ "name": "use", "role": name, "policy": use_of.to_string() });
        let role = json!({ "references": [format!("aws_iam_role.{name}.name"), format!("aws_iam_role.{name}")] });
        self.add("aws_iam_role_policy", &name, &inline, json!({ "role": role }));
    }
}

fn written() -> Value {
    let mut all = Resources::default();
    (0..KEYS).for_each(|number| all.add_key(number));
    for number in 0..OTHERS {
        let name = format!("o{number}");
        let values = json!({ "ami": "ami-0123456789abcdef0", "instance_type": "t3.large", "monitoring": null,
            "ebs_block_device": [{ "device_name": "/dev/sda1", "volume_size": 100, "encrypted": true }],
            "user_data": "#!/bin/bash\necho hello\n".repeat(8), "tags": { "Name": name, "env": "production" } });
        let references = json!({ "ami": { "references": ["var.ami"] }, "instance_type": { "constant_value": "t3.large" } });
        all.add("aws_instance", &name, &values, references);
    }
    json!({
        "format_version": "1.2",
        "terraform_version": "1.9.5",
        "planned_values": { "root_module": { "resources": all.planned } },
        "resource_changes": all.changes,
        "configuration": {
            "provider_config": { "aws": { "name": "aws", "full_name": "registry.terraform.io/hashicorp/aws",
                "expressions": { "region": { "constant_value": "eu-west-1" } } } },
            "root_module": { "resources": all.configured },
        },
    })
}
