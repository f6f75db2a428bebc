//! One request, from its bytes to the bytes of the answer. No socket is known here.

use std::fmt::Write as _;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::encryptor::directory::{Directory, StateError, Writes};
use crate::encryptor::{Ambient, Asked, Caller, Encryptor, KmsError, State};
use crate::inventory::Inventory;

use super::ambient;
use super::credentials::{AccessKey, Credentials, Made};
use super::explain;
use super::query::{self, Form, Question};
use super::sigv4::{AuthFault, Head, Presented};
use super::who::Who;

const JSON: &str = "application/x-amz-json-1.1";
const XML: &str = "text/xml";
const TARGET: &str = "TrentService.";

/// What answers requests.
pub(super) struct Endpoint {
    encryptor: Encryptor,
    directory: Arc<Directory>,
    credentials: Credentials,
    made: RwLock<Made>,
    changing: Mutex<()>,
    /// How far the clock of the conditions is from the one of the machine.
    shift: SignedDuration,
    explains: bool,
}

/// The world at one instant.
pub(super) struct World(Arc<State>);

impl Deref for World {
    type Target = Inventory;

    fn deref(&self) -> &Inventory {
        &self.0.world
    }
}

/// What is sent back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
    pub(super) noted: Noted,
}

/// What the log says of a request; neither secrets nor what was encrypted.
#[derive(Clone, Default, Debug)]
pub(super) struct Noted {
    /// `kms:Encrypt`.
    pub(super) action: String,
    /// ARN of the caller; empty where nobody signed.
    pub(super) caller: String,
    /// The name of the fault.
    pub(super) error: Option<&'static str>,
    /// Why it is denied, where that is asked for.
    pub(super) explanation: Option<String>,
}

/// How a request speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Json,
    Query,
}

/// A request that somebody signed.
struct Signed<'r> {
    who: Who,
    presented: Presented,
    head: &'r Head<'r>,
    body: &'r [u8],
    request_id: &'r str,
}

impl Endpoint {
    /// An endpoint before an encryptor, with the access keys of its state directory.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub(super) fn new(
        encryptor: Encryptor,
        directory: Arc<Directory>,
        shift: SignedDuration,
        explains: bool,
    ) -> Result<Self, StateError> {
        let credentials = Credentials::new(directory.secret());
        let made = directory.text(Made::DOCUMENT)?;
        let made = made.as_deref().map_or_else(|| Some(Made::default()), Made::parse);
        let made =
            made.ok_or_else(|| directory.damaged(Made::DOCUMENT, "a line cannot be read"))?;
        let (made, changing) = (RwLock::new(made), Mutex::new(()));
        let endpoint = Self { encryptor, directory, credentials, made, changing, shift, explains };
        endpoint.know();
        Ok(endpoint)
    }

    /// Learns the access keys of all who are in the world.
    pub(super) fn know(&self) {
        let made = self.made.read().unwrap_or_else(PoisonError::into_inner);
        self.credentials.know(&self.world(), &made);
    }

    pub(super) fn encryptor(&self) -> &Encryptor {
        &self.encryptor
    }

    pub(super) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The world as it is now.
    pub(super) fn world(&self) -> World {
        World(self.encryptor.state())
    }

    pub(super) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    pub(super) fn explains(&self) -> bool {
        self.explains
    }

    /// Held while one request looks at the accounts and changes them.
    pub(super) fn one_at_a_time(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new access key of a user, kept for good; nothing where the user has `most` already.
    pub(super) fn made(&self, user: &str, most: u32) -> Result<Option<AccessKey>, String> {
        let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
        if made.last(user) >= most {
            return Ok(None);
        }
        let more = made.with(user);
        let text = more.text().into_bytes();
        let writes = Writes::from([(Made::DOCUMENT.to_owned(), Some(text))]);
        self.directory.write(&writes).map_err(|error| error.to_string())?;
        *made = more;
        Ok(Some(self.credentials.learn(user, made.last(user))))
    }

    /// Answers one request.
    pub(super) fn answer(&self, head: &Head<'_>, body: &[u8], request_id: &str) -> Answer {
        let Some(protocol) = protocol(head) else {
            return Answer::json_fault("UnknownOperationException", "", Noted::default());
        };
        if head.method != "POST" || head.path != "/" {
            return Answer::json_fault("UnknownOperationException", "", Noted::default());
        }
        match self.signed(head, body, protocol, request_id) {
            Ok(signed) if protocol == Protocol::Json => self.json(&signed),
            Ok(signed) => self.query(&signed),
            Err(fault) => refused(protocol, &fault, request_id),
        }
    }

    /// Who signed a request; nothing of the body is parsed before.
    fn signed<'r>(
        &self,
        head: &'r Head<'r>,
        body: &'r [u8],
        protocol: Protocol,
        request_id: &'r str,
    ) -> Result<Signed<'r>, AuthFault> {
        let services: &[&str] = match protocol {
            Protocol::Json => &["kms"],
            Protocol::Query => &["sts", "iam"],
        };
        let presented = Presented::read(head, services, Timestamp::now())?;
        let token = presented.token.as_deref();
        let (world, now) = (self.world(), self.now());
        let (who, secret) = self.credentials.find(&presented.access_key, token, &world, now)?;
        presented.verify(&secret, head, body)?;
        Ok(Signed { who, presented, head, body, request_id })
    }

    fn json(&self, signed: &Signed<'_>) -> Answer {
        let target = header(signed.head, "x-amz-target").unwrap_or_default();
        let operation = target.strip_prefix(TARGET).unwrap_or_default();
        let noted = Noted {
            action: format!("kms:{}", shown(operation)),
            caller: signed.who.caller.to_string(),
            ..Noted::default()
        };
        let body = match signed.body {
            b"" => Ok(json!({})),
            bytes => serde_json::from_slice::<Value>(bytes),
        };
        let Some(body) = body.ok().filter(Value::is_object) else {
            return Answer::json_fault("SerializationException", "", noted);
        };
        let caller = Caller {
            principal: signed.who.caller.clone(),
            region: signed.presented.region.as_str().into(),
            session_policies: signed.who.policies(),
            session_tags: signed.who.tags(),
        };
        let world = self.world();
        let agent = header(signed.head, "user-agent");
        let region = &*signed.presented.region;
        let context = ambient::of(&signed.who, &world, region, agent, self.now());
        let ambient = Ambient { context, request_id: Some(signed.request_id.into()) };
        match self.encryptor.call(&caller, &ambient, operation, &body) {
            Ok(Value::Object(members)) if members.is_empty() => {
                Answer::json(200, Vec::new(), noted)
            }
            Ok(answer) => Answer::json(200, answer.to_string().into_bytes(), noted),
            Err(fault) => self.kms_fault(&fault, noted),
        }
    }

    fn kms_fault(&self, fault: &KmsError, mut noted: Noted) -> Answer {
        if let Some(refusal) = fault.refusal.as_deref().filter(|_| self.explains) {
            let world = self.world();
            noted.explanation = Some(match &refusal.asked {
                Asked::Kms(request) => {
                    explain::kms(&world, request, refusal.without.as_ref(), self.now())
                }
                Asked::Control(request) => explain::control(&world, request, &refusal.decision),
            });
        }
        Answer::fault(fault, noted)
    }

    fn query(&self, signed: &Signed<'_>) -> Answer {
        let Some(form) = Form::parse(signed.body) else {
            let fault = AuthFault::Incomplete("The body is no form.".to_owned());
            return refused(Protocol::Query, &fault, signed.request_id);
        };
        let (world, now) = (self.world(), self.now());
        let agent = header(signed.head, "user-agent");
        let context = ambient::of(&signed.who, &world, &signed.presented.region, agent, now);
        query::answer(&Question {
            endpoint: self,
            who: &signed.who,
            form,
            context,
            service: signed.presented.service(),
            request_id: signed.request_id,
            now,
        })
    }

    /// The time that conditions see.
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now.checked_add(self.shift).unwrap_or(now)
    }
}

