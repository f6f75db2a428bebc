//! Random templates with values that are not known, and what they are once somebody deploys them.
//!
//! Every value is written twice: as a template has it, with references and functions, and as it turns out
//! in one deployment, in which all parameters, the account, the Region and the generated names are known.
//! Nothing here evaluates a template.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails, and each that includes this module uses a part of it"
)]

use serde_json::{Map, Value, json};

use super::seeds::Random;

/// Accounts that are written out in templates.
const LITERALS: [&str; 3] = ["444455556666", "111122223333", "777788889999"];

/// A caller of whom requests carry nothing of a principal of an account.
const SERVICE: &str = "sns.amazonaws.com";

/// A value, as it is written and as it turns out.
#[derive(Clone, Debug)]
pub struct Both {
    pub written: Value,
    pub real: Value,
}

impl Both {
    fn plain(text: &str) -> Self {
        Self { written: json!(text), real: json!(text) }
    }

    fn text(&self) -> &str {
        self.real.as_str().unwrap()
    }

    fn list(items: Vec<Self>) -> Self {
        let (written, real) = items.into_iter().map(|it| (it.written, it.real)).unzip();
        Self { written: Value::Array(written), real: Value::Array(real) }
    }

    fn object(members: Vec<(&str, Self)>) -> Self {
        let (mut written, mut real) = (Map::new(), Map::new());
        for (name, value) in members {
            written.insert(name.to_owned(), value.written);
            real.insert(name.to_owned(), value.real);
        }
        Self { written: Value::Object(written), real: Value::Object(real) }
    }
}

/// A deployment of a template.
pub struct Deployed {
    pub account: String,
    pub region: String,
    parameters: Vec<(String, String)>,
    conditions: Vec<(&'static str, bool)>,
}

/// A template, what it comes to, and who is to be asked about.
pub struct Case {
    /// The template.
    pub written: Value,
    /// The same template with everything written out.
    pub real: Value,
    pub deployed: Deployed,
    /// Principals: the ARN before and after.
    pub callers: Vec<(String, String)>,
}

struct Writer<'r> {
    random: &'r mut Random,
    deployed: Deployed,
    declared: Map<String, Value>,
    /// Parameters by what they are used for, so that one is used several times.
    known: Vec<(&'static str, usize)>,
}

impl Case {
    pub fn random(random: &mut Random) -> Self {
        let account = match random.chance(40) {
            true => (*random.pick(&LITERALS)).to_owned(),
            false => format!("{:012}", random.below(1_000_000) + 200_000_000_000),
        };
        let region = (*random.pick(&["eu-west-1", "us-east-1"])).to_owned();
        let conditions = Vec::new();
        let deployed = Deployed { account, region, parameters: Vec::new(), conditions };
        let mut writer = Writer { random, deployed, declared: Map::new(), known: Vec::new() };
        writer.case()
    }
}

impl Writer<'_> {
    /// A parameter of this use: one that is there, or a new one.
    fn parameter(&mut self, of: &'static str, pool: &[&str]) -> Both {
        let own: Vec<usize> =
            self.known.iter().filter(|(name, _)| *name == of).map(|(_, nth)| *nth).collect();
        let nth = if !own.is_empty() && self.random.chance(60) {
            *self.random.pick(&own)
        } else {
            let nth = self.deployed.parameters.len();
            let value = (*self.random.pick(pool)).to_owned();
            let name = format!("{of}{nth}");
            let mut declared = json!({ "Type": "String" });
            match self.random.below(3) {
                0 => declared["AllowedValues"] = json!(pool),
                1 => declared["Default"] = json!(value),
                _ => {}
            }
            self.declared.insert(name.clone(), declared);
            self.deployed.parameters.push((name, value));
            self.known.push((of, nth));
            nth
        };
        let (name, value) = &self.deployed.parameters[nth];
        Both { written: json!({ "Ref": name }), real: json!(value) }
    }

    fn word(&mut self) -> Both {
        self.parameter("Word", &["dev", "prod", "admin"])
    }

    fn account(&mut self) -> Both {
        if self.random.chance(30) {
            let text: &str = self.random.pick::<&str>(&LITERALS);
            return Both::plain(text);
        }
        Both { written: json!({ "Ref": "AWS::AccountId" }), real: json!(self.deployed.account) }
    }

    fn own_account(&self) -> Both {
        Both { written: json!({ "Ref": "AWS::AccountId" }), real: json!(self.deployed.account) }
    }

    fn region(&mut self) -> Both {
        if self.random.chance(30) {
            return Both::plain("eu-west-1");
        }
        Both { written: json!({ "Ref": "AWS::Region" }), real: json!(self.deployed.region) }
    }

