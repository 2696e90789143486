//! Runs the programs of other providers, under the same rules as plugins.

use std::time::Duration;

use async_trait::async_trait;
use kubex_core::credentials::StoreIdentity;
use kubex_core::host::{ProgramCall, ProgramRunner};
use kubex_core::{Host, Result, SecretBytes};

use crate::plugin_identity::OwnedIdentity;
use crate::run::{MARGIN, PIPE_GRACE, Run, RunLimit};

/// The program runner that other providers use.
#[derive(Debug)]
pub(crate) struct LentRunner;

#[async_trait]
impl ProgramRunner for LentRunner {
    async fn run(&self, call: ProgramCall<'_>, host: &Host) -> Result<SecretBytes> {
        let run = Run {
            kind: "program",
            name: call.name,
            program: call.program,
            arguments: call.arguments,
            variables: &[],
            input: None,
            terminal: None,
            limit: RunLimit::of_rules(false, host),
        };
        // The metrics are those of exec plugins.
        let printed = run.finish(host, |_| ()).await?;
        Ok(printed.output)
    }

    fn time_to_end(&self, host: &Host) -> Duration {
        host.plugin_rules().time_to_end() + PIPE_GRACE + MARGIN
    }

    async fn store_identity(&self, call: ProgramCall<'_>, host: &Host) -> Option<StoreIdentity> {
        let identity = OwnedIdentity {
            program: call.program.path().to_owned(),
            arguments: call.arguments.to_vec(),
            set_variables: Vec::new(),
            environment: host.environment().variables(),
            cluster: None,
        };
        identity.read(host).await
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use kubex_core::faults::plugin;
    use kubex_core::host::{Program, SimulatedHost};
    use kubex_core::{ErrorKind, ExposeSecret as _};

    use super::*;

    async fn run(world: &SimulatedHost) -> Result<SecretBytes> {
        let host = world.host();
        let program: Program = host
            .permit("/bin/az", async { Ok("/bin/az".into()) }, &[])
            .await
            .unwrap();
        let call = ProgramCall {
            name: "the Azure CLI (az)",
            program: &program,
            arguments: &["account".to_owned()],
        };
        assert!(
            LentRunner.store_identity(call, &host).await.is_none(),
            "it is simulated"
        );
        LentRunner.run(call, &host).await
    }

    #[tokio::test]
    async fn a_program_of_another_provider_runs_as_a_plugin_does() {
        let world = SimulatedHost::new();
        world.set_variable("HOME", "/home/jane");
        world.run_processes(|process| {
            assert_eq!(process.arguments, ["account"]);
            assert!(process.terminal.is_none());
            assert!(process.inherited.iter().any(|(name, _)| name == "HOME"));
            let added: Vec<_> = process.added.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(added, [crate::recursion::VARIABLE]);
            plugin::prints("s3cret")(process)
        });
        assert_eq!(run(&world).await.unwrap().expose_secret(), b"s3cret");
    }

    #[tokio::test]
    async fn each_failure_names_the_program() {
        let world = SimulatedHost::new();
        world.run_processes(plugin::fails(1, "no login"));
        let error = run(&world).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (
                ErrorKind::PluginFailed,
                "the Azure CLI (az) failed with exit code 1; stderr: no login"
            )
        );
        world.run_processes(plugin::is_not_started(io::ErrorKind::NotFound));
        let error = run(&world).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PluginNotExecutable);
        assert!(
            error.message().starts_with("program /bin/az cannot be started"),
            "{error}"
        );
        world.run_processes(plugin::hangs());
        assert_eq!(run(&world).await.unwrap_err().kind(), ErrorKind::TimedOut);
        world.run_processes(plugin::floods());
        assert_eq!(run(&world).await.unwrap_err().kind(), ErrorKind::OutputTooLarge);
        world.run_processes(plugin::prints(""));
        assert_eq!(run(&world).await.unwrap_err().kind(), ErrorKind::EmptyOutput);
    }
}
