//! The conformance suite that every provider must pass.
//!
//! An author describes how a token gets to where the provider finds it, and what can fail there.
//! [`provider_conformance!`](crate::provider_conformance) makes a test of each rule. The provider runs on a
//! [`SimulatedHost`] and touches nothing real. A check that fails panics, as a test does.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a check that fails panics, as a test does"
)]

use std::fmt::{Debug, Write as _};
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::task::Poll;
use std::time::{Duration, SystemTime};

use super::shown::Shown;
use crate::chain::{Chain, Source};
use crate::configuration::ClientConfiguration;
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::host::SimulatedHost;
use crate::options::Options;
use crate::registry::{Registration, Registry};
use crate::secret::ExposeSecret as _;

/// The planted secret. Its beginning occurs nowhere else, so that a leaked prefix is recognized.
const SECRET: &str = "Zq9conf-a-token-that-nobody-may-see";

/// The time limit of one check in real time; only a provider that hangs reaches it.
const LIMIT: Duration = Duration::from_secs(60);

type MakeOptions = Arc<dyn Fn(&str) -> Options + Send + Sync>;
type Plant = Arc<dyn Fn(&SimulatedHost, &str) + Send + Sync>;
type PlantExpiring = Arc<dyn Fn(&SimulatedHost, &str, SystemTime) + Send + Sync>;
type Change = Arc<dyn Fn(&SimulatedHost) + Send + Sync>;

/// The checks for one provider, and how the simulated host is prepared for it.
///
/// ```
/// use kubex_core::faults::Conformance;
/// # use kubex_core::*;
/// # use kubex_core::provider::*;
/// # #[derive(Debug)]
/// # struct Vault(std::path::PathBuf);
/// # #[derive(serde::Deserialize, schemars::JsonSchema)]
/// # #[serde(rename_all = "kebab-case", deny_unknown_fields)]
/// # struct VaultOptions { file: std::path::PathBuf }
/// # impl FromOptions for Vault {
/// #     type Options = VaultOptions;
/// #     fn from_options(options: VaultOptions, _: &BuildContext<'_>) -> Result<Self> { Ok(Self(options.file)) }
/// # }
/// # #[async_trait::async_trait]
/// # impl CredentialSource for Vault {
/// #     async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
/// #         let read = request.host.files().read(&self.0, 4096).await;
/// #         let content = read.map_err(|error| Error::unreadable("the vault", &self.0, error))?;
/// #         let text = String::from_utf8_lossy(content.expose_secret()).trim().to_owned();
/// #         Credential::bearer(text.into())
/// #     }
/// #     fn describe(&self) -> String { "a vault".into() }
/// # }
/// # static REGISTRATION: Registration = Registration::source::<Vault>("vault", "tokens from the company's vault");
/// let vault = Conformance::new(&REGISTRATION)
///     .options(|_| Options::new().set("server", "https://10.0.0.1").set("file", "/vault/token"))
///     .plants(|world, token| world.write("/vault/token", token))
///     .breaks("the file is gone", |world| world.remove("/vault/token"))
///     .hangs(|world| world.hang("/vault/token"));
/// vault.returns_the_planted_token();
/// vault.shows_no_secret();
/// ```
#[derive(Clone)]
pub struct Conformance {
    registration: &'static Registration,
    others: Vec<&'static Registration>,
    options: MakeOptions,
    plant: Option<Plant>,
    plant_expiring: Option<PlantExpiring>,
    breakages: Vec<(&'static str, Change)>,
    hang: Option<Change>,
}

impl Conformance {
    /// The checks for the provider of this registration.
    pub fn new(registration: &'static Registration) -> Self {
        Self {
            registration,
            others: Vec::new(),
            options: Arc::new(|_| Options::new()),
            plant: None,
            plant_expiring: None,
            breakages: Vec::new(),
            hang: None,
        }
    }

    /// Registers another provider that this one uses.
    #[must_use]
    pub fn with(mut self, registration: &'static Registration) -> Self {
        self.others.push(registration);
        self
    }

    /// The provider's options, given the token, which they may contain.
    #[must_use]
    pub fn options(mut self, options: impl Fn(&str) -> Options + Send + Sync + 'static) -> Self {
        self.options = Arc::new(options);
        self
    }

    /// Puts a token where the provider finds it, replacing the previous one. A provider whose token is part of its options
    /// does not need this; its token never changes.
    #[must_use]
    pub fn plants(mut self, plant: impl Fn(&SimulatedHost, &str) + Send + Sync + 'static) -> Self {
        self.plant = Some(Arc::new(plant));
        self
    }