    /// Parts, one behind the other: by `Join`, or by `Sub` with values of its own.
    fn joined(&mut self, parts: Vec<Both>) -> Both {
        let real: String = parts.iter().map(Both::text).collect();
        let written: Vec<Value> = parts.into_iter().map(|part| part.written).collect();
        let written = if self.random.chance(50) {
            json!({ "Fn::Join": ["", written] })
        } else {
            let mut values = Map::new();
            let mut text = String::new();
            for (nth, part) in written.into_iter().enumerate() {
                match part {
                    Value::String(known) => text.push_str(&known),
                    part => {
                        text.push_str(&format!("${{V{nth}}}"));
                        values.insert(format!("V{nth}"), part);
                    }
                }
            }
            json!({ "Fn::Sub": [text, values] })
        };
        Both { written, real: json!(real) }
    }

    /// The value under a condition, and another one otherwise.
    fn either(&mut self, one: Both, other: Both) -> Both {
        let (name, holds) = *self.random.pick(&self.deployed.conditions);
        let written = json!({ "Fn::If": [name, one.written, other.written] });
        Both { written, real: if holds { one.real } else { other.real } }
    }

    fn conditions(&mut self) -> Value {
        let word = self.word();
        let is_prod = word.text() == "prod";
        let literal = *self.random.pick(&LITERALS);
        let is_there = self.deployed.account == literal;
        self.deployed.conditions =
            vec![("IsProd", is_prod), ("IsThere", is_there), ("IsNeither", !is_prod && !is_there)];
        json!({
            "IsProd": { "Fn::Equals": [word.written, "prod"] },
            "IsThere": { "Fn::Equals": [{ "Ref": "AWS::AccountId" }, literal] },
            "IsNeither": { "Fn::Not": [{ "Fn::Or": [
                { "Condition": "IsProd" }, { "Condition": "IsThere" }] }] },
        })
    }

    fn principal(&mut self) -> Both {
        match self.random.below(9) {
            0 | 1 => {
                let parts =
                    vec![Both::plain("arn:aws:iam::"), self.account(), Both::plain(":root")];
                self.joined(parts)
            }
            2 => self.account(),
            3 => {
                let nth = self.random.below(3);
                self.role_arn(nth)
            }
            4 => {
                let (account, word) = (self.account(), self.word());
                let parts = [Both::plain("arn:aws:iam::"), account, Both::plain(":role/"), word];
                let parts = parts.into_iter().chain([Both::plain("-app")]).collect();
                self.joined(parts)
            }
            5 => Both::plain("arn:aws:iam::444455556666:role/partner"),
            6 => Both::plain("arn:aws:iam::111122223333:role/dev-app"),
            7 => Both::plain("*"),
            _ => {
                let own = format!("arn:aws:iam::{}:role/app", self.deployed.account);
                let root = format!("arn:aws:iam::{}:root", self.deployed.account);
                let pool = [&*own, &*root, "*", "arn:aws:iam::444455556666:role/partner"];
                self.parameter("Principal", &pool.map(|text| text)).without_choices(self)
            }
        }
    }

    /// The names of the three roles: known, half known, generated.
    fn role_name(&self, nth: usize) -> (String, String) {
        match nth {
            0 => ("app".to_owned(), "app".to_owned()),
            1 => {
                let (name, value) = &self.deployed.parameters[0];
                let real = format!("{value}-app");
                match self.declared[name].get("Default") {
                    Some(_) => (real.clone(), real),
                    None => (format!("<{name}>-app"), real),
                }
            }
            _ => ("<StackName>-R2-<R2>".to_owned(), "stack-R2-1A2B3C4D5E6F".to_owned()),
        }
    }

    fn role_arn(&mut self, nth: usize) -> Both {
        let (_, real) = self.role_name(nth);
        let real = json!(format!("arn:aws:iam::{}:role/{real}", self.deployed.account));
        Both { written: json!({ "Fn::GetAtt": [format!("R{nth}"), "Arn"] }), real }
    }

    fn action(&mut self) -> Both {
        let plain = ["kms:Decrypt", "kms:*", "kms:Put*", "kms:DescribeKey", "kms:Encrypt"];
        if self.random.chance(75) {
            let text: &str = self.random.pick::<&str>(&plain);
            return Both::plain(text);
        }
        let part = self.parameter("Action", &["Decrypt", "Encrypt", "*", "Put*"]);
        self.joined(vec![Both::plain("kms:"), part])
    }

    fn key_arn(&self) -> Both {
        let Deployed { account, region, .. } = &self.deployed;
        let real = json!(format!("arn:aws:kms:{region}:{account}:key/Key"));
        Both { written: json!({ "Fn::GetAtt": ["Key", "Arn"] }), real }
    }

