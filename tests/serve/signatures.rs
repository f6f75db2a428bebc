//! Who is believed to be whom.

use jiff::SignedDuration;
use serde_json::json;

use crate::server::{Server, scratch};
use crate::signer::{AccessKey, Draft};
use crate::wire::Answer;

const COURSE: &str = "testdata/course";

fn server(name: &str) -> Server {
    Server::start(COURSE, &scratch(name), &[])
}

fn list_keys() -> Draft {
    Draft::kms("ListKeys", &json!({}))
}

fn whoami() -> Draft {
    Draft::query("sts", &[("Action", "GetCallerIdentity"), ("Version", "2011-06-15")])
}

#[track_caller]
fn refused(answer: &Answer, name: &str) {
    assert_eq!(answer.fault().as_deref(), Some(name), "{answer:?}");
    if !answer.body.starts_with('<') {
        assert_eq!(answer.status, 400);
        assert_eq!(answer.header("content-type"), Some("application/x-amz-json-1.1"));
    }
    let id = answer.header("x-amzn-requestid").expect("a request id");
    assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
}

/// A signed request with one text put in place of another, the signature left as it is.
fn altered(server: &Server, draft: &Draft, from: &str, to: &str) -> Answer {
    let bytes = draft.signed(&server.key("Alice"), &server.address().to_string());
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains(from), "{text}");
    server.client().send(text.replacen(from, to, 1).as_bytes())
}

#[test]
fn everyone_in_the_credentials_file_is_who_the_section_says() {
    let server = server("identities");
    let keys = server.keys();
    for name in ["Alice", "Bob", "Charlie", "David", "root"] {
        let arn = match name {
            "root" => "arn:aws:iam::111122223333:root".to_owned(),
            _ => format!("arn:aws:iam::111122223333:user/{name}"),
        };
        assert_eq!(keys[name], keys[&arn]);
        let answer = server.send(&whoami(), &keys[name]);
        assert_eq!(answer.element("Arn"), Some(arn));
        assert_eq!(answer.element("Account").as_deref(), Some("111122223333"));
        assert_eq!(answer.header("content-type"), Some("text/xml"));
    }
}

#[test]
fn unsigned_requests_are_refused() {
    let server = server("unsigned");
    let request = "POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: TrentService.ListKeys\r\n\
                   content-length: 2\r\n\r\n{}";
    refused(&server.client().send(request.as_bytes()), "MissingAuthenticationTokenException");
    let request = "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n\
                   content-length: 24\r\n\r\nAction=GetCallerIdentity";
    let answer = server.client().send(request.as_bytes());
    refused(&answer, "MissingAuthenticationToken");
    assert_eq!(answer.status, 403);
}

#[test]
fn another_secret_and_an_unknown_key_are_refused() {
    let server = server("secrets");
    let alice = server.key("Alice");
    let wrong = AccessKey { secret: server.key("Bob").secret, ..alice.clone() };
    refused(&server.send(&list_keys(), &wrong), "InvalidSignatureException");
    refused(&server.send(&whoami(), &wrong), "SignatureDoesNotMatch");
    let unknown = AccessKey { id: "AKIAIOSFODNN7EXAMPLE".to_owned(), ..alice.clone() };
    refused(&server.send(&list_keys(), &unknown), "UnrecognizedClientException");
    refused(&server.send(&whoami(), &unknown), "InvalidClientTokenId");
    let token = AccessKey { token: Some("bm9uZQ==".to_owned()), ..alice };
    refused(&server.send(&list_keys(), &token), "UnrecognizedClientException");
}

#[test]
fn what_was_signed_cannot_be_changed_or_used_for_something_else() {
    let server = server("replay");
    let target = "TrentService.ListKeys";
    let other = altered(&server, &list_keys(), target, "TrentService.ScheduleKeyDeletion");
    refused(&other, "InvalidSignatureException");
    let body = Draft::kms("DescribeKey", &json!({ "KeyId": "alias/CMK-A" }));
    refused(&altered(&server, &body, "CMK-A", "CMK-B"), "InvalidSignatureException");
    refused(&altered(&server, &list_keys(), "us-east-1", "eu-west-1"), "InvalidSignatureException");
    // A request to STS that is turned into one to KMS by a header that nobody signed.
    let added = "content-type: application/x-amz-json-1.1\r\nx-amz-target: TrentService.ListKeys";
    let kind = "content-type: application/x-www-form-urlencoded; charset=utf-8";
    refused(&altered(&server, &whoami(), kind, added), "InvalidSignatureException");
}

#[test]
fn clocks_that_are_off_are_told() {
    let server = server("skew");
    let key = server.key("Alice");
    let at = |minutes: i64| {
        let draft = list_keys();
        let time = draft.time.checked_add(SignedDuration::from_secs(minutes * 60)).unwrap();
        server.send(&Draft { time, ..draft }, &key)
    };
    let early = at(-6);
    refused(&early, "InvalidSignatureException");
    assert!(early.message().starts_with("Signature expired: "), "{early:?}");
    let late = at(6);
    refused(&late, "InvalidSignatureException");
    assert!(late.message().starts_with("Signature not yet current: "), "{late:?}");
    for minutes in [-4, 4] {
        assert_ne!(at(minutes).fault().as_deref(), Some("InvalidSignatureException"));
    }
}

#[test]
fn a_signature_for_another_service_is_refused() {
    let server = server("service");
    let draft = Draft { service: "s3".to_owned(), ..list_keys() };
    let answer = server.send(&draft, &server.key("Alice"));
    refused(&answer, "InvalidSignatureException");
    let expected = "Credential should be scoped to correct service: 'kms'. ";
    assert_eq!(answer.message(), expected);
}

#[test]
fn the_body_is_not_looked_at_before_the_signature() {
    let server = server("order");
    let draft = Draft::json("ListKeys", b"no json");
    refused(&altered(&server, &draft, "no json", "NO JSON"), "InvalidSignatureException");
    refused(&server.send(&draft, &server.key("Alice")), "SerializationException");
    for body in [&b"[]"[..], b"{", b"\"a\"", b"\xff\xfe", b"{\"a\":1}}"] {
        let draft = Draft::json("ListKeys", body);
        refused(&server.send(&draft, &server.key("Alice")), "SerializationException");
    }
}

#[test]
fn operations_that_do_not_exist_are_unknown() {
    let server = server("operations");
    let answer = server.kms("Alice", "MakeCoffee", &json!({}));
    refused(&answer, "UnknownOperationException");
    let draft = Draft::query("iam", &[("Action", "DeleteEverything"), ("Version", "2010-05-08")]);
    let answer = server.send(&draft, &server.key("Alice"));
    refused(&answer, "InvalidAction");
}
