//! Changes of files of which only a part concerns tests: manifests of builds, and git's attributes.

use std::collections::BTreeSet;

use paddock_model::tamper::How;

use super::found::{Found, first_gone};

/// Settings of a `Cargo.toml` that leave tests out, without blanks.
const CARGO_SKIPS: &[&str] = &["test=false", "autotests=false", "harness=false", "doctest=false"];
/// Properties by which CMake leaves tests out or turns their result round.
const CMAKE_SKIPS: &[&str] =
    &["DISABLED", "WILL_FAIL", "PASS_REGULAR_EXPRESSION", "SKIP_RETURN_CODE", "SKIP_REGULAR_EXPRESSION"];
/// Calls of CMake that declare tests.
const CMAKE_TESTS: &[&str] = &[
    "add_test(",
    "enable_testing(",
    "set_tests_properties(",
    "set_property(TEST",
    "gtest_discover_tests(",
    "catch_discover_tests(",
    "include(CTest",
    "add_subdirectory(test",
    "BUILD_TESTING",
];
/// Settings of Maven and Gradle that leave tests out, or let them fail.
const JVM_SKIPS: &[&str] = &[
    "<skipTests>true",
    "<skip>true",
    "<maven.test.skip>true",
    "<testFailureIgnore>true",
    "skipTests=true",
    "ignoreFailures = true",
    "ignoreFailures.set(true",
    "setIgnoreFailures(true",
    "excludeTestsMatching",
    "tasks.test.enabled",
    "enabled = false",
    "failOnNoDiscoveredTests",
];
/// Attributes that change what is checked out or exported.
const ATTRIBUTES: &[&str] =
    &["export-ignore", "export-subst", "text", "eol", "working-tree-encoding", "filter", "ident", "crlf"];

/// Returns whether only a part of the file concerns tests, so that parts have to be compared.
pub(super) fn is_shared(path: &str) -> bool {
    let (_, name) = split(path);
    let names = [
        "Cargo.toml",
        "pyproject.toml",
        "setup.cfg",
        "CMakeLists.txt",
        "pom.xml",
        "build.gradle",
        "build.gradle.kts",
        ".gitattributes",
        "build.rs",
    ];
    names.contains(&name)
}

/// Splits a path into folder and name.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Returns what a change of a shared file did to the parts that concern tests. `has` says whether the base has
/// a file beside this one.
pub(super) fn compare(path: &str, before: &str, after: &str, has: impl Fn(&str) -> bool) -> Option<Found> {
    match split(path).1 {
        "Cargo.toml" => cargo(before, after, has),
        "pyproject.toml" | "setup.cfg" => {
            let (was, is) = (sections(before, is_about_python_tests), sections(after, is_about_python_tests));
            (was != is).then(|| differing(How::Changed, &was, &is, before, after))
        }
        "CMakeLists.txt" => cmake(before, after),
        "pom.xml" | "build.gradle" | "build.gradle.kts" => {
            more(JVM_SKIPS, before, after).or_else(|| surefire(before, after))
        }
        ".gitattributes" => {
            let (was, is) = (attributes(before), attributes(after));
            (was != is).then(|| differing(How::Changed, &was, &is, before, after))
        }
        _ => writes_tests(before, after).map(|(number, line)| Found::text(How::Changed, number, line)),
    }
}

fn is_about_python_tests(header: &str) -> bool {
    ["pytest", "coverage", "unittest", "tox"].iter().any(|word| header.contains(word))
}

/// Returns whether a new file of this name says anything about tests.
pub(super) fn concerns_tests(name: &str, text: &str) -> bool {
    match name {
        "setup.cfg" | "pyproject.toml" => !sections(text, is_about_python_tests).is_empty(),
        ".gitattributes" => !attributes(text).is_empty(),
        "build.rs" => writes_tests("", text).is_some(),
        _ => false,
    }
}

/// Returns the change at the first line of one of two extracts that the other does not have.
fn differing(how: How, was: &str, is: &str, before: &str, after: &str) -> Found {
    let (extract, source) = match (first_gone(was, is), first_gone(is, was)) {
        (Some((_, line)), _) => (line, before),
        (None, Some((_, line))) => (line, after),
        (None, None) => return Found::whole(how),
    };
    let at = source.lines().position(|line| line.trim() == extract.trim()).unwrap_or(0);
    Found::text(how, u32::try_from(at + 1).unwrap_or(u32::MAX), extract)
}

/// Returns the first mark that is more frequent than before.
fn more(marks: &[&str], before: &str, after: &str) -> Option<Found> {
    let mark = marks.iter().find(|mark| after.matches(**mark).count() > before.matches(**mark).count())?;
    let at = after.lines().position(|line| line.contains(mark)).unwrap_or(0);
    let line = after.lines().nth(at).unwrap_or_default();
    Some(Found::text(How::Skipped((*mark).to_owned()), u32::try_from(at + 1).unwrap_or(u32::MAX), line))
}

