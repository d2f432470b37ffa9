//! Rules that hide untracked files: the patterns of `.gitignore` files, of committed ones or of the user's own.
//!
//! Only patterns of which this module is certain hide anything: a file that is shown without need is saved
//! without need, while a hidden one is lost with its worktree. Matching takes linear time, whatever the pattern.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::user_config::UserConfig;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use paddock_os::plain;

/// Size in bytes above which a file of rules hides nothing. Nobody writes a larger one by hand.
pub(crate) const RULES_BYTES_MAX: usize = 1 << 20;
/// Key of the configuration that names the user's own file of rules.
const EXCLUDES_FILE: &str = "core.excludesFile";
/// Patterns above which a file of rules hides nothing.
const PATTERNS_MAX: usize = 10_000;

/// The rules of one file.
#[derive(Debug)]
pub(crate) struct IgnoreRules {
    patterns: GlobSet,
    kinds: Vec<Kind>,
}

/// What a pattern does.
#[derive(Debug, Clone, Copy)]
struct Kind {
    /// Whether it hides what it matches; one with `!` shows it.
    hides: bool,
    /// Whether it matches folders alone.
    is_of_folders: bool,
}

impl IgnoreRules {
    /// Parses the text of a file of rules. Returns `None` if it has no rules, or more than make sense.
    pub(crate) fn parse(text: &[u8], any_case: bool) -> Option<Self> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let (mut patterns, mut kinds) = (GlobSetBuilder::new(), Vec::new());
        // A pattern that is no UTF-8 hides nothing.
        for line in text.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok()) {
            let Some((pattern, kind)) = pattern(line) else { continue };
            let glob = GlobBuilder::new(&pattern).literal_separator(true).case_insensitive(any_case).build();
            if let Ok(glob) = glob {
                patterns.add(glob);
                kinds.push(kind);
            }
            if kinds.len() > PATTERNS_MAX {
                return None;
            }
        }
        let patterns = patterns.build().ok().filter(|_| !kinds.is_empty())?;
        Some(Self { patterns, kinds })
    }

    /// Reads the user's own rules, which git applies to every repository of theirs: `core.excludesFile` of
    /// their configuration, else git's default place. The repository's configuration is not asked: a session
    /// can write it.
    pub(crate) fn of_user(any_case: bool) -> Option<Self> {
        Self::parse(&Self::text_of_user()?, any_case)
    }

    /// Reads the text of the user's own rules; `None` if there are none.
    fn text_of_user() -> Option<Vec<u8>> {
        let user = UserConfig::from_environment();
        text_of(&excludes_file(&user, &user.without_repository().ok()?)?)
    }

    /// Reads the text of the rules outside of a repository's files that git obeys in the repository; `None` if
    /// there are none.
    pub(crate) fn text_for(library: &git2::Repository) -> Option<Vec<u8>> {
        text_of(&excludes_file(&UserConfig::from_environment(), &library.config().ok()?)?)
    }

    /// Returns whether the rules hide or show a path, given from their own folder, or `None` if none matches.
    /// The last one that matches decides.
    pub(crate) fn hides(&self, path: &Path, is_folder: bool) -> Option<bool> {
        let mut matching = self.patterns.matches(path).into_iter().rev().map(|index| self.kinds[index]);
        matching.find(|kind| is_folder || !kind.is_of_folders).map(|kind| kind.hides)
    }
}

/// Returns the file of rules that a configuration names, or git's default place.
fn excludes_file(user: &UserConfig, config: &git2::Config) -> Option<PathBuf> {
    // The environment's own settings are stronger than any file's, and libgit2 does not know them.
    let is_named = |key: &OsString| key.eq_ignore_ascii_case(EXCLUDES_FILE);
    let pair = user.pairs().iter().rev().find(|(key, _)| is_named(key)).map(|(_, value)| {
        let file = Path::new(value);
        match (file.strip_prefix("~"), user.home()) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => file.to_owned(),
        }
    });
    pair.or_else(|| config.get_path(EXCLUDES_FILE).ok()).or_else(|| Some(user.folder()?.join("ignore")))
}

/// Reads a file of rules, up to the size above which it hides nothing.
fn text_of(file: &Path) -> Option<Vec<u8>> {
    // A pipe would block. A link is followed: people keep such files elsewhere.
    fs::metadata(file).ok().filter(fs::Metadata::is_file)?;
    let mut text = Vec::new();
    let limit = u64::try_from(RULES_BYTES_MAX).unwrap_or(u64::MAX);
    plain::open(file).ok()?.take(limit).read_to_end(&mut text).ok()?;
    Some(text)
}

