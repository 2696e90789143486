//! The layered configuration: what it means, what is wrong with it, and that it shows no secret.
//!
//! This program does not name the crate `kubex-third-party`, so its provider is not linked into it.

mod fold;
mod layers;
mod recipes;
mod schema;
mod sources;
mod wrong;

use kubex::config::Configuration;
use kubex::{ClientConfiguration, ExposeSecret as _, Result};
use kubex_core::host::SimulatedHost;

const MACHINE: &str = "/etc/kubex/config.yaml";
const USER: &str = "/home/jane/.config/kubex/config.yaml";
const MOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A pod with a service account, and a home directory with a kubeconfig.
fn world() -> SimulatedHost {
    let world = SimulatedHost::new();
    world.set_variable("HOME", "/home/jane");
    world.set_variable("PATH", "/usr/bin");
    world.set_variable("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    world.set_variable("KUBERNETES_SERVICE_PORT", "443");
    world.write(format!("{MOUNT}/token"), "pod-token");
    world.write("/home/jane/.kube/config", &kubeconfig("home"));
    world
}

/// A kubeconfig of two contexts, `dev` and `prod`; a server's name begins with the file's.
fn kubeconfig(file: &str) -> String {
    let mut text = "current-context: dev\n".to_owned();
    for (list, item) in [
        (
            "clusters",
            "{name: CONTEXT, cluster: {server: 'https://FILE-CONTEXT'}}",
        ),
        ("users", "{name: CONTEXT, user: {token: FILE-token}}"),
        (
            "contexts",
            "{name: CONTEXT, context: {cluster: CONTEXT, user: CONTEXT}}",
        ),
    ] {
        let items = ["dev", "prod"].map(|context| item.replace("CONTEXT", context).replace("FILE", file));
        text += &format!("{list}: [{}]\n", items.join(", "));
    }
    text
}

async fn resolve(world: &SimulatedHost) -> Result<ClientConfiguration> {
    let configuration = Configuration::load(&world.host()).await?;
    configuration.chain(kubex::registry()?)?.build()?.resolve().await
}

/// Which source answered, the server, and the token.
async fn answer(world: &SimulatedHost) -> (String, String, String) {
    let configuration = resolve(world).await.unwrap_or_else(|error| panic!("{error}"));
    let credential = configuration.credentials().current().await.unwrap();
    (
        configuration.report().chosen().unwrap().source.clone(),
        configuration.cluster().server.to_string(),
        credential
            .token()
            .map_or_else(String::new, |token| token.expose_secret().to_owned()),
    )
}
