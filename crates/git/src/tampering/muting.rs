//! Lines that certainly take the effect from earlier tests: they leave before them, swallow their failures,
//! or replace what they check with.

use paddock_model::tamper::How;

use super::found::Found;
use super::scan::{Language, Line, is_name, tokens};
use super::structure::View;

/// Code that ends the process with success.
const LEAVES: &[(Language, &[&str])] = &[
    (
        Language::Python,
        &["os._exit(", "sys.exit(0)", "sys.exit()", "raise SystemExit(0)", "os.abort(", "os.kill(os.getpid("],
    ),
    (
        Language::Script,
        &[
            "process.exit(",
            "process.reallyExit(",
            "process.exitCode = 0",
            "process.kill(process.pid",
            "process.abort(",
        ],
    ),
    (Language::Go, &["os.Exit(0)", "syscall.Exit("]),
    (Language::Rust, &["process::exit(0)", "std::process::exit(0)"]),
    (
        Language::Braces,
        &["exit(0)", "_exit(0)", "_Exit(0)", "quick_exit(0)", "System.exit(0)", "std::exit(0)"],
    ),
    (Language::Ruby, &["exit!", "exit 0", "at_exit"]),
    (Language::Perl, &["exit 0", "exit(0)", "POSIX::_exit(0)"]),
    (Language::Shell, &["exit 0"]),
];
/// Whole statements that do so.
const LEAVES_WHOLE: &[&str] = &["exit", "exit()", "exit(0)", "quit()", "raise SystemExit", "exit;", "exit 0"];
/// Statements that end a function before what follows.
const RETURNS: &[&str] = &[
    "return",
    "return;",
    "return None",
    "return nil",
    "return true;",
    "return 0",
    "return Ok(());",
    "return 0;",
];
/// Conditions that never hold.
const NEVER: &[&str] = &[
    "if False",
    "if 0",
    "if (false)",
    "if(false)",
    "if (0)",
    "if(0)",
    "if false",
    "if not True",
    "while False",
    "while (false)",
    "if (!true)",
    "if None",
];
/// Ends of a line that make it succeed, whatever its beginning finds.
const SUCCEEDS: &[&str] =
    &["|| true", "|| :", "||:", "||true", "|| exit 0", "; true", "; exit 0", "; :", "or True", "or 1"];

/// Returns whether code ends the process with success.
pub(super) fn leaves(language: Language, code: &str) -> bool {
    let marks = LEAVES.iter().filter(|(only, _)| *only == language).flat_map(|(_, marks)| marks.iter());
    let whole = matches!(language, Language::Python | Language::Shell | Language::Perl | Language::Ruby);
    marks.into_iter().any(|mark| tokens(code, mark) > 0) || (whole && LEAVES_WHOLE.contains(&code))
}

/// Returns the first line that certainly mutes earlier tests.
pub(super) fn muted(view: &View) -> Option<Found> {
    let found = |why: &str, line: &Line| Some(Found::at(How::Muted(why.to_owned()), line));
    for (at, line) in view.added() {
        let code = line.code.as_str();
        if replaces_check(view, code) {
            return found("it replaces what they check with", line);
        }
        if view.language == Language::Shell && code.split(';').any(|part| part.trim() == "set +e") {
            return found("failures no longer end the script", line);
        }
        if view.language == Language::Shell && code.starts_with("trap") && line.text.contains("exit") {
            return found("it decides the exit status at the end", line);
        }
        let is_last = view.language == Language::Shell && view.stops_at_failures() && !view.is_followed(at);
        if leaves(view.language, code) && !view.is_in_new_block(at) && !is_last {
            return found("it ends the process with success", line);
        }
        let is_return = RETURNS.contains(&code) && view.places[at].owner.is_some();
        if is_return && !view.is_in_new_block(at) && view.is_followed(at) {
            return found("it returns before they check", line);
        }
        if has_more_handlers(view)
            && is_handler(view.language, code)
            && !view.is_in_new_block(at)
            && !belongs_to_new(view, at)
        {
            return found("it swallows their failures", line);
        }
        if ignores_failure(view, &line.text) {
            return found("it succeeds, whatever the check finds", line);
        }
        if let Some(name) = defined_test(view, code, at) {
            return found(&format!("it defines {name} a second time"), line);
        }
    }
    nested(view)
}