    /// Puts a token there that expires at a time, if the provider knows expiry times.
    #[must_use]
    pub fn plants_expiring(
        mut self,
        plant: impl Fn(&SimulatedHost, &str, SystemTime) + Send + Sync + 'static,
    ) -> Self {
        self.plant_expiring = Some(Arc::new(plant));
        self
    }

    /// A failure that makes the token unavailable.
    #[must_use]
    pub fn breaks(
        mut self,
        what: &'static str,
        breakage: impl Fn(&SimulatedHost) + Send + Sync + 'static,
    ) -> Self {
        self.breakages.push((what, Arc::new(breakage)));
        self
    }

    /// What makes it hang when it fetches.
    #[must_use]
    pub fn hangs(mut self, hang: impl Fn(&SimulatedHost) + Send + Sync + 'static) -> Self {
        self.hang = Some(Arc::new(hang));
        self
    }

    /// Its registration has a name, a summary and a schema, and a typing error in its options is found without
    /// showing the value.
    pub fn registers_itself_well(&self) {
        let name = self.registration.name();
        assert!(
            !name.is_empty()
                && name
                    .chars()
                    .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-'),
            "the name {name:?} is not in kebab-case"
        );
        assert!(
            !self.registration.summary().trim().is_empty(),
            "there is no summary"
        );
        let schema = self.registration.schema();
        assert!(schema.as_object().is_some(), "the schema is of no object");
        let options = (self.options)("harmless").set("no-such-option-of-any-provider", SECRET);
        let error = self.chain(&SimulatedHost::new(), options).map(drop);
        let error = error.expect_err("an unknown option is accepted: set deny_unknown_fields");
        assert_eq!(error.kind(), ErrorKind::UnknownField, "{error}");
        assert_hidden(
            &format!("{error} {error:?}"),
            SECRET,
            "the error of an unknown option",
        );
    }

    /// It gives what is there, once; resolving alone starts no process.
    pub fn returns_the_planted_token(&self) {
        self.run(|case| async move {
            let world = case.world(SECRET);
            let configuration = case.resolve(&world, SECRET).await.expect("it resolves");
            assert_eq!(world.runs(), 0, "resolving started a process");
            let credentials = configuration.credentials();
            let credential = credentials.current().await.expect("it gives a credential");
            let token = credential.token().expect("it gives a token");
            assert!(
                token.expose_secret() == SECRET,
                "it gives another token than the one that is there"
            );
            assert!(
                !credentials.describe().trim().is_empty(),
                "it does not say what it is"
            );
        });
    }

    /// A line end after the token is trimmed or refused; it is never sent.
    pub fn sends_no_line_end(&self) {
        self.run(|case| async move {
            for end in ["\n", "\r\n"] {
                let planted = format!("{SECRET}{end}");
                match case.first(&case.world(&planted), &planted).await {
                    Ok(credential) => {
                        let token = credential.token().map(|token| token.expose_secret().to_owned());
                        assert!(
                            token.as_deref() == Some(SECRET),
                            "a line end is part of the token"
                        );
                    }
                    Err(error) => assert_typed(&error, "a line end"),
                }
            }
        });
    }

    /// A token with control characters, an empty token and a token of 1 MiB are errors and never cause a panic.
    pub fn refuses_invalid_tokens(&self) {
        self.run(|case| async move {
            let mut tokens: Vec<(String, String)> = ['\0', '\u{1b}', '\u{7f}', '\r', '\n']
                .iter()
                .map(|letter| {
                    (
                        format!("{letter:?} in the token"),
                        format!("{SECRET}{letter}{SECRET}"),
                    )
                })
                .collect();
            tokens.push(("an empty token".to_owned(), String::new()));
            tokens.push((
                "a token of 1 MiB".to_owned(),
                SECRET.repeat((1 << 20) / SECRET.len() + 1),
            ));
            for (what, token) in tokens {
                match case.first(&case.world(&token), &token).await {
                    Ok(credential) => panic!("{what} is accepted as {}", credential.description()),
                    Err(error) => assert_typed(&error, &what),
                }
            }
        });
    }

    /// `Debug`, `Display`, the report, descriptions and events contain no secret when everything works.
    pub fn shows_no_secret(&self) {
        self.run(|case| async move {
            let shown = Shown::default();
            let guard = shown.listen();
            let world = case.world(SECRET);
            let chain = case
                .chain(&world, (case.options)(SECRET))
                .expect("its options are right");
            shown.debug(&chain);
            let configuration = chain.resolve().await.expect("it resolves");
            show(&shown, &configuration);
            for _ in 0..3 {
                if let Ok(credential) = configuration.credentials().current().await {
                    shown.debug(&credential);
                    shown.add(credential.provenance());
                    let credentials = configuration.credentials();
                    credentials.invalidate(credential.generation());
                }
                world.advance(Duration::from_secs(61));
            }
            show(&shown, &configuration);
            drop(guard);
            assert_hidden(&shown.text(), SECRET, "what it shows when all goes well");
        });
    }

