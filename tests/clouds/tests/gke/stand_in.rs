//! A stand-in of Google on 127.0.0.1: a plain HTTP server that answers by path and keeps the requests that it got.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use url::form_urlencoded;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    /// By name in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn form(&self) -> BTreeMap<String, String> {
        form_urlencoded::parse(self.body.as_bytes())
            .into_owned()
            .collect()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What it answers on one path.
#[derive(Clone)]
pub(crate) enum Answer {
    Says(u16, String),
    /// What is known only when it is asked.
    Computes(Arc<dyn Fn() -> String + Send + Sync>),
    /// Another address.
    Redirects(String),
    /// Without the header of the metadata server.
    IsAnother(String),
    /// The connection stays open without an answer.
    Hangs,
}

pub(crate) struct StandIn {
    pub(crate) host: String,
    seen: Arc<Mutex<Vec<Received>>>,
    answers: Arc<Mutex<BTreeMap<String, Answer>>>,
}

impl StandIn {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(BTreeMap::new()));
        let (log, table) = (Arc::clone(&seen), Arc::clone(&answers));
        std::thread::spawn(move || {
            let mut hanging = Vec::new();
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let Some(request) = receive(&stream) else { continue };
                let path = request.path.split('?').next().unwrap_or_default().to_owned();
                log.lock().unwrap().push(request);
                let answer = table.lock().unwrap().get(&path).cloned();
                match answer.unwrap_or(Answer::Says(404, String::new())) {
                    Answer::Says(status, body) => {
                        respond(stream, status, "Metadata-Flavor: Google\r\n", &body);
                    }
                    Answer::Computes(body) => {
                        respond(stream, 200, "Metadata-Flavor: Google\r\n", &body());
                    }
                    Answer::IsAnother(body) => respond(stream, 200, "", &body),
                    Answer::Redirects(to) => respond(stream, 307, &format!("Location: {to}\r\n"), ""),
                    Answer::Hangs => hanging.push(stream),
                }
            }
        });
        Self { host, seen, answers }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    pub(crate) fn answer(&self, path: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    /// Answers with this token.
    pub(crate) fn token(&self, path: &str, token: &str) {
        let body = format!(r#"{{"access_token":"{token}","expires_in":3599,"token_type":"Bearer"}}"#);
        self.answer(path, Answer::Says(200, body));
    }

    pub(crate) fn seen(&self) -> Vec<Received> {
        self.seen.lock().unwrap().clone()
    }
}

fn receive(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut words = first.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) < 3 {
            break;
        }
        let (name, value) = line.split_once(':')?;
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .and_then(|it| it.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Received {
        method,
        path,
        headers,
        body: String::from_utf8(body).ok()?,
    })
}

fn respond(mut stream: TcpStream, status: u16, headers: &str, body: &str) {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n");
    // The client may have closed it.
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}
