//! The options of a plugin that a hub has a part in. It never asks its user.

use kubex_core::options::Value;
use kubex_core::{Options, Origin};

/// The options that all of them have.
pub(crate) fn options(origin: &Origin) -> Options {
    let mut options = Options::with_origin(origin.clone());
    options.insert("interactive-mode", Value::new("Never", origin.clone()));
    options
}

/// An item of the option `env`.
pub(crate) fn variable(name: &str, value: &Value) -> Value {
    let origin = value.origin().clone();
    let pair = vec![
        ("name".to_owned(), Value::new(name, origin.clone())),
        ("value".to_owned(), value.clone()),
    ];
    Value::new(pair, origin)
}
