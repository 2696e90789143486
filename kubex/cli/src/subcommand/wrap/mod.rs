//! `kubex wrap` and `kubex unwrap`: edit a kubeconfig so that its exec users run their plugins through `kubex exec`, and undo
//! it.

mod edit;
mod text;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use kubex::configure_from_kubeconfig;
use kubex::text::{clean_line, mask_arguments, nearest, shown_path};
use kubex_document::edit::KubeconfigFile;

use self::text::{Direction, Rewrite, UserChange};
use crate::failure::{Failure, status};
use crate::output::print_text;
use crate::session::Session;

/// The arguments of `wrap`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    unwrap: UnwrapArguments,
    /// How long to keep a credential without an expiry time: 10m, or a number of seconds. Also changes the lifetime
    /// of a user that is already wrapped
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    lifetime: Option<String>,
}

/// The arguments of `unwrap`.
#[derive(Debug, Args)]
pub(crate) struct UnwrapArguments {
    /// Print the changes, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// A lifetime as it is written, if `kubex exec` accepts it.
fn lifetime(text: &str) -> Result<String, String> {
    super::exec::duration(text).map(|_| text.to_owned())
}

pub(crate) async fn wrap(arguments: &Arguments, session: &Session) -> Result<(), Failure> {
    let lifetime = arguments.lifetime.as_deref();
    run(&arguments.unwrap, session, Direction::Wrap, lifetime).await
}

pub(crate) async fn unwrap(arguments: &UnwrapArguments, session: &Session) -> Result<(), Failure> {
    run(arguments, session, Direction::Unwrap, None).await
}

async fn run(
    arguments: &UnwrapArguments,
    session: &Session,
    direction: Direction,
    lifetime: Option<&str>,
) -> Result<(), Failure> {
    let why = "kubex wrap and unwrap change all exec users of the kubeconfig, or with --context only that of the context";
    session.flags.refuse_selection(&["path", "context"], why)?;
    let users = users(session).await?;
    let program = program()?;
    let mut output = String::new();
    let mut is_changed = false;
    let mut has_plugin = false;
    for path in files(session)? {
        let kubeconfig = if arguments.dry_run {
            KubeconfigFile::read(&path)
        } else {
            KubeconfigFile::lock(&path, Duration::ZERO)
        };
        let kubeconfig = kubeconfig.map_err(|error| invalid(&error))?;
        let rewrite = Rewrite {
            directory: path.parent().unwrap_or(Path::new("/")),
            direction,
            program: &program,
            lifetime,
            users: users.as_ref(),
        };
        let (text, changes) = rewrite.apply(kubeconfig.text()).map_err(|why| {
            let message = format!("\"{}\" cannot be edited: {why}", path.display());
            Failure::new(
                status::from_class(kubex::ErrorClass::InvalidConfiguration),
                message,
            )
            .with_help("edit this user by hand, or choose others with --context")
        })?;
        has_plugin |= rewrite.finds_plugins(kubeconfig.text());
        for change in &changes {
            output.push_str(&shown(&path, change));
        }
        if !changes.is_empty() {
            is_changed = true;
            if !arguments.dry_run {
                kubeconfig.replace(&text).map_err(|error| invalid(&error))?;
            }
        }
    }
    if !is_changed {
        output.push_str(&unchanged(direction, users.as_ref(), has_plugin));
    }
    Ok(print_text(&output)?)
}

/// Why nothing is changed. `has_plugin`: whether one of the users has an exec plugin.
fn unchanged(direction: Direction, users: Option<&BTreeSet<String>>, has_plugin: bool) -> String {
    let user = users.and_then(BTreeSet::first);
    let user = user.map(|name| format!("the user \"{}\"", clean_line(name)));
    let why = match (direction, has_plugin, user) {
        (_, false, Some(user)) => format!("{user} has no exec plugin"),
        (_, false, None) => "no user has an exec plugin".to_owned(),
        (Direction::Wrap, true, Some(user)) => format!("{user} is already wrapped"),
        (Direction::Wrap, true, None) => "every user with an exec plugin is already wrapped".to_owned(),
        (Direction::Unwrap, true, Some(user)) => format!("{user} is not wrapped"),
        (Direction::Unwrap, true, None) => "no user is wrapped".to_owned(),
    };
    format!("nothing to change: {why}\n")
}

/// The failure of a kubeconfig that cannot be edited.
fn invalid(error: &kubex::Error) -> Failure {
    let status = status::from_class(kubex::ErrorClass::InvalidConfiguration);
    let failure = Failure::new(status, error.message());
    match error.help() {
        Some(help) => failure.with_help(help),
        None => failure,
    }
}

/// The names of the users to change; `None` for all.
async fn users(session: &Session) -> Result<Option<BTreeSet<String>>, Failure> {
    let Some(context) = session.flags.context() else {
        return Ok(None);
    };
    let mut kubeconfig = configure_from_kubeconfig().host(session.host.clone());
    if let Some(path) = session.flags.kubeconfig() {
        kubeconfig = kubeconfig.path(path);
    }
    let kubeconfig = kubeconfig.load().await?;
    let found = kubeconfig.contexts().find(|found| found.name == context);
    let user = found.and_then(|found| found.user).ok_or_else(|| {
        let names: Vec<&str> = kubeconfig.contexts().map(|context| context.name).collect();
        let help = match nearest(context, &names) {
            Some(near) if near != context => format!("did you mean \"{near}\"?"),
            _ => "run kubex contexts to see the contexts".to_owned(),
        };
        Failure::new(
            status::from_class(kubex::ErrorClass::InvalidConfiguration),
            format!("there is no context \"{context}\" with a user"),
        )
        .with_help(help)
    })?;
    Ok(Some(BTreeSet::from([user])))
}

/// The files of the kubeconfig: the one of the flag, those of the variable, or the one in the home directory.
fn files(session: &Session) -> Result<Vec<PathBuf>, Failure> {
    let environment = session.host.environment();
    let directory = environment.current_directory().unwrap_or_default();
    let named: Vec<PathBuf> = match (session.flags.kubeconfig(), environment.variable("KUBECONFIG")) {
        (Some(path), _) => vec![PathBuf::from(path)],
        (None, Some(list)) if !list.is_empty() => std::env::split_paths(&list)
            .filter(|path| !path.as_os_str().is_empty())
            .collect(),
        _ => environment
            .home_directory()
            .map(|home| home.join(".kube/config"))
            .into_iter()
            .collect(),
    };
    let is_flag = session.flags.kubeconfig().is_some();
    let mut files: Vec<PathBuf> = Vec::new();
    let mut missing = Vec::new();
    for path in named {
        let path = directory.join(path);
        if !is_flag && !path.exists() {
            missing.push(shown_path(&path).into_owned());
        } else if !files.contains(&path) {
            files.push(path);
        }
    }
    if files.is_empty() {
        let message = match missing.as_slice() {
            [] => "there is no kubeconfig".to_owned(),
            missing => format!("there is no kubeconfig at {}", missing.join(", ")),
        };
        let status = status::from_class(kubex::ErrorClass::NothingConfigured);
        return Err(Failure::new(status, message).with_help("name one with --kubeconfig"));
    }
    Ok(files)
}

/// The program that a wrapped user runs: `kubex`, if `PATH` finds this program, else its path.
#[expect(clippy::disallowed_methods, reason = "compares two paths of this program")]
fn program() -> Result<String, Failure> {
    let unknown = || Failure::new(status::REQUEST_FAILED, "the path of this program is unknown");
    let own = std::env::current_exe().map_err(|_| unknown())?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let named = super::exec::find("kubex", &path).and_then(|found| std::fs::canonicalize(found).ok());
    if named.is_some() && named == std::fs::canonicalize(&own).ok() {
        return Ok("kubex".to_owned());
    }
    own.into_os_string().into_string().map_err(|_| unknown())
}

/// The change of a user in the form of a diff. Values that may be secrets are masked, and no other line is shown.
fn shown(path: &Path, change: &UserChange) -> String {
    let command = |(command, arguments): &(String, Vec<String>), sign: char| {
        let arguments = mask_arguments(arguments).join(" ");
        format!("{sign}{command} {arguments}\n")
    };
    format!(
        "{}, user {}\n{}{}",
        path.display(),
        change.user,
        command(&change.before, '-'),
        command(&change.after, '+')
    )
}