/// Returns the first earlier test that now stands in a block that never runs or that swallows its failures.
fn nested(view: &View) -> Option<Found> {
    for at in 0..view.new.len() {
        if view.pairs.is_added(at) {
            continue;
        }
        let Some(header) = view.places[at].owner.filter(|header| view.pairs.is_added(*header)) else {
            continue;
        };
        let code = &view.new[header].code;
        let is_never = NEVER.iter().any(|mark| {
            code.strip_prefix(mark).is_some_and(|rest| !rest.starts_with(is_name) && !rest.starts_with('.'))
        });
        if is_never {
            return Some(Found::at(
                How::Muted("they stand in a block that never runs".to_owned()),
                &view.new[at],
            ));
        }
        if swallows(view, header) {
            return Some(Found::at(How::Muted("their failures are swallowed".to_owned()), &view.new[at]));
        }
    }
    None
}

/// Returns whether a new block swallows what fails in it.
fn swallows(view: &View, header: usize) -> bool {
    let code = view.new[header].code.as_str();
    let direct =
        ["suppress(", "raises(AssertionError", "assertRaises(AssertionError", "catch_unwind", "rescue_from"];
    if direct.iter().any(|mark| code.contains(mark)) {
        return true;
    }
    let is_try = code.starts_with("try") || code.starts_with("begin") || code.starts_with("eval {");
    let place = view.places[header];
    let handles = |later: usize| {
        let is_sibling = view.places[later].owner == place.owner || view.places[later].owner == Some(header);
        is_sibling && is_handler(view.language, &view.new[later].code)
    };
    is_try && (code.starts_with("eval") || (header + 1..view.new.len()).any(handles))
}

/// Returns whether a line handles the failure of an assertion.
fn is_handler(language: Language, code: &str) -> bool {
    let rest = code.trim_start_matches(['}', ' ']);
    let names_all = ["AssertionError", "Exception", "BaseException", "Throwable", "...", "failureException"];
    match language {
        Language::Python => {
            rest.starts_with("except:")
                || (rest.starts_with("except") && names_all.iter().any(|n| tokens(rest, n) > 0))
        }
        Language::Script => rest.starts_with("catch"),
        Language::Ruby => {
            rest == "rescue" || (rest.starts_with("rescue") && names_all.iter().any(|n| rest.contains(n)))
        }
        Language::Braces => rest.starts_with("catch") && names_all.iter().any(|name| rest.contains(name)),
        _ => false,
    }
}

/// Returns whether more failures are handled than before. A handler that was rewritten is none of them.
fn has_more_handlers(view: &View) -> bool {
    let count = |lines: &[Line]| lines.iter().filter(|line| is_handler(view.language, &line.code)).count();
    count(&view.new) > count(&view.old)
}

/// Returns whether the handler at this line belongs to a `try` that is new, and in which no earlier line is.
fn belongs_to_new(view: &View, at: usize) -> bool {
    let owner = view.places[at].owner;
    let mut before = (0..at).rev().filter(|earlier| view.places[*earlier].owner == owner);
    let header =
        before.find(|earlier| view.new[*earlier].code.trim_start_matches(['}', ' ']).starts_with("try"));
    header.is_some_and(|header| view.pairs.is_added(header))
}

/// Returns whether a line is an earlier one with an end that makes it succeed.
fn ignores_failure(view: &View, text: &str) -> bool {
    view.pairs.removed.iter().any(|old| {
        let was = view.old[*old].text.trim_end_matches([';', ',']);
        let rest = text.strip_prefix(was).filter(|_| was.len() > 2);
        rest.is_some_and(|rest| SUCCEEDS.iter().any(|mark| rest.contains(mark)))
    })
}

