//! AWS's published test vectors (the suite of Signature Version 4), and requests made wrong by hand.

use hyper::header::{HeaderName, HeaderValue};

use super::*;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

struct Case<'c> {
    method: &'c str,
    query: &'c str,
    headers: &'c [(&'c str, &'c str)],
    signed: &'c str,
    signature: &'c str,
    body: &'c str,
}

const VANILLA: Case<'_> = Case {
    method: "GET",
    query: "",
    headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
    signed: "host;x-amz-date",
    signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    body: "",
};

fn now() -> Timestamp {
    "2015-08-30T12:38:00Z".parse().expect("an instant")
}

fn headers(case: &Case<'_>) -> HeaderMap {
    let credential = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={}, Signature={}",
        case.signed, case.signature
    );
    let mut headers = HeaderMap::new();
    let given = case.headers.iter().copied().chain([("authorization", &*authorization)]);
    for (name, value) in given {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
    }
    headers
}

fn verified(case: &Case<'_>, headers: &HeaderMap, now: Timestamp) -> Result<Presented, AuthFault> {
    let head = Head { method: case.method, path: "/", query: case.query, headers };
    let presented = Presented::read(&head, &["service"], now)?;
    presented.verify(SECRET, &head, case.body.as_bytes())?;
    Ok(presented)
}

fn check(case: &Case<'_>) {
    let presented = verified(case, &headers(case), now()).expect("it is signed");
    assert_eq!(presented.access_key, "AKIDEXAMPLE");
    assert_eq!((&*presented.region, presented.service()), ("us-east-1", "service"));
}

/// The fault of the vanilla request after a change of its headers.
fn fault(change: impl FnOnce(&mut HeaderMap)) -> AuthFault {
    let mut headers = headers(&VANILLA);
    change(&mut headers);
    verified(&VANILLA, &headers, now()).expect_err("it is refused")
}

fn put(name: &'static str, value: &str) -> impl FnOnce(&mut HeaderMap) {
    let value = HeaderValue::from_str(value).expect("a value");
    move |headers| drop(headers.insert(name, value))
}

#[test]
fn published_vectors_are_accepted() {
    check(&VANILLA);
    check(&Case {
        method: "POST",
        signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ..VANILLA
    });
    check(&Case {
        query: "Param2=value2&Param1=value1",
        signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ..VANILLA
    });
    check(&Case {
        headers: &[
            ("host", "example.amazonaws.com"),
            ("my-header1", " value1"),
            ("my-header2", " \"a   b   c\""),
            ("x-amz-date", "20150830T123600Z"),
        ],
        signed: "host;my-header1;my-header2;x-amz-date",
        signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ..VANILLA
    });
    check(&Case {
        headers: &[
            ("host", "example.amazonaws.com"),
            ("my-header1", "value2"),
            ("my-header1", "value2"),
            ("my-header1", "value1"),
            ("x-amz-date", "20150830T123600Z"),
        ],
        signed: "host;my-header1;x-amz-date",
        signature: "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        ..VANILLA
    });
    check(&Case {
        method: "POST",
        headers: &[
            ("host", "example.amazonaws.com"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-amz-date", "20150830T123600Z"),
        ],
        signed: "content-type;host;x-amz-date",
        body: "Param1=value1",
        signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ..VANILLA
    });
}

#[test]
fn a_changed_request_is_refused() {
    let cases = [
        Case { body: "x", ..VANILLA },
        Case { method: "POST", ..VANILLA },
        Case { query: "a=b", ..VANILLA },
        Case { signature: "00", ..VANILLA },
        Case { signature: "zz", ..VANILLA },
    ];
    for case in cases {
        assert_eq!(verified(&case, &headers(&case), now()).unwrap_err(), AuthFault::Mismatch);
    }
    assert_eq!(fault(put("host", "other")), AuthFault::Mismatch);
    assert_eq!(fault(put("x-amz-date", "20150830T123601Z")), AuthFault::Mismatch);
}

#[test]
fn what_must_be_signed_is() {
    let unsigned = |fault: AuthFault, name: &str| {
        assert_eq!(fault.json_name(), "InvalidSignatureException");
        assert!(fault.message().starts_with(&format!("'{name}' must be")), "{fault:?}");
    };
    unsigned(fault(put("x-amz-target", "TrentService.Decrypt")), "x-amz-target");
    let case = Case { signed: "x-amz-date", ..VANILLA };
    unsigned(verified(&case, &headers(&case), now()).unwrap_err(), "host");
    let twice = fault(|headers| {
        headers.append("x-amz-date", HeaderValue::from_static("20150830T123600Z"));
    });
    assert_eq!(twice.json_name(), "IncompleteSignatureException");
}

#[test]
fn the_clock_may_be_five_minutes_off() {
    let at = |text: &str| verified(&VANILLA, &headers(&VANILLA), text.parse().expect("an instant"));
    assert!(at("2015-08-30T12:41:00Z").is_ok() && at("2015-08-30T12:31:00Z").is_ok());
    let expired = at("2015-08-30T12:41:01Z").unwrap_err();
    let message = "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z \
                   (20150830T124101Z - 5 min.)";
    assert_eq!(expired, AuthFault::Invalid(message.to_owned()));
    let early = at("2015-08-30T12:30:59Z").unwrap_err();
    let message = "Signature not yet current: 20150830T123600Z is still later than \
                   20150830T123559Z (20150830T123059Z + 5 min.)";
    assert_eq!(early, AuthFault::Invalid(message.to_owned()));
}

#[test]
fn other_scopes_are_refused() {
    let scoped = |scope: &str| {
        let text = format!(
            "AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature=00"
        );
        fault(put("authorization", &text))
    };
    let invalid = |scope: &str, message: &str| {
        assert_eq!(scoped(scope), AuthFault::Invalid(message.to_owned()));
    };
    invalid(
        "AK/20150830/us-east-1/s3/aws4_request",
        "Credential should be scoped to correct service: 'service'. ",
    );
    invalid(
        "AK/20150830/US EAST/service/aws4_request",
        "Credential should be scoped to a valid region.",
    );
    invalid(
        "AK/20150830/us-east-1/service/aws5",
        "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5'.",
    );
    assert!(matches!(scoped("AK/20150831/us-east-1/service/aws4_request"), AuthFault::Invalid(_)));
    assert!(matches!(scoped("AK/us-east-1/service"), AuthFault::Incomplete(_)));
}

#[test]
fn an_authorization_that_is_none_is_missing() {
    assert_eq!(fault(|headers| drop(headers.remove("authorization"))), AuthFault::Missing);
    assert_eq!(fault(put("authorization", "Bearer abc")), AuthFault::Missing);
    let lacks =
        fault(put("authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, Signature=5ec2e7"));
    let AuthFault::Incomplete(text) = lacks else { panic!("{lacks:?}") };
    assert!(text.contains("'SignedHeaders'") && !text.contains("5ec2e7"), "{text}");
}
