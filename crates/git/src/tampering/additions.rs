//! Lines added to a test file that may change what its earlier tests do. New tests, helpers, imports and
//! values do not.

use super::muting::{defined, leaves};
use super::pairs::is_import;
use super::scan::{Language, Line, names};
use super::skips::checks;
use super::structure::{View, is_closer};

/// Functions that runners call around every test.
const HOOKS: &[&str] = &[
    "setUp",
    "tearDown",
    "setUpClass",
    "tearDownClass",
    "setUpModule",
    "tearDownModule",
    "asyncSetUp",
    "asyncTearDown",
    "setup_method",
    "teardown_method",
    "setup_function",
    "teardown_function",
    "setup_module",
    "teardown_module",
    "setup_class",
    "teardown_class",
    "setup",
    "teardown",
    "load_tests",
    "run",
    "runTest",
    "TestMain",
    "__init_subclass__",
    "__getattribute__",
    "BEGIN",
    "END",
    "setup_file",
    "teardown_file",
];
/// Calls by which a file does so.
const HOOK_CALLS: &[&str] = &[
    "beforeEach(",
    "beforeAll(",
    "afterEach(",
    "afterAll(",
    "before(",
    "after(",
    "before ",
    "after ",
    "around ",
];
/// Attributes of Rust that change no test.
const HARMLESS_ATTRIBUTES: &[&str] = &["#[allow", "#[expect", "#[rustfmt", "#[doc", "#[inline", "#[must_use"];
/// Attributes that only declare a test. Which of two equal lines is the new one, nobody can tell.
const DECLARING_ATTRIBUTES: &[&str] = &["#[test]", "#[tokio::test]", "#[rstest]", "@Test", "@Override"];
/// Words with which a declaration begins.
const DECLARES: &[&str] = &[
    "def",
    "class",
    "function",
    "fn",
    "func",
    "const",
    "let",
    "var",
    "static",
    "struct",
    "enum",
    "type",
    "sub",
    "my",
    "our",
    "val",
    "interface",
    "trait",
    "impl",
    "mod",
    "namespace",
    "typedef",
    "template",
    "public",
    "private",
    "protected",
    "export",
    "async",
    "pub",
    "package",
    "object",
    "unsafe",
    "extern",
    "final",
    "abstract",
    "inline",
    "void",
    "module",
];
/// Calls that declare tests.
const TESTS: &[&str] = &[
    "it(",
    "it.skip",
    "it.todo",
    "xit(",
    "test.skip",
    "test.todo",
    "describe.skip",
    "it.each",
    "test(",
    "test.each",
    "describe(",
    "describe.each",
    "suite(",
    "context(",
    "subtest",
    "it \"",
    "describe \"",
    "context \"",
    "TEST(",
    "TEST_F(",
    "TEST_P(",
    "TEST_CASE(",
    "SECTION(",
    "specify",
    "scenario",
    "RSpec.describe",
    "test \"",
    "@test \"",
    "bench(",
    "t.test(",
    "t.Run(",
    "it.concurrent",
    "test.concurrent",
    "add_test(",
];
/// Headers of blocks that hold tests next to each other.
const CONTAINERS: &[&str] = &[
    "class ",
    "describe",
    "suite(",
    "context",
    "mod ",
    "pub mod ",
    "impl ",
    "namespace",
    "module ",
    "object ",
    "interface ",
    "trait ",
    "RSpec.",
    "export class ",
    "public class ",
    "public final class ",
    "final class ",
    "abstract class ",
    "internal class ",
    "public sealed class ",
    "test.describe",
    "feature",
];

/// Returns the first added line that may change what earlier tests do.
pub(super) fn doubtful(view: &View) -> Option<&Line> {
    if let Some(line) = moved_in(view) {
        return Some(line);
    }
    view.added().find(|(at, line)| is_doubtful(view, *at, line)).map(|(_, line)| line)
}

/// Returns the first earlier line that stands in another block than before, or in another column of a
/// language in which columns count.
fn moved_in(view: &View) -> Option<&Line> {
    let is_moved = |at: &usize| {
        let Some(old) = view.pairs.earlier[*at] else { return false };
        let is_deeper = view.language == Language::Python
            && view.places[*at].within.is_none()
            && view.old[old].indent != view.new[*at].indent;
        let owner = view.places[*at].owner;
        let is_owned_anew = owner.is_some_and(|owner| view.pairs.is_added(owner));
        (is_deeper || is_owned_anew) && !is_closer(&view.new[*at].code)
    };
    (0..view.new.len()).find(is_moved).map(|at| &view.new[at])
}

fn is_doubtful(view: &View, at: usize, line: &Line) -> bool {
    let code = line.code.as_str();
    if is_closer(code) {
        return false;
    }
    if leaves(view.language, code) {
        return true;
    }
    if let Some((start, bracket)) = view.places[at].within {
        return !view.pairs.is_added(start) && !is_value(view.language, code, bracket);
    }
    if is_hook(view.language, code) && !is_only_new(view, at) {
        return true;
    }
    match view.places[at].owner {
        Some(header) if view.pairs.is_added(header) => false,
        Some(header) if !is_container(&view.new[header].code) => is_doubtful_in_test(view, at, line),
        Some(_) | None => is_doubtful_member(view, at, line),
    }
}

