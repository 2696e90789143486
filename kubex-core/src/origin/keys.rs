//! The keys that lead to a value. Values that stand together share those that lead to all of them. Most keys are never
//! shown, so their text is created only on demand.

use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use crate::provenance::usual_name;
use crate::text::shown_key;

/// The keys that lead to a value.
#[derive(Default)]
pub(super) struct Keys {
    /// All keys but the last one.
    before: Option<Arc<Shared>>,
    /// Without an allocation, because most values have a key that no other value shares. `None` if the keys lead to a
    /// collection whose values share all of them.
    last: Option<Step>,
    /// Boxed twice, because there are many origins and few are shown.
    text: OnceLock<Box<Box<str>>>,
}

/// A step that several values share, after those that lead to it.
struct Shared {
    before: Option<Arc<Shared>>,
    step: Step,
}

/// The longest key that is kept without an allocation of its own. Most keys are shorter.
const SHORT: usize = 22;

/// One key or item.
#[derive(Clone)]
pub(super) enum Step {
    Short { bytes: [u8; SHORT], length: u8 },
    Usual(&'static str),
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
            _ => usual_name(key).map_or_else(|| Self::Long(key.into()), Self::Usual),
        }
    }

    fn write(&self, text: &mut String) {
        let key = match self {
            // Writing to a text does not fail.
            Self::Item(index) => return write!(text, "[{index}]").unwrap_or_default(),
            Self::Long(key) => &**key,
            Self::Usual(key) => *key,
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
    pub(super) fn is_empty(&self) -> bool {
        self.before.is_none() && self.last.is_none()
    }

    /// Appends a step.
    pub(super) fn push(&mut self, step: Step) {
        self.share();
        self.last = Some(step);
        self.text = OnceLock::new();
    }

    /// Lets clones share all of the keys.
    pub(super) fn share(&mut self) {
        if let Some(step) = self.last.take() {
            let before = self.before.take();
            self.before = Some(Arc::new(Shared { before, step }));
        }
    }

    pub(super) fn as_str(&self) -> &str {
        if self.is_empty() {
            return "";
        }
        self.text.get_or_init(|| {
            let mut steps: Vec<&Step> = self.last.iter().collect();
            let mut before = self.before.as_deref();
            while let Some(shared) = before {
                steps.push(&shared.step);
                before = shared.before.as_deref();
            }
            let mut text = String::new();
            for step in steps.into_iter().rev() {
                step.write(&mut text);
            }
            Box::new(text.into())
        })
    }
}

/// The text is made again if it is shown.
impl Clone for Keys {
    fn clone(&self) -> Self {
        Self {
            before: self.before.clone(),
            last: self.last.clone(),
            text: OnceLock::new(),
        }
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
impl Drop for Shared {
    fn drop(&mut self) {
        let mut before = self.before.take();
        while let Some(mut shared) = before.and_then(Arc::into_inner) {
            before = shared.before.take();
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
    fn shared_keys_are_the_same_keys() {
        let list = Origin::code().key("a").shared();
        assert_eq!(list, Origin::code().key("a"));
        assert_eq!(list.clone().item(1).keys(), "a[1]");
        assert_eq!(list.shared().shared().key("b").keys(), "a.b");
        assert_eq!(Origin::code().shared(), Origin::code());
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
