//! A plugin policy that changes.

use super::*;

fn with_plugin() -> String {
    let user =
        "exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/plugin, interactiveMode: Never}";
    kubeconfig("https://10.0.0.1:6443", "", user)
}

#[tokio::test]
async fn a_policy_that_now_refuses_the_plugin_holds_from_the_next_run_on() {
    let world = world(&with_plugin());
    world.set_variable("HOME", "/home/jane");
    world.set_variable("KUBEX_CONFIG", "/etc/kubex.yaml");
    world.write("/etc/kubex.yaml", "exec: {policy: allow-all}\n");
    world.install_program("/bin/plugin");
    let lives = |minutes: u32| {
        let expires = rfc3339(world.host().now().wall + MINUTE * minutes);
        plugin::prints(
            json!({
                "apiVersion": "client.authentication.k8s.io/v1",
                "kind": "ExecCredential",
                "status": {"token": "plugin-token", "expirationTimestamp": expires.to_string()},
            })
            .to_string(),
        )
    };
    world.run_processes(lives(10));
    let (log, guard) = Log::capture();
    let configuration = kubex::follow().host(world.host()).await.unwrap();
    assert_eq!(token(&configuration).await, "plugin-token");
    world.write("/etc/kubex.yaml", "exec: {policy: deny-all}\n");
    world.advance(MINUTE);
    assert_eq!(
        token(&configuration).await,
        "plugin-token",
        "the credential in hand is used up"
    );
    assert_eq!(world.runs(), 1);
    world.advance(MINUTE * 10);
    let outcome = configuration.credentials().current().await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(world.runs(), 1);
    drop(guard);
    let followed: Vec<_> = log
        .lines("followed")
        .into_iter()
        .filter(|line| line.contains("policy"))
        .collect();
    assert_eq!(followed.len(), 1, "{}", log.text());
    // A policy that allows it again is followed too.
    world.write("/etc/kubex.yaml", "exec: {policy: allow-all}\n");
    world.run_processes(lives(20));
    world.advance(MINUTE * 2);
    assert_eq!(token(&configuration).await, "plugin-token");
    assert_eq!(world.runs(), 2);
}

#[tokio::test]
async fn a_policy_holds_also_while_another_change_is_kept_out_or_the_kubeconfig_is_broken() {
    for kubeconfig in [
        with_plugin().replace("https://10.0.0.1:6443", "https://10.0.0.2:6443"),
        "clusters: [".to_owned(),
    ] {
        let world = world(&with_plugin());
        world.set_variable("HOME", "/home/jane");
        world.set_variable("KUBEX_CONFIG", "/etc/kubex.yaml");
        world.write("/etc/kubex.yaml", "exec: {policy: allow-all}\n");
        world.install_program("/bin/plugin");
        let expires = rfc3339(world.host().now().wall + MINUTE * 10);
        world.run_processes(plugin::prints(
            json!({
                "apiVersion": "client.authentication.k8s.io/v1",
                "kind": "ExecCredential",
                "status": {"token": "plugin-token", "expirationTimestamp": expires.to_string()},
            })
            .to_string(),
        ));
        let configuration = kubex::follow().host(world.host()).await.unwrap();
        assert_eq!(token(&configuration).await, "plugin-token");
        world.write("/home/jane/.kube/config", &kubeconfig);
        world.write("/etc/kubex.yaml", "exec: {policy: deny-all}\n");
        world.advance(MINUTE * 11);
        let outcome = configuration.credentials().current().await;
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Refused, "{kubeconfig}");
        assert_eq!(world.runs(), 1, "{kubeconfig}");
    }
}
