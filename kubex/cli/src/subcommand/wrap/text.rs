//! The text of a kubeconfig with its users wrapped or unwrapped, checked before it is returned.

use std::collections::BTreeSet;
use std::path::Path;

use kubex_document::edit::apply;
use kubex_document::{Budget, Document, Format, Node};

use super::edit::{Change, ExecUser};

/// What to do with the users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Wrap,
    Unwrap,
}

/// A command and its arguments.
type Command = (String, Vec<String>);

/// The change of one user: its command and arguments before and after.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UserChange {
    pub(super) user: String,
    pub(super) before: Command,
    pub(super) after: Command,
}

/// How the users of a kubeconfig are rewritten.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rewrite<'a> {
    /// Where the kubeconfig is.
    pub(super) directory: &'a Path,
    pub(super) direction: Direction,
    /// What runs instead of their commands.
    pub(super) program: &'a str,
    /// How long a wrapped user keeps a credential without an expiry time. `None` leaves it as it is.
    pub(super) lifetime: Option<&'a str>,
    /// The names of the users; all users if `None`.
    pub(super) users: Option<&'a BTreeSet<String>>,
}

impl Rewrite<'_> {
    /// The text with those users changed that are not yet as they should be.
    ///
    /// # Errors
    /// Why the text cannot be changed.
    pub(super) fn apply(&self, text: &str) -> Result<(String, Vec<UserChange>), String> {
        let (result, changes) = self.edit(text)?;
        let commands = commands(&result)?;
        let is_as_intended = changes.iter().all(|change| {
            let after = commands.iter().filter(|(user, _)| *user == change.user);
            after.clone().next().is_some() && after.into_iter().all(|(_, command)| *command == change.after)
        });
        if !is_as_intended {
            return Err("the result would not be the intended one".to_owned());
        }
        if self.direction == Direction::Wrap {
            let names = changes.iter().map(|change| change.user.clone()).collect();
            let back = Rewrite {
                direction: Direction::Unwrap,
                users: Some(&names),
                ..*self
            };
            // What was wrapped before has another original than this text.
            if back.edit(&result)?.0 != back.edit(text)?.0 {
                return Err("unwrapping it would not restore each byte".to_owned());
            }
        }
        Ok((result, changes))
    }

    /// Whether one of the users has an exec plugin.
    pub(super) fn finds_plugins(&self, text: &str) -> bool {
        read(text).is_ok_and(|document| {
            let users = exec_users(&document);
            users
                .iter()
                .any(|(name, _)| self.users.is_none_or(|users| users.contains(name)))
        })
    }

    fn edit(&self, text: &str) -> Result<(String, Vec<UserChange>), String> {
        let document = read(text)?;
        let mut changes = Vec::new();
        let mut edits = Vec::new();
        let mut places = BTreeSet::new();
        for (name, user) in exec_users(&document) {
            if self.users.is_some_and(|users| !users.contains(&name)) {
                continue;
            }
            let change = self
                .change(&user)
                .map_err(|why| format!("the user \"{name}\": {why}"))?;
            let Some(change) = change else { continue };
            // Two users may be one by an alias.
            if places.insert(user.place()) {
                edits.extend(change.edits);
            }
            changes.push(UserChange {
                user: name,
                before: change.before,
                after: change.after,
            });
        }
        Ok((apply(text, edits), changes))
    }

    /// The change of one user. `None` if it is already as it should be.
    fn change(&self, user: &ExecUser<'_>) -> Result<Option<Change>, &'static str> {
        match (self.direction, user.is_wrapped(self.program), self.lifetime) {
            (Direction::Wrap, false, lifetime) => {
                let command = absolute(user.command(), self.directory);
                user.wrap(self.program, &command, lifetime).map(Some)
            }
            (Direction::Wrap, true, Some(lifetime)) => user.change_lifetime(lifetime),
            (Direction::Unwrap, true, _) => user.unwrap().map(Some),
            (Direction::Wrap, true, None) | (Direction::Unwrap, false, _) => Ok(None),
        }
    }
}

/// A relative path is relative to the kubeconfig, and `kubex exec` does not know that.
pub(super) fn absolute(command: &str, directory: &Path) -> String {
    let path = Path::new(command);
    if path.is_absolute() || !command.contains(std::path::is_separator) {
        return command.to_owned();
    }
    directory.join(path).to_string_lossy().into_owned()
}

/// The users with an `exec`, by name.
fn exec_users(document: &Document) -> Vec<(String, ExecUser<'_>)> {
    let users = document.root().get("users");
    let users = users.into_iter().flat_map(Node::items);
    users
        .filter_map(|entry| {
            let name = entry.get("name")?.as_str()?.to_owned();
            let exec = entry.get("user")?.get("exec")?;
            Some((name, ExecUser::read(document, exec)?))
        })
        .collect()
}

/// The commands of all users, as kubectl would run them.
fn commands(text: &str) -> Result<Vec<(String, Command)>, String> {
    let document = read(text)?;
    let users = exec_users(&document);
    Ok(users
        .iter()
        .map(|(name, user)| (name.clone(), (user.command().to_owned(), user.arguments())))
        .collect())
}

fn read(text: &str) -> Result<Document, String> {
    let read = Document::read(text.as_bytes().to_vec().into(), Format::Yaml, &Budget::KUBECONFIG);
    read.map_err(|error| match error.position() {
        Some(position) => format!("it is not valid YAML in line {}", position.line),
        None => "it is not valid YAML".to_owned(),
    })
}

#[cfg(test)]
mod tests;