/// Compares what two versions of a `Cargo.toml` say about tests. Entries may be added, but none may go.
fn cargo(before: &str, after: &str, has: impl Fn(&str) -> bool) -> Option<Found> {
    // A new test target may be what it wants; one with the name of an earlier file is not new.
    let is_new = |section: &str| {
        let name = section.lines().find_map(|line| {
            line.replace(' ', "").strip_prefix("name=").map(|name| name.trim_matches(['"', '\'']).to_owned())
        });
        let is_target = ["[[test]]", "[[bench]]", "[[bin]]", "[[example]]"]
            .iter()
            .any(|header| section.starts_with(header));
        let is_known = |name: &String| {
            before.contains(&format!("\"{name}\""))
                || has(&format!("tests/{name}.rs"))
                || has(&format!("tests/{name}/main.rs"))
        };
        is_target && name.is_some_and(|name| !is_known(&name))
    };
    let kept: String = blocks(after).into_iter().filter(|section| !is_new(section)).collect();
    let plain = |text: &str| text.replace([' ', '\t'], "");
    let (was, is) = (plain(before), plain(&kept));
    if let Some(mark) =
        CARGO_SKIPS.iter().find(|mark| is.matches(**mark).count() > was.matches(**mark).count())
    {
        let at = after.lines().position(|line| plain(line).contains(mark)).unwrap_or(0);
        let line = after.lines().nth(at).unwrap_or_default();
        let how = How::Skipped(mark.replace('=', " = "));
        return Some(Found::text(how, u32::try_from(at + 1).unwrap_or(u32::MAX), line));
    }
    let is_about_tests = |header: &str| header == "[[test]]" || header.starts_with("[profile.test");
    let (was, is) = (sections(before, is_about_tests), sections(&kept, is_about_tests));
    let mut left = is.lines();
    // Each line is searched after the one before it, so the old lines must keep their order.
    let is_kept = was.lines().all(|line| left.any(|other| other == line));
    let targets = |text: &str| sections(text, |header| header == "[[test]]").lines().count();
    let path = |text: &str| {
        let lib = sections(text, |header| header == "[lib]");
        lib.lines().find(|line| line.starts_with("path")).map(str::to_owned)
    };
    let is_same = is_kept && targets(&kept) <= targets(before) && path(before) == path(&kept);
    (!is_same).then(|| differing(How::Changed, &was, &is, before, after))
}

/// Returns the sections of a file, each from its header on.
fn blocks(text: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    for line in text.lines() {
        if line.trim_start().starts_with('[') {
            found.push(String::new());
        }
        if let Some(last) = found.last_mut() {
            last.push_str(line.trim());
            last.push('\n');
        }
    }
    found
}