    fn resource(&mut self) -> Both {
        match self.random.below(7) {
            0 => Both::plain("*"),
            1 | 2 => self.key_arn(),
            3 => Both::plain("arn:aws:kms:eu-*:*:key/*"),
            4 => {
                let (region, account) = (self.region(), self.account());
                let parts = [Both::plain("arn:aws:kms:"), region, Both::plain(":"), account];
                self.joined(parts.into_iter().chain([Both::plain(":key/*")]).collect())
            }
            5 => Both::plain("arn:aws:kms:us-east-1:444455556666:key/Key"),
            _ => {
                let own = self.key_arn().text().to_owned();
                let pool = [&*own, "*", "arn:aws:kms:*:*:key/other"];
                self.parameter("Resource", &pool).without_choices(self)
            }
        }
    }

    fn condition(&mut self) -> Both {
        let one =
            |operator, key, value| Both::object(vec![(operator, Both::object(vec![(key, value)]))]);
        match self.random.below(10) {
            0 => one("StringEquals", "aws:PrincipalAccount", self.account()),
            1 => one("StringNotEquals", "aws:PrincipalAccount", self.account()),
            2 => one("ArnLike", "aws:PrincipalArn", Both::plain("arn:aws:iam::*:role/dev-*")),
            3 => {
                let (account, word) = (self.account(), self.word());
                let parts = [Both::plain("arn:aws:iam::"), account, Both::plain(":role/"), word];
                let value = self.joined(parts.into_iter().chain([Both::plain("*")]).collect());
                one("ArnLike", "aws:PrincipalArn", value)
            }
            4 => {
                let nth = self.random.below(3);
                let arn = self.role_arn(nth);
                one("ArnNotEquals", "aws:PrincipalArn", arn)
            }
            5 => {
                let region = self.region();
                let parts = [Both::plain("s3."), region, Both::plain(".amazonaws.com")];
                let value = self.joined(parts.into());
                one("StringEquals", "kms:ViaService", value)
            }
            6 => one("StringLike", "aws:RequestedRegion", Both::plain("eu-*")),
            7 => one("StringEquals", "kms:CallerAccount", self.account()),
            8 => {
                // Requests may lack these, and some callers always do.
                let operator = *self.random.pick(&[
                    "StringEquals",
                    "StringNotEquals",
                    "StringEqualsIfExists",
                    "StringNotEqualsIfExists",
                    "ForAnyValue:StringEquals",
                    "ForAllValues:StringLike",
                ]);
                let keys = ["aws:PrincipalOrgID", "aws:SourceVpce", "kms:EncryptionContextKeys"];
                let key = *self.random.pick(&keys);
                one(operator, key, self.word())
            }
            _ => one("StringLike", "aws:PrincipalArn", Both::plain("*-R2-*")),
        }
    }

    fn statement(&mut self, of_key: bool) -> Both {
        let effect = if self.random.chance(75) { "Allow" } else { "Deny" };
        let mut effect = Both::plain(effect);
        if self.random.chance(5) {
            effect = self.either(Both::plain("Allow"), Both::plain("Deny"));
        }
        let mut members = vec![("Effect", effect)];
        if of_key {
            let count = 1 + self.random.below(2);
            let mut entries: Vec<Both> = (0..count).map(|_| self.principal()).collect();
            if self.random.chance(15) {
                let (one, other) = (self.principal(), self.principal());
                entries.push(self.either(one, other));
            }
            let name = if self.random.chance(8) { "NotPrincipal" } else { "Principal" };
            members.push((name, Both::object(vec![("AWS", Both::list(entries))])));
        }
        let count = 1 + self.random.below(2);
        let actions = (0..count).map(|_| self.action()).collect();
        let name = if self.random.chance(8) { "NotAction" } else { "Action" };
        members.push((name, Both::list(actions)));
        let resource = if of_key { Both::plain("*") } else { self.resource() };
        members.push(("Resource", resource));
        if self.random.chance(40) {
            members.push(("Condition", self.condition()));
        }
        Both::object(members)
    }

    fn policy(&mut self, of_key: bool) -> Both {
        let count = 1 + self.random.below(3);
        let (mut written, mut real) = (Vec::new(), Vec::new());
        if of_key && self.random.chance(60) {
            let root = self.own_account();
            let parts = vec![Both::plain("arn:aws:iam::"), root, Both::plain(":root")];
            let root = Both::object(vec![("AWS", self.joined(parts))]);
            let statement = Both::object(vec![
                ("Effect", Both::plain("Allow")),
                ("Principal", root),
                ("Action", Both::plain("kms:*")),
                ("Resource", Both::plain("*")),
            ]);
            written.push(statement.written);
            real.push(statement.real);
        }
        for _ in 0..count {
            let statement = self.statement(of_key);
            if self.random.chance(20) {
                let (name, holds) = *self.random.pick(&self.deployed.conditions);
                let nothing = json!({ "Ref": "AWS::NoValue" });
                written.push(json!({ "Fn::If": [name, statement.written, nothing] }));
                if holds {
                    real.push(statement.real);
                }
            } else {
                written.push(statement.written);
                real.push(statement.real);
            }
        }
        let of = |statements| json!({ "Version": "2012-10-17", "Statement": statements });
        Both { written: of(written), real: of(real) }
    }

