//! A credential source that takes its turn, by the rules of [`Turns`].

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use kubex_core::source::SavedSecret;
use kubex_core::{Credential, CredentialSource, FetchRequest, Host, Result};

use crate::turns::{LONGEST_WAIT, LOOK_AGAIN, PATIENCE, Turns};

/// A credential source that takes a turn for each fetch.
#[derive(Debug)]
pub(crate) struct InTurn {
    source: Arc<dyn CredentialSource>,
    turns: Arc<Turns>,
    is_slow: AtomicBool,
}

impl InTurn {
    /// The source itself if it only reads files.
    pub(crate) fn wrap(source: Arc<dyn CredentialSource>, turns: &Arc<Turns>) -> Arc<dyn CredentialSource> {
        if source.only_reads_files() {
            return source;
        }
        Arc::new(Self {
            source,
            turns: Arc::clone(turns),
            is_slow: AtomicBool::new(false),
        })
    }

    fn longest_run(&self, host: &Host) -> Duration {
        self.source
            .deadline_on(host)
            .saturating_add(self.source.time_to_end(host))
    }
}

/// A run of a plugin.
type Run<'r> = Pin<Box<dyn Future<Output = Result<Credential>> + Send + 'r>>;

impl InTurn {
    /// Runs the fetch when it is its turn. If the run is ended because others wait, the fetch runs a second time.
    async fn run<'r>(&self, host: &Host, start: impl Fn() -> Run<'r> + Sync) -> Result<Credential> {
        let time = self.longest_run(host);
        if !self.is_slow.load(Ordering::Relaxed) && !self.source.uses_up_a_secret() {
            let turn = self.turns.take(false, time, host).await?;
            let mut run = start();
            if let Ok(fetched) = host.within(PATIENCE, &mut run).await {
                return fetched;
            }
            self.is_slow.store(true, Ordering::Relaxed);
            while !self.turns.has_waiting() {
                if let Ok(fetched) = host.within(LOOK_AGAIN, &mut run).await {
                    return fetched;
                }
            }
            // The run is ended before its place is given up.
            drop(run);
            drop(turn);
        }
        let _turn = self.turns.take(true, time, host).await?;
        let began = host.now().monotonic;
        let fetched = start().await;
        if host.now().monotonic.saturating_sub(began) < PATIENCE && fetched.is_ok() {
            self.is_slow.store(false, Ordering::Relaxed);
        }
        fetched
    }
}

#[async_trait]
impl CredentialSource for InTurn {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        self.run(request.host, || self.source.fetch(request)).await
    }

    async fn fetch_saving(&self, request: FetchRequest<'_>, saved: &dyn SavedSecret) -> Result<Credential> {
        let start = || self.source.fetch_saving(request, saved);
        self.run(request.host, start).await
    }

    fn uses_up_a_secret(&self) -> bool {
        self.source.uses_up_a_secret()
    }

    fn describe(&self) -> String {
        self.source.describe()
    }

    fn decorated(&self) -> Option<&dyn CredentialSource> {
        Some(&*self.source)
    }

    fn deadline(&self) -> Duration {
        self.source.deadline().saturating_add(LONGEST_WAIT)
    }

    fn deadline_on(&self, host: &Host) -> Duration {
        // The first wait and the first run may be without a result.
        self.longest_run(host).saturating_add(LONGEST_WAIT * 2 + PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicUsize;

    use kubex_core::{Cluster, Credentials, ExposeSecret as _, FetchReason, SecretString, ServerUrl};

    use super::*;
    use crate::turns::tests::Bench;

    /// A login whose refresh token is good for one run.
    #[derive(Debug, Default)]
    struct Login {
        runs: AtomicUsize,
    }

    impl Login {
        fn credentials(self: &Arc<Self>, bench: &Bench) -> Credentials {
            let cluster = Cluster::new(ServerUrl::parse("https://10.0.0.1").unwrap());
            let source = InTurn::wrap(Arc::clone(self) as Arc<dyn CredentialSource>, &bench.turns);
            Credentials::live(source, Arc::new(cluster), bench.world.host())
        }
    }

    #[async_trait]
    impl CredentialSource for Login {
        async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
            self.runs.fetch_add(1, Ordering::SeqCst);
            request.host.clock().sleep(Duration::from_secs(20)).await;
            Credential::bearer("abc".into())
        }

        async fn fetch_saving(
            &self,
            request: FetchRequest<'_>,
            saved: &dyn SavedSecret,
        ) -> Result<Credential> {
            let fetched = self.fetch(request).await?;
            saved.save(&"r-2".into())?;
            Ok(fetched)
        }

        fn uses_up_a_secret(&self) -> bool {
            true
        }

        fn describe(&self) -> String {
            "a login".to_owned()
        }
    }

    #[derive(Default)]
    struct Saved(Mutex<Option<SecretString>>);

    impl SavedSecret for Saved {
        fn saved(&self) -> Option<SecretString> {
            self.0.lock().unwrap().clone()
        }

        fn save(&self, secret: &SecretString) -> Result<()> {
            *self.0.lock().unwrap() = Some(secret.clone());
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_run_that_uses_up_a_secret_is_not_ended_for_others_and_leaves_them_a_place() {
        let bench = Bench::new(2);
        let logins: Vec<_> = (0..2).map(|_| Arc::new(Login::default())).collect();
        let handles: Vec<_> = logins.iter().map(|login| login.credentials(&bench)).collect();
        let renewed: Vec<_> = handles.iter().map(Bench::ask).collect();
        bench.pass(1).await;
        let good: Vec<_> = (0..8).map(|_| bench.credentials(1)).collect();
        let asked: Vec<_> = good.iter().map(Bench::ask).collect();
        bench.pass(10).await;
        assert!(asked.iter().all(tokio::task::JoinHandle::is_finished));
        bench.pass(35).await;
        assert!(renewed.iter().all(tokio::task::JoinHandle::is_finished));
        for one in renewed {
            assert!(one.await.unwrap().is_ok());
        }
        assert!(logins.iter().all(|login| login.runs.load(Ordering::SeqCst) == 1));
    }

    #[tokio::test]
    async fn the_next_secret_of_a_source_that_uses_one_up_reaches_the_store() {
        let bench = Bench::new(1);
        let login = Arc::new(Login::default());
        let credentials = login.credentials(&bench);
        assert!(credentials.uses_up_a_secret());
        let saved = Arc::new(Saved::default());
        let kept = Arc::clone(&saved);
        let fetched = tokio::spawn(async move { credentials.fetch_saving(FetchReason::First, &*kept).await });
        bench.pass(25).await;
        assert!(fetched.is_finished());
        assert!(fetched.await.unwrap().is_ok());
        assert_eq!(saved.saved().unwrap().expose_secret(), "r-2");
        assert_eq!(bench.turns.most(), 1);
    }
}