/// Returns whether a line in a list of values is a value.
fn is_value(language: Language, code: &str, bracket: char) -> bool {
    let begins =
        code.starts_with(['(', '[', '{', '"', '-']) || code.starts_with(|c: char| c.is_ascii_digit());
    let is_record = begins || code.starts_with("pytest.param") || code.starts_with("vec!");
    match bracket {
        '[' => true,
        '"' => false,
        '(' => is_record && language != Language::Script,
        _ => is_record || (language == Language::Python && code.contains(':')),
    }
}

/// Returns whether every block around a line is new, so that a hook in it concerns new tests alone.
fn is_only_new(view: &View, at: usize) -> bool {
    view.places[at].owner.is_some() && view.is_in_new_block(at)
}

fn is_hook(language: Language, code: &str) -> bool {
    let is_called =
        defined(language, code).is_some_and(|name| HOOKS.contains(&name) || name.starts_with("pytest_"));
    is_called
        || HOOK_CALLS.iter().any(|call| code.starts_with(call))
        || (code.contains("autouse") && code.contains("True"))
        || HOOKS.iter().any(|hook| code.starts_with("BEGIN") && *hook == "BEGIN")
}

fn is_container(code: &str) -> bool {
    CONTAINERS.iter().any(|word| code.starts_with(word)) || code.starts_with("#[cfg(test)]")
}

/// Judges a line within an earlier test or helper.
fn is_doubtful_in_test(view: &View, at: usize, line: &Line) -> bool {
    // The rows of a table of cases.
    let is_row = line.code.starts_with('{') && line.code.trim_end_matches(',').ends_with('}');
    let is_check = checks(view.language, line) && !line.code.contains(":=") && !line.code.contains("if ");
    !is_row && !is_check && view.is_followed(at)
}

/// Judges a line beside tests.
fn is_doubtful_member(view: &View, at: usize, line: &Line) -> bool {
    let code = line.code.as_str();
    if code.starts_with('@') || code.starts_with("#[") {
        return is_attribute_of_old(view, at, code);
    }
    if code.starts_with("#!") && view.pairs.removed.is_empty() && at > 0 {
        return false;
    }
    if TESTS.iter().any(|call| code.starts_with(call)) || code.starts_with("if __name__") {
        return false;
    }
    if binds_used(view, line) {
        return true;
    }
    if is_import(line) || declares(view.language, code) {
        return false;
    }
    if view.language == Language::Shell {
        // Without `set -e` the last command alone decides.
        return !view.stops_at_failures() || (view.is_followed(at) && !checks(view.language, line));
    }
    let is_check = checks(view.language, line);
    // `plan tests => 3` and the like.
    !is_check && !code.starts_with("done_testing") && !code.starts_with("use ")
}

fn declares(language: Language, code: &str) -> bool {
    let first = names(code).next().unwrap_or_default();
    let is_word = DECLARES.contains(&first) && !code.starts_with('(');
    let control = ["if", "for", "while", "switch", "try", "with", "else", "do", "until", "unless", "case"];
    let is_method = code.ends_with('{')
        && code.contains('(')
        && !control.contains(&first)
        && language == Language::Braces;
    // A value with a name.
    let is_named = code.split_once(" = ").is_some_and(|(left, _)| !left.contains(['(', '.', '[', '"', '{']));
    is_word || is_method || is_named || defined(language, code).is_some()
}

/// Returns whether a line gives a new meaning to a name that earlier lines use.
fn binds_used(view: &View, line: &Line) -> bool {
    let code = line.code.as_str();
    let skip = [
        "std", "crate", "super", "self", "core", "alloc", "from", "import", "as", "type", "use", "const",
        "let", "var", "require",
    ];
    let is_used = |name: &str| !skip.contains(&name) && view.used.contains(name);
    if is_import(line) {
        let brought = match (code.strip_prefix("from "), code.split_once(" = ")) {
            (Some(rest), _) => rest.split_once(" import ").map_or(rest, |(_, names)| names),
            (None, Some((left, _))) => left,
            (None, None) => code,
        };
        return names(brought).any(is_used);
    }
    if let Some(name) = defined(view.language, code) {
        return is_used(name);
    }
    let Some((left, _)) = code.split_once('=').filter(|(left, _)| !left.ends_with(['!', '<', '>', '=']))
    else {
        return false;
    };
    !left.contains('(') && names(left).any(is_used)
}

/// Returns whether an attribute or decorator stands above an earlier definition.
fn is_attribute_of_old(view: &View, at: usize, code: &str) -> bool {
    let is_harmless = HARMLESS_ATTRIBUTES.iter().any(|known| code.starts_with(known));
    if is_harmless || DECLARING_ATTRIBUTES.contains(&code) {
        return false;
    }
    let is_attribute = |line: &Line| line.code.starts_with('@') || line.code.starts_with("#[");
    let mut rest = (at + 1..view.new.len()).filter(|later| view.places[*later].within.is_none());
    let below = rest.find(|later| !is_attribute(&view.new[*later]) && !is_closer(&view.new[*later].code));
    // An attribute of Java or Rust may stand on the line of its definition.
    let is_whole = code.contains("fn ") || code.ends_with('{');
    !is_whole && below.is_none_or(|below| !view.pairs.is_added(below))
}