    fn case(&mut self) -> Case {
        // The first parameter is a word: the second role is named by it.
        self.word();
        let conditions = self.conditions();
        let (mut written, mut real) = (Map::new(), Map::new());
        let policy = self.policy(true);
        let key =
            |policy| json!({ "Type": "AWS::KMS::Key", "Properties": { "KeyPolicy": policy } });
        written.insert("Key".to_owned(), key(policy.written));
        real.insert("Key".to_owned(), key(policy.real));
        let trust = json!({ "Version": "2012-10-17", "Statement": [] });
        let mut callers = Vec::new();
        for nth in 0..3 {
            let (symbol, name) = self.role_name(nth);
            let policies = match self.random.chance(70) {
                true => vec![self.policy(false)],
                false => Vec::new(),
            };
            let of = |policies: Vec<Value>, name: Option<Value>| {
                let policies = policies.into_iter();
                let policies =
                    policies.map(|policy| json!({ "PolicyName": "own", "PolicyDocument": policy }));
                let mut properties = json!({
                    "AssumeRolePolicyDocument": trust,
                    "Policies": policies.collect::<Vec<_>>(),
                });
                if let Some(name) = name {
                    properties["RoleName"] = name;
                }
                json!({ "Type": "AWS::IAM::Role", "Properties": properties })
            };
            let id = format!("R{nth}");
            let (own, then): (Vec<Value>, Vec<Value>) =
                policies.into_iter().map(|policy| (policy.written, policy.real)).unzip();
            let first = self.deployed.parameters[0].0.clone();
            let named = match nth {
                0 => Some(json!("app")),
                1 => Some(json!({ "Fn::Sub": format!("${{{first}}}-app") })),
                _ => None,
            };
            written.insert(id.clone(), of(own, named));
            real.insert(id, of(then, Some(json!(name))));
            callers.push((
                format!("arn:aws:iam::this-account:role/{symbol}"),
                format!("arn:aws:iam::{}:role/{name}", self.deployed.account),
            ));
        }
        if self.random.chance(50) {
            self.further_policy(&mut written, &mut real);
        }
        let root = |account: &str| format!("arn:aws:iam::{account}:root");
        callers.push((root("this-account"), root(&self.deployed.account)));
        for foreign in
            ["arn:aws:iam::444455556666:role/partner", "arn:aws:iam::999900001111:role/x"]
        {
            // In its own account it would be another principal.
            if !foreign.contains(&self.deployed.account) {
                callers.push((foreign.to_owned(), foreign.to_owned()));
            }
        }
        callers.push((SERVICE.to_owned(), SERVICE.to_owned()));
        let template = json!({
            "Parameters": self.declared,
            "Conditions": conditions,
            "Resources": written,
        });
        let Deployed { account, region, .. } = &self.deployed;
        let deployed = Deployed {
            account: account.clone(),
            region: region.clone(),
            parameters: std::mem::take(&mut self.deployed.parameters),
            conditions: Vec::new(),
        };
        Case { written: template, real: json!({ "Resources": real }), deployed, callers }
    }

    /// A policy that is given to a role by a resource of its own, which may not be there.
    fn further_policy(&mut self, written: &mut Map<String, Value>, real: &mut Map<String, Value>) {
        let policy = self.policy(false);
        let nth = self.random.below(3);
        let (_, name) = self.role_name(nth);
        let of = |policy, role| {
            json!({ "Type": "AWS::IAM::Policy", "Properties":
                { "PolicyName": "further", "PolicyDocument": policy, "Roles": [role] } })
        };
        let mut resource = of(policy.written, json!({ "Ref": format!("R{nth}") }));
        let mut is_there = true;
        if self.random.chance(50) {
            let (condition, holds) = *self.random.pick(&self.deployed.conditions);
            resource["Condition"] = json!(condition);
            is_there = holds;
        }
        written.insert("Further".to_owned(), resource);
        if is_there {
            real.insert("Further".to_owned(), of(policy.real, json!(name)));
        }
    }
}

impl Both {
    /// The parameter without its list of values: what is in it hangs on the deployment.
    fn without_choices(self, writer: &mut Writer<'_>) -> Self {
        let name = self.written["Ref"].as_str().unwrap();
        let declared = writer.declared.get_mut(name).unwrap().as_object_mut().unwrap();
        declared.remove("AllowedValues");
        declared.remove("Default");
        self
    }
}
