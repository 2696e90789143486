//! The default chain on this very machine: the kubeconfig, then the pod.
//!
//! Nothing is run and nothing is connected; the answer and the report tell what would be.

use kubex::prelude::*;

#[tokio::main]
async fn main() {
    match kubex::resolve().await {
        Ok(configuration) => {
            println!("{}\n", configuration.report());
            println!("server      {}", configuration.cluster().server);
            println!("namespace   {}", configuration.namespace());
            println!("credentials {}", configuration.credentials().describe());
        }
        Err(error) => {
            println!("{error}\n");
            if let Some(report) = error.report() {
                println!("{report}");
            }
            if error.kind() == ErrorKind::Exhausted {
                println!("\nNothing is configured on this machine. That is no failure of this example.");
            }
        }
    }
}
