//! Asking again: when, how often, and what is said when it was no use.

use std::thread;
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::Error;
use crate::http::{Answer, Http, Request};

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const GROWTH: u32 = 3;

/// Asks until there is an answer that isn't "not now": at most `1 + retries` times, and within `timeout`.
///
/// Tells besides how often it asked: a repeated request may be answered by what the first one did.
pub(crate) fn ask(
    http: &Http,
    request: &Request,
    timeout: Duration,
    retries: u32,
) -> (Result<Answer, Error>, u32) {
    let (began, request_id) = (Instant::now(), Uuid::new_v4().to_string());
    let mut longest = FIRST_PAUSE;
    for count in 1.. {
        let left = timeout.saturating_sub(began.elapsed()).max(Duration::from_millis(1));
        let outcome = http.exchange(request, &request_id, left);
        let asked_for = match &outcome {
            Ok(answer) if !answer.says_not_now() => {
                return (Ok(outcome.expect("an answer")), count);
            }
            Ok(answer) => answer.retry_after.unwrap_or_default(),
            Err(_) => Duration::ZERO,
        };
        let pause = longest.mul_f64(0.5 + fastrand::f64() / 2.0).max(asked_for);
        if count > retries || began.elapsed() + pause >= timeout {
            return (outcome.map_err(|error| unanswered(http.url(), request, &error, began, count)), count);
        }
        thread::sleep(pause);
        longest = (longest * GROWTH).min(LONGEST_PAUSE);
    }
    unreachable!("the tries are counted")
}

fn unanswered(url: &str, request: &Request, error: &ureq::Error, began: Instant, count: u32) -> Error {
    let seconds = began.elapsed().as_secs_f64();
    let tried = match count {
        1 => format!("after {seconds:.1} s"),
        _ => format!("tried {count} times in {seconds:.1} s"),
    };
    let done = match request.body {
        None => "",
        Some(_) => "; what was asked may have been done, and may be asked again",
    };
    Error::Unanswered { message: format!("{url} didn't answer: {error} ({tried}){done}") }
}
