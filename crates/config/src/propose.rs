//! Proposes a gate from the manifests in a repository's root folder. A person accepts or changes the
//! proposal.
//!
//! Where a test runner can name its tests without any other effect, the proposed command asks for it: names
//! show which test is missing, a number only that one is. `isolated` is proposed where the manifest, or the
//! custom of its tools, keeps tests in folders of their own; beside the code, the old tests may not fit the
//! new code.

use paddock_model::settings::{GateCommand, TestReport};

/// Time limit of a proposed command, in minutes.
const TIMEOUT_MINUTES: u32 = 20;

/// A proposed gate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proposal {
    /// Commands; empty if no manifest was recognised.
    pub commands: Vec<GateCommand>,
    /// Name of the manifest that the proposal was made from.
    pub from: &'static str,
}

/// Reads a file in the repository's root folder; `None` if there is no such file.
pub(crate) type ReadFile<'a> = &'a dyn Fn(&str) -> Option<String>;

fn command(name: &str, run: &str) -> GateCommand {
    GateCommand::new(name, run, TIMEOUT_MINUTES)
}

fn tests(run: &str) -> Option<Vec<GateCommand>> {
    Some(vec![command("tests", run)])
}

/// Proposes tests that are in folders of their own.
fn apart(run: &str) -> Option<Vec<GateCommand>> {
    Some(vec![GateCommand { isolated: true, ..command("tests", run) }])
}

/// Proposes a gate from the first manifest that says how its tests run.
///
/// In a repository with several languages, a Makefile with a target for tests comes first; without one, the
/// commands of all languages are combined.
#[must_use]
pub fn propose(read: ReadFile<'_>) -> Proposal {
    type Reader = fn(ReadFile<'_>) -> Option<Vec<GateCommand>>;
    let readers: [(&'static str, Reader); 14] = [
        ("Cargo.toml", cargo),
        ("package.json", node),
        ("deno.json", |read| read("deno.json").and_then(|_| tests("deno test"))),
        ("pyproject.toml", python),
        ("go.mod", |read| read("go.mod").and_then(|_| tests("go test -v ./..."))),
        ("mix.exs", |read| read("mix.exs").and_then(|_| apart("mix test"))),
        ("pom.xml", maven),
        ("build.gradle", gradle),
        ("Gemfile", ruby),
        ("composer.json", php),
        ("Package.swift", |read| read("Package.swift").and_then(|_| apart("swift test"))),
        ("build.zig", |read| read("build.zig").and_then(|_| tests("zig build test"))),
        ("CMakeLists.txt", cmake),
        ("Makefile", make),
    ];
    let found = readers.into_iter().filter_map(|(from, reader)| Some((from, reader(read)?)));
    let found: Vec<_> = found.collect();
    let languages = found.iter().filter(|(from, _)| *from != "Makefile").count();
    let chosen = match languages {
        0 | 1 => found.into_iter().next(),
        // The tests of only one language would leave the others unchecked.
        _ => found.iter().find(|(from, _)| *from == "Makefile").cloned().or_else(|| Some(all(found))),
    };
    chosen.map(|(from, commands)| Proposal { commands, from }).unwrap_or_default()
}

/// Combines the commands of all languages, and numbers equal names: names must be unique in a gate.
fn all(found: Vec<(&'static str, Vec<GateCommand>)>) -> (&'static str, Vec<GateCommand>) {
    let first = found.first().map_or("", |(from, _)| *from);
    let mut commands: Vec<GateCommand> = Vec::new();
    for mut one in found.into_iter().flat_map(|(_, commands)| commands) {
        let base = one.name.clone();
        let mut number = 2;
        while commands.iter().any(|had| had.name == one.name) {
            one.name = format!("{base}-{number}");
            number += 1;
        }
        commands.push(one);
    }
    (first, commands)
}

fn cargo(read: ReadFile<'_>) -> Option<Vec<GateCommand>> {
    let manifest = read("Cargo.toml")?;
    let is_workspace = manifest.lines().any(|line| line.trim_start().starts_with("[workspace"));
    tests(if is_workspace { "cargo test --workspace" } else { "cargo test" })
}

/// Proposes the commands of a Node project, with the package manager whose lock file is present.
///
/// The gate installs first, because it runs in a worktree of its own, which has no `node_modules`.
fn node(read: ReadFile<'_>) -> Option<Vec<GateCommand>> {
    let manifest: serde_json::Value = serde_json::from_str(&read("package.json")?).ok()?;
    let script = |name: &str| {
        let text = manifest.pointer(&format!("/scripts/{name}")).and_then(|script| script.as_str())?;
        // `npm init` writes a test script that only prints this and fails.
        (!text.contains("no test specified")).then_some(name.to_owned())
    };
    let run = ["test", "check", "build"].into_iter().find_map(script)?;
    let has = |file: &str| read(file).is_some();
    let (manager, install) = match () {
        () if has("pnpm-lock.yaml") => ("pnpm", "pnpm install --frozen-lockfile"),
        // Yarn 2 and later have `.yarnrc.yml`, and another flag for "do not change the lock file".
        () if has("yarn.lock") && has(".yarnrc.yml") => ("yarn", "yarn install --immutable"),
        () if has("yarn.lock") => ("yarn", "yarn install --frozen-lockfile"),
        () if has("bun.lock") || has("bun.lockb") => ("bun", "bun install --frozen-lockfile"),
        () if has("package-lock.json") => ("npm", "npm ci"),
        // Without a lock file `npm ci` refuses to run, and a lock file written by the gate would be a change.
        () => ("npm", "npm install --no-package-lock"),
    };
    let name = if run == "test" { "tests" } else { run.as_str() };
    let script = manifest.pointer(&format!("/scripts/{run}")).and_then(|script| script.as_str());
    let script = script.unwrap_or_default();
    let more = match verbose(script) {
        Some(flag) if manager == "npm" => format!(" -- {flag}"),
        Some(flag) => format!(" {flag}"),
        None => String::new(),
    };
    let one = command(name, &format!("{manager} run {run}{more}"));
    Some(vec![command("install", install), GateCommand { isolated: names_folder(script), ..one }])
}

/// Returns the flag with which the runner of a script names its tests. In a script of several commands a flag
/// at the end may reach another one.
fn verbose(script: &str) -> Option<&'static str> {
    let is_simple = !script.contains(['&', '|', ';', '<', '>', '`', '$', '"', '\'']);
    match script.split_whitespace().next().filter(|_| is_simple)? {
        "jest" if !script.contains("--verbose") => Some("--verbose"),
        "vitest" if !script.contains("--reporter") => Some("--reporter=verbose"),
        _ => None,
    }
}

/// Returns whether a command names a folder of tests.
fn names_folder(command: &str) -> bool {
    let words = command.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '=' | '[' | ']' | ','));
    let mut firsts = words.map(|word| word.trim_start_matches("./").split('/').next().unwrap_or_default());
    firsts.any(|first| matches!(first, "tests" | "spec" | "specs" | "__tests__")) || command.contains("test/")
}

