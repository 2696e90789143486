//! Reads manifests: Kubernetes objects in YAML or JSON, one or many, and lists of them.

use kubex_core::options::{Value, ValueKind};
use kubex_core::{Error, ErrorKind, Origin, Result, SecretBytes};
use kubex_document::{Conversion, Document, Format, Position, Text};

use crate::limits::{self, exceeded};

const WHAT: &str = "the manifest";

/// The objects of a file or of a text, with the place of each field.
pub(crate) fn objects(bytes: SecretBytes, origin: &Origin) -> Result<Vec<Value>> {
    let text = Text::new(bytes).map_err(|error| error.into_error(WHAT, origin))?;
    let mut objects = Vec::new();
    for (start, part) in parts(text.as_str()) {
        let document = if start.line == 1 {
            Document::parse(part.to_owned().into(), Format::Yaml, &limits::DOCUMENT)
        } else {
            Document::read_part(part, start, &limits::DOCUMENT)
        };
        let document = document.map_err(|error| error.into_error(WHAT, origin))?;
        let root = document.root();
        if root.is_blank() {
            continue;
        }
        let value = root.to_value(root.locate(origin.clone()), Conversion::EXTENSION);
        add(value, part.len(), &mut objects)?;
        if objects.len() > limits::OBJECTS_OF_A_FILE {
            let error = exceeded("the file has more", limits::OBJECTS_OF_A_FILE, "objects");
            return Err(error.with_origin(origin));
        }
    }
    Ok(objects)
}

/// Adds an object of this size, or the items of a list of objects.
fn add(value: Value, size: usize, objects: &mut Vec<Value>) -> Result<()> {
    if !matches!(value.kind(), ValueKind::Mapping(_)) {
        return Err(
            Error::new(ErrorKind::MalformedDocument, "the manifest is not an object")
                .with_origin(value.origin())
                .with_help("write \"apiVersion\", \"kind\" and \"metadata\""),
        );
    }
    let is_list = value
        .get("kind")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind.ends_with("List"));
    if !is_list {
        if size > limits::OBJECT {
            return Err(exceeded("the object is larger", limits::OBJECT, "bytes").with_origin(value.origin()));
        }
        objects.push(value);
        return Ok(());
    }
    if let ValueKind::Mapping(entries) = value.into_kind() {
        let items = entries.into_iter().find(|(key, _)| key == "items");
        if let Some(ValueKind::Sequence(items)) = items.map(|(_, items)| items.into_kind()) {
            objects.extend(items);
        }
    }
    Ok(())
}

/// The documents of a text, which lines with `---` separate, each with its start. As in kubectl, the text is split before it is
/// parsed, so that many documents take no longer than one of the same size.
fn parts(text: &str) -> Vec<(Position, &str)> {
    let mut parts = Vec::new();
    let (mut start, mut start_line) = (0, 1);
    let mut offset = 0;
    for (line, content) in (1..).zip(text.split_inclusive('\n')) {
        let rest = content.strip_prefix("---");
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace)) && offset > 0 {
            parts.push((start_line, text.get(start..offset).unwrap_or_default()));
            (start, start_line) = (offset, line);
        }
        offset += content.len();
    }
    parts.push((start_line, text.get(start..).unwrap_or_default()));
    let positioned = parts
        .into_iter()
        .map(|(line, part)| (Position { line, column: 1 }, part));
    positioned.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Value>> {
        objects(text.as_bytes().to_vec().into(), &Origin::file("/hub/a.yaml"))
    }

    #[test]
    fn documents_and_lists_are_read_with_their_places() {
        let text = "# a comment\n---\nkind: Secret\n---\nkind: List\nitems:\n- kind: Secret\n  a: 1\n- kind: Secret\n---\n";
        let found = read(text).unwrap();
        assert_eq!(found.len(), 3);
        let places: Vec<_> = found.iter().map(|object| object.origin().to_string()).collect();
        assert_eq!(
            places,
            [
                "/hub/a.yaml:3:1",
                "/hub/a.yaml:7:3, items[0]",
                "/hub/a.yaml:9:3, items[1]"
            ]
        );
        assert_eq!(read(r#"{"kind": "Secret"}"#).unwrap().len(), 1);
        assert_eq!(read("").unwrap().len(), 0);
        assert!(read("- a\n").is_err());
        assert!(read("kind: [\n").is_err());
        let large = format!("kind: Secret\na: {}\n", "x".repeat(limits::OBJECT));
        let error = read(&large).unwrap_err();
        assert!(error.message().contains("the object is larger"), "{error}");
    }

    #[test]
    fn ten_thousand_documents_are_read_in_linear_time_and_more_than_the_limit_are_refused() {
        let many = "---\nkind: Secret\n".repeat(10_000);
        assert_eq!(read(&many).unwrap().len(), 10_000);
        let bomb = "---\na: &a [x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b]\n\
                    d: &d [*c, *c, *c, *c, *c, *c, *c, *c]\ne: [*d, *d, *d, *d]\n";
        assert!(read(&bomb.repeat(1000)).is_err());
        let error = read(&many.repeat(3)).unwrap_err();
        assert!(error.message().contains("20000 objects"), "{error}");
    }
}
