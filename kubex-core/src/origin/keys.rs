//! The keys that lead to a value, as a chain that values share. Most are never shown, so their text is created only on demand.

use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use crate::text::shown_key;

/// A step, after those that lead to it.
pub(super) struct Keys {
    before: Option<Arc<Keys>>,
    step: Step,
    text: OnceLock<Box<str>>,
}

/// The longest key that is kept without an allocation of its own: those of a kubeconfig are shorter.
const SHORT: usize = 30;

/// One key or item.
pub(super) enum Step {
    Short { bytes: [u8; SHORT], length: u8 },
    Long(Box<str>),
    Item(usize),
}

impl Step {
    pub(super) fn new(key: &str) -> Self {
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..key.len()), u8::try_from(key.len())) {
            (Some(room), Ok(length)) => {
                room.copy_from_slice(key.as_bytes());
                Self::Short { bytes, length }
            }
            _ => Self::Long(key.into()),
        }
    }

    fn write(&self, text: &mut String) {
        let key = match self {
            // Writing to a text does not fail.
            Self::Item(index) => return write!(text, "[{index}]").unwrap_or_default(),
            Self::Long(key) => key,
            Self::Short { bytes, length } => {
                let bytes = bytes.get(..usize::from(*length)).unwrap_or_default();
                std::str::from_utf8(bytes).unwrap_or_default()
            }
        };
        if !text.is_empty() && !key.starts_with('[') {
            text.push('.');
        }
        // `users[jane]` contains a name. Any other text may be a key together with its value.
        let is_odd = key.contains(|c: char| c.is_whitespace() || matches!(c, ':' | '='));
        if is_odd && !key.contains('[') {
            text.push_str(&shown_key(key));
        } else {
            text.push_str(key);
        }
    }
}

impl Keys {
    pub(super) fn new(before: Option<Arc<Self>>, step: Step) -> Self {
        Self {
            before,
            step,
            text: OnceLock::new(),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        self.text.get_or_init(|| {
            let mut steps = vec![&self.step];
            let mut before = self.before.as_deref();
            while let Some(keys) = before {
                steps.push(&keys.step);
                before = keys.before.as_deref();
            }
            let mut text = String::new();
            for step in steps.into_iter().rev() {
                step.write(&mut text);
            }
            text.into()
        })
    }
}

impl PartialEq for Keys {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Keys {}

impl Hash for Keys {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// Drops the chain without recursion, because a document may be deeply nested.
impl Drop for Keys {
    fn drop(&mut self) {
        let mut before = self.before.take();
        while let Some(mut keys) = before.and_then(Arc::into_inner) {
            before = keys.before.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::origin::Origin;

    #[test]
    fn keys_read_as_they_were_put_together() {
        let long = "k".repeat(40);
        let origin = Origin::code()
            .key("a")
            .item(2)
            .key("[b]")
            .key("\u{e9}")
            .key(&long);
        assert_eq!(origin.keys(), format!("a[2][b].\u{e9}.{long}"));
        assert_eq!(Origin::code().key("a.b"), Origin::code().key("a").key("b"));
        assert_eq!(Origin::code().key(""), Origin::code());
        assert_eq!(Origin::code().item(0).key("a").keys(), "[0].a");
    }

    #[test]
    fn a_long_chain_is_dropped() {
        let mut origin = Origin::code();
        for _ in 0..1_000_000 {
            origin = origin.key("a");
        }
        drop(origin);
    }
}
