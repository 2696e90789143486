//! The input of a plugin about the cluster, for every address of the server and every proxy: the same bytes as from kubectl.

use super::case::Case;
use super::decisions::{Verdict, judge};
use super::picks::{CLUSTER, SERVER, SERVERS, TRUST};
use super::world::World;
use super::{kubectl, runtime};

/// A plugin whose token is a digest of `KUBERNETES_EXEC_INFO`.
const PLUGIN: &str = "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: '{dir}/plugins/cluster', \
                      provideClusterInfo: true}";

#[test]
fn a_plugin_is_told_of_every_address_and_proxy_what_kubectl_tells_it() {
    let Some(kubectl) = kubectl("the input of plugins, compared with kubectl") else {
        return;
    };
    let servers = SERVERS.iter().map(|server| [*server, TRUST].to_vec());
    let others = CLUSTER.iter().map(|field| [SERVER, TRUST, *field].to_vec());
    let (mut same, mut unexplained) = (0, Vec::new());
    runtime().block_on(async {
        let world = World::start().await.expect("a world");
        for fields in servers.chain(others) {
            let case = Case::of(&fields, &[PLUGIN], &[]);
            let kubex = world.ask_kubex(&case).await;
            let kubectl = world.ask_kubectl(&kubectl, &case).await;
            match judge(&case, &kubex, &kubectl) {
                Verdict::SameArrived => same += 1,
                Verdict::Unexplained => {
                    unexplained.push(format!("{case}\n  Kubex   {kubex:?}\n  kubectl {kubectl:?}"));
                }
                Verdict::SameRefused | Verdict::Decided(_) => {}
            }
        }
    });
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
    assert!(same > 30, "only {same} arrived as the same");
}
