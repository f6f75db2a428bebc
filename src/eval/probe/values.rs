//! The values worth trying for one condition key: every value that is mentioned, or a member of its
//! pattern, and one outside them all.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use jiff::Timestamp;

use crate::aws::KeySpec;
use crate::decision::{ContextValue, Fact, Request, Target, is_always_sent, whole_second};
use crate::eval::reference::{Reference, takes};
use crate::policy::Comparison;

use super::sendable::{Sendable, is_boolean, listed};

/// Past this many mentioned values the subsets of a multi-valued key are not all tried.
const ALL_SUBSETS: usize = 4;

/// How the conditions in play mention one key.
pub(super) struct Mentions {
    /// The key as the first of them spells it.
    pub(super) name: Box<str>,
    exact: BTreeSet<String>,
    patterns: BTreeSet<String>,
    /// The operators that the patterns stand under: one pattern means two things under both (rule C22).
    pattern_operators: BTreeSet<Comparison>,
    folded: bool,
    numbers: BTreeSet<i64>,
    /// The last whole seconds of the instants.
    instants: BTreeSet<i64>,
    blocks: BTreeSet<IpNet>,
    booleans: bool,
    multivalued: bool,
    /// A value that no list covers: a fraction, bytes, a variable.
    odd: bool,
    /// Whether no condition tells other values apart.
    pub(super) closed: bool,
}

impl Mentions {
    /// Nothing mentioned yet.
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            exact: BTreeSet::new(),
            patterns: BTreeSet::new(),
            pattern_operators: BTreeSet::new(),
            folded: false,
            numbers: BTreeSet::new(),
            instants: BTreeSet::new(),
            blocks: BTreeSet::new(),
            booleans: false,
            multivalued: false,
            odd: false,
            closed: false,
        }
    }

    /// Adds what one condition compares the key with.
    pub(super) fn add(&mut self, comparison: Comparison, texts: &[&str], multivalued: bool) {
        self.multivalued |= multivalued;
        for text in texts {
            self.odd |= text.contains("${");
            match comparison {
                Comparison::Null => {}
                Comparison::StringEquals => {
                    self.exact.insert((*text).to_owned());
                }
                Comparison::StringEqualsIgnoreCase => {
                    self.folded = true;
                    self.exact.insert((*text).to_owned());
                }
                Comparison::StringLike | Comparison::ArnLike => self.add_pattern(comparison, text),
                Comparison::Bool => self.booleans = true,
                Comparison::BinaryEquals => {
                    self.odd = true;
                    self.exact.insert((*text).to_owned());
                }
                Comparison::IpAddress => {
                    let block = text.parse::<IpNet>().ok();
                    let block = block.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
                    self.blocks.extend(block);
                }
                Comparison::NumericEquals
                | Comparison::NumericLessThan
                | Comparison::NumericLessThanEquals
                | Comparison::NumericGreaterThan
                | Comparison::NumericGreaterThanEquals => match text.parse() {
                    Ok(number) => {
                        self.numbers.insert(number);
                    }
                    Err(_) => self.odd = true,
                },
                Comparison::DateEquals
                | Comparison::DateLessThan
                | Comparison::DateLessThanEquals
                | Comparison::DateGreaterThan
                | Comparison::DateGreaterThanEquals => self.instants.extend(whole_second(text)),
            }
        }
    }

    fn add_pattern(&mut self, comparison: Comparison, text: &str) {
        if text.contains(['*', '?']) {
            self.pattern_operators.insert(comparison);
            self.patterns.insert(text.to_owned());
        } else {
            self.exact.insert(text.to_owned());
        }
    }

    /// One of each class of these values, as the texts that are mentioned tell them apart.
    fn classes(&self, listed: &[&str]) -> Vec<String> {
        let class = |value: &str| -> Vec<bool> {
            let same = |text: &String| *text == *value;
            let alike = |text: &String| self.folded && text.eq_ignore_ascii_case(value);
            let like = |pattern: &String| takes(pattern, value);
            let of_texts = self.exact.iter().flat_map(|text| [same(text), alike(text)]);
            of_texts.chain(self.patterns.iter().map(like)).collect()
        };
        let mut seen = BTreeSet::new();
        let mut firsts = listed.to_vec();
        firsts.retain(|value| seen.insert(class(value)));
        firsts.into_iter().map(str::to_owned).collect()
    }

    /// Each mentioned number and instant with its neighbours, and the least of the key, as it has them; an
    /// operator of numbers reads no instant (rule C24).
    fn around(&self, sendable: &Sendable) -> Vec<String> {
        let numbers = self.numbers.iter().filter(|_| !matches!(sendable, Sendable::Instant { .. }));
        let around = |number: &i64| [number.saturating_sub(1), *number, number.saturating_add(1)];
        let mut all: BTreeSet<i64> = numbers.chain(&self.instants).flat_map(around).collect();
        if self.has_neighbours() {
            all.extend(sendable.least());
        }
        all.into_iter().filter_map(|number| sendable.written(number)).collect()
    }

    /// Whether what is mentioned has neighbours that stand for all other values.
    fn has_neighbours(&self) -> bool {
        !(self.blocks.is_empty() && self.numbers.is_empty() && self.instants.is_empty())
    }

    /// Whether one member each covers every class of texts.
    fn covers(&self) -> bool {
        let texts = usize::from(!self.exact.is_empty()) + self.patterns.len();
        let families = [
            texts > 0,
            !self.numbers.is_empty(),
            !self.instants.is_empty(),
            !self.blocks.is_empty(),
            self.booleans,
        ];
        let one_family = families.iter().filter(|is_used| **is_used).count() <= 1;
        let overlaps = self.patterns.len() > 1
            || self.pattern_operators.len() > 1
            || (self.folded && !self.patterns.is_empty());
        let subsets = !self.multivalued || texts <= ALL_SUBSETS;
        one_family && !self.odd && !overlaps && subsets
    }
}

