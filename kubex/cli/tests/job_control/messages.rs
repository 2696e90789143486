//! What plugins write to stderr is shown while they run.

use crate::cluster::{ANSWER, Cluster, kubex};
use crate::runs;
use crate::shell::Shell;

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_shown_while_the_plugin_waits_whatever_its_input_is() {
    let script = "printf 'open the page\\nand enter \\033[1mABCD token=s3cret' >&2
                  while [ ! -e go ]; do sleep 0.02; done; answer";
    for mode in ["IfAvailable", "Never"] {
        let cluster = Cluster::start(mode, script).await;
        for input in ["", "< /dev/null", "2> >(cat >&2) < /dev/null", "2>&1 | cat"] {
            for _ in 0..runs() {
                let _ = std::fs::remove_file(cluster.path("go"));
                let mut shell = Shell::start(&cluster.kubeconfig());
                shell.enter(&format!("{} {input}", kubex().line));
                shell.wait_for("open the page");
                shell.wait_for("and enter U+001B[1mABCD token=[masked]");
                std::fs::write(cluster.path("go"), "").unwrap();
                shell.wait_for(ANSWER);
                shell.wait_for_prompt();
                assert!(!shell.screen().contains("s3cret"));
                shell.assert_nothing_runs();
            }
        }
        cluster.shutdown().await;
    }
}