fn python(read: ReadFile<'_>) -> Option<Vec<GateCommand>> {
    let manifest = read("pyproject.toml");
    let is_python =
        manifest.is_some() || ["setup.py", "tox.ini", "pytest.ini"].iter().any(|file| read(file).is_some());
    if !is_python {
        return None;
    }
    let has = |file: &str| read(file).is_some();
    let manifest = manifest.unwrap_or_default();
    let run = match () {
        () if has("uv.lock") => "uv run pytest -v",
        () if has("poetry.lock") => "poetry install && poetry run pytest -v",
        () if has("pdm.lock") => "pdm install && pdm run pytest -v",
        () if has("Pipfile.lock") => "pipenv sync --dev && pipenv run pytest -v",
        () if has("tox.ini") => "tox",
        () if manifest.contains("[tool.hatch") => "hatch test",
        () => "python3 -m pytest -v",
    };
    // pytest also takes tests beside the code, unless its settings name folders.
    let settings = ["pytest.ini", "tox.ini", "setup.cfg"].iter().filter_map(|file| read(file));
    let settings: Vec<String> = settings.chain([manifest]).collect();
    let mut paths = settings.iter().flat_map(|text| text.lines()).filter_map(|line| {
        line.trim_start().strip_prefix("testpaths").and_then(|rest| rest.trim_start().strip_prefix('='))
    });
    if paths.any(|paths| names_folder(paths) || paths.trim() == "test" || paths.contains("\"test\"")) {
        apart(run)
    } else {
        tests(run)
    }
}

/// Proposes Maven without `-q`, which would hide the summary of the tests. A build of several modules writes
/// its reports to as many folders.
fn maven(read: ReadFile<'_>) -> Option<Vec<GateCommand>> {
    let manifest = read("pom.xml")?;
    let run = if read("mvnw").is_some() { "./mvnw -B verify" } else { "mvn -B verify" };
    let reports = (!manifest.contains("<modules>")).then_some("target/surefire-reports/TEST-*.xml");
    reported(run, reports)
}

