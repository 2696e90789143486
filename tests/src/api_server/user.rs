//! Whom the server takes a client for.

use std::collections::BTreeMap;

/// The name of a client that shows no credential.
pub(super) const ANONYMOUS: &str = "system:anonymous";
/// The group of all users with a credential.
pub(super) const AUTHENTICATED: &str = "system:authenticated";
/// The group of those who have not.
pub(super) const UNAUTHENTICATED: &str = "system:unauthenticated";

/// A user of the cluster: a name, and optionally groups, a uid and extras.
///
/// The server adds the group `system:authenticated` to every user with a credential, as the real one does, so that it
/// need not be named here.
///
/// ```
/// # use kubex_tests::api_server::User;
/// let jane = User::new("jane").group("dev").group("ops").uid("42").extra("example.org/team", "blue");
/// assert_eq!(jane.name(), "jane");
/// assert_eq!(jane.groups(), ["dev", "ops"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    name: String,
    uid: Option<String>,
    groups: Vec<String>,
    extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// A user of no group.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            uid: None,
            groups: Vec::new(),
            extra: BTreeMap::new(),
        }
    }

    /// Adds a group.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.groups.push(group.into());
        self
    }

    /// Sets the uid.
    #[must_use]
    pub fn uid(mut self, uid: impl Into<String>) -> Self {
        self.uid = Some(uid.into());
        self
    }

    /// Adds a value to one of the extras.
    #[must_use]
    pub fn extra(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.extra.entry(key.into()).or_default().push(value.into());
        self
    }

    /// The name, such as `jane` or `system:serviceaccount:default:builder`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The groups, in the order they were given.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// Who shows no credential.
    pub(super) fn anonymous() -> Self {
        Self::new(ANONYMOUS).group(UNAUTHENTICATED)
    }

    pub(super) fn is_anonymous(&self) -> bool {
        self.name == ANONYMOUS
    }

    /// Adds a group unless the user has it.
    pub(super) fn also_in(self, group: &str) -> Self {
        if self.groups.iter().any(|existing| existing == group) {
            self
        } else {
            self.group(group)
        }
    }

    /// Adds an extra unless the user has that key: what a test says about its user goes before what the server
    /// would have found.
    pub(super) fn extra_unless_given(self, key: &str, value: impl FnOnce() -> String) -> Self {
        if self.extra.contains_key(key) {
            self
        } else {
            self.extra(key, value())
        }
    }

    /// The `userInfo` of a review. Empty fields are left out, as the real server does.
    pub(super) fn user_info(&self) -> serde_json::Value {
        let mut info = serde_json::Map::new();
        info.insert("username".into(), self.name.clone().into());
        if let Some(uid) = &self.uid {
            info.insert("uid".into(), uid.clone().into());
        }
        if !self.groups.is_empty() {
            info.insert("groups".into(), self.groups.clone().into());
        }
        if !self.extra.is_empty() {
            let extra = self
                .extra
                .iter()
                .map(|(key, values)| (key.clone(), values.clone().into()));
            info.insert("extra".into(), extra.collect::<serde_json::Map<_, _>>().into());
        }
        info.into()
    }
}
