//! `kubex cache`: lists and clears the credentials in the store.

mod identities;
mod list;

use std::sync::Arc;

use clap::{Args, Subcommand};
use kubex::{Options, Source, configure_from_kubeconfig, registry};
use kubex_store::{BackedOff, Kept, Location, Store, Unshared};

use self::identities::CachedUser;
use self::list::{Contexts, List};
use crate::failure::{Failure, status};
use crate::output::{self, OutputArguments, print_text};
use crate::session::Session;

/// The arguments of `cache`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the stored credentials, or only that of the user of --context, without their secrets
    List(OutputArguments),
    /// Remove the stored credentials, or only that of the user of --context, and let the next login start at once
    Clear,
}

impl Arguments {
    /// The arguments of the output, if it has any.
    pub(super) fn output(&mut self) -> Option<&mut OutputArguments> {
        match &mut self.what {
            What::List(output) => Some(output),
            What::Clear => None,
        }
    }
}

pub(crate) async fn run(
    arguments: &Arguments,
    session: &Session,
    grammar: fn() -> clap::Command,
) -> Result<(), Failure> {
    let context = session.flags.context();
    // Without this, `clear --user jane` would remove the credentials of every user.
    let used: &[&str] = match (&arguments.what, context) {
        (_, Some(_)) => &["path", "context"],
        (What::List(_), None) => &["path"],
        (What::Clear, None) => &[],
    };
    let why = "kubex cache works on all credentials, or with --context on that of the context's user";
    session.flags.refuse_selection(used, why)?;
    let location = Location::of_the_user(session.host.environment()).map_err(|unshared| failed(&unshared))?;
    let store = Store::open(&location).map_err(|unshared| failed(&unshared))?;
    let cache = Cache {
        store,
        location,
        session,
        grammar,
    };
    match (&arguments.what, context) {
        (What::List(arguments), None) => cache.list(arguments).await,
        (What::List(arguments), Some(context)) => cache.list_one(context, arguments).await,
        (What::Clear, None) => {
            let cleared = cache.store.clear().map_err(|unshared| failed(&unshared))?;
            let text = match cleared {
                0 => "nothing to remove\n".to_owned(),
                1 => "removed 1 entry\n".to_owned(),
                more => format!("removed {more} entries\n"),
            };
            Ok(print_text(&text)?)
        }
        (What::Clear, Some(context)) => cache.clear_one(context).await,
    }
}

/// The store, and the contexts whose credentials it keeps.
struct Cache<'a> {
    store: Store,
    location: Location,
    session: &'a Session,
    grammar: fn() -> clap::Command,
}

impl Cache<'_> {
    /// The credentials that are kept, and the logins that are not started again yet.
    fn slots(&self) -> Result<(Vec<Kept>, Vec<BackedOff>), Failure> {
        let credentials = self.store.list().map_err(|unshared| failed(&unshared))?;
        let back_offs = self.store.back_offs().map_err(|unshared| failed(&unshared))?;
        Ok((credentials, back_offs))
    }

    async fn list(&self, arguments: &OutputArguments) -> Result<(), Failure> {
        let (credentials, back_offs) = self.slots()?;
        let contexts = if credentials.is_empty() && back_offs.is_empty() {
            Contexts::new()
        } else {
            // The list is also for a machine without a kubeconfig.
            self.contexts().await.unwrap_or_default()
        };
        self.print(arguments, credentials, back_offs, &contexts)
    }

    async fn list_one(&self, context: &str, arguments: &OutputArguments) -> Result<(), Failure> {
        let user = CachedUser::of_context(self.session, self.grammar).await?;
        let mut contexts = Contexts::new();
        self.add(&mut contexts, context, &user);
        let (mut credentials, mut back_offs) = self.slots()?;
        credentials.retain(|kept| contexts.contains_key(&kept.slot));
        back_offs.retain(|waiting| contexts.contains_key(&waiting.slot));
        self.print(arguments, credentials, back_offs, &contexts)
    }

    fn print(
        &self,
        arguments: &OutputArguments,
        credentials: Vec<Kept>,
        back_offs: Vec<BackedOff>,
        contexts: &Contexts,
    ) -> Result<(), Failure> {
        let directory = self.location.directory().display().to_string();
        let list = List::new(directory, credentials, back_offs, contexts);
        Ok(output::print(&list, arguments.format(), &self.session.host)?)
    }

    /// The contexts of the kubeconfig by the slots of their users. A context that cannot be resolved has none. The kubeconfig
    /// is read once, however many contexts it has.
    async fn contexts(&self) -> kubex::Result<Contexts> {
        let mut contexts = Contexts::new();
        let mut kubeconfig = configure_from_kubeconfig().host(self.session.host.clone());
        if let Some(path) = self.session.flags.kubeconfig() {
            kubeconfig = kubeconfig.path(path);
        }
        let kubeconfig = kubeconfig.load().await?;
        let configuration = self.session.configuration().await?;
        let configuration = configuration.with(Options::new().set("chain", Vec::<String>::new()))?;
        for context in kubeconfig.contexts() {
            let provider = Arc::new(kubeconfig.context(context.name));
            let source = Source::from_provider("kubeconfig", provider);
            let chain = configuration.chain(registry()?)?.source(source).build()?;
            if let Ok(user) = CachedUser::of_chain(chain, self.session, self.grammar).await {
                self.add(&mut contexts, context.name, &user);
            }
        }
        Ok(contexts)
    }

    fn add(&self, contexts: &mut Contexts, context: &str, user: &CachedUser) {
        for identity in &user.identities {
            let of_slot = contexts.entry(self.store.slot(identity).id()).or_default();
            if of_slot.last().is_none_or(|last| last != context) {
                of_slot.push(context.to_owned());
            }
        }
    }

    /// Removes what is stored for the user of a context, and nothing else.
    async fn clear_one(&self, context: &str) -> Result<(), Failure> {
        let user = CachedUser::of_context(self.session, self.grammar).await?;
        let mut lines = Vec::new();
        for identity in &user.identities {
            let cleared = self
                .store
                .clear_one(identity)
                .map_err(|unshared| failed(&unshared))?;
            let parts = [
                (cleared.credential, "credential"),
                (cleared.refresh_token, "refresh token"),
                (cleared.back_off, "wait before the next login"),
            ];
            let parts: Vec<&str> = parts
                .iter()
                .filter(|(is_there, _)| *is_there)
                .map(|(_, part)| *part)
                .collect();
            if !parts.is_empty() {
                lines.push(format!(
                    "removed the {}: {}\n",
                    parts.join(", the "),
                    identity.description()
                ));
            }
        }
        if lines.is_empty() {
            let why = if user.identities.is_empty() {
                "is never stored"
            } else {
                "is not stored"
            };
            let source = user.source;
            lines.push(format!(
                "nothing to remove: the credential of the context \"{context}\" {why} ({source})\n"
            ));
        }
        Ok(print_text(&lines.concat())?)
    }
}

fn failed(unshared: &Unshared) -> Failure {
    Failure::new(status::REQUEST_FAILED, unshared.message()).with_help(unshared.help())
}