/// The values to try for a key, and whether they cover every class.
pub(super) fn values(
    mentions: &Mentions,
    request: &Request,
    reference: &Reference<'_>,
    now: Timestamp,
    facts: &[Fact],
) -> (Vec<Option<ContextValue>>, bool) {
    let lower = mentions.name.to_ascii_lowercase();
    if let Some(domain) = domain(&lower, request, reference) {
        let values = domain.into_iter().map(|value| Some(ContextValue::One(value.into())));
        let absent = (!is_always_sent(facts, request, &lower)).then_some(None);
        return (absent.into_iter().chain(values).collect(), true);
    }
    let sendable = Sendable::of(&lower, request, reference, now);
    let (mut members, all_have_members) = match listed(&lower) {
        Some(listed) => (mentions.classes(&listed), true),
        None => members(mentions, request, &lower, &sendable),
    };
    let mut seen = BTreeSet::new();
    members.retain(|member| seen.insert(member.clone()));
    let all_tried = !mentions.multivalued || members.len() <= ALL_SUBSETS + 1;
    let mut values = if mentions.multivalued { sets(&members) } else { singles(&members) };
    // Rule C45: every session of a role has its unique id.
    let is_session = matches!(sendable, Sendable::Session { .. });
    if !is_session && !is_always_sent(facts, request, &lower) {
        values.insert(0, None);
    }
    (values, mentions.covers() && all_have_members && all_tried)
}

