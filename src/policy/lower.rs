//! A located tree to a policy. Never fails: every fault is noted where it stands (section 1 of the semantics).

mod doubt;
mod principals;
mod room;

use std::collections::BTreeSet;

use crate::source::{Located, Span};
use crate::syntax::{Kind, Member, Node, Unresolved, json};

use doubt::{
    in_branch, open_condition, spread, spread_branches, take_shared, unknown_effect,
    unknown_statements, with_effect,
};
use principals::is_star;
use room::leave_out_what_never_fits;
pub(crate) use room::too_long;

use super::{
    Condition, Effect, Element, Fault, Gravity, Operator, Polarity, Policy, PolicyKind, Standing,
    Statement, Value, Version,
};

/// Lowers the tree of a policy of the given kind.
pub fn lower(node: &Node<'_>, kind: PolicyKind) -> Policy {
    let mut lowering = Lowering { kind, faults: Vec::new() };
    let mut policy = Policy {
        version: Version::V2008,
        id: None,
        statements: Vec::new(),
        faults: Vec::new(),
        readable: true,
    };
    // The version decides what `${` means: without it nothing is known.
    if let Some(Kind::Unresolved(_) | Kind::OneOf { .. }) = node.get("Version").map(|it| &it.kind) {
        let expression = "the version of the policy";
        policy.version = Version::V2012;
        policy.statements = unknown_statements(node.span, kind, expression).into();
        return policy;
    }
    if let Kind::Unresolved(_) | Kind::OneOf { .. } = &node.kind {
        policy.version = Version::V2012;
        policy.statements = lowering.unknown_policy(node);
        return Policy { faults: lowering.faults, ..policy };
    }
    let Kind::Object(members) = &node.kind else {
        let fault = node.as_str().and_then(|text| json::parse(text).err());
        let message = match fault {
            Some(fault) => format!("no valid JSON: {}", fault.message),
            None => format!("a policy is an object, this is {}", node.kind_name()),
        };
        lowering.malformed(node.span, message);
        return Policy { faults: lowering.faults, readable: false, ..policy };
    };
    let mut sound = lowering.unique(members);
    let mut statements = None;
    for member in members {
        match &*member.name.value {
            "Version" => match version(&member.value) {
                Some(version) => policy.version = version,
                None => {
                    sound = false;
                    let message = "`Version` is neither 2012-10-17 nor 2008-10-17";
                    lowering.malformed(member.value.span, message);
                }
            },
            "Id" => {
                policy.id = located_text(&member.value);
                if !kind.is_resource_policy() {
                    lowering.harmless(member.name.span, "`Id` says nothing in this kind of policy");
                }
            }
            "Statement" => statements = Some(&member.value),
            name => lowering.ignored(member.name.span, format!("unknown policy member `{name}`")),
        }
    }
    match statements {
        Some(node) => policy.statements = lowering.statements(node, policy.version),
        None => {
            sound = false;
            lowering.malformed(node.span, "a policy without `Statement`");
        }
    }
    if !sound {
        for statement in &mut policy.statements {
            statement.standing = Standing::Malformed;
        }
        policy.readable = !policy.statements.is_empty();
    }
    if kind == PolicyKind::Key {
        lowering.faults.extend(leave_out_what_never_fits(&mut policy));
    }
    lowering.faults.sort_by_key(|fault| fault.span);
    Policy { faults: lowering.faults, ..policy }
}

/// Rule A2.
fn version(node: &Node<'_>) -> Option<Version> {
    match node.as_str()? {
        "2012-10-17" => Some(Version::V2012),
        "2008-10-17" => Some(Version::V2008),
        _ => None,
    }
}

fn located_text(node: &Node<'_>) -> Option<Located<Box<str>>> {
    node.scalar().map(|text| Located::new(text.into(), node.span))
}

/// The faults met so far, and what kind of policy is lowered.
struct Lowering {
    kind: PolicyKind,
    faults: Vec<Fault>,
}

/// What became of one statement while its members were read.
struct Draft {
    statement: Statement,
    malformed: bool,
}

impl Lowering {
    fn malformed(&mut self, span: Span, message: impl Into<String>) {
        self.faults.push(Fault { span, message: message.into(), gravity: Gravity::Malformed });
    }