/// Proposes Gradle, which prints no summary of its tests, with the reports that it always writes.
fn gradle(read: ReadFile<'_>) -> Option<Vec<GateCommand>> {
    read("build.gradle").or_else(|| read("build.gradle.kts"))?;
    let settings = read("settings.gradle").or_else(|| read("settings.gradle.kts")).unwrap_or_default();
    let run = if read("gradlew").is_some() { "./gradlew check" } else { "gradle check" };
    let reports = (!settings.contains("include")).then_some("build/test-results/test/TEST-*.xml");
    reported(run, reports)
}

fn reported(run: &str, path: Option<&str>) -> Option<Vec<GateCommand>> {
    let report = path.map_or(TestReport::Auto, |path| TestReport::Junit(path.to_owned()));
    Some(vec![GateCommand { report, isolated: true, ..command("tests", run) }])
}

fn ruby(read: ReadFile<'_>) -> Option<Vec<GateCommand>> {
    read("Gemfile")?;
    let run = if read(".rspec").is_some() { "bundle exec rspec" } else { "bundle exec rake test" };
    Some(vec![command("install", "bundle install")].into_iter().chain(apart(run)?).collect())
}

fn php(read: ReadFile<'_>) -> Option<Vec<GateCommand>> {
    let manifest: serde_json::Value = serde_json::from_str(&read("composer.json")?).ok()?;
    let has_script = manifest.pointer("/scripts/test").is_some();
    let run = if has_script { "composer test" } else { "vendor/bin/phpunit" };
    Some(vec![command("install", "composer install")].into_iter().chain(apart(run)?).collect())
}

fn cmake(read: ReadFile<'_>) -> Option<Vec<GateCommand>> {
    read("CMakeLists.txt")?;
    let build = command("build", "cmake -B build && cmake --build build");
    Some(vec![build, command("tests", "ctest --test-dir build --output-on-failure")])
}

