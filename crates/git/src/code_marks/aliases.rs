//! Assignments to what a file imported from a test runner or a library of assertions.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use regex_automata::meta::Regex;

use super::rule::compile;
use crate::source_text::Language;

/// Most names that are followed in a file.
const NAMES_MAX: usize = 50;

const PYTHON: &str = r"^[ \t]*import\s+(?:unittest|_?pytest|nose2?)[\w.]*\s+as\s+(\w+)|^[ \t]*from\s+(?:unittest|_?pytest|nose2?)\S*\s+import\s+([^\n#]+)";
const JAVASCRIPT: &str = r#"\b(?:const|let|var)\s+(\w+|\{[^}]*\})\s*=\s*require\(\s*["'`](?:node:)?(?:assert(?:/strict)?|test|chai|vitest|@jest/globals|expect|mocha|should)["'`]|\bimport\s+([^;"'`]{1,200}?)\s+from\s+["'`](?:node:)?(?:assert(?:/strict)?|test|chai|vitest|@jest/globals|expect|mocha|should)["'`]"#;

/// Returns where the code assigns to such a name, as ranges of bytes.
pub(super) fn assignments(language: Language, code: &str) -> Vec<(usize, usize)> {
    static IN_PYTHON: OnceLock<Option<Regex>> = OnceLock::new();
    static IN_JAVASCRIPT: OnceLock<Option<Regex>> = OnceLock::new();
    let imports = match language {
        Language::Python => IN_PYTHON.get_or_init(|| compile(PYTHON)),
        Language::JavaScript => IN_JAVASCRIPT.get_or_init(|| compile(JAVASCRIPT)),
        _ => return Vec::new(),
    };
    let Some(imports) = imports else { return Vec::new() };
    let mut names = BTreeSet::new();
    for found in imports.captures_iter(code.as_bytes()) {
        let group = found.get_group(1).or_else(|| found.get_group(2));
        let listed = group.and_then(|group| code.get(group.range())).unwrap_or_default();
        let words = listed.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        names.extend(words.filter(|word| !word.is_empty() && !matches!(*word, "as" | "type" | "default")));
    }
    let names: Vec<&str> = names.into_iter().take(NAMES_MAX).collect();
    let sought = format!(
        r"(?:^|[^.\w$])(?:{})(?:\s*\.\s*\w+)+\s*=[^=>]|\b(?:setattr|assign|definePropert(?:y|ies)|setPrototypeOf)\s*\(\s*(?:{})\b",
        names.join("|"),
        names.join("|")
    );
    let Some(sought) = compile(&sought).filter(|_| !names.is_empty()) else { return Vec::new() };
    sought.find_iter(code.as_bytes()).map(|found| (found.start(), found.end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_patterns_compile() {
        assert!(compile(PYTHON).is_some() && compile(JAVASCRIPT).is_some());
    }
}