    fn ignored(&mut self, span: Span, message: impl Into<String>) {
        self.faults.push(Fault { span, message: message.into(), gravity: Gravity::Ignored });
    }

    fn harmless(&mut self, span: Span, message: impl Into<String>) {
        self.faults.push(Fault { span, message: message.into(), gravity: Gravity::Harmless });
    }

    /// Rule A6: a member that stands twice makes its object malformed. True where none does.
    fn unique(&mut self, members: &[Member<'_>]) -> bool {
        let mut seen = BTreeSet::new();
        let mut unique = true;
        for member in members {
            if !seen.insert(&*member.name.value) {
                unique = false;
                self.malformed(member.name.span, format!("`{}` stands twice", member.name.value));
            }
        }
        unique
    }

    /// Rule A5: one statement or a list of them.
    fn statements(&mut self, node: &Node<'_>, version: Version) -> Vec<Statement> {
        if let Kind::Array(items) = &node.kind
            && items.is_empty()
        {
            match self.kind {
                PolicyKind::Key => self.malformed(node.span, "a key policy without statements"),
                _ => self.harmless(node.span, "a policy without statements"),
            }
        }
        let mut statements = Vec::new();
        spread_branches(node, &mut |node, branch| match &node.kind {
            Kind::Unresolved(value) => {
                statements.extend(unknown_statements(node.span, self.kind, &value.expression));
            }
            _ => match unknown_effect(node) {
                None => {
                    let statement = self.statement(node, version);
                    statements.push(in_branch(statement, branch));
                }
                Some(expression) => {
                    for effect in ["Allow", "Deny"] {
                        let statement = self.statement(&with_effect(node, effect), version);
                        statements.push(Statement { doubt: Some(expression.into()), ..statement });
                    }
                }
            },
        });
        self.sids(&statements);
        statements
    }

    /// The statements of a policy that is not known, or is one of several.
    fn unknown_policy(&mut self, node: &Node<'_>) -> Vec<Statement> {
        let mut branches = Vec::new();
        spread_branches(node, &mut |node, branch| match &node.kind {
            Kind::Unresolved(value) => {
                let unknown = unknown_statements(node.span, self.kind, &value.expression);
                branches.push((unknown.into(), None));
            }
            _ => {
                let lowered = lower(node, self.kind);
                self.faults.extend(lowered.faults);
                branches.push((lowered.statements, branch));
            }
        });
        let mut statements = match node.may_be_none() {
            true => Vec::new(),
            false => take_shared(&mut branches),
        };
        for (own, branch) in branches {
            statements.extend(own.into_iter().map(|statement| in_branch(statement, branch)));
        }
        statements
    }

    /// Rule A11: Sids are free in key policies; elsewhere letters and digits, each once.
    fn sids(&mut self, statements: &[Statement]) {
        if self.kind == PolicyKind::Key {
            return;
        }
        let mut seen = BTreeSet::new();
        for sid in statements.iter().filter_map(|statement| statement.sid.as_ref()) {
            if !sid.value.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                self.harmless(sid.span, "outside key policies a Sid has letters and digits only");
            }
            if !sid.value.is_empty() && !seen.insert(&sid.value) {
                self.harmless(sid.span, format!("the Sid `{}` stands twice", sid.value));
            }
        }
    }

    fn statement(&mut self, node: &Node<'_>, version: Version) -> Statement {
        let mut draft = Draft {
            statement: Statement {
                span: node.span,
                sid: None,
                effect: None,
                principal: None,
                action: None,
                resource: None,
                conditions: Vec::new(),
                standing: Standing::Sound,
                doubt: None,
                alternative: None,
                may_ask_more: false,
            },
            malformed: false,
        };
        let Kind::Object(members) = &node.kind else {
            let found = node.kind_name();
            self.malformed(node.span, format!("a statement is an object, this is {found}"));
            draft.statement.standing = Standing::Malformed;
            return draft.statement;
        };
        draft.malformed |= !self.unique(members);
        for member in members {
            self.member(member, version, &mut draft);
        }
        self.standing(node.span, draft)
    }