    /// Every failure is a typed error without a secret, and a valid credential stays in use.
    pub fn survives_failures(&self) {
        if self.breakages.is_empty() {
            say_not_checked(self.registration, "nothing that breaks was named");
        }
        self.run(|case| async move {
            for (what, breakage) in &case.breakages {
                let shown = Shown::default();
                let guard = shown.listen();
                let world = case.world(SECRET);
                breakage(&world);
                let Err(error) = case.first(&world, SECRET).await else {
                    panic!("{what}: it gives a credential all the same");
                };
                assert_typed(&error, what);
                shown.error(&error);

                let world = case.world(SECRET);
                let configuration = case.resolve(&world, SECRET).await.expect("it resolves");
                let credentials = configuration.credentials();
                let first = credentials.current().await.expect("it gives a credential");
                breakage(&world);
                for _ in 0..3 {
                    world.advance(Duration::from_secs(61));
                    match credentials.current().await {
                        Ok(held) => assert!(held.token().is_some(), "{what}: it is anonymous now"),
                        Err(error) => {
                            assert!(
                                first.expires_at().is_some(),
                                "{what}: a good token is given up: {error}"
                            );
                            assert_typed(&error, what);
                        }
                    }
                }
                drop(guard);
                assert_hidden(&shown.text(), SECRET, what);
            }
        });
    }

    /// After a rejection, the provider fetches the current token.
    pub fn fetches_again_after_a_rejection(&self) {
        if self.plant.is_none() {
            return say_not_checked(self.registration, "its token is in its options");
        }
        self.run(|case| async move {
            let world = case.world("the-first");
            let configuration = case.resolve(&world, "the-first").await.expect("it resolves");
            let credentials = configuration.credentials();
            let first = credentials.current().await.expect("it gives a credential");
            case.put(&world, "the-second");
            credentials.invalidate(first.generation());
            let second = credentials.current().await.expect("it gives a credential again");
            let token = second.token().map(|token| token.expose_secret().to_owned());
            assert_eq!(
                token.as_deref(),
                Some("the-second"),
                "a rejection is answered from a cache"
            );
            assert!(second.generation() > first.generation());
        });
    }

    /// A caller that is dropped at any await does not affect others.
    pub fn survives_dropped_callers(&self) {
        self.run(|case| async move {
            for polls in 0..20 {
                let world = case.world(SECRET);
                let configuration = case.resolve(&world, SECRET).await.expect("it resolves");
                let credentials = configuration.credentials();
                give_up_after(polls, credentials.current()).await;
                credentials.current().await.unwrap_or_else(|error| {
                    panic!("after a caller gave up at poll {polls}: {error}");
                });
            }
        });
    }

    /// A fetch that hangs ends at its deadline, and all waiting callers receive a typed error.
    pub fn ends_by_its_deadline(&self) {
        let Some(hang) = self.hang.clone() else {
            return say_not_checked(self.registration, "nothing that hangs was named");
        };
        self.run(|case| async move {
            let world = case.world(SECRET);
            let configuration = case.resolve(&world, SECRET).await.expect("it resolves");
            hang(&world);
            let credentials = configuration.credentials().clone();
            let waiting = tokio::spawn(async move { credentials.current().await.map(drop) });
            for _ in 0..1200 {
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                if waiting.is_finished() {
                    break;
                }
                world.advance(Duration::from_secs(1));
            }
            assert!(waiting.is_finished(), "it hangs for longer than 20 minutes");
            let error = waiting.await.expect("no panic reaches the caller");
            let error = error.expect_err("there is nothing to give");
            assert_typed(&error, "a fetch that hangs");
            assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
        });
    }

    /// The credential has the token's expiry time, is not served after it, and is used once if it had expired on arrival.
    pub fn respects_the_expiry(&self) {
        let Some(plant) = self.plant_expiring.clone() else {
            return say_not_checked(self.registration, "its tokens tell no expiry");
        };
        self.run(|case| async move {
            let world = SimulatedHost::new();
            let end = world.host().now().wall + Duration::from_secs(100);
            plant(&world, SECRET, end);
            let configuration = case.resolve(&world, SECRET).await.expect("it resolves");
            let credentials = configuration.credentials();
            let first = credentials.current().await.expect("it gives a credential");
            assert_eq!(
                first.expires_at(),
                Some(end),
                "the expiry is another than what was told"
            );

            let past = end - Duration::from_secs(10);
            plant(&world, "late", past);
            world.advance(Duration::from_secs(101));
            let late = credentials.current().await.expect("it is used once");
            assert!(late.expired_on_arrival(), "it had expired when it came");
            let error = credentials.current().await.expect_err("it is used once only");
            assert_eq!(error.kind(), ErrorKind::Expired, "{error}");
        });
    }