impl Answer {
    fn json(status: u16, body: Vec<u8>, noted: Noted) -> Self {
        Self { status, content_type: JSON, body, noted }
    }

    /// A failure of the JSON protocol.
    pub(super) fn json_fault(name: &'static str, message: &str, noted: Noted) -> Self {
        let fault = match message {
            "" => KmsError::bare(name),
            text => KmsError::new(name, text),
        };
        Self::fault(&fault, noted)
    }

    fn fault(fault: &KmsError, noted: Noted) -> Self {
        let mut body = json!({ "__type": fault.name });
        if let (Some(text), Some(members)) = (&fault.message, body.as_object_mut()) {
            members.insert(fault.member().to_owned(), text.as_str().into());
        }
        let cause = fault.message.clone().filter(|_| fault.status() >= 500);
        let explanation = noted.explanation.or(cause);
        let noted = Noted { error: Some(fault.name), explanation, ..noted };
        Self::json(fault.status(), body.to_string().into_bytes(), noted)
    }

    pub(super) fn xml(status: u16, body: String, noted: Noted) -> Self {
        Self { status, content_type: XML, body: body.into_bytes(), noted }
    }
}

fn refused(protocol: Protocol, fault: &AuthFault, request_id: &str) -> Answer {
    match protocol {
        Protocol::Json => Answer::json_fault(fault.json_name(), fault.message(), Noted::default()),
        Protocol::Query => {
            let (status, code) = fault.query_name();
            let space = query::default_name_space();
            let body = query::error_body(space, code, fault.message(), request_id);
            Answer::xml(status, body, Noted { error: Some(code), ..Noted::default() })
        }
    }
}

fn protocol(head: &Head<'_>) -> Option<Protocol> {
    if head.headers.contains_key("x-amz-target") {
        return Some(Protocol::Json);
    }
    let kind = header(head, "content-type")?;
    let is_form = kind
        .split(';')
        .next()
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"));
    is_form.then_some(Protocol::Query)
}

fn header<'h>(head: &Head<'h>, name: &str) -> Option<&'h str> {
    head.headers.get(name)?.to_str().ok()
}

/// A name that a client chose, fit for one line of the log.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(64).fold(String::new(), |mut out, one| {
        // A string takes whatever is written.
        let _ = match one.is_ascii_alphanumeric() {
            true => write!(out, "{one}"),
            false => write!(out, "{}", one.escape_unicode()),
        };
        out
    })
}
