//! The listener: HTTP/1.1 on the loopback interface, with a limit on whatever a client can take.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::rand;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::endpoint::{Answer, Endpoint, Noted};
use super::log::Log;
use super::sigv4::Head;

/// How many bytes a body may have.
const BODY: usize = 1 << 20;
/// How long a client may take for the head of a request, and for its body.
const HEAD_TIME: Duration = Duration::from_secs(10);
const BODY_TIME: Duration = Duration::from_secs(20);
/// How long open requests may take once an end is asked for.
const END_TIME: Duration = Duration::from_secs(5);
/// How many connections are served at a time; the others wait for theirs.
const CONNECTIONS: usize = 1024;

/// A bound socket; nothing is accepted yet.
pub(super) struct Listener {
    socket: std::net::TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds a port of 127.0.0.1; 0 takes any that is free.
    pub(super) fn bind(port: u16) -> io::Result<Self> {
        let socket = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

    /// `127.0.0.1:8080`.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Accepts connections until `end` is done; then open requests are answered, and no more.
pub(super) async fn serve(
    listener: Listener,
    endpoint: Arc<Endpoint>,
    log: Arc<Log>,
    end: impl Future<Output = ()>,
) -> io::Result<()> {
    let socket = TcpListener::from_std(listener.socket)?;
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut end = std::pin::pin!(end);
    loop {
        let place = Arc::clone(&places).acquire_owned();
        let accepted = tokio::select! {
            () = &mut end => break,
            accepted = async { (place.await, socket.accept().await) } => accepted,
        };
        // A client that is gone already, or too many open files: the next one may do better.
        let (Ok(place), Ok((stream, _))) = accepted else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let connection = connection(stream, Arc::clone(&endpoint), Arc::clone(&log));
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            // A connection that breaks is its client's affair.
            let _ = watched.await;
            drop(place);
        });
    }
    drop(socket);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(END_TIME) => {}
    }
    Ok(())
}

fn connection(
    stream: TcpStream,
    endpoint: Arc<Endpoint>,
    log: Arc<Log>,
) -> impl hyper_util::server::graceful::GracefulConnection {
    // An answer is one small write, which should not wait for others.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let (endpoint, log) = (Arc::clone(&endpoint), Arc::clone(&log));
        async move { Ok::<_, Infallible>(respond(request, endpoint, &log).await) }
    });
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .half_close(true)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(stream), service)
}

async fn respond(
    request: Request<Incoming>,
    endpoint: Arc<Endpoint>,
    log: &Log,
) -> Response<Full<Bytes>> {
    let begun = Instant::now();
    let request_id = request_id();
    if request.uri().path() == "/ready" && request.method() == hyper::Method::GET {
        let answer = Answer {
            status: 200,
            content_type: "text/plain",
            body: b"ready\n".to_vec(),
            noted: Noted::default(),
        };
        return response(answer, &request_id, Then::Goes);
    }
    let (head, body) = request.into_parts();
    let body = match read(&head.headers, body).await {
        Ok(body) => body,
        Err(status) => {
            let answer = Answer {
                status: status.as_u16(),
                content_type: "text/plain",
                body: format!("{status}\n").into_bytes(),
                noted: Noted::default(),
            };
            log.request(&answer, &request_id, begun.elapsed());
            return response(answer, &request_id, Then::Ends);
        }
    };
    let id = request_id.clone();
    // Key pairs take a while to make, and a change waits for the disk.
    let answered = tokio::task::spawn_blocking(move || {
        let head = Head {
            method: head.method.as_str(),
            path: head.uri.path(),
            query: head.uri.query().unwrap_or_default(),
            headers: &head.headers,
        };
        endpoint.answer(&head, &body, &id)
    });
    let answer = answered.await.unwrap_or_else(|_| {
        Answer::json_fault("KMSInternalException", "an internal fault", Noted::default())
    });
    log.request(&answer, &request_id, begun.elapsed());
    response(answer, &request_id, Then::Goes)
}

/// The body, or the status that says why it is not read. One that is told to be too long is not begun.
async fn read(headers: &hyper::HeaderMap, body: Incoming) -> Result<Bytes, StatusCode> {
    let told = headers.get(CONTENT_LENGTH).and_then(|told| told.to_str().ok());
    let told = told.and_then(|told| told.parse::<u64>().ok());
    if told.is_some_and(|told| told > BODY as u64) {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let collected = tokio::time::timeout(BODY_TIME, Limited::new(body, BODY).collect()).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => Err(StatusCode::BAD_REQUEST),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

/// What becomes of the connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Goes,
    /// It ends: what follows on it is not known.
    Ends,
}

fn response(answer: Answer, request_id: &str, then: Then) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    if then == Then::Ends {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A random UUID (RFC 9562, version 4).
fn request_id() -> String {
    let mut bytes = [0u8; 16];
    // Without random bytes the id says nothing; the request is answered all the same.
    let _ = rand::fill(&mut bytes);
    let number = u128::from_be_bytes(bytes);
    let number = number & !(0xf << 76) & !(0b11 << 62) | (0x4 << 76) | (0b10 << 62);
    let text = format!("{number:032x}");
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}

#[cfg(test)]
mod tests {
    #[test]
    fn request_ids_are_uuids() {
        let id = super::request_id();
        let parts: Vec<&str> = id.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(parts[2].starts_with('4') && parts[3].starts_with(['8', '9', 'a', 'b']), "{id}");
        assert_ne!(id, super::request_id());
    }
}