/// Returns whether code gives a new meaning to assertions.
fn replaces_check(view: &View, code: &str) -> bool {
    let is_check = |name: &str| {
        let rest = name.strip_prefix("assert");
        name == "expect"
            || rest.is_some_and(|rest| {
                rest.is_empty() || rest.starts_with(|c: char| c == '_' || c.is_uppercase())
            })
    };
    if let Some(at) = code.find(" = ").filter(|at| !code[..*at].contains(['(', '{', '"'])) {
        let (left, right) = (&code[..at], code[at + 3..].trim_end_matches(';'));
        let is_import = right.contains("require(") || right.contains("import(") || right.contains("chai");
        let is_alias = [".expect", ".assert", ".strict"].iter().any(|end| right.ends_with(end));
        let is_new = left.starts_with("const ") || left.starts_with("let ") || left.starts_with("var ");
        let target = left.rsplit(' ').next().unwrap_or(left);
        let is_used = target.contains('.') || view.used.contains(target);
        if !is_import
            && !is_alias
            && is_used
            && target.split('.').any(is_check)
            && !(is_new && target.contains('.'))
        {
            return true;
        }
    }
    let sets =
        ["setattr(unittest", "setattr(TestCase", "builtins.assert", "*ok = ", "*is = ", "*Test::More::"];
    if sets.iter().any(|mark| code.contains(mark)) {
        return true;
    }
    defined(view.language, code).is_some_and(|name| {
        let is_used = view.used.contains(name) || view.language == Language::Shell;
        let is_command = ["grep", "test", "diff", "cmp", "exit", "false", "set", "["].contains(&name);
        let is_of_perl = ["ok", "is", "is_deeply", "like", "cmp_ok"].contains(&name);
        match view.language {
            Language::Shell => is_command || view.old.iter().any(|line| calls(&line.code, name)),
            Language::Perl => is_used && is_of_perl,
            _ => is_used && is_check(name),
        }
    })
}

/// Returns whether code replaces an assertion in an object that all tests share.
pub(super) fn replaces_globally(code: &str) -> bool {
    let sets = ["setattr(unittest", "setattr(TestCase", "builtins.assert"];
    let Some((left, _)) = code.split_once(" = ").filter(|(left, _)| !left.contains(['(', '"', ' '])) else {
        return sets.iter().any(|mark| code.contains(mark));
    };
    let front = left.rsplit_once('.').map_or("", |(front, _)| front);
    let last = left.rsplit('.').next().unwrap_or_default();
    let is_shared = ["assert", "unittest", "TestCase", "global", "globalThis", "expect", "pytest"]
        .iter()
        .any(|name| front.split('.').any(|part| part == *name));
    let is_check =
        ["assert", "expect", "fail", "equal", "strictEqual", "deepEqual", "raises", "run", "toBe", "extend"];
    is_shared && is_check.iter().any(|name| last.starts_with(name))
}

/// Returns whether a line of a shell calls this command.
fn calls(code: &str, name: &str) -> bool {
    code.split([';', '|', '&', '(']).any(|part| part.split_whitespace().next() == Some(name))
        && !code.starts_with(&format!("{name}()"))
}

/// Returns the name that a line defines as a function, a macro or a class.
pub(super) fn defined(language: Language, code: &str) -> Option<&str> {
    let name_after = |rest: &'_ str| -> usize { rest.find(|c: char| !is_name(c)).unwrap_or(rest.len()) };
    if language == Language::Shell {
        let (name, rest) = code.split_once("()")?;
        let name = name.trim_start_matches("function ").trim();
        return (!name.contains(' ') && (rest.trim().is_empty() || rest.trim_start().starts_with('{')))
            .then_some(name);
    }
    let modifiers =
        ["export ", "default ", "async ", "pub ", "pub(crate) ", "public ", "private ", "static ", "final "];
    let mut rest = code;
    while let Some(after) = modifiers.iter().find_map(|word| rest.strip_prefix(word)) {
        rest = after;
    }
    let keywords =
        ["def self.", "def ", "class ", "function ", "fn ", "func ", "sub ", "macro_rules! ", "#define "];
    let after = keywords.iter().find_map(|word| rest.strip_prefix(word))?.trim_start();
    let name = &after[..name_after(after)];
    (!name.is_empty()).then_some(name)
}

/// Returns the name of a test that the line defines although the file has it already.
fn defined_test<'a>(view: &'a View, code: &'a str, at: usize) -> Option<&'a str> {
    if !matches!(view.language, Language::Python | Language::Ruby) {
        return None;
    }
    let name =
        defined(view.language, code).filter(|name| name.starts_with("test") || name.starts_with("Test"))?;
    let owner = view.places[at].owner;
    let is_same = |other: usize| {
        let same_block = view.places[other].owner == owner;
        same_block
            && !view.pairs.is_added(other)
            && defined(view.language, &view.new[other].code) == Some(name)
    };
    (0..view.new.len()).any(is_same).then_some(name)
}
