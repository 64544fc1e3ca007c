//! An HTTP server that answers as a test says.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use serde_json::Value;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: HashMap<String, String>,
    pub text: String,
}

impl Seen {
    pub fn body(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
}

/// What is answered.
pub enum Reply {
    Json(u16, String),
    /// The same, with a header.
    With(u16, &'static str, String),
    Nothing,
    /// The connection ends without an answer.
    HangUp,
}

impl Reply {
    pub fn ok(body: &Value) -> Self {
        Self::Json(200, body.to_string())
    }

    pub fn error(status: u16, code: &str) -> Self {
        let error = serde_json::json!({"code": code, "message": format!("this is {code}")});
        Self::Json(status, serde_json::json!({"error": error}).to_string())
    }
}

/// Answers by `script` from now on, and says at which URL.
pub fn serve(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let script = Arc::new(script);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, script) = (stream.unwrap(), Arc::clone(&script));
            thread::spawn(move || converse(&stream, &*script));
        }
    });
    url
}

fn converse(stream: &TcpStream, script: &(dyn Fn(&Seen) -> Reply + Send + Sync)) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(seen) = read(&mut reader) {
        let (status, header, body) = match script(&seen) {
            Reply::Json(status, body) => (status, String::new(), body),
            Reply::With(status, header, body) => (status, format!("{header}\r\n"), body),
            Reply::Nothing => (204, String::new(), String::new()),
            Reply::HangUp => return,
        };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{header}\r\n{body}"
        );
        if (&mut &*stream).write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let text = String::from_utf8(body).unwrap();
    Some(Seen { method, path: path.into(), query: query.into(), headers, text })
}
