//! The default chain on this machine: the kubeconfig, then the pod.
//!
//! The example starts no plugin and opens no connection. It prints the configuration and the report.

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
                println!("\nNothing is configured on this machine. This is not a failure of the example.");
            }
        }
    }
}
