//! The finding builder: a rule says what and where; severity, confidence and persona come from its page.

use std::collections::BTreeMap;

use crate::aws::KeyArn;
use crate::decision::Request;
use crate::diag::{Confidence, Persona};
use crate::findings::{Explains, Finding, Fix, Label, Role};
use crate::policy::{PolicyDocument, Statement};
use crate::source::{Place, Span};

use super::Metadata;

/// Where a rule puts what it finds.
pub(super) struct Sink<'a> {
    metadata: &'a Metadata,
    found: &'a mut Vec<Finding>,
}

impl<'a> Sink<'a> {
    /// A sink for the findings of one rule.
    pub(super) fn new(metadata: &'a Metadata, found: &'a mut Vec<Finding>) -> Self {
        Self { metadata, found }
    }

    /// Begins a finding about `subject` (an ARN, an id, a path). It is reported by [`Report::done`].
    pub(super) fn report(
        &mut self,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Report<'_> {
        let front = &self.metadata.front;
        let finding = Finding {
            rule: self.metadata.slug,
            facet: None,
            severity: front.severity,
            confidence: front.confidence,
            persona: front.persona,
            message: message.into(),
            help: String::new(),
            key: None,
            subject: subject.into(),
            principals: Vec::new(),
            labels: Vec::new(),
            steps: false,
            statement: None,
            alike: 0,
            witness: None,
            fix: None,
            shares_cause: false,
            instance: None,
            is_use: false,
            block: None,
            same: Vec::new(),
            cause: None,
            explains: Explains::default(),
            explained: BTreeMap::new(),
        };
        let (metadata, found) = (self.metadata, &mut *self.found);
        Report { metadata, found, finding, primary: None, whole: None, is_single: true }
    }
}

/// A finding in the making.
#[must_use = "a finding is reported by `done`"]
pub(super) struct Report<'a> {
    metadata: &'a Metadata,
    found: &'a mut Vec<Finding>,
    finding: Finding,
    primary: Option<Label>,
    /// The range of the statement it is about.
    whole: Option<Span>,
    /// Whether that one statement, or grant, is all that it is about.
    is_single: bool,
}

impl Report<'_> {
    /// Speaks as a facet of the rule, with the facet's weights.
    pub(super) fn facet(mut self, name: &'static str) -> Self {
        if let Some(facet) = self.metadata.front.facets.get(name) {
            self.finding.facet = Some(name);
            self.finding.severity = facet.severity;
            self.finding.confidence = facet.confidence;
            self.finding.persona = facet.persona;
        }
        self
    }

    /// That it hangs on something that nobody said: then it is for auditors, whatever its page says.
    pub(super) fn unsure(mut self) -> Self {
        (self.finding.confidence, self.finding.persona) = (Confidence::Low, Persona::Auditor);
        self
    }

    /// That something which nobody knows may speak against it: it is less sure than its page says.
    pub(super) fn less_sure(mut self) -> Self {
        if self.finding.confidence != Confidence::High {
            return self.unsure();
        }
        self.finding.confidence = Confidence::Medium;
        self
    }

    /// The key it is about.
    pub(super) fn key(mut self, key: &KeyArn) -> Self {
        self.finding.key = Some(key.clone());
        self
    }

    /// What to edit.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.finding.help = help.into();
        self
    }

    /// The statement it is about: underlined as a whole, and part of the fingerprint.
    pub(super) fn statement(
        self,
        document: &PolicyDocument,
        index: usize,
        text: impl Into<String>,
    ) -> Self {
        let Some(statement) = document.policy().statements.get(index) else {
            return self;
        };
        let span = statement.span;
        self.of_statement(document, statement).at(document.place, Some(span), text)
    }

    /// The statement it is about, as part of the fingerprint alone: something in it is underlined.
    pub(super) fn of_statement(mut self, document: &PolicyDocument, statement: &Statement) -> Self {
        let (form, alike) = document.policy().form_without_principals(statement);
        self.finding.statement = Some(form);
        self.finding.alike = alike;
        self.whole = Some(statement.span);
        self
    }

    /// That other statements or grants have their part in it, where they have.
    pub(super) fn with_others(mut self, others: bool) -> Self {
        self.is_single &= !others;
        self
    }

    /// What it is about beside its subject, as part of the fingerprint.
    pub(super) fn said(mut self, text: impl Into<String>) -> Self {
        self.finding.statement = Some(text.into());
        self
    }

    /// The primary place; `None` as range means the whole text that stands there.
    pub(super) fn at(mut self, place: Place, span: Option<Span>, text: impl Into<String>) -> Self {
        self.primary = Some(Label { place, span, text: text.into(), role: Role::Primary });
        self
    }

    /// A place beside it.
    pub(super) fn beside(
        mut self,
        place: Place,
        span: Option<Span>,
        text: impl Into<String>,
    ) -> Self {
        self.finding.labels.push(Label { place, span, text: text.into(), role: Role::Related });
        self
    }

    /// That its places, the primary first, are the steps of a way to get there.
    pub(super) fn steps(mut self) -> Self {
        self.finding.steps = true;
        self
    }

    /// The principals it concerns.
    pub(super) fn principals(mut self, principals: impl IntoIterator<Item = String>) -> Self {
        self.finding.principals.extend(principals);
        self
    }

    /// A request that shows it.
    pub(super) fn witness(mut self, request: Option<&Request>) -> Self {
        self.finding.witness = request.cloned().map(Box::new);
        self
    }

    /// What mends it.
    pub(super) fn fix(mut self, fix: Option<Fix>) -> Self {
        self.finding.fix = fix.map(Box::new);
        self
    }

    /// That its cause is a statement of what `subject` stands for, which speaks of many keys: it is told once
    /// for all of them.
    pub(super) fn caused_by(mut self, subject: &str) -> Self {
        subject.clone_into(&mut self.finding.subject);
        self.finding.shares_cause = true;
        self
    }

    /// That its cause is something in `code` of which `instance` is one of several uses: it is told once, with
    /// the places of the others.
    pub(super) fn one_of(mut self, code: String, instance: &str) -> Self {
        self.finding.subject = code;
        self.finding.instance = Some(instance.to_owned());
        self.finding.is_use = true;
        self
    }

    /// Hides what these rules find on the same key: it is the same cause.
    pub(super) fn explains(mut self, rules: &[&'static str]) -> Self {
        self.finding.explains.on_key.extend(rules);
        self
    }

    /// Hides what these rules find about the same statement or grant: it follows from this.
    pub(super) fn explains_there(mut self, rules: &[&'static str]) -> Self {
        self.finding.explains.there.extend(rules);
        self
    }

    /// Hides what these rules find about the same statement: it is not so, because of this.
    pub(super) fn refutes(mut self, rules: &[&'static str]) -> Self {
        self.finding.explains.refuted.extend(rules);
        self
    }

    /// Reports the finding. One without a primary place is a fault of the rule and is not reported; the
    /// fixtures of every rule would miss it.
    pub(super) fn done(self) {
        let Self { found, mut finding, primary, whole, is_single, .. } = self;
        if let Some(primary) = primary {
            finding.cause = is_single.then_some((primary.place, whole.or(primary.span)));
            finding.labels.insert(0, primary);
            finding.principals.sort();
            finding.principals.dedup();
            found.push(finding);
        }
    }
}
