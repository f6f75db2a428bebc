//! One request as one line of JSON, the shape of the batch contract: read strictly, and written.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::aws::{Identity, KmsAction, identity, suggest};
use crate::decision::{Caller, Context, ContextValue, Request, Target};
use crate::policy::{PolicyDocument, PolicyKind};
use crate::source::{FileId, Place, Span};

/// The members of a request.
const MEMBERS: [&str; 6] = ["id", "principal", "action", "resource", "context", "session_policies"];

/// A line that was read.
#[derive(Debug)]
pub struct RequestLine {
    /// The `id` as it is written, where the line has one.
    pub id: Option<Box<RawValue>>,
    /// The request, or what is wrong with the line.
    pub request: Result<Request, String>,
}

/// Reads one line. Never fails: the answer to a malformed line carries its id.
pub fn parse(line: &[u8]) -> RequestLine {
    let mut members = Members::default();
    let mut json = serde_json::Deserializer::from_slice(line);
    let read = Members::read(&mut members, &mut json).and_then(|()| json.end());
    let id = members.get("id").map(ToOwned::to_owned);
    let request = match read {
        Ok(()) => members.request(),
        Err(error) => Err(format!("{} at column {}", fault(&error), error.column())),
    };
    RequestLine { id, request }
}

/// What is wrong, without the place: a request is one line.
fn fault(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what).to_owned()
}

/// The request as a JSON object with this id.
pub fn write(id: &str, request: &Request) -> Value {
    let mut object = Map::new();
    object.insert("id".into(), id.into());
    object.insert("principal".into(), (*request.caller.text).into());
    object.insert("action".into(), request.action.as_str().into());
    object.insert("resource".into(), request.target.to_string().into());
    let mut context = Map::new();
    for entry in request.context.entries() {
        let value = match &entry.value {
            ContextValue::One(value) => Value::from(&**value),
            ContextValue::Many(values) => {
                values.iter().map(|value| Value::from(&**value)).collect()
            }
        };
        context.insert(entry.name.to_string(), value);
    }
    object.insert("context".into(), context.into());
    let policies: Vec<Value> = request
        .session_policies
        .iter()
        .filter_map(|document| serde_json::from_str(document.text()).ok())
        .collect();
    if !policies.is_empty() {
        object.insert("session_policies".into(), policies.into());
    }
    object.into()
}

/// The members of a line as they are written, those that were read before a fault included.
#[derive(Default)]
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    fn read<D: Deserializer<'a>>(&mut self, json: D) -> Result<(), D::Error> {
        struct Seed<'m, 'a>(&'m mut Members<'a>);
        impl<'a> DeserializeSeed<'a> for Seed<'_, 'a> {
            type Value = ();
            fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<(), D::Error> {
                json.deserialize_map(self)
            }
        }
        impl<'a> Visitor<'a> for Seed<'_, 'a> {
            type Value = ();
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a request, which is an object")
            }
            fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
                while let Some(name) = map.next_key::<&RawValue>()? {
                    let name = string(name).ok_or_else(|| A::Error::custom("no name"))?;
                    if self.0.get(&name).is_some() {
                        return Err(A::Error::custom(format_args!("`{name}` stands twice")));
                    }
                    self.0.0.push((name, map.next_value()?));
                }
                Ok(())
            }
        }
        Seed(self).deserialize(json)
    }

    fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// A member that is there and not null.
    fn given(&self, name: &str) -> Option<&'a RawValue> {
        self.get(name).filter(|value| value.get() != "null")
    }

    fn text(&self, name: &str) -> Result<Cow<'a, str>, String> {
        let value = self.get(name).ok_or_else(|| format!("`{name}` is missing"))?;
        string(value).ok_or_else(|| format!("`{name}` is no string"))
    }

    fn request(&self) -> Result<Request, String> {
        if let Some((name, _)) = self.0.iter().find(|(name, _)| !MEMBERS.contains(&&**name)) {
            return Err(match suggest::nearest(name, MEMBERS) {
                Some(meant) => format!("unknown member `{name}`: did you mean `{meant}`?"),
                None => format!("unknown member `{name}`: a request has {}", MEMBERS.join(", ")),
            });
        }
        let caller = caller(&self.text("principal")?)?;
        let action = action(&self.text("action")?)?;
        let target = target(&self.text("resource")?, action)?;
        let context = self.given("context").map_or_else(|| Ok(Context::default()), context)?;
        let session_policies =
            self.given("session_policies").map_or_else(|| Ok(Vec::new()), session_policies)?;
        Ok(Request { caller, action, target, context, session_policies })
    }
}

