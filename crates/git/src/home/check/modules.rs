//! `.gitmodules`: what git would pass to a program, or use as a path.

use crate::configured::parse_text;

/// Checks the text of a `.gitmodules` file, as `git fsck` does. A text that git refuses has no effect.
///
/// # Errors
/// What is wrong, as the second half of a sentence.
pub(crate) fn modules(text: &[u8]) -> Result<(), String> {
    for (key, value) in parse_text(text).unwrap_or_default() {
        let key = String::from_utf8_lossy(&key).into_owned();
        let Some((name, variable)) = key.strip_prefix("submodule.").and_then(|rest| rest.rsplit_once('.'))
        else {
            continue;
        };
        let shown = name.escape_debug();
        if name.is_empty() || name.split(['/', '\\']).any(|part| part == "..") {
            return Err(format!("names a submodule `{shown}`, whose folder would be elsewhere"));
        }
        let value = value.unwrap_or_default();
        let begins = value.first().copied();
        match variable.to_ascii_lowercase().as_str() {
            "url" | "path" if begins == Some(b'-') => {
                return Err(format!(
                    "gives the submodule `{shown}` a {variable} that git takes for an option"
                ));
            }
            "url" if value.iter().any(|byte| matches!(byte, b'\n' | b'\r')) => {
                return Err(format!("gives the submodule `{shown}` a url of two lines"));
            }
            "update" if begins == Some(b'!') => {
                return Err(format!("gives the submodule `{shown}` a command that git would run"));
            }
            _ => {}
        }
    }
    Ok(())
}
