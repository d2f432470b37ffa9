//! Where in a program a place is: in one that people start, in code that runs on load, among inline tests.

use std::sync::OnceLock;

use regex_automata::meta::Regex;

use super::rule::compile;
use crate::source_text::{Language, Source};

/// Names of files and folders with programs that people start.
const ENTRIES: &[&str] = &[
    "main", "__main__", "cli", "bin", "cmd", "scripts", "script", "tools", "commands", "examples", "benches",
    "manage", "setup", "build", "console", "program", "xtask",
];

/// Returns whether a file is a program that people start: such a program may end with success.
pub(super) fn is_entry(path: &str, language: Language, code: &str, is_script: bool) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.split('.').next().unwrap_or_default();
    let is_named = ENTRIES.contains(&stem) || stem.ends_with("_cli") || stem.ends_with("-cli");
    let has_main = match language {
        Language::C | Language::Java | Language::Rust => {
            has(MAIN.get_or_init(|| compile(MAIN_FUNCTION)), code)
        }
        Language::Go => has(PACKAGE.get_or_init(|| compile(r"^package\s+main\b")), code),
        // A module may begin with `#!`, too; a script of these languages is rarely loaded by a test.
        Language::Perl | Language::Ruby => is_script && !name.ends_with(".pm"),
        _ => false,
    };
    is_named || has_main || folder.split('/').any(|part| ENTRIES.contains(&part))
}

static MAIN: OnceLock<Option<Regex>> = OnceLock::new();
static PACKAGE: OnceLock<Option<Regex>> = OnceLock::new();
static TESTS: OnceLock<Option<Regex>> = OnceLock::new();

const MAIN_FUNCTION: &str = r"^[ \t]*(?:(?:public|static|int|void|auto|async|pub|suspend)\s+)*(?:fn|fun|int|void|auto|Task|def)\s+[mM]ain\s*\(";
const TEST_MODULE: &str = r"#\[cfg\(\s*(?:(?:all|any)\s*\(\s*)?test\b[^\]\n]*\]\s*(?:#\[[^\n]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?mod\s+\w+\s*\{";

fn has(pattern: &Option<Regex>, code: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(code.as_bytes()))
}

/// Returns the modules of inline tests in Rust, as ranges of bytes.
pub(super) fn test_modules(language: Language, source: &Source) -> Vec<(usize, usize)> {
    let Some(pattern) = TESTS.get_or_init(|| compile(TEST_MODULE)) else { return Vec::new() };
    if language != Language::Rust {
        return Vec::new();
    }
    let mut found: Vec<(usize, usize)> = Vec::new();
    for module in pattern.find_iter(source.bare.as_bytes()) {
        // A module within one that was found is a part of it.
        if found.last().is_none_or(|(_, end)| module.start() >= *end) {
            found.push((module.start(), closing(&source.bare, module.end())));
        }
    }
    found
}

/// Returns where the block ends in which `from` is.
fn closing(bare: &str, from: usize) -> usize {
    let mut depth = 1_usize;
    let rest = bare.as_bytes().get(from..).unwrap_or_default();
    let end = rest.iter().position(|byte| {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    end.map_or(bare.len(), |end| from + end)
}

/// Returns whether a place in Python code runs when the file is loaded, or when an object comes or goes.
/// `lines` are those of the code, `at` is the number of the line, from 0.
pub(super) fn runs_on_load(lines: &[&str], at: usize) -> bool {
    let heads = heads(lines, at);
    if heads
        .iter()
        .any(|head| head.starts_with("if") && head.contains("__name__") && head.contains("__main__"))
    {
        return false;
    }
    let functions: Vec<&str> = heads.iter().filter_map(|head| function(head)).collect();
    let is_hook = |name: &&str| {
        matches!(
            *name,
            "__del__" | "__init_subclass__" | "__set_name__" | "__getattr__" | "__class_getitem__"
        )
    };
    // The outermost function is the one that the file itself can call.
    let Some(outer) = functions.last() else { return true };
    functions.iter().any(is_hook) || lines.iter().any(|line| is_called_on_load(line, outer))
}

/// Returns the lines that a line is indented under, innermost first.
fn heads<'l>(lines: &[&'l str], at: usize) -> Vec<&'l str> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut depth = lines.get(at).map_or(0, |line| indent(line));
    let mut found = Vec::new();
    // What stands before the place in its own line may be the head: `def f(): exit()`.
    found.extend(lines.get(at).map(|line| line.trim_start()));
    for line in lines[..at.min(lines.len())].iter().rev() {
        if depth == 0 {
            break;
        }
        if !line.trim().is_empty() && indent(line) < depth {
            depth = indent(line);
            found.push(line.trim_start());
        }
    }
    found
}

fn function(head: &str) -> Option<&str> {
    let rest = head.strip_prefix("async ").unwrap_or(head).trim_start();
    let rest = rest.strip_prefix("def ")?.trim_start();
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

/// Returns whether a line of no function calls the function, or hands it to something that will.
fn is_called_on_load(line: &str, name: &str) -> bool {
    let is_outside = line.starts_with(|c: char| c.is_alphanumeric() || c == '_') && !line.starts_with("def ");
    let mentions = line.match_indices(name).any(|(at, _)| {
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !is_word(line[..at].chars().next_back()) && !is_word(line[at + name.len()..].chars().next())
    });
    let is_harmless = ["from ", "import ", "class ", "async def "].iter().any(|word| line.starts_with(word));
    is_outside && mentions && !is_harmless && !line.trim_start().starts_with("__all__")
}