/// A JSON string; borrowed where it is written without escapes.
fn string(value: &RawValue) -> Option<Cow<'_, str>> {
    let written = value.get();
    match written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if !inner.contains('\\') => Some(Cow::Borrowed(inner)),
        _ => serde_json::from_str(written).ok().map(Cow::Owned),
    }
}

/// Reads a principal.
///
/// # Errors
/// What else the text is.
pub fn caller(text: &str) -> Result<Caller, String> {
    Caller::parse(text).ok_or_else(|| match identity(text) {
        Some(Identity::Group { .. }) => format!("`{text}` is a group, which makes no requests"),
        _ => format!(
            "`{text}` is no principal: the ARN of a user, role, session or account root, an account \
             id, or a service principal"
        ),
    })
}

/// Reads an action, `kms:` in front.
///
/// # Errors
/// What is near, where nothing is called so.
pub fn action(text: &str) -> Result<KmsAction, String> {
    if let Some(action) = KmsAction::parse(text) {
        return Ok(action);
    }
    if text.eq_ignore_ascii_case("kms:ReEncrypt") {
        return Err(format!("`{text}` is two permissions: kms:ReEncryptFrom and kms:ReEncryptTo"));
    }
    let names = KmsAction::all().map(KmsAction::as_str);
    let near = KmsAction::from_name(text).map(KmsAction::as_str);
    Err(match near.or_else(|| suggest::nearest(text, names)) {
        Some(meant) => format!("unknown action `{text}`: did you mean {meant}?"),
        None => format!("unknown action `{text}`: it is none of AWS KMS"),
    })
}

/// Reads what the action is asked for on.
fn target(text: &str, action: KmsAction) -> Result<Target, String> {
    let target = Target::parse(text).ok_or_else(|| {
        format!("`{text}` is no resource: the ARN of a key or an alias, or `*` for no key")
    })?;
    fits(&target, action)?;
    Ok(target)
}

/// Whether the action can be asked for on such a target.
///
/// # Errors
/// What it is asked for on instead.
pub fn fits(target: &Target, action: KmsAction) -> Result<(), String> {
    let info = action.info();
    let on_a_key = info.has_key_resource || info.has_alias_resource;
    let named = matches!(target, Target::Key(_) | Target::Alias(_));
    match (on_a_key, named) {
        (true, false) => Err(format!("{action} is asked for on a key, and `{target}` is none")),
        (false, true) => Err(format!("{action} is asked for without a key: on `*`")),
        _ => Ok(()),
    }
}

fn context(value: &RawValue) -> Result<Context, String> {
    let mut members = Members::default();
    let mut json = serde_json::Deserializer::from_str(value.get());
    if !value.get().starts_with('{') {
        return Err("`context` is no object".to_owned());
    }
    members.read(&mut json).map_err(|error| format!("`context`: {}", fault(&error)))?;
    let mut context = Context::default();
    for (name, value) in members.0 {
        let read = context_value(value).ok_or_else(|| {
            format!("context key `{name}` is neither a scalar nor a list of scalars")
        })?;
        context.set(&name, read);
    }
    Ok(context)
}

/// A value of a condition key: booleans and numbers are the texts they are written as.
fn context_value(value: &RawValue) -> Option<ContextValue> {
    if let Some(one) = scalar(value) {
        return Some(ContextValue::One(one));
    }
    let items: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
    items.into_iter().map(scalar).collect::<Option<_>>().map(ContextValue::Many)
}

fn scalar(value: &RawValue) -> Option<Box<str>> {
    let written = value.get();
    match written.bytes().next()? {
        b'"' => string(value).map(Into::into),
        b'{' | b'[' | b'n' => None,
        _ => Some(written.into()),
    }
}

fn session_policies(value: &RawValue) -> Result<Vec<PolicyDocument>, String> {
    let policies: Vec<&RawValue> = serde_json::from_str(value.get())
        .map_err(|_| "`session_policies` is no list of policies".to_owned())?;
    let document = |(nth, policy): (u32, &RawValue)| {
        let text = policy.get();
        if !text.starts_with('{') {
            return Err("a session policy is an object".to_owned());
        }
        // It stands in no file; each has a place of its own.
        let place = Place::plain(FileId(u32::MAX - nth), Span::new(0, text.len()));
        Ok(PolicyDocument::json(place, PolicyKind::Session, text))
    };
    (0..).zip(policies).map(document).collect()
}
