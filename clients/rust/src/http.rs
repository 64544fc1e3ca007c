//! One exchange with the server: a request, and its answer or why there is none.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use ureq::Agent;
use ureq::http;

use crate::error::{Error, Refusal, says_not_now};
use crate::settings::{Known, Secret};

/// Idle connections that are kept: as many as threads may come to use at once.
const KEPT_CONNECTIONS: usize = 100;
/// No answer of a server is larger.
const LARGEST_ANSWER: u64 = 512 * 1024 * 1024;

/// The connections to a server, shared by all threads.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    agent: Agent,
    url: String,
    credentials: Option<(String, Secret)>,
}

/// What is asked.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: http::Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) body: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) retry_after: Option<Duration>,
    /// What it says that it is, for the error about a stranger.
    kind: String,
    location: Option<String>,
}

impl Request {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    pub(crate) fn post(path: impl Into<String>, body: String) -> Self {
        Self { method: http::Method::POST, path: path.into(), body: Some(body), ..Self::default() }
    }

    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self { method: http::Method::DELETE, path: path.into(), ..Self::default() }
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    fn address(&self, url: &str) -> String {
        let mut address = format!("{url}{}", self.path);
        for (no, (name, value)) in self.query.iter().enumerate() {
            let _ = write!(address, "{}{name}={}", if no == 0 { '?' } else { '&' }, escaped(value));
        }
        address
    }
}

impl Http {
    pub(crate) fn new(known: &Known) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(known.connect_timeout))
            .max_idle_connections(KEPT_CONNECTIONS)
            .max_idle_connections_per_host(KEPT_CONNECTIONS)
            .user_agent(concat!("tasker-core-rust/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.into(), url: known.url.clone(), credentials: known.credentials.clone() }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Asks once. `request_id` is the same for each repetition of a call.
    pub(crate) fn exchange(
        &self,
        request: &Request,
        request_id: &str,
        within: Duration,
    ) -> Result<Answer, ureq::Error> {
        let mut outgoing = http::Request::builder()
            .method(&request.method)
            .uri(request.address(&self.url))
            .header("X-Request-ID", request_id)
            .header("Tasker-Protocol", "1");
        if let Some((name, value)) = &self.credentials {
            outgoing = outgoing.header(name, &value.0);
        }
        let mut response = match &request.body {
            None => self.run(outgoing.body(())?, within)?,
            Some(body) => {
                let outgoing = outgoing.header("Content-Type", "application/json");
                self.run(outgoing.body(body.as_str())?, within)?
            }
        };
        let text = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let (retry_after, kind, location) = (text("Retry-After"), text("Content-Type"), text("Location"));
        Ok(Answer {
            status: response.status().as_u16(),
            body: response.body_mut().with_config().limit(LARGEST_ANSWER).read_to_vec()?,
            retry_after: retry_after.and_then(|said| said.parse().ok()).map(Duration::from_secs),
            kind: kind.unwrap_or_else(|| "no content type".into()),
            location,
        })
    }

    fn run<B: ureq::AsSendBody>(
        &self,
        outgoing: http::Request<B>,
        within: Duration,
    ) -> Result<http::Response<ureq::Body>, ureq::Error> {
        self.agent.run(self.agent.configure_request(outgoing).timeout_global(Some(within)).build())
    }
}

impl Answer {
    pub(crate) fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(crate) fn says_not_now(&self) -> bool {
        says_not_now(self.status)
    }

    /// The data of a good answer of the server at `url`.
    pub(crate) fn data<T: DeserializeOwned>(&self, url: &str) -> Result<T, Error> {
        if !self.is_good() {
            return Err(self.error(url));
        }
        serde_json::from_slice(&self.body).map_err(|error| Error::Stranger {
            status: self.status,
            message: format!("{url} answers what this client can't read: {error}"),
        })
    }

    /// The error that an answer tells.
    pub(crate) fn error(&self, url: &str) -> Error {
        match self.refusal() {
            Some(refusal) => Error::Refused(Box::new(refusal)),
            None => self.stranger(url),
        }
    }

    /// The error object of an answer, if it is one of Tasker's.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        #[derive(Deserialize)]
        struct Body {
            error: Refusal,
        }
        let body: Body = serde_json::from_slice(&self.body).ok()?;
        Some(Refusal { status: self.status, ..body.error })
    }

    fn stranger(&self, url: &str) -> Error {
        let (status, kind) = (self.status, &self.kind);
        let message = match &self.location {
            Some(place) if (300..400).contains(&status) => {
                format!("{url} leads on to {place}, which isn't followed; give the URL that answers itself")
            }
            _ => format!(
                "{url} answers {status} with {kind}, as no server of Tasker does; is the URL right, or does a proxy answer?"
            ),
        };
        Error::Stranger { status, message }
    }
}

/// A text as a value of a query.
pub(crate) fn escaped(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut query, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                query.push(byte.into());
            }
            _ => {
                let _ = write!(query, "%{byte:02X}");
            }
        }
        query
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_keeps_what_it_says() {
        let request = Request::get("/v1/tasks").query("tag", "tea & ü+").query("limit", 5);
        assert_eq!(request.address("http://h"), "http://h/v1/tasks?tag=tea%20%26%20%C3%BC%2B&limit=5");
    }
}
