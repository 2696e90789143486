//! The edits that wrap the exec users of a kubeconfig, and those that unwrap them. Everything else stays to the byte.
//!
//! | the user has | becomes |
//! |---|---|
//! | `args: [eks, get-token]` | `args: ["exec", "--", "aws", eks, get-token]` |
//! | a list of lines | the same, with three lines before the first one |
//! | no `args`, or an empty one | `args: ["exec", "--", "aws"]` |
//! | `command: aws` | `command: kubex` |
//!
//! A lifetime becomes the argument `--lifetime=10m` after `exec`. Where the spelling of `command` or `args` cannot be seen in
//! the result, the argument `--unwrap=...` keeps it, so that unwrapping restores each byte.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use kubex_document::edit::{
    Edit, entry_before, insertion, quoted, replace_scalar, replace_value, scalar_like as like, scalar_value,
};
use kubex_document::{Document, Key, Kind, Node};
use serde::{Deserialize, Serialize};

use crate::subcommand::exec::{duration, is_this_program};

/// The flag of `kubex exec` that keeps a credential without an expiry time.
const LIFETIME: &str = "--lifetime";

/// The argument that keeps the spelling.
pub(crate) const UNWRAP: &str = "--unwrap=";

/// The spelling of what cannot be seen in a wrapped user.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Spelling {
    /// The text of the value of `command`.
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    /// The text of the value of `args`, if it is not a list with arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<String>,
    /// Whether there was no `args`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    no_args: bool,
}

/// An `exec` mapping of a user.
pub(super) struct ExecUser<'d> {
    text: &'d str,
    exec: Node<'d>,
    command: (Key<'d>, Node<'d>),
    args: Option<(Key<'d>, Node<'d>)>,
    env: Option<Node<'d>>,
}

/// The plugin of a user, before and after.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) before: (String, Vec<String>),
    pub(super) after: (String, Vec<String>),
    pub(super) edits: Vec<Edit>,
}

impl<'d> ExecUser<'d> {
    /// Reads the `exec` of a user. `None` if it is not a mapping with a command.
    pub(super) fn read(document: &'d Document, exec: Node<'d>) -> Option<Self> {
        let command = exec.get_entry("command")?;
        command.1.as_str()?;
        Some(Self {
            text: document.text(),
            exec,
            command,
            args: exec.get_entry("args"),
            env: exec.get("env"),
        })
    }