    fn world(&self, token: &str) -> SimulatedHost {
        let world = SimulatedHost::new();
        self.put(&world, token);
        world
    }

    fn put(&self, world: &SimulatedHost, token: &str) {
        if let Some(plant) = &self.plant {
            plant(world, token);
        }
    }

    fn chain(&self, world: &SimulatedHost, options: Options) -> Result<Chain> {
        let registrations = self.others.iter().copied().chain([self.registration]);
        let builder = Chain::builder(Registry::from_registrations(registrations)?).host(world.host());
        let source = Source::new("under-test").provider(self.registration.name());
        builder.source(source.options(options)).build()
    }

    async fn resolve(&self, world: &SimulatedHost, token: &str) -> Result<ClientConfiguration> {
        self.chain(world, (self.options)(token))?.resolve().await
    }

    async fn first(&self, world: &SimulatedHost, token: &str) -> Result<Arc<Credential>> {
        let configuration = self.resolve(world, token).await?;
        configuration.credentials().current().await
    }

    /// Runs a check on its own thread, so that a check that hangs in real time fails too.
    fn run<F: Future<Output = ()>>(&self, check: impl FnOnce(Self) -> F + Send + 'static) {
        let case = self.clone();
        let (sender, ended) = channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(check(case));
            drop(sender);
        });
        let ended = ended.recv_timeout(LIMIT);
        assert_ne!(ended, Err(RecvTimeoutError::Timeout), "the check hangs");
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

fn show(shown: &Shown, configuration: &ClientConfiguration) {
    shown.add(&configuration.report().to_string());
    shown.debug(configuration);
    shown.debug(configuration);
    shown.add(&configuration.credentials().describe());
}

#[expect(clippy::print_stderr, reason = "a skipped check is reported")]
fn say_not_checked(registration: &Registration, why: &str) {
    eprintln!("{}: NOT CHECKED, because {why}", registration.name());
}

/// Checks that an error of a provider is typed, was not caused by a panic, and contains no secret.
fn assert_typed(error: &Error, what: &str) {
    assert_ne!(
        error.kind(),
        ErrorKind::Aborted,
        "{what}: it panics, or ends without an answer: {error}"
    );
    assert!(
        !error.message().trim().is_empty(),
        "{what}: the error says nothing"
    );
    assert_hidden(&format!("{error} {error:?}"), SECRET, what);
}

fn assert_hidden(text: &str, secret: &str, what: &str) {
    if let Some(disguise) = super::shown::find(text, secret) {
        panic!("{what} shows the secret as {disguise:?}");
    }
}

async fn give_up_after(polls: usize, future: impl Future) {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 || future.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Debug for Conformance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut breakages = String::new();
        for (what, _) in &self.breakages {
            write!(breakages, "{what}; ")?;
        }
        f.debug_struct("Conformance")
            .field("provider", &self.registration.name())
            .field("breakages", &breakages)
            .finish_non_exhaustive()
    }
}

/// Generates a test for each rule that every provider must pass.
///
/// The first argument is the name of the module to generate, the second a
/// [`Conformance`](crate::faults::Conformance).
///
/// ```text
/// kubex_core::provider_conformance!(
///     vault_conforms,
///     Conformance::new(&REGISTRATION)
///         .options(|_| Options::new().set("server", "https://10.0.0.1").set("file", "/vault/token"))
///         .plants(|world, token| world.write("/vault/token", token))
/// );
/// ```
#[macro_export]
macro_rules! provider_conformance {
    ($name:ident, $case:expr $(,)?) => {
        mod $name {
            use super::*;

            $crate::provider_conformance!(@tests $case;
                registers_itself_well
                returns_the_planted_token
                sends_no_line_end
                refuses_invalid_tokens
                shows_no_secret
                survives_failures
                fetches_again_after_a_rejection
                survives_dropped_callers
                ends_by_its_deadline
                respects_the_expiry
            );
        }
    };
    (@tests $case:expr; $($rule:ident)+) => {
        $(
            #[test]
            fn $rule() {
                $crate::faults::Conformance::$rule(&$case);
            }
        )+
    };
}