    fn member(&mut self, member: &Member<'_>, version: Version, draft: &mut Draft) {
        let value = &member.value;
        let statement = &mut draft.statement;
        match &*member.name.value {
            "Sid" => statement.sid = located_text(value),
            // Rule A12: exactly these two spellings.
            "Effect" => match value.as_str() {
                Some("Allow") => statement.effect = Some(Located::new(Effect::Allow, value.span)),
                Some("Deny") => statement.effect = Some(Located::new(Effect::Deny, value.span)),
                _ => {
                    draft.malformed = true;
                    self.malformed(value.span, "`Effect` is neither `Allow` nor `Deny`");
                }
            },
            "Principal" | "NotPrincipal" => {
                if statement.principal.is_some() {
                    draft.malformed = true;
                    let message = "`Principal` and `NotPrincipal` in one statement";
                    self.malformed(member.name.span, message);
                }
                let (element, sound) = self.principal(member);
                draft.malformed |= !sound;
                statement.principal = Some(element);
            }
            "Action" | "NotAction" | "Resource" | "NotResource" => {
                draft.malformed |= !self.element(member, version, statement);
            }
            "Condition" => {
                // What restricts a statement in a way that is not known may be met or not.
                if let Some((expression, may_ask_more)) = open_condition(value) {
                    statement.doubt = Some(expression.into());
                    statement.may_ask_more |= may_ask_more;
                } else {
                    let (conditions, sound) = self.conditions(value, version, statement);
                    draft.malformed |= !sound;
                    statement.conditions = conditions;
                }
            }
            // Rule A17: a misspelt `Condition` would widen access unseen.
            name => self.ignored(
                member.name.span,
                format!("unknown statement member `{name}`: it has no effect"),
            ),
        }
    }

    /// `Action`, `Resource` and their negations (rules A14, A15, A18). True where it is sound.
    fn element(
        &mut self,
        member: &Member<'_>,
        version: Version,
        statement: &mut Statement,
    ) -> bool {
        let name = &*member.name.value;
        let (slot, polarity, family) = match name {
            "Action" => (&mut statement.action, Polarity::Is, "Action"),
            "NotAction" => (&mut statement.action, Polarity::IsNot, "Action"),
            "Resource" => (&mut statement.resource, Polarity::Is, "Resource"),
            _ => (&mut statement.resource, Polarity::IsNot, "Resource"),
        };
        let mut sound = true;
        if slot.is_some() {
            sound = false;
            let message = format!("`{family}` and `Not{family}` in one statement");
            self.malformed(member.name.span, message);
        }
        let (values, values_sound) = self.values(&member.value, version, name);
        let span = member.value.span;
        // Rule A20: of two such members nobody knows which counts; together they could cover everything.
        *slot = Some(match sound {
            true => Element { polarity, values, span },
            false => Element { polarity: Polarity::IsNot, values: Vec::new(), span },
        });
        sound && values_sound
    }

    /// Rule A18: one scalar or a list of them.
    fn values(
        &mut self,
        node: &Node<'_>,
        version: Version,
        name: &str,
    ) -> (Vec<Located<Value>>, bool) {
        let mut sound = true;
        let mut values = Vec::new();
        if matches!(&node.kind, Kind::Array(items) if items.is_empty()) {
            let matched = if name.starts_with("Not") { "everything" } else { "nothing" };
            self.harmless(node.span, format!("an empty list: `{name}` matches {matched}"));
        }
        spread(node, &mut |item, doubt| match value(item, doubt) {
            Some(value) => {
                self.variables(item.span, &value, version);
                values.push(Located::new(value, item.span));
            }
            None => {
                sound = false;
                let found = item.kind_name();
                self.malformed(item.span, format!("`{name}` takes text, this is {found}"));
            }
        });
        (values, sound)
    }

    /// Rule A3: `${...}` under 2008-10-17 is text, which its author hardly meant.
    fn variables(&mut self, span: Span, value: &Value, version: Version) {
        if version == Version::V2008 && value.text().is_some_and(|text| text.contains("${")) {
            let message = "`${` is ordinary text here: variables need `Version` 2012-10-17";
            self.ignored(span, message);
        }
    }

