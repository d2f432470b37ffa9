//! A single path pattern, brought into the form that is stored and compared.

use globset::{Glob, GlobBuilder};

/// Longest pattern in bytes. Longer ones are mistakes, and their automata are slow to build.
pub(crate) const PATTERN_MAX_BYTES: usize = 1024;

/// Why a path pattern can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("path pattern {pattern:?} {problem}")]
pub struct ScopeError {
    /// The pattern as given, cut to a readable length.
    pub pattern: String,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

impl ScopeError {
    pub(super) fn new(pattern: &str, problem: impl Into<String>) -> Self {
        Self { pattern: pattern.chars().take(120).collect(), problem: problem.into() }
    }
}

/// Returns the normal form of a pattern: without `./` in front and without doubled slashes, and with
/// `docs/**` for `docs/`.
///
/// # Errors
/// [`ScopeError`] if the pattern is no valid glob, or can never match a path in a repository (an absolute
/// path, `..`, nothing at all).
pub fn normalise(pattern: &str) -> Result<String, ScopeError> {
    let refuse = |problem: &str| Err(ScopeError::new(pattern, problem));
    if pattern.trim().is_empty() {
        return refuse("is empty: write `**` for everything");
    }
    if pattern.len() > PATTERN_MAX_BYTES {
        return refuse("is longer than 1024 bytes: split it into several");
    }
    if pattern.contains('\0') {
        return refuse("contains a NUL byte, which no path can contain");
    }
    if pattern.starts_with('/') {
        let relative = pattern.trim_start_matches('/');
        let hint = if relative.is_empty() { "**" } else { relative };
        return refuse(&format!("is absolute: paths begin at the repository's top, write {hint:?}"));
    }
    if pattern.starts_with('!') {
        return refuse(
            "begins with `!`: a pattern cannot exclude paths; list what is in scope (`[!]` matches the character)",
        );
    }
    let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return refuse("holds `..`: no path in a repository does");
    }
    let is_folder = pattern.ends_with('/') || pattern.ends_with("/.") || parts.is_empty();
    let mut text = parts.join("/");
    if is_folder && parts.last() != Some(&"**") {
        text.push_str(if text.is_empty() { "**" } else { "/**" });
    }
    // The error names the pattern as the person wrote it, not its normal form.
    compile(&text).map_err(|error| ScopeError::new(pattern, error.problem))?;
    Ok(text)
}

/// Compiles a pattern in its normal form.
pub(super) fn compile(text: &str) -> Result<Glob, ScopeError> {
    GlobBuilder::new(text)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
        .map_err(|error| ScopeError::new(text, format!("is no valid glob: {}", error.kind())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_one_normal_form() {
        for (given, expected) in [
            ("src/**", "src/**"),
            ("./src/*.rs", "src/*.rs"),
            ("././a", "a"),
            ("docs/", "docs/**"),
            ("docs/**/", "docs/**"),
            ("a//b", "a/b"),
            ("a/./b", "a/b"),
            (".", "**"),
            ("./", "**"),
            ("登录/*.py", "登录/*.py"),
            ("a b/'c'", "a b/'c'"),
        ] {
            assert_eq!(normalise(given).unwrap(), expected, "{given}");
        }
    }

    #[test]
    fn patterns_that_can_never_match_are_refused_with_advice() {
        for (given, part) in [
            ("", "write `**`"),
            ("  ", "write `**`"),
            ("/src/**", "write \"src/**\""),
            ("/", "write \"**\""),
            ("../x", "`..`"),
            ("a/../b", "`..`"),
            ("!a", "exclude"),
            ("a[", "no valid glob"),
            ("{a", "no valid glob"),
            ("a\0b", "NUL"),
        ] {
            let message = normalise(given).unwrap_err().to_string();
            assert!(message.contains(part), "{given:?}: {message}");
        }
        assert!(normalise(&"x".repeat(2000)).is_err());
    }
}
