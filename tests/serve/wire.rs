//! HTTP over a plain socket.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// One connection.
pub struct Client {
    stream: BufReader<TcpStream>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Client {
    /// Connects; a read that takes longer than a minute fails.
    pub fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    /// Sends bytes.
    pub fn write(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    /// Says that nothing more will be sent.
    pub fn half_close(&self) {
        self.stream.get_ref().shutdown(Shutdown::Write).unwrap();
    }

    /// Sends a request and reads the answer.
    pub fn send(&mut self, request: &[u8]) -> Answer {
        self.write(request);
        self.read().unwrap()
    }

    /// Reads one answer.
    pub fn read(&mut self) -> io::Result<Answer> {
        let line = |stream: &mut BufReader<TcpStream>| {
            let mut line = String::new();
            stream.read_line(&mut line)?;
            match line.is_empty() {
                true => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
                false => Ok(line.trim_end().to_owned()),
            }
        };
        let status = line(&mut self.stream)?;
        let status = status.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        let mut headers = Vec::new();
        loop {
            let header = line(&mut self.stream)?;
            let Some((name, value)) = header.split_once(": ") else { break };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let mut answer = Answer { status, headers, body: String::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        answer.body = String::from_utf8(body).unwrap();
        Ok(answer)
    }

    /// Whether the other side has closed the connection.
    pub fn is_closed(&mut self) -> bool {
        !self.stream.read(&mut [0]).is_ok_and(|read| read > 0)
    }
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// That it succeeded; its body as JSON, `null` where it is empty.
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// The name of the fault; nothing where it succeeded.
    pub fn fault(&self) -> Option<String> {
        if self.status == 200 {
            return None;
        }
        if self.body.starts_with('<') {
            return self.element("Code");
        }
        Some(self.json()["__type"].as_str().unwrap_or_default().to_owned())
    }

    /// What is said beside the name of the fault.
    pub fn message(&self) -> String {
        if self.body.starts_with('<') {
            return self.element("Message").unwrap_or_default();
        }
        let body = self.json();
        let message = body.get("Message").or(body.get("message"));
        message.and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The text of the first element with this name.
    pub fn element(&self, name: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0.to_owned())
    }
}