/// Proposes the target for tests of a Makefile or a justfile.
fn make(read: ReadFile<'_>) -> Option<Vec<GateCommand>> {
    let files = [("Makefile", "make"), ("makefile", "make"), ("GNUmakefile", "make"), ("justfile", "just")];
    files.into_iter().find_map(|(file, program)| {
        let text = read(file)?;
        let has = |target: &&str| {
            // `test: …` is a rule, `test := …` assigns a variable.
            text.lines().any(|line| {
                let rest = line.strip_prefix(*target).map(str::trim_start);
                rest.is_some_and(|rest| rest.starts_with(':') && !rest.starts_with(":="))
            })
        };
        let target = ["check", "test", "tests"].into_iter().find(|target| has(target))?;
        tests(&format!("{program} {target}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposed(files: &[(&str, &str)]) -> Vec<String> {
        let read =
            |name: &str| files.iter().find(|(file, _)| *file == name).map(|(_, text)| (*text).to_owned());
        propose(&read).commands.into_iter().map(|one| format!("{}: {}", one.name, one.run)).collect()
    }

    #[test]
    fn each_ecosystem_has_its_way_of_testing() {
        assert_eq!(proposed(&[("Cargo.toml", "[package]")]), ["tests: cargo test"]);
        assert_eq!(
            proposed(&[("Cargo.toml", "[workspace]\nmembers = []")]),
            ["tests: cargo test --workspace"]
        );
        assert_eq!(proposed(&[("go.mod", "module x")]), ["tests: go test -v ./..."]);
        assert_eq!(proposed(&[("pyproject.toml", ""), ("uv.lock", "")]), ["tests: uv run pytest -v"]);
        assert_eq!(proposed(&[("setup.py", "")]), ["tests: python3 -m pytest -v"]);
        assert_eq!(proposed(&[("build.gradle.kts", ""), ("gradlew", "")]), ["tests: ./gradlew check"]);
    }

    #[test]
    fn the_lock_file_names_the_package_manager() {
        let manifest = ("package.json", r#"{"scripts": {"test": "vitest run"}}"#);
        assert_eq!(
            proposed(&[manifest, ("package-lock.json", "")]),
            ["install: npm ci", "tests: npm run test -- --reporter=verbose"]
        );
        let pnpm = ["install: pnpm install --frozen-lockfile", "tests: pnpm run test --reporter=verbose"];
        assert_eq!(proposed(&[manifest, ("pnpm-lock.yaml", "")]), pnpm);
        let yarn = ["install: yarn install --immutable", "tests: yarn run test --reporter=verbose"];
        assert_eq!(proposed(&[manifest, ("yarn.lock", ""), (".yarnrc.yml", "")]), yarn);
    }

    #[test]
    fn a_test_script_that_only_complains_is_none() {
        let manifest =
            r#"{"scripts": {"test": "echo \"Error: no test specified\" && exit 1", "build": "tsc"}}"#;
        assert_eq!(proposed(&[("package.json", manifest)])[1], "build: npm run build");
        assert!(proposed(&[("package.json", "{}")]).is_empty());
        assert!(proposed(&[("package.json", "not json")]).is_empty());
    }

    #[test]
    fn a_makefile_speaks_for_several_languages_and_only_with_a_target() {
        let both = [("Cargo.toml", ""), ("go.mod", "")];
        assert_eq!(proposed(&both), ["tests: cargo test", "tests-2: go test -v ./..."]);
        let make = ("Makefile", "all: x\ncheck: all\n\tcargo test");
        assert_eq!(proposed(&[both[0], both[1], make]), ["tests: make check"]);
        assert_eq!(proposed(&[both[0], make]), ["tests: cargo test"]);
        assert_eq!(proposed(&[make]), ["tests: make check"]);
        assert!(proposed(&[("Makefile", "test := 1\nall: x")]).is_empty());
    }

    fn all(files: &[(&str, &str)]) -> Vec<GateCommand> {
        let read =
            |name: &str| files.iter().find(|(file, _)| *file == name).map(|(_, text)| (*text).to_owned());
        propose(&read).commands
    }

    #[test]
    fn a_flag_that_names_tests_is_only_added_where_it_reaches_the_runner() {
        let runs = |script: &str| {
            let manifest = serde_json::json!({ "scripts": { "test": script } }).to_string();
            all(&[("package.json", &manifest)]).pop().unwrap().run
        };
        assert_eq!(runs("jest"), "npm run test -- --verbose");
        assert_eq!(runs("jest --verbose --ci"), "npm run test");
        for script in ["jest && eslint .", "node --test", "mocha", "NODE_ENV=test jest", "sh t.sh jest"] {
            assert_eq!(runs(script), "npm run test", "{script}");
        }
    }

    #[test]
    fn tests_in_folders_of_their_own_are_proposed_with_the_isolated_gate() {
        let is_isolated = |files: &[(&str, &str)]| all(files).pop().unwrap().isolated;
        let named = "[tool.pytest.ini_options]\ntestpaths = [\"tests\"]\n";
        assert!(is_isolated(&[("pyproject.toml", named)]));
        assert!(is_isolated(&[("setup.py", ""), ("pytest.ini", "[pytest]\ntestpaths = tests/unit\n")]));
        assert!(!is_isolated(&[("pyproject.toml", "testpaths = [\"src\"]")]));
        assert!(is_isolated(&[("Gemfile", "")]) && is_isolated(&[("mix.exs", "")]));
        assert!(is_isolated(&[("package.json", r#"{"scripts": {"test": "mocha test/unit"}}"#)]));
        let beside = r#"{"scripts": {"test": "jest"}}"#;
        for inline in
            [("Cargo.toml", "[package]"), ("go.mod", ""), ("setup.py", ""), ("package.json", beside)]
        {
            assert!(!is_isolated(&[inline]), "{inline:?}");
        }
        // An install is no test.
        assert!(!all(&[("Gemfile", "")])[0].isolated);
    }

    #[test]
    fn builds_that_print_no_test_are_proposed_with_their_reports() {
        let report = |files: &[(&str, &str)]| all(files).pop().unwrap().report;
        let junit = |path: &str| TestReport::Junit(path.to_owned());
        assert_eq!(report(&[("pom.xml", "<project/>")]), junit("target/surefire-reports/TEST-*.xml"));
        assert_eq!(report(&[("pom.xml", "<modules><module>a</module></modules>")]), TestReport::Auto);
        assert_eq!(report(&[("build.gradle", "")]), junit("build/test-results/test/TEST-*.xml"));
        let many = [("build.gradle", ""), ("settings.gradle", "include 'a'")];
        assert_eq!(report(&many), TestReport::Auto);
    }

    #[test]
    fn nothing_known_is_nothing_proposed() {
        assert!(proposed(&[("README.md", "x")]).is_empty());
    }
}
