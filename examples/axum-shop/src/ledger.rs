//! A file with a line for each thing that is true, each under a key: it stands for the shop's database, and for the
//! payment gateway's.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize, Deserialize)]
struct Line {
    key: String,
    value: Value,
}

/// What is written is on the disk before anybody is told so. The last line of a key counts.
pub struct Ledger {
    inner: Mutex<(HashMap<String, Value>, File)>,
}

impl Ledger {
    pub fn open(path: &Path) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
        let mut known = HashMap::new();
        for text in BufReader::new(&file).lines() {
            // A crash may have torn a line, of which nobody was told.
            if let Ok(line) = serde_json::from_str::<Line>(&text?) {
                known.insert(line.key, line.value);
            }
        }
        // Whatever was torn ends here.
        if file.metadata()?.len() > 0 {
            file.write_all(b"\n")?;
        }
        Ok(Self { inner: Mutex::new((known, file)) })
    }

    pub fn all(&self) -> Vec<(String, Value)> {
        self.inner.lock().unwrap().0.clone().into_iter().collect()
    }

    /// The value of the key, after `make` has made it where there was none. The bool tells whether it did.
    pub fn get_or_write(&self, key: &str, make: impl FnOnce() -> Value) -> io::Result<(Value, bool)> {
        let mut inner = self.inner.lock().unwrap();
        if let Some(found) = inner.0.get(key) {
            return Ok((found.clone(), false));
        }
        let value = make();
        write(&mut inner, key, value.clone())?;
        Ok((value, true))
    }

    pub fn write(&self, key: &str, value: Value) -> io::Result<()> {
        write(&mut self.inner.lock().unwrap(), key, value)
    }
}

fn write(inner: &mut (HashMap<String, Value>, File), key: &str, value: Value) -> io::Result<()> {
    let mut line = serde_json::to_vec(&Line { key: key.into(), value: value.clone() })?;
    line.push(b'\n');
    inner.1.write_all(&line)?;
    inner.1.sync_data()?;
    inner.0.insert(key.into(), value);
    Ok(())
}
