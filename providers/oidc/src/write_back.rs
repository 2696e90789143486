//! Writes new tokens into the kubeconfig that contains the login, as kubectl does.
//!
//! kubectl's lock of the file lasts for one write, because kubectl fails if it finds one. Programs of Kubex therefore also take
//! turns by a lock of the file's directory, from reading the tokens until the new ones are written.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use kubex_core::options::KubeconfigUser;
use kubex_core::{Error, ErrorKind, ExposeSecret, Host, Result, SecretString};
use kubex_document::edit::{
    Edit, KubeconfigFile, apply, entry_before, insertion, quoted, replace_value, scalar_like,
};
use kubex_document::{Budget, Document, Format, Key, Node};
use zeroize::Zeroizing;

use crate::tokens::InFile;

/// How long kubectl's lock is waited for. kubectl holds it for one write.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the turn of another process is waited for.
const LIMIT: Duration = Duration::from_secs(30);

/// The longest time before a refresh and after it.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(34);

/// How long the turn of another process is waited for between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// The turn of this process, and the tokens that the kubeconfig contained at its start.
pub(crate) struct Login {
    user: KubeconfigUser,
    pub(crate) tokens: InFile,
    /// Released on drop.
    turn: Option<File>,
}

impl Login {
    /// Waits for the turn of this process. `None` on a simulated host, whose files are not written.
    ///
    /// # Errors
    /// `TimedOut`: the turn of another process lasts too long. `Unavailable`: the file cannot be written. `UnreadableFile`: it
    /// cannot be read.
    pub(crate) async fn begin(user: &KubeconfigUser, host: &Host) -> Result<Option<Self>> {
        if host.processes().is_some() {
            return Ok(None);
        }
        let user = KubeconfigUser {
            file: host.from_working_directory(&user.file),
            name: user.name.clone(),
        };
        blocking(move || Self::begin_now(user)).await.map(Some)
    }

    fn begin_now(user: KubeconfigUser) -> Result<Self> {
        let turn = lock_directory(&user.file)?;
        // kubectl fails if it finds its lock, so the lock is not held until the tokens are written.
        drop(KubeconfigFile::lock(&user.file, PATIENCE)?);
        let file = KubeconfigFile::read(&user.file)?;
        let document = read(file.text())?;
        let config = config_of(&document, &user.name)
            .ok_or_else(|| cannot_edit(&user, "the user with this auth provider is no longer there"))?;
        let token = |key: &str| {
            let token = config.get(key).and_then(Node::as_str);
            token.filter(|token| !token.is_empty()).map(SecretString::from)
        };
        let login = Self {
            tokens: InFile {
                id_token: token("id-token"),
                refresh_token: token("refresh-token"),
            },
            user,
            turn,
        };
        // Checks that the new tokens can be written, before the old one is used.
        file.rehearse()?;
        login.edited(file.text(), Some("id-token"), "refresh-token")?;
        Ok(login)
    }

    /// Writes the new tokens, unless the kubeconfig contains another login by now. The write goes on if the caller is
    /// cancelled. Returns what the kubeconfig contains.
    ///
    /// # Errors
    /// As [`begin`](Self::begin). The tokens are not in the file.
    pub(crate) async fn write(
        self,
        id_token: Option<SecretString>,
        refresh_token: SecretString,
    ) -> Result<InFile> {
        blocking(move || self.write_now(id_token, refresh_token)).await
    }

    fn write_now(self, id_token: Option<SecretString>, refresh_token: SecretString) -> Result<InFile> {
        let file = KubeconfigFile::lock(&self.user.file, PATIENCE)?;
        let id = id_token.as_ref().map(ExposeSecret::expose_secret);
        let Some(text) = self.edited(file.text(), id, refresh_token.expose_secret())? else {
            return Ok(self.tokens);
        };
        file.replace(&text)?;
        drop(self.turn);
        Ok(InFile {
            id_token: id_token.or(self.tokens.id_token),
            refresh_token: Some(refresh_token),
        })
    }

    /// The text with the new tokens. `None` if it contains another login.
    fn edited(
        &self,
        text: &str,
        id_token: Option<&str>,
        refresh_token: &str,
    ) -> Result<Option<Zeroizing<String>>> {
        let document = read(text)?;
        let entry = config_of(&document, &self.user.name).and_then(|config| {
            let (key, token) = config.get_entry("refresh-token")?;
            (token.as_str()
                == self
                    .tokens
                    .refresh_token
                    .as_ref()
                    .map(ExposeSecret::expose_secret))
            .then_some((config, key, token))
        });
        let Some((config, key, token)) = entry else {
            return Ok(None);
        };
        let mut edits = Vec::new();
        if token.as_str() != Some(refresh_token) {
            edits.push(replaced(text, key, token, refresh_token));
        }
        if let Some(id_token) = id_token {
            edits.push(if let Some((key, token)) = config.get_entry("id-token") {
                replaced(text, key, token, id_token)
            } else {
                let entry = entry_before(text, config, key, "id-token", &quoted(id_token));
                insertion(
                    key.span().start(),
                    entry.map_err(|why| cannot_edit(&self.user, why))?,
                )
            });
        }
        let result = Zeroizing::new(apply(text, edits));
        let unusual = || cannot_edit(&self.user, "it is written in an unusual form");
        let document = read(&result).map_err(|_| unusual())?;
        let config = config_of(&document, &self.user.name).ok_or_else(unusual)?;
        let is_there = |key: &str, token: &str| config.get(key).and_then(Node::as_str) == Some(token);
        if !is_there("refresh-token", refresh_token)
            || id_token.is_some_and(|token| !is_there("id-token", token))
        {
            return Err(unusual());
        }
        Ok(Some(result))
    }
}