    /// Rules A16, A19, C3.
    fn conditions(
        &mut self,
        node: &Node<'_>,
        version: Version,
        statement: &mut Statement,
    ) -> (Vec<Condition>, bool) {
        let Kind::Object(operators) = &node.kind else {
            self.malformed(node.span, "`Condition` is an object of operators");
            return (Vec::new(), false);
        };
        let mut sound = self.unique(operators);
        let mut conditions = Vec::new();
        for member in operators {
            let Some(operator) = Operator::parse(&member.name.value) else {
                sound = false;
                let name = &member.name.value;
                self.malformed(member.name.span, format!("unknown condition operator `{name}`"));
                continue;
            };
            if let Some((expression, may_ask_more)) = open_condition(&member.value) {
                statement.doubt = Some(expression.into());
                statement.may_ask_more |= may_ask_more;
                continue;
            }
            let Kind::Object(keys) = &member.value.kind else {
                sound = false;
                self.malformed(member.value.span, "an operator takes an object of condition keys");
                continue;
            };
            sound &= self.unique(keys);
            for key in keys {
                if let Some((expression, false)) = open_condition(&key.value) {
                    statement.doubt = Some(expression.into());
                    continue;
                }
                let (values, values_sound) = self.values(&key.value, version, &key.name.value);
                sound &= values_sound;
                conditions.push(Condition {
                    operator: Located::new(operator, member.name.span),
                    key: Located::new(key.name.value.as_ref().into(), key.name.span),
                    values,
                    span: key.name.span.to(key.value.span),
                });
            }
        }
        (conditions, sound)
    }

    /// What the statement is good for, once its members are known (rules A12 to A15).
    fn standing(&mut self, span: Span, draft: Draft) -> Statement {
        let Draft { mut statement, mut malformed } = draft;
        let mut lacks = |lowering: &mut Self, message: String| {
            malformed = true;
            lowering.malformed(span, message);
        };
        if statement.effect.is_none() && !malformed_effect(&self.faults, span) {
            lacks(self, "a statement without `Effect`".to_owned());
        }
        let named = self.kind.name();
        match (self.kind.is_resource_policy(), statement.principal.as_ref()) {
            (true, None) => lacks(self, format!("a statement of a {named} without `Principal`")),
            (false, Some(_)) => lacks(self, format!("an {named} takes no `Principal`")),
            (true, Some(principal)) if self.kind == PolicyKind::Rcp && !is_star(principal) => {
                lacks(self, "an RCP takes no `Principal` but `\"*\"`".to_owned());
            }
            _ => {}
        }
        let mut inert = false;
        if statement.action.is_none() {
            match self.kind {
                PolicyKind::Key => inert = true,
                _ => lacks(self, "a statement without `Action`".to_owned()),
            }
        }
        if statement.resource.is_none() {
            match self.kind {
                PolicyKind::Key => inert = true,
                PolicyKind::Trust => {}
                _ => lacks(self, "a statement without `Resource`".to_owned()),
            }
        }
        statement.standing = match (malformed, inert) {
            (true, _) => Standing::Malformed,
            (false, true) => {
                let message = "without `Action` or `Resource` the statement has no effect";
                self.ignored(span, message);
                Standing::Inert
            }
            (false, false) => Standing::Sound,
        };
        statement
    }
}

/// Whether a fault inside `span` already speaks of the effect, so that it is not told twice.
fn malformed_effect(faults: &[Fault], span: Span) -> bool {
    faults.iter().any(|fault| {
        span.start <= fault.span.start
            && fault.span.end <= span.end
            && fault.message.starts_with("`Effect`")
    })
}

/// Rule A19: text, booleans and numbers; a YAML tag such as `!Ref` makes a value unresolved. Whether a
/// value in doubt stands there, is not known.
fn value(node: &Node<'_>, doubt: Option<&str>) -> Option<Value> {
    if let Some(tag) = &node.tag {
        let argument = node.scalar().unwrap_or("...");
        let expression = format!("{} {argument}", tag.value);
        return Some(Value::Unresolved(Box::new(Unresolved::unknown(expression))));
    }
    let text: Box<str> = match &node.kind {
        Kind::Unresolved(value) => return Some(Value::Unresolved(Box::new(value.clone()))),
        Kind::Number(text) => shortest_decimal(text).into(),
        _ => node.scalar()?.into(),
    };
    Some(match doubt {
        None => Value::Text(text),
        Some(doubt) => {
            let expression = doubt.into();
            Value::Unresolved(Box::new(Unresolved { expression, shape: text }))
        }
    })
}

/// A number as its shortest decimal text; a whole number keeps its digits.
fn shortest_decimal(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return text.to_owned();
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => number.to_string(),
        _ => text.to_owned(),
    }
}