/// Texts that AWS could send, one or more of each class, and whether each pattern has one.
fn members(
    mentions: &Mentions,
    request: &Request,
    lower: &str,
    sendable: &Sendable,
) -> (Vec<String>, bool) {
    let mut members: Vec<String> = mentions.exact.iter().cloned().collect();
    let patterns = &mentions.patterns;
    members.extend(patterns.iter().filter_map(|it| member(it, &mentions.exact, sendable)));
    let all_have_members = members.len() == mentions.exact.len() + patterns.len();
    if mentions.folded {
        let spellings: Vec<String> = members.iter().flat_map(|text| spellings(text)).collect();
        members.extend(spellings);
    }
    members.extend(mentions.around(sendable));
    members.extend(addresses(&mentions.blocks));
    if mentions.booleans {
        members.extend(["true".to_owned(), "false".to_owned()]);
    }
    members.retain(|text| sendable.has(text));
    // What the operators of numbers, instants and addresses do not tell apart has its neighbours.
    let is_open = !mentions.booleans && !mentions.closed && !mentions.has_neighbours();
    if is_open || members.is_empty() {
        members.extend(outside(lower, request, mentions, &members, sendable));
    }
    (members, all_have_members)
}

fn singles(members: &[String]) -> Vec<Option<ContextValue>> {
    members.iter().map(|member| Some(ContextValue::One(member.as_str().into()))).collect()
}

/// Sets of members: all subsets of few, else the singletons, the whole, and each with the outsider.
fn sets(members: &[String]) -> Vec<Option<ContextValue>> {
    let many = |chosen: Vec<&String>| {
        Some(ContextValue::Many(chosen.into_iter().map(|member| member.as_str().into()).collect()))
    };
    if members.len() <= ALL_SUBSETS + 1 {
        let subsets = 1..1_usize << members.len();
        return subsets
            .map(|bits| {
                let chosen = members.iter().enumerate().filter(|(nth, _)| bits >> nth & 1 == 1);
                many(chosen.map(|(_, member)| member).collect())
            })
            .collect();
    }
    let mut sets: Vec<_> = members.iter().map(|member| many(vec![member])).collect();
    sets.push(many(members.iter().collect()));
    if let Some((last, rest)) = members.split_last() {
        sets.push(many(rest.iter().collect()));
        sets.extend(rest.iter().map(|member| many(vec![member, last])));
    }
    sets
}

/// Keys whose values AWS lists, or that follow from the key (section 9, rules C51, C55, C60, L4).
fn domain(lower: &str, request: &Request, reference: &Reference<'_>) -> Option<Vec<String>> {
    let key = match &request.target {
        Target::Key(arn) => reference.world().key(arn),
        _ => None,
    };
    let spec = key.and_then(|key| KeySpec::parse(key.metadata.as_ref()?.spec.as_deref()?));
    let of_spec = |list: fn(&crate::aws::KeySpecInfo) -> Vec<String>| {
        spec.map(|spec| list(spec.info())).filter(|list| !list.is_empty())
    };
    let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
    match lower {
        "aws:securetransport" => Some(owned(&["true"])),
        "kms:policyname" => Some(owned(&["default"])),
        "kms:messagetype" => Some(owned(&["RAW", "DIGEST", "EXTERNAL_MU"])),
        // Rule C60.
        "kms:grantconstrainttype" => {
            Some(owned(&["EncryptionContextEquals", "EncryptionContextSubset"]))
        }
        _ if is_boolean(lower) => Some(owned(&["true", "false"])),
        "kms:encryptionalgorithm" => {
            of_spec(|info| info.encryption_algorithms.iter().map(ToString::to_string).collect())
        }
        "kms:signingalgorithm" => {
            of_spec(|info| info.signing_algorithms.iter().map(ToString::to_string).collect())
        }
        "kms:macalgorithm" => {
            of_spec(|info| info.mac_algorithms.iter().map(ToString::to_string).collect())
        }
        _ => None,
    }
}

/// A text that the pattern takes and AWS could send, and that is none of `exact`, which are classes of
/// their own.
fn member(pattern: &str, exact: &BTreeSet<String>, sendable: &Sendable) -> Option<String> {
    let fillers = sendable.fillers(pattern);
    // One wildcard is filled, the others are left empty, or all are filled alike.
    let first = |filler: &String| pattern.replacen('*', filler, 1).replace('*', "");
    let each = fillers.iter().map(|filler| pattern.replace(['*', '?'], filler));
    let least = sendable.least().and_then(|number| sendable.written(number));
    let mut texts = each.chain(fillers.iter().map(first)).chain(least);
    texts.find(|text| takes(pattern, text) && sendable.has(text) && !exact.contains(text))
}

