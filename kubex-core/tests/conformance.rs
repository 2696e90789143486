//! The rules for every provider find out the one that breaks them.

use std::panic::catch_unwind;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use kubex_core::faults::Conformance;
use kubex_core::time::{parse_rfc3339, rfc3339};
use kubex_core::{
    BuildContext, Credential, CredentialSource, Error, ErrorKind, ExposeSecret, FetchRequest, FromOptions,
    Host, Options, Registration, Result,
};
use schemars::JsonSchema;
use serde::Deserialize;

const FILE: &str = "/vault/token";

/// A provider that is right but for one thing.
#[derive(Debug)]
struct Vault {
    file: PathBuf,
    wrong: Wrong,
    cached: Mutex<Option<String>>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Wrong {
    #[default]
    Nothing,
    ShowsInItsEvents,
    ShowsInItsErrors,
    SaysNothingInItsErrors,
    PanicsAtNothing,
    IsAnonymousWithoutToken,
    AnswersFromItsCache,
    NeverEnds,
    ForgetsTheExpiry,
    RunsAtResolving,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct VaultOptions {
    file: PathBuf,
    #[serde(default)]
    wrong: Wrong,
}

impl FromOptions for Vault {
    type Options = VaultOptions;

    fn from_options(options: VaultOptions, _: &BuildContext<'_>) -> Result<Self> {
        Ok(Self {
            file: options.file,
            wrong: options.wrong,
            cached: Mutex::default(),
        })
    }
}

#[async_trait]
impl CredentialSource for Vault {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = if let Some(text) = cached.filter(|_| self.wrong == Wrong::AnswersFromItsCache) {
            text
        } else {
            let read = request.host.files().read(&self.file, 1 << 22).await;
            let content = read.map_err(|error| Error::unreadable("the vault", &self.file, error))?;
            String::from_utf8_lossy(content.expose_secret()).trim().to_owned()
        };
        *self.cached.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.clone());
        let (token, expiry) = match text.split_once(' ') {
            Some((token, expiry)) => (token.to_owned(), parse_rfc3339(expiry)),
            None => (text, None),
        };
        match self.wrong {
            Wrong::PanicsAtNothing => assert!(!token.is_empty(), "a bug"),
            Wrong::IsAnonymousWithoutToken if token.is_empty() => return Ok(Credential::anonymous()),
            Wrong::ShowsInItsEvents => tracing::debug!(token, "found"),
            _ => {}
        }
        let credential = Credential::bearer(token.clone().into()).map_err(|error| match self.wrong {
            Wrong::ShowsInItsErrors => Error::new(ErrorKind::InvalidToken, format_args!("no token: {token}")),
            Wrong::SaysNothingInItsErrors => Error::new(ErrorKind::InvalidToken, ""),
            _ => error,
        })?;
        Ok(match self.wrong {
            Wrong::ForgetsTheExpiry => credential,
            _ => credential.with_expiry(expiry),
        })
    }

    fn describe(&self) -> String {
        "a vault".to_owned()
    }

    fn deadline(&self) -> Duration {
        match self.wrong {
            Wrong::NeverEnds => Duration::from_secs(86_400),
            _ => Duration::from_secs(30),
        }
    }

    async fn check(&self, host: &Host) -> Result<Option<Credential>> {
        if self.wrong == Wrong::RunsAtResolving
            && let Some(processes) = host.processes()
        {
            let found = async { Ok("/bin/true".into()) };
            let process = kubex_core::host::Process {
                program: host.permit("/bin/true", found, &[]).await?,
                terminal: None,
                live_stderr: kubex_core::host::LiveStderr::new("/bin/true", [], None, host),
                arguments: Vec::new(),
                inherited: Vec::new(),
                added: Vec::new(),
                deadline: Duration::from_secs(1),
                kill_grace: Duration::from_secs(1),
                pipe_grace: Duration::from_secs(1),
                output_limit: 1,
                error_kept: 1,
            };
            let _ = processes.run(process).await;
        }
        Ok(None)
    }
}

static REGISTRATION: Registration = Registration::source::<Vault>("vault", "tokens from the company's vault");

fn vault(wrong: &'static str) -> Conformance {
    Conformance::new(&REGISTRATION)
        .options(move |_| {
            Options::new()
                .set("server", "https://10.0.0.1")
                .set("file", FILE)
                .set("wrong", wrong)
        })
        .plants(|world, token| world.write(FILE, token))
        .plants_expiring(|world, token, end| world.write(FILE, &format!("{token} {}", rfc3339(end))))
        .breaks("no file", |world| world.remove(FILE))
        .hangs(|world| world.hang(FILE))
}

kubex_core::provider_conformance!(a_good_one, vault("nothing"));

/// The rules that this vault breaks.
fn broken(wrong: &'static str) -> Vec<&'static str> {
    type Rule = fn(&Conformance);
    let rules: [(&str, Rule); 10] = [
        ("registers", Conformance::registers_itself_well),
        ("gives", Conformance::returns_the_planted_token),
        ("line ends", Conformance::sends_no_line_end),
        ("refuses", Conformance::refuses_invalid_tokens),
        ("hides", Conformance::shows_no_secret),
        ("survives", Conformance::survives_failures),
        ("rejection", Conformance::fetches_again_after_a_rejection),
        ("callers", Conformance::survives_dropped_callers),
        ("deadline", Conformance::ends_by_its_deadline),
        ("expiry", Conformance::respects_the_expiry),
    ];
    let breaks = |rule: Rule| catch_unwind(|| rule(&vault(wrong))).is_err();
    rules
        .into_iter()
        .filter(|(_, rule)| breaks(*rule))
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn each_fault_is_found_by_its_rule() {
    for (wrong, rules) in [
        ("nothing", &[][..]),
        ("shows-in-its-events", &["hides", "survives"]),
        ("shows-in-its-errors", &["refuses"]),
        ("says-nothing-in-its-errors", &["refuses"]),
        ("panics-at-nothing", &["refuses"]),
        ("is-anonymous-without-token", &["refuses"]),
        ("answers-from-its-cache", &["rejection"]),
        ("never-ends", &["deadline"]),
        ("forgets-the-expiry", &["expiry"]),
        ("runs-at-resolving", &["gives"]),
    ] {
        assert_eq!(broken(wrong), rules, "{wrong}");
    }
}