    pub(super) fn command(&self) -> &'d str {
        self.command.1.as_str().unwrap_or_default()
    }

    pub(super) fn arguments(&self) -> Vec<String> {
        let Some((_, args)) = self.args else {
            return Vec::new();
        };
        args.items()
            .map(|item| item.as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// Where the user is written. Two users that are one by an alias have the same place.
    pub(super) fn place(&self) -> usize {
        self.command.1.span().start()
    }

    /// Whether the user goes through `kubex exec`, or `exec` of this program, which may have another name.
    pub(super) fn is_wrapped(&self, program: &str) -> bool {
        let arguments = self.arguments();
        is_this_program(self.command(), program)
            && arguments.first().is_some_and(|first| first == "exec")
            && arguments.iter().any(|argument| argument == "--")
    }

    /// Wraps the user: `program` runs instead of its command, which is `absolute` as the plugin is to be found.
    ///
    /// # Errors
    /// Why the user cannot be edited.
    pub(super) fn wrap(
        &self,
        program: &str,
        absolute: &str,
        lifetime: Option<&str>,
    ) -> Result<Change, &'static str> {
        let raw = self.command.1.span().of(self.text);
        let (args_key, args) = match self.args {
            Some((key, args)) => (Some(key), Some(args)),
            None => (None, None),
        };
        let is_list =
            args.is_some_and(|args| matches!(args.kind(), Kind::Sequence) && args.items().next().is_some());
        // The list is another user's too, so that it is copied.
        let is_alias = args.is_some_and(Node::is_alias);
        let mut spelling = Spelling {
            // The quotes can be seen in the result.
            command: (like(&like(raw, program), absolute) != raw).then(|| raw.to_owned()),
            ..Spelling::default()
        };
        match args {
            None => spelling.no_args = true,
            Some(args) if !is_list || is_alias => spelling.args = Some(args.span().of(self.text).to_owned()),
            Some(_) => {}
        }
        let header = self.header(&spelling, absolute, lifetime);
        let mut edits = match (args_key, args) {
            (Some(key), Some(args)) if is_alias => {
                let all: Vec<String> = header.iter().cloned().chain(self.arguments()).collect();
                vec![replace_value(self.text, key, args, &flow(&all))]
            }
            (_, Some(args)) if is_list => vec![self.insert_into_list(args, &header)?],
            (Some(key), Some(args)) => vec![replace_value(self.text, key, args, &flow(&header))],
            _ => vec![self.insert_args(&flow(&header))?],
        };
        edits.push(replace_scalar(self.text, self.command.1, program));
        let before = (self.command().to_owned(), self.arguments());
        let mut after = header;
        after.extend(self.arguments());
        Ok(Change {
            before,
            after: (program.to_owned(), after),
            edits,
        })
    }

    /// The arguments before those of the plugin.
    fn header(&self, spelling: &Spelling, absolute: &str, lifetime: Option<&str>) -> Vec<String> {
        let mut header = vec!["exec".to_owned()];
        header.extend(lifetime.map(|lifetime| format!("{LIFETIME}={lifetime}")));
        let variables = self.env.into_iter().flat_map(Node::items);
        for name in variables.filter_map(|variable| variable.get("name")?.as_str()) {
            header.push(format!("--identity-variable={name}"));
        }
        if spelling.command.is_some() || spelling.args.is_some() || spelling.no_args {
            let json = serde_json::to_vec(spelling).unwrap_or_default();
            header.push(format!("{UNWRAP}{}", BASE64.encode(json)));
        }
        header.extend(["--".to_owned(), absolute.to_owned()]);
        header
    }

    fn insert_into_list(&self, args: Node<'d>, header: &[String]) -> Result<Edit, &'static str> {
        let start = args.span().start();
        if self.text[start..].starts_with('[') {
            return Ok(insertion(start + 1, flow_items(header)));
        }
        let first = args.items().next().ok_or("its args are empty")?.span().start();
        let (dash, line) = self.dash_before(first)?;
        let indent = &self.text[line..dash];
        Ok(insertion(dash, block_items(header, indent)))
    }

    /// The dash before the first item of a list of lines, and the beginning of its line.
    fn dash_before(&self, first: usize) -> Result<(usize, usize), &'static str> {
        let before = &self.text[..first];
        let dash = before
            .rfind('-')
            .ok_or("its args are written in an unusual form")?;
        let line = before[..dash].rfind('\n').map_or(0, |end| end + 1);
        let is_usual =
            before[dash + 1..].chars().all(|c| c == ' ') && before[line..dash].chars().all(|c| c == ' ');
        if is_usual {
            Ok((dash, line))
        } else {
            Err("its args are written in an unusual form")
        }
    }

    /// Inserts `args` before `command`.
    fn insert_args(&self, list: &str) -> Result<Edit, &'static str> {
        let key = self.command.0.span().start();
        Ok(insertion(key, self.inserted_args(list)?))
    }

    fn inserted_args(&self, list: &str) -> Result<String, &'static str> {
        entry_before(self.text, self.exec, self.command.0, "args", list)
    }

    /// Gives a wrapped user this lifetime, in the place of the one that it has. `None` if it has it already.
    ///
    /// # Errors
    /// Why the user cannot be edited.
    pub(super) fn change_lifetime(&self, lifetime: &str) -> Result<Option<Change>, &'static str> {
        let arguments = self.arguments();
        let (_, args) = self.args.ok_or("it has no args")?;
        if args.is_alias() {
            return Err("its args are those of another user");
        }
        let dashes = arguments.iter().position(|argument| argument == "--");
        let flags = arguments
            .get(1..dashes.ok_or("it has no command")?)
            .unwrap_or_default();
        let is_lifetime = |flag: &String| flag.split('=').next() == Some(LIFETIME);
        let argument = format!("{LIFETIME}={lifetime}");
        let item = |at| args.items().nth(at).ok_or("it has no args");
        let mut after = arguments.clone();
        let edit = match flags.iter().rposition(is_lifetime).map(|at| at + 1) {
            None => {
                after.insert(1, argument.clone());
                self.insert_after_exec(args, &argument)?
            }
            Some(at) => {
                // The value may be an argument of its own.
                let (at, prefix) = match arguments.get(at).and_then(|flag| flag.split_once('=')) {
                    Some(_) => (at, format!("{LIFETIME}=")),
                    None => (at + 1, String::new()),
                };
                let written = arguments.get(at).ok_or("it has no lifetime")?;
                if same_lifetime(written.strip_prefix(&prefix).unwrap_or(written), lifetime) {
                    return Ok(None);
                }
                let value = format!("{prefix}{lifetime}");
                let edit = replace_scalar(self.text, item(at)?, &value);
                after.splice(at..=at, [value]);
                edit
            }
        };
        let command = self.command().to_owned();
        Ok(Some(Change {
            before: (command.clone(), arguments),
            after: (command, after),
            edits: vec![edit],
        }))
    }

    /// Inserts an argument after `exec`, in the form that [`wrap`](Self::wrap) gives it.
    fn insert_after_exec(&self, args: Node<'d>, argument: &str) -> Result<Edit, &'static str> {
        let next = args.items().nth(1).ok_or("it has no command")?.span().start();
        if self.text[args.span().start()..].starts_with('[') {
            return Ok(insertion(next, flow_items(&[argument.to_owned()])));
        }
        let (dash, line) = self.dash_before(next)?;
        let indent = &self.text[line..dash];
        Ok(insertion(dash, block_items(&[argument.to_owned()], indent)))
    }

    /// Unwraps the user.
    ///
    /// # Errors
    /// Why the user cannot be edited.
    pub(super) fn unwrap(&self) -> Result<Change, &'static str> {
        let arguments = self.arguments();
        let (args_key, args) = self.args.ok_or("it has no args")?;
        let dashes = arguments
            .iter()
            .position(|argument| argument == "--")
            .ok_or("it has no command")?;
        let (header, rest) = arguments
            .split_at_checked(dashes + 2)
            .ok_or("it has no command")?;
        let absolute = header.last().ok_or("it has no command")?;
        let spelling = header.iter().find_map(|argument| argument.strip_prefix(UNWRAP));
        let spelling: Spelling = spelling
            .and_then(|text| serde_json::from_slice(&BASE64.decode(text).ok()?).ok())
            .unwrap_or_default();
        let start = args.span().start();
        let edit = if rest.is_empty() && spelling.no_args {
            self.remove_args(args_key, args, header)
        } else if rest.is_empty() || spelling.args.as_ref().is_some_and(|args| args.starts_with('*')) {
            let before = spelling.args.clone().unwrap_or_else(|| "[]".to_owned());
            // A value that was not written was given one, with a blank before it.
            let start = if before.is_empty() && self.text[..start].ends_with(' ') {
                start - 1
            } else {
                start
            };
            Edit::new(start..args.span().end(), before)
        } else {
            self.remove_header(args, header)?
        };
        let span = self.command.1.span();
        let command = spelling
            .command
            .clone()
            .unwrap_or_else(|| like(span.of(self.text), absolute));
        let before = (self.command().to_owned(), arguments.clone());
        Ok(Change {
            before,
            after: (
                scalar_value(&command).unwrap_or_else(|| absolute.clone()),
                rest.to_vec(),
            ),
            edits: vec![edit, Edit::new(span.start()..span.end(), command)],
        })
    }

    /// Removes `args`, which were inserted before `command`; elsewhere, after other edits, they become an empty list.
    fn remove_args(&self, key: Key<'d>, args: Node<'d>, header: &[String]) -> Edit {
        let (start, command) = (key.span().start(), self.command.0.span().start());
        let is_as_inserted = start < command
            && self.inserted_args(&flow(header)).is_ok_and(|inserted| {
                let written = &self.text[start..command];
                written == inserted || written.starts_with("args: [") && written.trim_end().ends_with(']')
            });
        let span = args.span();
        if is_as_inserted {
            Edit::new(start..command, "")
        } else {
            Edit::new(span.start()..span.end(), "[]".to_owned())
        }
    }

    fn remove_header(&self, args: Node<'d>, header: &[String]) -> Result<Edit, &'static str> {
        let start = args.span().start();
        let removal = |start, end| Edit::new(start..end, "");
        let first = args.items().next().ok_or("it has no args")?.span().start();
        let following = args
            .items()
            .nth(header.len())
            .ok_or("it has no args")?
            .span()
            .start();
        if self.text[start..].starts_with('[') {
            let inserted = flow_items(header);
            return Ok(if self.text[start + 1..].starts_with(&inserted) {
                removal(start + 1, start + 1 + inserted.len())
            } else {
                removal(first, following)
            });
        }
        let (from, _) = self.dash_before(first)?;
        let (to, _) = self.dash_before(following)?;
        Ok(removal(from, to))
    }
}

/// Whether two spellings are of one lifetime.
fn same_lifetime(one: &str, other: &str) -> bool {
    one == other || duration(one).is_ok_and(|one| duration(other) == Ok(one))
}

/// Items with a comma after each.
fn flow_items(items: &[String]) -> String {
    items
        .iter()
        .fold(String::new(), |text, item| format!("{text}{}, ", quoted(item)))
}

fn flow(items: &[String]) -> String {
    format!("[{}]", flow_items(items).trim_end_matches(", "))
}

/// Items in lines of their own; the next dash follows.
fn block_items(items: &[String], indent: &str) -> String {
    items.iter().fold(String::new(), |text, item| {
        format!("{text}- {}\n{indent}", quoted(item))
    })
}