fn cmake(before: &str, after: &str) -> Option<Found> {
    let lines = |text: &str| {
        let found = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        found
            .filter(|line| {
                CMAKE_TESTS.iter().any(|call| line.replace(' ', "").contains(&call.replace(' ', "")))
            })
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    if let Some(found) = more(CMAKE_SKIPS, before, after) {
        return Some(found);
    }
    let (was, is) = (lines(before), lines(after));
    let count = |text: &str| u32::try_from(text.matches("add_test").count()).unwrap_or(u32::MAX);
    let mut left = is.lines();
    let is_kept = was.lines().all(|line| left.any(|other| other == line));
    match is_kept {
        true => None,
        false if count(&is) < count(&was) => {
            Some(differing(How::Fewer(count(&was), count(&is)), &was, &is, before, after))
        }
        false => Some(differing(How::Changed, &was, &is, before, after)),
    }
}

/// Compares which tests Maven's test runner is given.
fn surefire(before: &str, after: &str) -> Option<Found> {
    let part = |text: &str| {
        let from = text.find("maven-surefire-plugin").or_else(|| text.find("useJUnit"))?;
        let rest = &text[from..];
        Some(rest[..rest.find("</plugin>").or_else(|| rest.find('}')).unwrap_or(rest.len())].to_owned())
    };
    let (was, is) = (part(before).unwrap_or_default(), part(after).unwrap_or_default());
    (was != is).then(|| differing(How::Changed, &was, &is, before, after))
}

/// Returns the lines of git's attributes that change what is checked out.
fn attributes(text: &str) -> String {
    let sets = |line: &&str| {
        let mut words = line.split_whitespace().skip(1);
        words.any(|word| {
            ATTRIBUTES.contains(&word.trim_start_matches(['-', '!']).split('=').next().unwrap_or_default())
        })
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#')).filter(sets);
    lines.map(|line| format!("{line}\n")).collect()
}

/// Returns the first new line of a build script that concerns tests.
fn writes_tests<'a>(before: &str, after: &'a str) -> Option<(u32, &'a str)> {
    let old: BTreeSet<&str> = before.lines().map(str::trim).collect();
    let marks = [
        "tests/",
        "\"tests",
        "rustc-cfg",
        ".cargo",
        "CARGO_MANIFEST_DIR",
        "process::exit",
        "Cargo.toml",
        "git",
    ];
    let mut lines = after.lines().enumerate().filter(|(_, line)| !line.trim().starts_with("//"));
    // A build script writes to the folder that cargo gives it; anything else is a file of the commit.
    let writes = ["fs::write(", "File::create(", "fs::copy(", "::rename(", "fs::remove_", "OpenOptions"];
    let is_elsewhere =
        |line: &str| writes.iter().any(|call| line.contains(call)) && !line.to_lowercase().contains("out");
    let is_marked = |line: &str| marks.iter().any(|mark| line.contains(mark)) || is_elsewhere(line);
    let found = lines.find(|(_, line)| !old.contains(line.trim()) && is_marked(line));
    found.map(|(at, line)| (u32::try_from(at + 1).unwrap_or(u32::MAX), line))
}

/// Returns the lines of the sections whose headers `is_wanted` accepts, without comments and blank lines.
fn sections(text: &str, is_wanted: impl Fn(&str) -> bool) -> String {
    let mut is_in_section = false;
    let mut found = String::new();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    for line in lines {
        if line.starts_with('[') && line.ends_with(']') {
            is_in_section = is_wanted(line);
        }
        if is_in_section {
            found.push_str(line);
            found.push('\n');
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn how(path: &str, before: &str, after: &str) -> Option<How> {
        compare(path, before, after, |file| file == "tests/old.rs").map(|found| found.how)
    }

    #[test]
    fn only_the_parts_of_a_shared_file_that_concern_tests_count() {
        let cargo =
            |after: &str| how("Cargo.toml", "[package]\nname = \"a\"\n[[test]]\nname = \"it\"\n", after);
        let base = "[package]\nname = \"a\"\nversion = \"2\"\n[[test]]\nname = \"it\"\n";
        assert_eq!(cargo(base), None);
        assert_eq!(cargo(&format!("{base}[[test]]\nname = \"more\"\nharness = false\n")), None);
        assert!(matches!(cargo(&format!("{base}[lib]\ntest  = false\n")), Some(How::Skipped(_))));
        assert!(matches!(
            cargo(&format!("{base}[[test]]\nname = \"old\"\nharness = false\n")),
            Some(How::Skipped(_))
        ));
        assert_eq!(
            cargo(&format!("{base}[[test]]\nname = \"old\"\npath = \"src/a.rs\"\n")),
            Some(How::Changed)
        );
        assert!(matches!(cargo(&base.replace("name = \"a\"", "autotests=false")), Some(How::Skipped(_))));
        assert_eq!(cargo("[package]\nname = \"a\"\n"), Some(How::Changed));
        let python = |after: &str| {
            how("pyproject.toml", "[project]\nname = 'a'\n[tool.pytest.ini_options]\nx = 1\n", after)
        };
        assert_eq!(python("[project]\nname = 'b'\n# why\n[tool.pytest.ini_options]\nx = 1\n"), None);
        assert_eq!(python("[project]\nname = 'a'\n"), Some(How::Changed));
    }

    #[test]
    fn tests_of_cmake_and_maven_and_attributes_of_git_count() {
        let base = "project(a)\nadd_test(NAME a COMMAND a)\n";
        let cmake = |after: &str| how("CMakeLists.txt", base, after);
        assert_eq!(cmake(&format!("{base}add_test(NAME b COMMAND b)\nadd_library(c c.c)\n")), None);
        assert_eq!(cmake("project(a)\n"), Some(How::Fewer(1, 0)));
        assert_eq!(cmake("project(a)\nadd_test(NAME a COMMAND true)\n"), Some(How::Changed));
        let off = format!("{base}set_tests_properties(a PROPERTIES WILL_FAIL TRUE)\n");
        assert!(matches!(cmake(&off), Some(How::Skipped(_))));
        assert!(matches!(how("pom.xml", "<a/>", "<skipTests>true</skipTests>"), Some(How::Skipped(_))));
        assert_eq!(how(".gitattributes", "", "*.png binary\n*.jpg diff=a\n"), None);
        assert_eq!(how(".gitattributes", "", "tests export-ignore\n"), Some(How::Changed));
        assert_eq!(
            how("build.rs", "fn main() {}", "fn main() { std::fs::write(\"tests/a.rs\", \"\"); }"),
            Some(How::Changed)
        );
        assert_eq!(
            how("build.rs", "fn main() {}", "fn main() { println!(\"cargo:rerun-if-changed=a\"); }"),
            None
        );
    }
}
