//! What clients do to a connection, by mistake or on purpose.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::server::{Server, scratch};
use crate::signer::Draft;
use crate::wire::Client;

fn server(name: &str) -> Server {
    Server::start("testdata/course", &scratch(name), &[])
}

fn whoami(server: &Server) -> Vec<u8> {
    let draft = Draft::query("sts", &[("Action", "GetCallerIdentity"), ("Version", "2011-06-15")]);
    draft.signed(&server.key("Alice"), &server.address().to_string())
}

#[track_caller]
fn answers(client: &mut Client, request: &[u8]) {
    let answer = client.send(request);
    let arn = "arn:aws:iam::111122223333:user/Alice";
    assert_eq!(answer.element("Arn").as_deref(), Some(arn), "{answer:?}");
}

#[test]
fn it_listens_on_the_loopback_interface_alone() {
    let server = server("loopback");
    assert!(server.address().ip().is_loopback());
    let listening = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let port = format!(":{:04X}", server.address().port());
    let mine = listening.lines().filter_map(|line| line.split_whitespace().nth(1));
    for local in mine.filter(|local| local.ends_with(&port)) {
        assert_eq!(local, format!("0100007F{port}"));
    }
}

#[test]
fn it_says_that_it_is_ready_to_whoever_asks() {
    let server = server("ready");
    let answer = server.client().send(b"GET /ready HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!((answer.status, answer.body.as_str()), (200, "ready\n"));
}

#[test]
fn a_connection_serves_many_requests_and_pipelined_ones_in_order() {
    let server = server("pipelined");
    let request = whoami(&server);
    let mut client = server.client();
    (0..3).for_each(|_| answers(&mut client, &request));
    let draft = Draft::query("sts", &[("Action", "GetCallerIdentity"), ("Version", "2011-06-15")]);
    let bob = draft.signed(&server.key("Bob"), &server.address().to_string());
    client.write(&[&request[..], &bob, &request].concat());
    for name in ["Alice", "Bob", "Alice"] {
        let arn = client.read().unwrap().element("Arn").unwrap();
        assert!(arn.ends_with(name), "{arn}");
    }
}

#[test]
fn a_body_that_is_told_to_be_too_long_is_not_read() {
    let server = server("oversized");
    let mut client = server.client();
    let head = "POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: TrentService.Encrypt\r\n\
                content-length: 1048577\r\n\r\n";
    let answer = client.send(head.as_bytes());
    assert_eq!(answer.status, 413);
    assert!(client.is_closed());
    answers(&mut server.client(), &whoami(&server));
}

#[test]
fn a_body_that_grows_too_long_is_cut_off() {
    let server = server("growing");
    let mut client = server.client();
    let head = "POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: TrentService.Encrypt\r\n\
                transfer-encoding: chunked\r\n\r\n";
    client.write(head.as_bytes());
    let chunk = [b"10000\r\n", &[b'x'; 0x10000][..], b"\r\n"].concat();
    (0..16).for_each(|_| client.write(&chunk));
    client.write(b"1\r\nx\r\n");
    assert_eq!(client.read().unwrap().status, 413);
}

#[test]
fn a_client_that_has_said_all_it_will_say_is_answered() {
    let server = server("half-closed");
    let mut client = server.client();
    client.write(&whoami(&server));
    client.half_close();
    assert_eq!(client.read().unwrap().status, 200);
    assert!(client.is_closed());
    // Half a request, and gone.
    let mut client = server.client();
    let request = whoami(&server);
    client.write(&request[..request.len() - 5]);
    client.half_close();
    assert!(client.read().map_or(true, |answer| answer.status == 400));
    answers(&mut server.client(), &request);
}

#[test]
fn what_is_no_http_is_refused_and_others_are_served_on() {
    let server = server("malformed");
    let no_http: [&[u8]; 6] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello \r\n\r\n",
        b"POST\r\n\r\n",
        b"POST / HTTP/9.9\r\nhost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nbad header\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
    ];
    for bytes in no_http {
        let mut client = server.client();
        client.write(bytes);
        let refused = client.read().map_or(true, |answer| answer.status == 400);
        assert!(refused, "{}", String::from_utf8_lossy(bytes));
        answers(&mut server.client(), &whoami(&server));
    }
    for request in ["GET / HTTP/1.1\r\nhost: x\r\n\r\n", "PUT /a HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let answer = server.client().send(request.as_bytes());
        assert_eq!(answer.fault().as_deref(), Some("UnknownOperationException"));
    }
}

#[test]
fn a_client_that_is_slow_with_the_head_is_cut_off_and_holds_up_nobody() {
    let server = server("slow");
    let begun = Instant::now();
    let mut slow = server.client();
    slow.write(b"POST / HTTP/1.1\r\nhost: ");
    let silent: Vec<TcpStream> =
        (0..100).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    answers(&mut server.client(), &whoami(&server));
    assert!(begun.elapsed() < Duration::from_secs(9));
    assert!(slow.read().map_or(true, |answer| answer.status == 408));
    assert!(begun.elapsed() < Duration::from_secs(30));
    drop(silent);
}

#[test]
fn a_client_that_is_slow_with_the_body_is_told_so_and_holds_up_nobody() {
    let server = server("slow-body");
    let begun = Instant::now();
    let mut slow = server.client();
    let request = whoami(&server);
    slow.write(&request[..request.len() - 1]);
    answers(&mut server.client(), &request);
    assert!(begun.elapsed() < Duration::from_secs(9));
    assert_eq!(slow.read().unwrap().status, 408);
    assert!(slow.is_closed() && begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_client_that_reads_no_answer_holds_up_nobody() {
    let server = server("deaf");
    let request = whoami(&server);
    let mut deaf = TcpStream::connect(server.address()).unwrap();
    deaf.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    // Until neither side takes more: the server waits for its reader, and not in memory.
    let sent = (0..100_000).take_while(|_| std::io::Write::write_all(&mut deaf, &request).is_ok());
    assert!(sent.count() < 100_000, "all of it was taken");
    answers(&mut server.client(), &request);
    let (code, _) = server.end();
    assert_eq!(code, Some(0));
}

#[test]
fn it_ends_when_told_and_answers_what_has_begun() {
    let server = server("end");
    let (address, request) = (server.address(), whoami(&server));
    let mut idle = server.client();
    answers(&mut idle, &request);
    let (code, _) = server.end();
    assert_eq!(code, Some(0));
    assert!(idle.is_closed());
    assert!(TcpStream::connect::<SocketAddr>(address).is_err());
}

#[test]
fn sixty_four_clients_are_served_at_a_time() {
    let server = server("clients");
    let request = whoami(&server);
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                let mut client = server.client();
                (0..20).for_each(|_| answers(&mut client, &request));
            });
        }
    });
}
