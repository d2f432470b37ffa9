//! Where a test may be found in the sources, from its name.

/// What a test can be found by in a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clue {
    /// Its file, as the runner names it: perhaps relative to a package, not to the repository.
    pub file: Option<String>,
    /// The last part of its name, without parameters: a function, or the text that is given to `test(…)`.
    pub leaf: String,
}

/// Returns what a test of this name can be found by.
#[must_use]
pub fn clue(name: &str) -> Clue {
    let name = without_number(name);
    if let Some((head, leaf)) = name.rsplit_once(" > ") {
        let first = head.split(" > ").next().unwrap_or(head);
        // The report of vitest has the file as the class.
        let (file, leaf) = match first.split_once("::") {
            Some((file, _)) if is_file(file) => (Some(file), leaf),
            _ => (is_file(first).then_some(first), leaf),
        };
        return new(file.map(str::to_owned), leaf);
    }
    if let Some((file, item)) = name.split_once(" - ")
        && file.ends_with(".rs")
    {
        let item = item.split(' ').next().unwrap_or(item);
        return new(Some(file.to_owned()), item.rsplit("::").next().unwrap_or(item));
    }
    if let Some((head, rest)) = name.split_once("::") {
        return qualified(name, head, rest);
    }
    if let Some((file, leaf)) = name.split_once(": ")
        && is_file(file)
    {
        return new(Some(file.to_owned()), leaf);
    }
    if let Some((package, test)) = name.split_once(' ')
        && ["Test", "Example", "Fuzz", "Benchmark"].iter().any(|kind| test.starts_with(kind))
        && (package.contains('/') || !package.contains(|c: char| c.is_uppercase()))
    {
        return new(None, test.split('/').next().unwrap_or(test));
    }
    if name.contains(' ') {
        return new(None, name);
    }
    if let Some((_, method)) = name.rsplit_once('#') {
        return new(None, method);
    }
    match name.rsplit_once('.') {
        Some((head, leaf)) if !name.contains('/') => new(python_file(head, leaf), leaf),
        _ => new(None, name),
    }
}

/// Reads names with `::`: of pytest, Rust and JUnit reports.
fn qualified(name: &str, head: &str, rest: &str) -> Clue {
    let plain = rest.split('[').next().unwrap_or(rest);
    let leaf = plain.rsplit("::").next().unwrap_or(plain);
    // nextest: `crate::binary module::test`.
    let leaf = match name.contains(".") {
        false => {
            leaf.rsplit(' ').next().filter(|_| rest.contains("::") && !head.contains(' ')).unwrap_or(leaf)
        }
        true => leaf,
    };
    let file = match is_file(head) {
        true => Some(head.to_owned()),
        false => python_file(head, leaf),
    };
    new(file, leaf)
}

fn new(file: Option<String>, leaf: &str) -> Clue {
    let leaf = leaf.trim();
    let leaf = leaf.strip_suffix("()").unwrap_or(leaf);
    Clue { file, leaf: leaf.to_owned() }
}

/// Returns a name without the ` #2` of one that occurred before.
pub(crate) fn without_number(name: &str) -> &str {
    match name.rsplit_once(" #") {
        Some((head, digits)) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            head
        }
        _ => name,
    }
}

/// Returns whether a text is a path with an extension.
fn is_file(text: &str) -> bool {
    let last = text.rsplit('/').next().unwrap_or(text);
    let extension = last.rsplit_once('.').map_or("", |(_, extension)| extension);
    let is_short =
        (1..=4).contains(&extension.len()) && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_source = matches!(
        extension,
        "py" | "js"
            | "ts"
            | "jsx"
            | "tsx"
            | "mjs"
            | "cjs"
            | "mts"
            | "cts"
            | "t"
            | "rs"
            | "rb"
            | "php"
            | "bats"
            | "sh"
    );
    !text.contains(' ') && is_short && (is_source || text.contains('/'))
}

/// Returns the file of a Python module with classes in it (`package.test_a.Class`), if the method is named
/// like a test of Python.
fn python_file(qualified: &str, leaf: &str) -> Option<String> {
    if !leaf.starts_with("test") || qualified.contains(['/', ' ', ':']) {
        return None;
    }
    let modules: Vec<&str> =
        qualified.split('.').take_while(|part| !part.starts_with(|c: char| c.is_uppercase())).collect();
    (!modules.is_empty() && modules.iter().all(|part| !part.is_empty()))
        .then(|| format!("{}.py", modules.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_each_runner_lead_to_a_file_or_a_function() {
        for (name, file, leaf) in [
            ("tests/test_a.py::TestX::test_y[3]", Some("tests/test_a.py"), "test_y"),
            ("tests/test_a.py::test_y[a::b]", Some("tests/test_a.py"), "test_y"),
            ("tests.test_a.TestC::test_in_class", Some("tests/test_a.py"), "test_in_class"),
            ("tests.test_a::test_one", Some("tests/test_a.py"), "test_one"),
            ("test_a.A.test_one", Some("test_a.py"), "test_one"),
            ("src/a.test.js > math > adds twice", Some("src/a.test.js"), "adds twice"),
            ("src/a.test.js::math > multiplies", Some("src/a.test.js"), "multiplies"),
            ("math > deep > powers #2", None, "powers"),
            ("tests::it_works", None, "it_works"),
            ("demo::it tests::it_works", None, "it_works"),
            ("demo tests::it_works", None, "it_works"),
            ("src/lib.rs - math::add", Some("src/lib.rs"), "add"),
            ("t/a.t: is one", Some("t/a.t"), "is one"),
            ("example.org/a TestAdd/by_two", None, "TestAdd"),
            ("example.ATest > adds()", None, "adds"),
            ("example.ATest #3", None, "ATest"),
            ("ATest#test_adds", None, "test_adds"),
            ("adds", None, "adds"),
            ("adds two numbers", None, "adds two numbers"),
        ] {
            let expected = Clue { file: file.map(str::to_owned), leaf: leaf.to_owned() };
            assert_eq!(clue(name), expected, "{name}");
        }
    }
}