/// Translates a line of a file of rules. Returns `None` for a line without a pattern.
fn pattern(line: &str) -> Option<(String, Kind)> {
    let line = trimmed(line.strip_suffix('\r').unwrap_or(line));
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (hides, line) = line.strip_prefix('!').map_or((true, line), |line| (false, line));
    let (is_of_folders, line) = line.strip_suffix('/').map_or((false, line), |line| (true, line));
    // Without a slash at its beginning or in its middle, a pattern matches in every folder below.
    let is_anchored = line.contains('/');
    let line = line.strip_prefix('/').unwrap_or(line);
    // Named classes are not known to the matcher, which would take them for something else.
    if line.is_empty() || line.contains("[[:") {
        return None;
    }
    let front = if is_anchored { "" } else { "**/" };
    // `folder/**` matches what is in the folder, and not the folder itself.
    let end = if line.ends_with("/**") { "/*" } else { "" };
    Some((format!("{front}{}{end}", without_braces(line)), Kind { hides, is_of_folders }))
}

/// Removes blanks at the end, except one behind a backslash.
fn trimmed(line: &str) -> &str {
    let short = line.trim_end_matches(' ');
    let is_escaped = short.len() < line.len() && short.ends_with('\\') && !short.ends_with("\\\\");
    if is_escaped { &line[..=short.len()] } else { short }
}

/// Escapes braces, which mean nothing to git and alternatives to the matcher.
fn without_braces(line: &str) -> String {
    let (mut text, mut is_escaped, mut class) = (String::new(), false, None);
    for (at, letter) in line.char_indices() {
        let is_brace = matches!(letter, '{' | '}') && !is_escaped && class.is_none();
        if is_brace {
            text.push('\\');
        }
        match (letter, class) {
            ('[', None) if !is_escaped => class = Some(at),
            // A bracket right at the beginning of a class is a member of it.
            (']', Some(start)) if !matches!(&line[start..at], "[" | "[!" | "[^") => class = None,
            _ => {}
        }
        is_escaped = letter == '\\' && !is_escaped;
        text.push(letter);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hides(rules: &str, path: &str, is_folder: bool) -> Option<bool> {
        IgnoreRules::parse(rules.as_bytes(), false).and_then(|rules| rules.hides(Path::new(path), is_folder))
    }

    #[test]
    fn patterns_mean_what_they_mean_to_git() {
        for (rules, hidden, shown) in [
            ("*.log", &["a.log", "b/c.log"][..], &["log", "a.log.txt"][..]),
            ("/a", &["a"], &["b/a"]),
            ("a/b", &["a/b"], &["c/a/b"]),
            ("**/a/b", &["a/b", "c/a/b"], &["a/c/b"]),
            ("a/**", &["a/b", "a/b/c"], &["a", "b/a/c"]),
            ("a/**/b", &["a/b", "a/x/y/b"], &["ab"]),
            ("/*\n!/keep", &["x"], &[]),
            ("a?c", &["abc"], &["a/c"]),
            ("[a-c]x\n[!a]y", &["bx", "by"], &["dx", "ay"]),
            ("{a,b}", &["{a,b}"], &["a", "b"]),
            ("[{]x", &["{x"], &["[{]x"]),
            ("\\#a\n\\!b", &["#a", "!b"], &["a", "b"]),
            ("a \r\nb\\ ", &["a", "b "], &["a ", "b"]),
            ("# a\n\n \n!", &[], &["# a", "a", ""]),
        ] {
            for path in hidden {
                assert_eq!(hides(rules, path, false), Some(true), "{rules:?} hides {path}");
            }
            for path in shown {
                assert_ne!(hides(rules, path, false), Some(true), "{rules:?} shows {path}");
            }
        }
        assert_eq!(hides("/*\n!/keep", "keep", false), Some(false));
        assert_eq!((hides("a/", "a", false), hides("a/", "a", true)), (None, Some(true)));
        assert_eq!(hides("\u{feff}a", "a", false), Some(true));
    }

    #[test]
    fn what_is_not_understood_hides_nothing() {
        assert_eq!(hides("[[:alpha:]]", "a", false), None);
        assert_eq!(hides("[a", "a", false), None);
        assert!(IgnoreRules::parse("a\n".repeat(PATTERNS_MAX + 1).as_bytes(), false).is_none());
        let stars = "*a".repeat(200) + "b";
        assert_eq!(hides(&stars, &"a".repeat(250), false), None);
        assert_eq!(IgnoreRules::parse(b"A", true).unwrap().hides(Path::new("a"), false), Some(true));
    }
}