fn replaced(text: &str, key: Key<'_>, value: Node<'_>, new: &str) -> Edit {
    let written = Zeroizing::new(scalar_like(value.span().of(text), new));
    replace_value(text, key, value, &written)
}

/// The `config` of the user's auth provider.
fn config_of<'d>(document: &'d Document, name: &str) -> Option<Node<'d>> {
    let mut users = document.root().get("users")?.items();
    users.find_map(|entry| {
        let is_named = entry.get("name").and_then(Node::as_str).unwrap_or_default() == name;
        let config = entry.get("user")?.get("auth-provider")?.get("config")?;
        is_named.then_some(config)
    })
}

fn read(text: &str) -> Result<Document> {
    let read = Document::read(text.as_bytes().to_vec().into(), Format::Yaml, &Budget::KUBECONFIG);
    read.map_err(|_| {
        Error::new(
            ErrorKind::MalformedDocument,
            "the kubeconfig is no longer valid YAML",
        )
    })
}

fn cannot_edit(user: &KubeconfigUser, why: &str) -> Error {
    let message = format_args!(
        "the tokens of the user \"{}\" cannot be written to \"{}\": {why}",
        user.name,
        user.file.display()
    );
    Error::new(ErrorKind::Unavailable, message).with_help("log in again, or set \"write-tokens\" to false")
}

/// Waits for the lock of the file's directory, behind symbolic links. `None` where there is no such lock: on Windows, and on
/// some network file systems.
#[expect(clippy::disallowed_methods, reason = "a host locks no directories")]
fn lock_directory(file: &Path) -> Result<Option<File>> {
    let began = Instant::now();
    let real = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let Some(directory) = real.parent().and_then(|directory| File::open(directory).ok()) else {
        return Ok(None);
    };
    loop {
        match directory.try_lock() {
            Ok(()) => return Ok(Some(directory)),
            Err(TryLockError::Error(_)) => return Ok(None),
            Err(TryLockError::WouldBlock) if began.elapsed() < LIMIT => std::thread::sleep(LOOK),
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new(
                    ErrorKind::TimedOut,
                    "another process has locked the directory of this kubeconfig for too long",
                )
                .with_help("try again"));
            }
        }
    }
}

/// Runs on a thread that may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::new(ErrorKind::Aborted, "the kubeconfig was not written").with_source(error))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(text: &str) -> Result<Option<String>> {
        let login = Login {
            user: KubeconfigUser {
                file: "/config".into(),
                name: "jane".to_owned(),
            },
            tokens: InFile {
                id_token: None,
                refresh_token: Some("r-1".into()),
            },
            turn: None,
        };
        let edited = login.edited(text, Some("i.2"), "r-2")?;
        Ok(edited.map(|text| text.as_str().to_owned()))
    }

    #[test]
    fn tokens_are_written_in_the_form_of_the_file_and_nothing_else_changes() {
        let lines = |config: &str| {
            format!(
                "# mine\nusers:\n- name: other\n  user: {{token: r-1}}\n- user:\n    auth-provider:\n      name: oidc\n      config:\n{config}  name: jane\ncurrent-context: a\n"
            )
        };
        for (before, after) in [
            (
                "        id-token: i.1 # old\n        refresh-token: r-1\n",
                "        id-token: i.2 # old\n        refresh-token: r-2\n",
            ),
            (
                "        refresh-token: 'r-1'\n        client-id: x\n",
                "        id-token: \"i.2\"\n        refresh-token: 'r-2'\n        client-id: x\n",
            ),
            (
                "        id-token:\n        refresh-token: \"r-1\"\n",
                "        id-token: i.2\n        refresh-token: \"r-2\"\n",
            ),
            (
                "        # as in {this,\n        refresh-token: r-1\n",
                "        # as in {this,\n        id-token: \"i.2\"\n        refresh-token: r-2\n",
            ),
            (
                "        id-token: \"\"\n        refresh-token: r-1\n",
                "        id-token: \"i.2\"\n        refresh-token: r-2\n",
            ),
        ] {
            assert_eq!(edited(&lines(before)).unwrap().unwrap(), lines(after));
        }
        let json = |config: &str| {
            format!(
                r#"{{"users": [{{"name": "jane", "user": {{"auth-provider": {{"name": "oidc", "config": {{{config}}}}}}}}}]}}"#
            )
        };
        assert_eq!(
            edited(&json(r#""refresh-token": "r-1""#)).unwrap().unwrap(),
            json(r#""id-token": "i.2", "refresh-token": "r-2""#)
        );
    }

    #[test]
    fn a_form_that_cannot_be_edited_is_known_before_the_token_is_used() {
        let text = "users: [{name: jane, user: {auth-provider: {config: {? refresh-token\n: r-1}}}}]\n";
        let error = edited(text).unwrap_err();
        assert!(error.message().contains("in an unusual form"), "{error}");
    }

    #[test]
    fn another_login_is_not_overwritten() {
        let text = "users: [{name: jane, user: {auth-provider: {config: {refresh-token: r-0}}}}]\n";
        assert_eq!(edited(text).unwrap(), None);
        assert_eq!(edited("users: []\n").unwrap(), None);
    }
}