/// Other spellings of a text: one of them is none that a condition compares with case.
fn spellings(text: &str) -> [String; 3] {
    let mut rest = text.chars();
    let first = rest.next().map(|first| match first.is_uppercase() {
        true => first.to_lowercase().to_string(),
        false => first.to_uppercase().to_string(),
    });
    let toggled = first.unwrap_or_default() + rest.as_str();
    [text.to_uppercase(), text.to_lowercase(), toggled]
}

/// A text that is none of `members` and that no pattern takes, in a form that AWS could send; nothing
/// where the patterns take all that are tried.
fn outside(
    lower: &str,
    request: &Request,
    mentions: &Mentions,
    members: &[String],
    sendable: &Sendable,
) -> Option<String> {
    let region = match &request.target {
        Target::Key(arn) => arn.region(),
        _ => "us-east-1",
    };
    let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let like = members.first().map(String::as_str).unwrap_or_default();
    let arns = [
        "arn:aws:iam::999999999999:role/other",
        "arn:aws:s3:::elsewhere",
        "arn:aws:sns:us-west-1:888888888888:topic",
    ];
    let names = ["other", "elsewhere", "zz9", "0", "Q_q", "-"];
    let forms = match sendable {
        Sendable::Service => {
            ["other", "service", "x1"].map(|name| format!("{name}.{region}.amazonaws.com")).to_vec()
        }
        Sendable::Organization => owned(&["o-other", "o-elsewhere", "o-zz9"]),
        Sendable::Place => owned(&["o-other/r-x/", "o-elsewhere/r-x/ou-y/", "o-zz9/r-0/"]),
        Sendable::Session { id } => names.map(|name| format!("{id}:{name}")).to_vec(),
        Sendable::Number { from } | Sendable::Instant { from } => {
            (0..4).filter_map(|nth| sendable.written(from.saturating_add(nth * 86_400))).collect()
        }
        Sendable::Between { from, to } => (*from..=*to).map(|number| number.to_string()).collect(),
        Sendable::Address => owned(&["198.51.100.1", "2001:db8::1", "192.0.2.1"]),
        Sendable::Arn | Sendable::Source => owned(&arns),
        Sendable::Text { .. } if like.starts_with("arn:") => owned(&arns),
        Sendable::Account => owned(&["999999999999", "888888888888"]),
        Sendable::Text { .. } if lower == "aws:sourceowner" => {
            owned(&["999999999999", "888888888888"])
        }
        Sendable::Text { .. } => owned(&names),
    };
    let is_outside = |text: &String| {
        let is_like = |pattern: &String| takes(pattern, text);
        !members.contains(text) && !mentions.patterns.iter().any(is_like)
    };
    forms.into_iter().find(is_outside)
}

/// The ends of each block and their neighbours outside: every class of addresses has one among them.
fn addresses(blocks: &BTreeSet<IpNet>) -> Vec<String> {
    let neighbours = |block: &IpNet| -> Vec<IpAddr> {
        let (first, last) = (block.network(), block.broadcast());
        let mut ends = vec![first, last];
        match (first, last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                let before = u32::from(first).checked_sub(1);
                let after = u32::from(last).checked_add(1);
                ends.extend(before.into_iter().chain(after).map(|n| IpAddr::V4(Ipv4Addr::from(n))));
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                let before = u128::from(first).checked_sub(1);
                let after = u128::from(last).checked_add(1);
                ends.extend(before.into_iter().chain(after).map(|n| IpAddr::V6(Ipv6Addr::from(n))));
            }
            _ => {}
        }
        ends
    };
    let mut all: BTreeSet<IpAddr> = blocks.iter().flat_map(neighbours).collect();
    if !blocks.is_empty() {
        // The family that no block is of.
        all.insert(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)));
        all.insert(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)));
    }
    all.into_iter().map(|address| address.to_string()).collect()
}
