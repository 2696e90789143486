//! Converts nodes to values with origins.

use kubex_core::Origin;
use kubex_core::options::{Value, ValueKind};

use crate::collection::Key;
use crate::document::Document;
use crate::lines::Position;
use crate::node::{Kind, Node};

/// The position that the origin of a mapping's entry contains: that of its value or that of its key. An item of a list always
/// has its own position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Places {
    /// The position of the value, or of its key if the value is missing.
    Values,
    /// The position of the key.
    Keys,
}

impl Places {
    /// Returns `origin` with a position added: that of the value or that of the key, depending on `self`.
    pub fn locate(self, origin: Origin, key: Key<'_>, value: Node<'_>) -> Origin {
        if self == Self::Keys || value.span().is_empty() && value.is_blank() {
            key.node().locate(origin)
        } else {
            value.locate(origin)
        }
    }
}

/// Settings for converting nodes to values.
#[derive(Clone, Copy, Debug)]
pub struct Conversion {
    /// Which positions the origins of the values contain.
    pub places: Places,
    /// Whether the plain words of YAML 1.1 for booleans, such as `yes` and `off`, are converted to booleans. kubectl
    /// converts them in extensions, but not in the fields of a kubeconfig.
    pub has_yaml_1_1_booleans: bool,
}

impl Conversion {
    /// The settings for the fields of a kubeconfig.
    pub const KUBECONFIG: Self = Self {
        places: Places::Values,
        has_yaml_1_1_booleans: false,
    };

    /// The settings for an extension in a kubeconfig, whose values belong to another program.
    pub const EXTENSION: Self = Self {
        places: Places::Values,
        has_yaml_1_1_booleans: true,
    };

    /// The settings for Kubex's own configuration.
    pub const CONFIGURATION: Self = Self {
        places: Places::Keys,
        has_yaml_1_1_booleans: false,
    };
}

impl Node<'_> {
    /// Returns the origin with the position of the node added.
    pub fn locate(self, origin: Origin) -> Origin {
        let Position { line, column } = self.position();
        origin.position(line, column)
    }

    /// Returns whether the node and its descendants are more than this number of values. An alias counts as all values of its
    /// anchor.
    pub fn is_more_than(self, values: usize) -> bool {
        self.count_down(values).is_none()
    }

    /// Subtracts the values of this node. `None` if it has more than that.
    fn count_down(self, values: usize) -> Option<usize> {
        let mut left = values.checked_sub(1)?;
        for item in self.items() {
            left = item.count_down(left)?;
        }
        for (_, value) in self.entries() {
            left = value.count_down(left)?;
        }
        Some(left)
    }

    /// Converts the node and its descendants to a value. `origin` is the origin of the node. The origins of the
    /// descendants are derived from it.
    pub fn to_value(self, mut origin: Origin, conversion: Conversion) -> Value {
        let kind = self.kind();
        if matches!(kind, Kind::Sequence | Kind::Mapping) {
            origin = origin.shared();
        }
        let kind = match kind {
            Kind::Null => ValueKind::Null,
            Kind::Boolean(value) => ValueKind::Boolean(value),
            Kind::Integer(number) => ValueKind::Integer(number),
            Kind::Float(number) => ValueKind::Float(number),
            Kind::Text(text) => match self
                .as_yaml_1_1_boolean()
                .filter(|_| conversion.has_yaml_1_1_booleans)
            {
                Some(value) => ValueKind::Boolean(value),
                None => text.into(),
            },
            Kind::Sequence => {
                let mut items = Vec::with_capacity(self.len());
                for (index, item) in self.items().enumerate() {
                    let origin = item.locate(origin.clone().item(index));
                    items.push(item.to_value(origin, conversion));
                }
                ValueKind::Sequence(items)
            }
            Kind::Mapping => {
                let mut entries = Vec::with_capacity(self.len());
                for (key, value) in self.entries() {
                    let name = key.name();
                    let origin = conversion.places.locate(origin.clone().key(&name), key, value);
                    let value = value.to_value(origin, conversion);
                    entries.push((name.into_owned(), value));
                }
                ValueKind::Mapping(entries)
            }
        };
        Value::new(kind, origin)
    }
}

impl Document {
    /// The origin of the value of the key that is this node: the keys that lead to it, and its position.
    pub(crate) fn origin_of_key(&self, index: u32, origin: Origin, places: Places) -> Origin {
        self.trace(index, origin, places, true)
    }

    /// The origin of the mapping that has this key.
    pub(crate) fn origin_of_mapping(&self, index: u32, origin: Origin) -> Origin {
        let key = Key::new(Node::new(self, index));
        let Position { line, column } = key.position();
        self.trace(index, origin, Places::Keys, false)
            .position(line, column)
    }

    fn trace(&self, index: u32, mut origin: Origin, places: Places, has_key: bool) -> Origin {
        let mut node = self.root();
        loop {
            let next = match node.kind() {
                Kind::Mapping => {
                    let Some((key, value)) = node.pairs_until(index) else {
                        return origin;
                    };
                    let is_last = key.is_at(index);
                    if is_last && !has_key {
                        return origin;
                    }
                    origin = places.locate(origin.key(&key.name()), key, value);
                    if is_last {
                        return origin;
                    }
                    value
                }
                Kind::Sequence => {
                    let Some((number, item)) = node.items_until(index) else {
                        return origin;
                    };
                    origin = item.locate(origin.item(number));
                    item
                }
                _ => return origin,
            };
            if next.is_alias() {
                return origin;
            }
            node = next;
        }
    }
}
