//! Where the server is and who asks, from arguments and from the environment.

use std::env;
use std::time::Duration;

use crate::http::Http;
use crate::{Client, Error};

/// What a [`Client`] and a [`Worker`](crate::Worker) need to know of their server.
///
/// Each setting that isn't given is taken from the environment, else has its default.
///
/// ```
/// use std::time::Duration;
/// use tasker_core::Settings;
///
/// let client = Settings::new()
///     .url("http://127.0.0.1:8080")
///     .initiator("web")
///     .source_system("shop")
///     .timeout(Duration::from_secs(10))
///     .client()?;
/// # Ok::<(), tasker_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Settings {
    url: Option<String>,
    api_key: Option<Secret>,
    token: Option<Secret>,
    timeout: Option<Duration>,
    connect_timeout: Option<Duration>,
    retries: Option<u32>,
    initiator: Option<String>,
    source_system: Option<String>,
}

/// A text that isn't shown.
#[derive(Clone)]
pub(crate) struct Secret(pub(crate) String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// The same, looked up and checked.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) url: String,
    pub(crate) credentials: Option<(String, Secret)>,
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) retries: u32,
}

impl Settings {
    /// Nothing given: all comes from the environment.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The server's URL; else `TASKER_URL`.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// An API key; else `TASKER_API_KEY`, sent in the header that `TASKER_API_KEY_HEADER` names, else `X-API-Key`.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Some(Secret(key.into()));
        self
    }

    /// A bearer token, sent instead of an API key; else `TASKER_ORCHESTRATION_AUTH_TOKEN`, `TASKER_AUTH_TOKEN`.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(Secret(token.into()));
        self
    }

    /// How long a call may take, all its tries together; else `TASKER_CLIENT_TIMEOUT` (seconds), else 30 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How long connecting may take; else `TASKER_CLIENT_CONNECT_TIMEOUT` (seconds), else 5 s.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// How often a call is repeated that may be; else `TASKER_CLIENT_RETRIES`, else 3.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// Who creates tasks, for the record; else `tasker-core-rust`.
    #[must_use]
    pub fn initiator(mut self, initiator: impl Into<String>) -> Self {
        self.initiator = Some(initiator.into());
        self
    }

    /// Where tasks come from, for the record; else `tasker-core`.
    #[must_use]
    pub fn source_system(mut self, system: impl Into<String>) -> Self {
        self.source_system = Some(system.into());
        self
    }

    /// A client with these settings. It connects when it is first used.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a setting that is missing or can't be used.
    pub fn client(&self) -> Result<Client, Error> {
        let known = self.known()?;
        let initiator = self.initiator.clone().unwrap_or_else(|| "tasker-core-rust".into());
        let source_system = self.source_system.clone().unwrap_or_else(|| "tasker-core".into());
        Ok(Client::over(Http::new(&known), &known, initiator, source_system))
    }

    pub(crate) fn known(&self) -> Result<Known, Error> {
        let url = self.url.clone().or_else(|| variable("TASKER_URL")).ok_or_else(|| {
            Error::invalid("url", "the server's URL is missing: give url, or set TASKER_URL")
        })?;
        Ok(Known {
            url: checked_url(&url)?,
            credentials: self.credentials()?,
            timeout: seconds("timeout", self.timeout, "TASKER_CLIENT_TIMEOUT", 30)?,
            connect_timeout: seconds(
                "connect_timeout",
                self.connect_timeout,
                "TASKER_CLIENT_CONNECT_TIMEOUT",
                5,
            )?,
            retries: self.known_retries()?,
        })
    }

    fn credentials(&self) -> Result<Option<(String, Secret)>, Error> {
        let key_header = variable("TASKER_API_KEY_HEADER").unwrap_or_else(|| "X-API-Key".into());
        let bearer = |token: String| ("Authorization".to_owned(), Secret(format!("Bearer {token}")));
        let given = match (&self.token, &self.api_key) {
            (Some(token), _) => Some(bearer(token.0.clone())),
            (None, Some(key)) => Some((key_header, key.clone())),
            (None, None) => variable("TASKER_ORCHESTRATION_AUTH_TOKEN")
                .or_else(|| variable("TASKER_AUTH_TOKEN"))
                .map(bearer)
                .or_else(|| variable("TASKER_API_KEY").map(|key| (key_header, Secret(key)))),
        };
        match given {
            Some((name, value)) if !value.0.bytes().all(|byte| (b' '..=b'~').contains(&byte)) => {
                Err(Error::invalid(
                    "credentials",
                    format!("the credentials for {name} hold a character that no header can"),
                ))
            }
            given => Ok(given),
        }
    }

    fn known_retries(&self) -> Result<u32, Error> {
        match (self.retries, variable("TASKER_CLIENT_RETRIES")) {
            (Some(retries), _) => Ok(retries),
            (None, None) => Ok(3),
            (None, Some(text)) => text.parse().map_err(|_| {
                Error::invalid(
                    "retries",
                    format!("TASKER_CLIENT_RETRIES must be a whole number from 0 to 100, not '{text}'"),
                )
            }),
        }
    }
}

/// A variable of the environment that says something.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn seconds(
    field: &'static str,
    given: Option<Duration>,
    name: &str,
    default: u64,
) -> Result<Duration, Error> {
    let found = match (given, variable(name)) {
        (Some(given), _) => Ok(given),
        (None, None) => Ok(Duration::from_secs(default)),
        (None, Some(text)) => match text.parse().map(Duration::try_from_secs_f64) {
            Ok(Ok(duration)) => Ok(duration),
            _ => Err(format!("{name} must be a number of seconds above 0, not '{text}'")),
        },
    };
    match found {
        Ok(duration) if duration.is_zero() => Err(format!("{field} must be above 0")),
        found => found,
    }
    .map_err(|message| Error::invalid(field, message))
}

fn checked_url(url: &str) -> Result<String, Error> {
    let url = url.trim_end_matches('/');
    let wrong = |why: &str| Err(Error::invalid("url", format!("url must be {why}, not '{url}'")));
    match url.split_once("://") {
        Some(("http", rest)) if !rest.is_empty() => Ok(url.to_owned()),
        Some(("https", rest)) if !rest.is_empty() && cfg!(feature = "tls") => Ok(url.to_owned()),
        Some(("https", _)) => wrong("an http URL where tasker-core is built without its feature `tls`"),
        _ => wrong("the http or https URL of a server"),
    }
}
