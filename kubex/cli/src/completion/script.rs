//! The scripts that connect a shell to the command.

use clap::ValueEnum;
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::{Elvish, EnvCompleter, Fish, Powershell, Zsh};
use kubex::text::clean_line;

use super::VARIABLE;

/// The shells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

/// Bash splits words at `:` and `=`, which the names of contexts contain (`arn:aws:eks:...`), so the script joins them again,
/// and removes from each candidate the part before the last of these characters. A candidate is quoted by the command.
const BASH: &str = r#"_kubex() {
    local line="${COMP_LINE:0:COMP_POINT}" words=() word rest index
    for ((index = 0; index <= COMP_CWORD; index++)); do
        word="${COMP_WORDS[index]}"
        rest="${line#"${line%%[![:space:]]*}"}"
        if ((index > 0)) && [[ "$rest" == "$line" ]]; then
            words[${#words[@]} - 1]+="$word"
        else
            words+=("$word")
        fi
        line="${rest#"$word"}"
    done
    local current="${words[${#words[@]} - 1]}"
    local typed="${current%"${current##*[=:]}"}" IFS=$'\n' candidate
    COMPREPLY=()
    while IFS= read -r candidate; do
        COMPREPLY+=("${candidate#"$typed"}")
    done < <(KUBEX_COMPLETE=bash kubex -- "${words[@]}" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} == 1 && "${COMPREPLY[0]}" == *[=/] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o bashdefault -F _kubex kubex
"#;

/// The script for a shell.
pub(crate) fn script(shell: Shell) -> String {
    let other: &dyn EnvCompleter = match shell {
        Shell::Bash => return BASH.to_owned(),
        Shell::Elvish => &Elvish,
        Shell::Fish => &Fish,
        Shell::Powershell => &Powershell,
        Shell::Zsh => &Zsh,
    };
    let mut script = Vec::new();
    // Writing to a vector cannot fail.
    let _ = other.write_registration(VARIABLE, "kubex", "kubex", "kubex", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The candidates for bash, which inserts them as they are: one per line, quoted.
pub(super) fn for_bash(candidates: &[CompletionCandidate]) -> String {
    let mut lines = String::new();
    for candidate in candidates {
        lines.push_str(&quoted(&clean_line(&candidate.get_value().to_string_lossy())));
        lines.push('\n');
    }
    lines
}

/// A backslash before each character that the shell would interpret.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for c in text.chars() {
        let is_plain = c.is_alphanumeric() || "_-./:=@%+,~".contains(c) || !c.is_ascii();
        if !is_plain {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_become_a_command_of_the_shell() {
        for (name, expected) in [
            (
                "arn:aws:eks:eu-central-1:1:cluster/prod",
                "arn:aws:eks:eu-central-1:1:cluster/prod",
            ),
            ("my context", r"my\ context"),
            ("$(touch x)`y`;&|", r"\$\(touch\ x\)\`y\`\;\&\|"),
            ("jürgen's", r"jürgen\'s"),
        ] {
            assert_eq!(quoted(name), expected);
        }
    }
}
