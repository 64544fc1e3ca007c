//! The worker that the cases of `protocol/` are played against: `conformance/run` starts it.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};
use std::{env, io};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tasker_core::{Checkpoint, Json, Outcome, Registry, Settings, StepContext, StepError, Worker};

const LOOK: Duration = Duration::from_millis(10);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let slots = match env::var("TASKER_CONFORMANCE_SLOTS") {
        Ok(slots) => slots.parse()?,
        Err(_) => 2,
    };
    let mut registry = Registry::new();
    registry.step("conformance.echo", echo);
    registry.step("conformance.numbers", numbers);
    registry.step("conformance.big", big);
    registry.step("conformance.retryable", retryable);
    registry.step("conformance.permanent", permanent);
    registry.step("conformance.crash", crash);
    registry.step("conformance.sleep", sleep);
    registry.step("conformance.effect", effect);
    registry.step("conformance.count", count);
    Worker::new(registry).slots(slots).namespaces(["conformance"]).run(&Settings::new())?;
    Ok(())
}

#[derive(Serialize)]
struct Echo<'a> {
    context: Json,
    config: Json,
    dependencies: HashMap<String, Json>,
    attempt: u32,
    key: &'a str,
}

fn echo(context: &StepContext) -> Result<Outcome, StepError> {
    Outcome::complete(&Echo {
        context: context.input()?,
        config: context.config()?,
        dependencies: context
            .dependencies()
            .map(|(step, found)| (step.into(), found.cloned().unwrap_or_default()))
            .collect(),
        attempt: context.attempt(),
        key: context.idempotency_key(),
    })
}

fn numbers(context: &StepContext) -> Result<HashMap<&'static str, Json>, StepError> {
    let n: Json = context.field("n")?;
    let next = serde_json::from_str(&successor(n.text()))?;
    Ok(HashMap::from([("n", n), ("next", next)]))
}

/// The whole number that follows `number`, of whatever size.
fn successor(number: &str) -> String {
    let (digits, carries, rolls) = match number.strip_prefix('-') {
        Some(digits) => (digits, '0', '9'),
        None => (number, '9', '0'),
    };
    let is_negative = carries == '0';
    let mut next: Vec<u8> = digits.bytes().collect();
    let rolling = next.iter().rev().take_while(|digit| **digit == carries as u8).count();
    let turning = next.len() - rolling;
    next[turning..].fill(rolls as u8);
    match turning.checked_sub(1) {
        Some(at) if is_negative => next[at] -= 1,
        Some(at) => next[at] += 1,
        None => next.insert(0, b'1'),
    }
    let digits = String::from_utf8(next).expect("digits are text");
    let digits = Some(digits.trim_start_matches('0')).filter(|digits| !digits.is_empty()).unwrap_or("0");
    if is_negative && digits != "0" { format!("-{digits}") } else { digits.into() }
}

fn big(context: &StepContext) -> Result<Value, StepError> {
    Ok(json!({"blob": "x".repeat(context.field("bytes")?)}))
}

fn retryable(context: &StepContext) -> Result<(), StepError> {
    let error = StepError::retryable("try again");
    Err(match context.field("retry_after_ms")? {
        Some(pause) => error.retry_after(Duration::from_millis(pause)),
        None => error,
    })
}

fn permanent(_: &StepContext) -> Result<(), StepError> {
    Err(StepError::permanent("never").code("E_NEVER"))
}

fn crash(_: &StepContext) -> Result<(), StepError> {
    panic!("boom")
}

fn sleep(context: &StepContext) -> Result<Value, StepError> {
    let ms: u64 = context.field("ms")?;
    let end = Instant::now() + Duration::from_millis(ms);
    while Instant::now() < end {
        if context.is_cancelled() {
            note(&format!("cancelled {}", context.idempotency_key()))?;
            return Ok(json!({"slept": -1}));
        }
        thread::sleep(LOOK.min(end.saturating_duration_since(Instant::now())));
    }
    Ok(json!({"slept": ms}))
}

fn effect(context: &StepContext) -> Result<Value, StepError> {
    note(&format!("{} {}", context.idempotency_key(), context.attempt()))?;
    let ms: Option<u64> = context.field("ms")?;
    thread::sleep(Duration::from_millis(ms.unwrap_or_default()));
    Ok(json!({"done": true}))
}

#[derive(Deserialize)]
struct Count {
    total: u64,
    page: u64,
}

#[derive(Default, Serialize, Deserialize)]
struct Pages {
    pages: u64,
}

fn count(context: &StepContext) -> Result<Outcome, StepError> {
    let Count { total, page } = context.input()?;
    let before: Pages = context.checkpoint().map_or(Ok(Pages::default()), Checkpoint::accumulated)?;
    let pages = Pages { pages: before.pages + 1 };
    let at = context.cursor::<u64>()?.unwrap_or_default() + page;
    if at < total {
        return Outcome::checkpoint(&at, at)?.accumulated(&pages);
    }
    Outcome::complete(&json!({"counted": total, "pages": pages.pages}))
}

/// One line more in the effects file, written at once, so that lines of several workers don't mix.
fn note(line: &str) -> io::Result<()> {
    let Some(path) = env::var_os("TASKER_CONFORMANCE_EFFECTS") else {
        return Ok(());
    };
    OpenOptions::new().create(true).append(true).open(path)?.write_all(format!("{line}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_has_a_successor_whatever_its_size() {
        for (number, next) in [
            ("0", "1"),
            ("9", "10"),
            ("9007199254740993", "9007199254740994"),
            ("99999999999999999999999999999999", "100000000000000000000000000000000"),
            ("-1", "0"),
            ("-10", "-9"),
            ("-1000", "-999"),
            ("-99999999999999999999", "-99999999999999999998"),
        ] {
            assert_eq!(successor(number), next);
        }
    }
}
