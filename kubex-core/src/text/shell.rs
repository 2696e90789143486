//! Words of a command line that a person copies from a message.

use std::borrow::Cow;

/// Returns the text as one word of a POSIX shell, in single quotes if necessary.
///
/// ```
/// use kubex_core::text::shell_word;
/// assert_eq!(shell_word("/etc/kubernetes/jane.key"), "/etc/kubernetes/jane.key");
/// assert_eq!(shell_word("my context"), "'my context'");
/// assert_eq!(shell_word("jane's $HOME"), r"'jane'\''s $HOME'");
/// ```
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}
