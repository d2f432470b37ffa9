//! Tests in files of Rust code: the modules that are built for tests alone.

use std::ops::Range;

use paddock_model::tamper::How;

use super::found::Found;
use super::scan::{Language, Line, scan, tokens};
use super::structure;

/// A module of tests: the indices of its lines.
struct Module {
    lines: Range<usize>,
}

/// Returns what a change did to the tests in a file of code.
pub(super) fn compare(before: &str, after: &str) -> Option<Found> {
    let (old, new) = (scan(Language::Rust, before), scan(Language::Rust, after));
    let marks = ["#[test]", "#[tokio::test]", "#[rstest]"];
    let tests = |lines: &[Line]| -> usize {
        lines.iter().map(|line| marks.iter().map(|mark| tokens(&line.code, mark)).sum::<usize>()).sum()
    };
    // A file without tests has none to lose.
    let (was, is) = (tests(&old), tests(&new));
    if was == 0 {
        return None;
    }
    let ignored = |lines: &[Line]| lines.iter().filter(|line| line.code.contains("#[ignore")).count();
    if ignored(&new) > ignored(&old) {
        let line = new.iter().rev().find(|line| line.code.contains("#[ignore"))?;
        return Some(Found::at(How::Skipped("#[ignore]".to_owned()), line));
    }
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    if is < was {
        let gone = gone(&old, &new);
        let how = How::Fewer(number(was), number(is));
        return Some(gone.map_or(Found::whole(how.clone()), |line| Found::at(how, line)));
    }
    structure::compare(Language::Rust, &masked(before), &masked(after))
}

/// Returns the first function of the earlier version that the later one does not have.
fn gone<'a>(old: &'a [Line], new: &[Line]) -> Option<&'a Line> {
    old.iter().find(|line| line.code.contains("fn ") && !new.iter().any(|other| other.text == line.text))
}

/// Returns the text with nothing left but the modules of tests, on their lines.
fn masked(text: &str) -> String {
    let modules = modules(text);
    let keeps = |at: usize| modules.iter().any(|module| module.lines.contains(&at));
    let lines = text.lines().enumerate().map(|(at, line)| if keeps(at) { line } else { "" });
    lines.collect::<Vec<_>>().join("\n")
}

fn modules(text: &str) -> Vec<Module> {
    let lines = scan(Language::Rust, text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if !lines[at].code.starts_with("#[cfg(test)]") {
            at += 1;
            continue;
        }
        let start = at;
        // Further attributes stand before the module.
        while at + 1 < lines.len() && lines[at].code.starts_with("#[") && !lines[at].code.contains(" mod ") {
            at += 1;
        }
        let is_module = lines[at].code.contains("mod ");
        let mut depth = 0_i64;
        let mut end = at;
        while is_module && end < lines.len() {
            let count = |sign: char| i64::try_from(lines[end].code.matches(sign).count()).unwrap_or(0);
            depth += count('{') - count('}');
            if depth <= 0 {
                break;
            }
            end += 1;
        }
        let end = end.min(lines.len() - 1);
        if is_module {
            let index = |line: &Line| line.number as usize - 1;
            found.push(Module { lines: index(&lines[start])..index(&lines[end]) + 1 });
        }
        at = end + 1;
    }
    found
}

/// Returns the code of `merged` with the modules of tests of `base` in place of its own. `None` if the base has
/// none.
pub(super) fn with_tests_of(base: &str, merged: &str) -> Option<String> {
    let (wanted, present) = (modules(base), modules(merged));
    if wanted.is_empty() {
        return None;
    }
    let lines: Vec<&str> = base.lines().collect();
    let mut text = String::new();
    for (at, line) in merged.lines().enumerate() {
        if !present.iter().any(|module| module.lines.contains(&at)) {
            text.push_str(line);
            text.push('\n');
        }
    }
    // Modules see names of the file wherever they stand. New ones stay out: they are not of the base.
    for module in wanted {
        text.push_str(&lines[module.lines].join("\n"));
        text.push('\n');
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "pub fn a() -> u8 { 1 }\n#[cfg(test)]\nmod tests {\n    use super::*;\n    #[test]\n    fn works() {\n        assert_eq!(a(), 1);\n    }\n}\n";

    fn how(after: &str) -> Option<How> {
        compare(BASE, after).map(|found| found.how)
    }

    #[test]
    fn tests_within_a_source_file_count_and_its_other_lines_do_not() {
        assert_eq!(how(&BASE.replace("{ 1 }", "{ 2 }")), None);
        assert_eq!(
            how(&BASE.replace("    #[test]", "    #[test]\n    fn more() { assert!(true) }\n    #[test]")),
            None
        );
        assert_eq!(how(&BASE.replace("a(), 1", "a(), 2")), Some(How::Changed));
        assert_eq!(how("pub fn a() -> u8 { 2 }\n"), Some(How::Fewer(1, 0)));
        assert!(matches!(
            how(&BASE.replace("    fn works", "    #[ignore]\n    fn works")),
            Some(How::Skipped(_))
        ));
        assert!(matches!(
            how(&BASE.replace("        assert", "        return;\n        assert")),
            Some(How::Muted(_))
        ));
    }

    #[test]
    fn earlier_tests_can_be_put_into_later_code() {
        let after = "pub fn a() -> u8 { 2 }\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn works() {}\n}\npub fn b() {}\n";
        let text = with_tests_of(BASE, after).unwrap();
        assert!(
            text.contains("{ 2 }") && text.contains("pub fn b") && text.contains("assert_eq!(a(), 1)"),
            "{text}"
        );
        assert!(!text.contains("fn works() {}"));
        assert_eq!(with_tests_of("fn a() {}\n", after), None);
    }
}
