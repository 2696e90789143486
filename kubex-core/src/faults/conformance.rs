//! The conformance test suite for providers.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a check that fails panics, as a test does"
)]

mod rules;

use std::fmt::{Debug, Write as _};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, SystemTime};

use crate::chain::{Chain, Source};
use crate::configuration::ClientConfiguration;
use crate::credential::Credential;
use crate::error::Result;
use crate::host::SimulatedHost;
use crate::options::Options;
use crate::registry::{Registration, Registry};

/// The planted secret. Its beginning occurs nowhere else, so that a leaked prefix is recognized.
const SECRET: &str = "Zq9conf-a-token-that-must-stay-hidden";

/// The time limit of one check in real time; only a provider that hangs reaches it.
const LIMIT: Duration = Duration::from_secs(60);

type MakeOptions = Arc<dyn Fn(&str) -> Options + Send + Sync>;
type Plant = Arc<dyn Fn(&SimulatedHost, &str) + Send + Sync>;
type PlantExpiring = Arc<dyn Fn(&SimulatedHost, &str, SystemTime) + Send + Sync>;
type Change = Arc<dyn Fn(&SimulatedHost) + Send + Sync>;

/// The conformance checks for one provider.
///
/// Its builder methods describe how a test puts a token where the provider reads it, and what can fail there.
/// [`provider_conformance!`](crate::provider_conformance) then generates a test for each rule. The provider runs on a
/// [`SimulatedHost`], without real files, processes or clocks. A failed check panics.
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
    /// Creates the checks for the provider of this registration.
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

    /// Registers another provider, which the provider under test uses.
    #[must_use]
    pub fn with(mut self, registration: &'static Registration) -> Self {
        self.others.push(registration);
        self
    }

    /// Sets the function that returns the provider's options. It receives the token that the provider must return, because the
    /// options of some providers contain it.
    #[must_use]
    pub fn options(mut self, options: impl Fn(&str) -> Options + Send + Sync + 'static) -> Self {
        self.options = Arc::new(options);
        self
    }

    /// Sets the function that writes a token to the place where the provider reads it, such as a file. A previous token is
    /// replaced. The function is not needed if the options contain the token.
    #[must_use]
    pub fn plants(mut self, plant: impl Fn(&SimulatedHost, &str) + Send + Sync + 'static) -> Self {
        self.plant = Some(Arc::new(plant));
        self
    }

    /// Sets the function that writes a token that expires at the given time. It is only needed if the provider reads
    /// expiry times.
    #[must_use]
    pub fn plants_expiring(
        mut self,
        plant: impl Fn(&SimulatedHost, &str, SystemTime) + Send + Sync + 'static,
    ) -> Self {
        self.plant_expiring = Some(Arc::new(plant));
        self
    }

    /// Adds a failure that makes the token unavailable. `what` describes it, such as `the file is gone`.
    #[must_use]
    pub fn breaks(
        mut self,
        what: &'static str,
        breakage: impl Fn(&SimulatedHost) + Send + Sync + 'static,
    ) -> Self {
        self.breakages.push((what, Arc::new(breakage)));
        self
    }

    /// Sets the function that makes every fetch hang.
    #[must_use]
    pub fn hangs(mut self, hang: impl Fn(&SimulatedHost) + Send + Sync + 'static) -> Self {
        self.hang = Some(Arc::new(hang));
        self
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
            runtime.expect("the runtime can be built").block_on(check(case));
            drop(sender);
        });
        let ended = ended.recv_timeout(LIMIT);
        assert_ne!(ended, Err(RecvTimeoutError::Timeout), "the check hangs");
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
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
/// The first argument is the name of the module to generate. The second is a
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
