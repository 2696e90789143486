//! The identities under which the store keeps the credential of a context's user. They are computed like in the programs that
//! request the credential in this environment. No plugin runs.

use clap::FromArgMatches as _;
use kubex::credentials::StoreIdentity;
use kubex::{Chain, Cluster, ExposeSecret as _, Host, ResolvedSource};
use kubex_exec::{ExecOptions, ExecRequest};

use crate::session::{Flags, Session};
use crate::subcommand::exec::{self, is_this_program};

/// The maximum number of nested calls of this command that are followed.
const MOST_CALLS: usize = 4;

/// The user of a context, with its identities in the store.
#[derive(Debug)]
pub(super) struct CachedUser {
    /// A description of the source of the credential.
    pub(super) source: String,
    /// Empty if the credential is never stored.
    pub(super) identities: Vec<StoreIdentity>,
}

impl CachedUser {
    /// The user of the context that the flags of the session select.
    ///
    /// # Errors
    /// Returns the errors of resolving.
    pub(super) async fn of_context(session: &Session, grammar: fn() -> clap::Command) -> kubex::Result<Self> {
        Self::of_chain(session.chain().await?, session, grammar).await
    }

    /// The user of the context that the chain selects.
    ///
    /// # Errors
    /// Returns the errors of resolving.
    pub(super) async fn of_chain(
        chain: Chain,
        session: &Session,
        grammar: fn() -> clap::Command,
    ) -> kubex::Result<Self> {
        let mut source = None;
        let mut identities = Vec::new();
        // Programs that ask for one credential may differ in what they inherit to the plugin.
        let mut next = vec![(chain, session.clone())];
        for _ in 0..MOST_CALLS {
            for (chain, session) in std::mem::take(&mut next) {
                let configuration = chain.resolve_only().await?;
                let credentials = configuration.credentials();
                source.get_or_insert_with(|| credentials.describe());
                identities.extend(credentials.store_identity().await);
                let resolved = chain.find().await?;
                for call in SharedUser::calls(&resolved, configuration.cluster(), &session, grammar).await? {
                    if let Some(name) = call.arguments.source() {
                        let chain = call.session.chain_of(name, &call.session.host).await?;
                        next.push((chain, call.session));
                    } else {
                        let found = call.arguments.plugin_identities(&call.request, &call.session);
                        identities.extend(found.await?);
                    }
                }
            }
        }
        Ok(Self {
            source: source.unwrap_or_default(),
            identities,
        })
    }
}

/// A user whose plugin is `kubex exec`, as that process will be started.
struct SharedUser {
    arguments: exec::Arguments,
    request: ExecRequest,
    session: Session,
}

impl SharedUser {
    /// The calls of a resolved user, as kubectl and as Kubex make them. None, if its plugin is another one.
    async fn calls(
        resolved: &ResolvedSource,
        cluster: &Cluster,
        session: &Session,
        grammar: fn() -> clap::Command,
    ) -> kubex::Result<Vec<Self>> {
        let Some((_, options)) = resolved
            .identity_provider()
            .filter(|(provider, _)| provider == "exec")
        else {
            return Ok(Vec::new());
        };
        let options: ExecOptions = options.parse()?;
        let own = std::env::current_exe().unwrap_or_default();
        if !is_this_program(&options.command, &own.to_string_lossy()) {
            return Ok(Vec::new());
        }
        let request = if options.provide_cluster_info {
            ExecRequest::passing(cluster)?
        } else {
            ExecRequest::default()
        };
        let rules = session.configuration().await?;
        let mut calls = Vec::new();
        for host in hosts(&session.host, rules.plugin_rules()) {
            let host = options.env.iter().fold(host, |host, variable| {
                host.with_variable(&variable.name, Some(variable.value.expose_secret()))
            });
            // Arguments that are not a call of `exec` store nothing.
            let Some((flags, arguments)) = parse(&options.args, grammar()) else {
                break;
            };
            calls.push(Self {
                arguments,
                request: request.clone(),
                session: Session { flags, host },
            });
        }
        Ok(calls)
    }
}

/// The environments that the plugin may get: that of kubectl, which is this one, and what Kubex lets a plugin inherit.
fn hosts(host: &Host, rules: Option<&kubex::host::PluginRules>) -> Vec<Host> {
    let Some(rules) = rules else {
        return vec![host.clone()];
    };
    let inherited = host.clone().with_plugin_rules(rules.clone()).plugin_variables();
    let all = host.environment().variables();
    let removed = all
        .iter()
        .filter(|(name, _)| !inherited.iter().any(|(kept, _)| kept == name));
    let names: Vec<&str> = removed.filter_map(|(name, _)| name.to_str()).collect();
    if names.is_empty() {
        return vec![host.clone()];
    }
    let limited = names
        .iter()
        .fold(host.clone(), |host, name| host.with_variable(name, None::<&str>));
    vec![host.clone(), limited]
}

/// Reads the arguments of `kubex exec`.
fn parse(arguments: &[String], grammar: clap::Command) -> Option<(Flags, exec::Arguments)> {
    let words = std::iter::once("kubex").chain(arguments.iter().map(String::as_str));
    let matches = grammar.try_get_matches_from(words).ok()?;
    let (name, of_exec) = matches.subcommand()?;
    if name != "exec" {
        return None;
    }
    let flags = Flags::from_arg_matches(&matches).ok()?;
    Some((flags, exec::Arguments::from_arg_matches(of_exec).ok()?))
}
