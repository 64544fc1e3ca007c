//! JSON as it came: a text that is read when somebody asks for a type.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// JSON that is passed on as the text that it came in, so that numbers of any size stay what they are.
///
/// ```
/// use tasker_core::Json;
///
/// let order: Json = serde_json::from_str(r#"{"sku": "tea", "serial": 123456789012345678901234567890}"#)?;
/// assert!(order.text().contains("123456789012345678901234567890"));
///
/// #[derive(serde::Deserialize)]
/// struct Order {
///     sku: String,
/// }
/// assert_eq!(order.read::<Order>()?.sku, "tea");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

impl Json {
    /// The JSON of a value.
    ///
    /// # Errors
    ///
    /// The value can't be JSON: a map whose keys aren't texts, say.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Self> {
        serde_json::value::to_raw_value(value).map(Self)
    }

    /// A value of the type that is asked for.
    ///
    /// # Errors
    ///
    /// The JSON doesn't fit the type.
    pub fn read<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.text())
    }

    /// The text as it came.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.text() == "null"
    }
}

impl Default for Json {
    /// `null`.
    fn default() -> Self {
        Self(RawValue::NULL.to_owned())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
