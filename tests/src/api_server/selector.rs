//! Selectors of lists and watches: `labelSelector` and `fieldSelector`, as far as clients of the tests use them.

use serde_json::Value;

/// What a client asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    /// A label has this value.
    Label(String, String),
    /// A label exists.
    HasLabel(String),
    /// A field has this value.
    Field(String, String),
}

impl Selection {
    /// Reads both selectors. `None` for one that the server does not know.
    pub(super) fn read(labels: Option<&str>, fields: Option<&str>) -> Option<Self> {
        let mut requirements = Vec::new();
        for part in parts(labels) {
            requirements.push(match part.split_once('=') {
                Some((name, value)) => Requirement::Label(name.to_owned(), unequal(value)),
                None if part.contains(['!', ' ', '(']) => return None,
                None => Requirement::HasLabel(part.to_owned()),
            });
        }
        for part in parts(fields) {
            let (field, value) = part.split_once('=')?;
            // The real server selects Secrets by these.
            if !["metadata.name", "metadata.namespace", "type"].contains(&field) {
                return None;
            }
            requirements.push(Requirement::Field(field.to_owned(), unequal(value)));
        }
        Some(Self { requirements })
    }

    pub(super) fn takes(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        self.requirements.iter().all(|requirement| match requirement {
            Requirement::Label(name, value) => labels[name.as_str()].as_str() == Some(value),
            Requirement::HasLabel(name) => labels[name.as_str()].is_string(),
            Requirement::Field(field, value) => {
                let pointer = format!("/{}", field.replace('.', "/"));
                object.pointer(&pointer).and_then(Value::as_str) == Some(value)
            }
        })
    }
}

fn parts(selector: Option<&str>) -> impl Iterator<Item = &str> {
    let parts = selector.unwrap_or_default().split(',');
    parts.map(str::trim).filter(|part| !part.is_empty())
}

/// The value behind `=` or `==`.
fn unequal(value: &str) -> String {
    value.strip_prefix('=').unwrap_or(value).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_is_taken_if_it_meets_every_requirement() {
        let object = json!({"type": "Opaque", "metadata": {"name": "a", "labels": {"team": "x", "old": ""}}});
        for (labels, fields, is_taken) in [
            (None, None, true),
            (Some("team=x,old"), None, true),
            (Some("team==x"), Some("type=Opaque,metadata.name=a"), true),
            (Some("team=y"), None, false),
            (Some("new"), None, false),
            (None, Some("type=other"), false),
        ] {
            let selection = Selection::read(labels, fields).unwrap();
            assert_eq!(selection.takes(&object), is_taken, "{labels:?} {fields:?}");
        }
        assert_eq!(Selection::read(Some("!team"), None), None);
        assert_eq!(Selection::read(None, Some("data.value=x")), None);
    }
}
