//! The rules: what every provider must do, each as one check.

use std::time::Duration;

use super::{Conformance, SECRET};
use crate::configuration::ClientConfiguration;
use crate::error::{Error, ErrorKind};
use crate::faults::give_up_after;
use crate::faults::shown::{self, Shown};
use crate::host::SimulatedHost;
use crate::registry::Registration;
use crate::secret::ExposeSecret as _;

impl Conformance {
    /// Checks the registration: it has a name in kebab case, a summary and a schema. An unknown option is an error that
    /// does not contain the option's value.
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
        assert!(
            schema.as_object().is_some(),
            "the schema is not that of an object"
        );
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

    /// Checks that the provider returns the token that the test wrote, and that resolving starts no process.
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
                "it returned a token other than the planted one"
            );
            assert!(
                !credentials.describe().trim().is_empty(),
                "its description is empty"
            );
        });
    }

    /// Checks that a line break after the token is removed or is an error, and is never sent.
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

    /// Checks that a token with control characters, an empty token and a token of 1 MiB are errors and do not panic.
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

    /// Checks that, after a successful fetch, `Debug`, `Display`, the report, descriptions and events contain no secret.
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
            assert_hidden(&shown.text(), SECRET, "its output on success");
        });
    }

    /// Checks each failure of [`breaks`](Self::breaks): the error contains no secret, and a credential that is still
    /// valid stays in use.
    pub fn survives_failures(&self) {
        if self.breakages.is_empty() {
            say_not_checked(self.registration, "no failure was set: call breaks");
        }
        self.run(|case| async move {
            for (what, breakage) in &case.breakages {
                let shown = Shown::default();
                let guard = shown.listen();
                let world = case.world(SECRET);
                breakage(&world);
                let Err(error) = case.first(&world, SECRET).await else {
                    panic!("{what}: it still returned a credential");
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
                        Ok(held) => assert!(held.token().is_some(), "{what}: it became anonymous"),
                        Err(error) => {
                            assert!(
                                first.expires_at().is_some(),
                                "{what}: a valid token was discarded: {error}"
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

    /// Checks that the provider fetches the current token after the server has rejected a credential.
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
                "a rejection was answered from a cache"
            );
            assert!(second.generation() > first.generation());
        });
    }

    /// Checks that dropping a caller at any `await` does not affect other callers.
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

    /// Checks that a fetch that hangs ends at its deadline, and that all waiting callers receive an error of kind
    /// `TimedOut`.
    pub fn ends_by_its_deadline(&self) {
        let Some(hang) = self.hang.clone() else {
            return say_not_checked(self.registration, "no hanging fetch was set: call hangs");
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

    /// Checks that the credential has the token's expiry time and is not used after it. One use is
    /// accepted: that of a token that had already expired when it was fetched.
    pub fn respects_the_expiry(&self) {
        let Some(plant) = self.plant_expiring.clone() else {
            return say_not_checked(self.registration, "its tokens have no expiry time");
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
                "the credential does not have the expiry time of the token"
            );

            let past = end - Duration::from_secs(10);
            plant(&world, "late", past);
            world.advance(Duration::from_secs(101));
            let late = credentials.current().await.expect("it is used once");
            assert!(late.expired_on_arrival(), "it had expired on arrival");
            let error = credentials.current().await.expect_err("it is used once only");
            assert_eq!(error.kind(), ErrorKind::Expired, "{error}");
        });
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
        "{what}: the error has no message"
    );
    assert_hidden(&format!("{error} {error:?}"), SECRET, what);
}

fn assert_hidden(text: &str, secret: &str, what: &str) {
    if let Some(disguise) = shown::find(text, secret) {
        panic!("{what} shows the secret as {disguise:?}");
    }
}
