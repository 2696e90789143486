//! An object of a hub as the server has sent it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use kube::Resource;
use kube::api::{ApiResource, ObjectMeta};
use kube::core::DynamicResourceScope;
use kubex_core::secret::SecretBuffer;
use kubex_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use zeroize::Zeroizing;

/// An object with any content. Only its outermost levels are parsed, and the rest is kept as text, so that deserializing it
/// never fails. A failure would affect the other objects of the list, and kube's client would log the content of a Secret. The
/// text is wiped on drop.
#[derive(Clone)]
pub(super) struct HubObject {
    metadata: ObjectMeta,
    text: Zeroizing<String>,
}

/// The fields of an object, each as its text.
type Fields<'a> = BTreeMap<String, &'a RawValue>;

impl<'de> Deserialize<'de> for HubObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        // What is skipped has no limit of depth. In an event of a watch, the type comes first, as the API server writes it:
        // otherwise serde would read the object as a value before.
        let text = Box::<str>::from(Box::<RawValue>::deserialize(deserializer)?);
        let text = Zeroizing::new(String::from(text));
        let metadata = serde_json::from_str::<Fields<'_>>(&text)
            .ok()
            .and_then(|fields| serde_json::from_str::<Fields<'_>>(fields.get("metadata")?.get()).ok())
            .unwrap_or_default();
        let value = |key: &str| serde_json::from_str(metadata.get(key)?.get()).ok();
        let metadata = ObjectMeta {
            name: value("name"),
            namespace: value("namespace"),
            resource_version: value("resourceVersion"),
            ..ObjectMeta::default()
        };
        Ok(Self { metadata, text })
    }
}

impl HubObject {
    /// The object as JSON, without the fields that only the server needs. Adds the version and kind, which the items of a list
    /// do not contain.
    pub(super) fn into_manifest(self, resource: &ApiResource) -> Result<SecretBuffer> {
        self.manifest(resource)
            .map_err(|_| Error::new(ErrorKind::MalformedDocument, "an object of the hub is not valid"))
    }

    fn manifest(&self, resource: &ApiResource) -> serde_json::Result<SecretBuffer> {
        let version = to_raw_value(&resource.api_version)?;
        let kind = to_raw_value(&resource.kind)?;
        let metadata;
        let mut fields: Fields<'_> = serde_json::from_str(&self.text)?;
        fields.insert("apiVersion".to_owned(), &version);
        fields.insert("kind".to_owned(), &kind);
        let of_metadata = fields.get("metadata").map(|metadata| metadata.get());
        if let Some(Ok(mut parts)) = of_metadata.map(serde_json::from_str::<Fields<'_>>) {
            parts.remove("managedFields");
            metadata = written(&parts)?;
            fields.insert("metadata".to_owned(), serde_json::from_slice(&metadata)?);
        }
        written(&fields)
    }
}

/// JSON in memory that is wiped.
fn written(fields: &impl Serialize) -> serde_json::Result<SecretBuffer> {
    let mut buffer = Buffer(SecretBuffer::default());
    serde_json::to_writer(&mut buffer, fields)?;
    Ok(buffer.0)
}

impl Resource for HubObject {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn api_version(resource: &ApiResource) -> Cow<'_, str> {
        resource.api_version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl fmt::Debug for HubObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubObject")
            .field("name", &self.metadata.name)
            .finish_non_exhaustive()
    }
}

/// Writes to memory that is wiped.
struct Buffer(SecretBuffer);

impl std::io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.append(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::Selection;
    use super::*;

    #[test]
    fn an_object_of_any_content_can_be_read_and_is_not_shown() {
        for text in [
            r#"{"metadata": {"name": "a", "labels": ["s3cret"], "managedFields": "s3cret"}, "data": {"x": "s3cret"}}"#,
            r#"{"metadata": "s3cret"}"#,
            r#"["s3cret"]"#,
            r#""s3cret""#,
        ] {
            let object: HubObject = serde_json::from_str(text).unwrap();
            assert!(!format!("{object:?}").contains("s3cret"));
            match object.into_manifest(&Selection::ArgoCd.resource()) {
                Ok(manifest) => assert!(manifest.starts_with(b"{")),
                Err(error) => assert!(!error.to_string().contains("s3cret")),
            }
        }
    }

    #[test]
    fn a_manifest_has_its_kind_and_nothing_that_only_the_server_needs() {
        let text = r#"{"metadata": {"name": "a", "managedFields": [1]}, "data": {"x": "eA=="}}"#;
        let object: HubObject = serde_json::from_str(text).unwrap();
        let manifest = object
            .into_manifest(&Selection::ClusterProfiles.resource())
            .unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let expected = serde_json::json!({
            "apiVersion": "multicluster.x-k8s.io/v1alpha1", "kind": "ClusterProfile", "metadata": {"name": "a"},
            "data": {"x": "eA=="},
        });
        assert_eq!(manifest, expected);
    }

    #[test]
    fn an_object_of_any_depth_is_read_beside_others() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let text = format!(
            r#"[{{"metadata": {{"name": "deep", "annotations": {deep}, "managedFields": {deep}}}, "status": {deep}}},
                {{"metadata": {{"name": "good", "namespace": "fleet", "resourceVersion": "7"}}}}]"#
        );
        let objects: Vec<HubObject> = serde_json::from_str(&text).unwrap();
        let names: Vec<_> = objects
            .iter()
            .map(|object| object.meta().name.as_deref())
            .collect();
        assert_eq!(names, [Some("deep"), Some("good")]);
        let good = objects.last().unwrap().meta();
        assert_eq!(
            (good.namespace.as_deref(), good.resource_version.as_deref()),
            (Some("fleet"), Some("7"))
        );
        for object in objects {
            object
                .into_manifest(&Selection::ClusterProfiles.resource())
                .unwrap();
        }
    }

    /// Whether it is passed on or dropped, such as after a deletion or with its task.
    #[test]
    fn the_text_of_an_object_is_of_a_kind_that_is_wiped_on_drop() {
        fn is_wiped(_: &impl zeroize::ZeroizeOnDrop) {}
        let object: HubObject = serde_json::from_str(r#"{"data": {"x": "eA=="}}"#).unwrap();
        let HubObject { metadata, text } = &object;
        is_wiped(text);
        assert_eq!(*metadata, ObjectMeta::default());
    }
}
