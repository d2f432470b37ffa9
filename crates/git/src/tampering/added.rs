//! Files that a branch adds and that take part in the gate although no command names them: runners,
//! interpreters and shells look for them by name.

use paddock_model::tamper::{How, Part, is_runner_file};

use super::blocks::places;
use super::follow::Gate;
use super::found::Found;
use super::muting::{defined, leaves, replaces_globally};
use super::scan::{Language, scan};
use super::settings::{concerns_tests, is_shared, split};

/// Hooks by which an added `conftest.py` leaves tests out.
const MUTES: &[&str] = &[
    "collect_ignore",
    "pytest_ignore_collect",
    "pytest_collection_modifyitems",
    "pytest_runtest_protocol",
    "pytest_runtest_makereport",
    "pytest_pyfunc_call",
    "pytest_sessionfinish",
    "os._exit",
];
/// Modules that Python's test runners load, and those that Python loads by itself.
const MODULES: &[&str] = &[
    "unittest",
    "pytest",
    "_pytest",
    "pluggy",
    "nose",
    "nose2",
    "doctest",
    "tox",
    "nox",
    "coverage",
    "hypothesis",
    "xdist",
    "iniconfig",
    "sitecustomize",
    "usercustomize",
    "mock",
];
/// Python's own modules that its runners use.
const STANDARD: &[&str] = &[
    "abc",
    "argparse",
    "ast",
    "asyncio",
    "atexit",
    "bisect",
    "builtins",
    "calendar",
    "codecs",
    "collections",
    "concurrent",
    "contextlib",
    "copy",
    "copyreg",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "dis",
    "email",
    "enum",
    "errno",
    "faulthandler",
    "fnmatch",
    "functools",
    "gc",
    "genericpath",
    "getopt",
    "gettext",
    "glob",
    "hashlib",
    "heapq",
    "html",
    "http",
    "importlib",
    "inspect",
    "io",
    "itertools",
    "json",
    "keyword",
    "linecache",
    "locale",
    "logging",
    "math",
    "numbers",
    "operator",
    "os",
    "pathlib",
    "pdb",
    "pickle",
    "pkgutil",
    "platform",
    "posixpath",
    "pprint",
    "queue",
    "random",
    "re",
    "reprlib",
    "runpy",
    "select",
    "selectors",
    "shlex",
    "shutil",
    "signal",
    "site",
    "socket",
    "ssl",
    "stat",
    "string",
    "struct",
    "subprocess",
    "sys",
    "tempfile",
    "textwrap",
    "threading",
    "time",
    "token",
    "tokenize",
    "tomllib",
    "traceback",
    "types",
    "typing",
    "unicodedata",
    "urllib",
    "uuid",
    "warnings",
    "weakref",
    "xml",
    "zipfile",
    "zipimport",
    "zlib",
];
/// Packages of JavaScript that run tests or check.
const PACKAGES: &[&str] = &[
    "jest",
    "jest-cli",
    "@jest",
    "mocha",
    "vitest",
    "@vitest",
    "ava",
    "tap",
    "chai",
    "assert",
    "expect",
    "c8",
    "nyc",
    "tsx",
    "ts-node",
    "playwright",
    "@playwright",
    "cypress",
    "karma",
    "jasmine",
    "should",
    "sinon",
];
/// Programs that every gate may use.
const PROGRAMS: &[&str] = &[
    "sh", "bash", "env", "python", "python3", "node", "npm", "npx", "make", "cargo", "pytest", "grep",
    "test", "true", "false", "diff", "cmp", "git", "cat", "sed", "awk", "perl", "prove", "ctest", "go",
    "java", "mvn", "[",
];
/// Modules of Perl that its tests load.
const PERL_MODULES: &[&str] = &[
    "Test/More.pm",
    "Test/Simple.pm",
    "Test/Builder.pm",
    "Test/Harness.pm",
    "Test2/API.pm",
    "App/Prove.pm",
    "TAP/Harness.pm",
    "TAP/Parser.pm",
    "sitecustomize.pl",
    "strict.pm",
    "warnings.pm",
];

/// An added file, and what is known of the tree that it was added to.
pub(super) struct Added<'a> {
    pub path: &'a str,
    pub text: &'a str,
    pub gate: &'a Gate,
    /// Whether a path matches a pattern of tests.
    pub is_test: bool,
    /// Returns whether the base has this file or folder.
    pub has: &'a dyn Fn(&str) -> bool,
}

impl Added<'_> {
    /// Returns what the file does to existing tests, or `None` if it only adds to them.
    pub(super) fn change(&self) -> Option<(Part, Found)> {
        let shadows = self.makefile().or_else(|| self.program()).or_else(|| self.module());
        shadows.or_else(|| self.hooks()).or_else(|| self.settings()).or_else(|| self.test())
    }

    fn shadows(part: Part, what: String) -> Option<(Part, Found)> {
        Some((part, Found::whole(How::Shadows(what))))
    }

    /// A program in a folder in which the gate looks for programs, or a file that a script names.
    fn program(&self) -> Option<(Part, Found)> {
        let (folder, name) = split(self.path);
        if self.gate.on_path.contains(folder) {
            let is_used = self.gate.words.contains(name) || PROGRAMS.contains(&name);
            return match is_used {
                true => Self::shadows(Part::Gate, format!("the program `{name}`")),
                false => Some((Part::Gate, Found::whole(How::Added))),
            };
        }
        self.gate.missing.contains(self.path).then(|| (Part::Gate, Found::whole(How::Added)))
    }

    /// A module of which a runner, or the interpreter, loads another one of the same name.
    fn module(&self) -> Option<(Part, Found)> {
        let (folder, name) = split(self.path);
        if self.gate.runs_node() {
            let package = self.path.split_once("node_modules/").map(|(_, rest)| rest);
            if let Some(package) = package {
                let is_known = PACKAGES.iter().any(|known| package.split('/').next() == Some(*known));
                let what = format!("the package `{}`", package.split('/').next().unwrap_or(package));
                return match is_known || package.starts_with(".bin/") {
                    true => Self::shadows(Part::Gate, what),
                    false => Some((Part::Gate, Found::whole(How::Added))),
                };
            }
        }
        if self.gate.uses(&["prove", "perl"])
            && PERL_MODULES
                .iter()
                .any(|known| self.path == *known || self.path.ends_with(&format!("/{known}")))
        {
            return Self::shadows(Part::Gate, format!("Perl's own `{name}`"));
        }
        if !self.gate.runs_python() {
            return None;
        }
        if name.ends_with(".pth") {
            return Some((Part::Settings, Found::whole(How::Added)));
        }
        let (folder, module) = match name {
            "__init__.py" | "__main__.py" => split(folder),
            name => (folder, name.strip_suffix(".py")?),
        };
        let is_top = self.gate.folders.contains(folder) || ["", "src", "lib"].contains(&folder);
        let is_beside_tests = ["tests", "test"].contains(&folder);
        let is_runner = MODULES.contains(&module) && (is_top || is_beside_tests);
        let is_new = !(self.has)(&joined(folder, &format!("{module}/__init__.py")))
            && !(self.has)(&joined(folder, &format!("{module}.py")));
        ((is_runner || (is_top && STANDARD.contains(&module))) && is_new)
            .then(|| Self::shadows(Part::Settings, format!("Python's module `{module}`")))
            .flatten()
    }

    /// A makefile that make reads before the one that is there.
    fn makefile(&self) -> Option<(Part, Found)> {
        let (folder, name) = split(self.path);
        // make does nothing for a target that is there as a file, unless it is declared as no file.
        let is_target = self.gate.folders.contains(folder) && self.gate.words.contains(name);
        if is_target && !name.contains('.') && self.gate.uses(&["make", "gmake", "MAKE"]) {
            return Self::shadows(Part::Gate, format!("the target `{name}` of make"));
        }
        let later: &[&str] = match name {
            "GNUmakefile" => &["makefile", "Makefile"],
            "makefile" => &["Makefile"],
            _ => return None,
        };
        let path =
            |name: &&&str| (self.has)(&joined(folder, name)) && self.gate.uses(&["make", "gmake", "MAKE"]);
        let shadowed = later.iter().find(path)?;
        Self::shadows(Part::Gate, format!("the `{shadowed}`"))
    }

    /// A `conftest.py` with hooks. Fixtures are what such a file is for, so its presence alone says nothing.
    fn hooks(&self) -> Option<(Part, Found)> {
        if split(self.path).1 != "conftest.py" {
            return None;
        }
        let lines = scan(Language::Python, self.text);
        if let Some((mark, line)) =
            MUTES.iter().find_map(|mark| Some((mark, lines.iter().find(|line| line.code.contains(mark))?)))
        {
            return Some((Part::Settings, Found::at(How::Skipped((*mark).to_owned()), line)));
        }
        let harmless = ["pytest_addoption", "pytest_configure"];
        let is_hook = |code: &str| {
            let name = defined(Language::Python, code).filter(|name| name.starts_with("pytest_"));
            name.is_some_and(|name| !harmless.contains(&name))
        };
        let acts = |code: &str| {
            is_hook(code)
                || code.starts_with("pytest_plugins")
                || (code.contains("autouse") && code.contains("True"))
                || leaves(Language::Python, code)
                || replaces_globally(code)
        };
        let line = lines.iter().find(|line| acts(&line.code))?;
        Some((Part::Settings, Found::at(How::Added, line)))
    }

    /// A file of settings. One in a folder that is new concerns what is new.
    fn settings(&self) -> Option<(Part, Found)> {
        let (folder, name) = split(self.path);
        let found = || Some((Part::Settings, Found::whole(How::Added)));
        let of_tools = [".cargo", ".config", ".mvn"];
        let place = match of_tools.iter().find_map(|tool| folder.strip_suffix(*tool)) {
            Some(front) => front.trim_end_matches('/'),
            None => folder,
        };
        if !place.is_empty() && !(self.has)(place) {
            return None;
        }
        if is_shared(self.path) {
            return if concerns_tests(name, self.text) { found() } else { None };
        }
        if name == "package.json" {
            let keys = ["\"type\"", "\"jest\"", "\"mocha\"", "\"vitest\"", "\"ava\"", "\"imports\""];
            return if !folder.is_empty() && keys.iter().any(|key| self.text.contains(key)) {
                found()
            } else {
                None
            };
        }
        let is_of_make =
            ["Makefile", "makefile", "GNUmakefile", "justfile", "Justfile", "conftest.py"].contains(&name);
        let is_of_builds =
            name.starts_with("tsconfig") || name.starts_with("vite.config") || name.contains("babel");
        // Tools that only build read these, too.
        let counts = !is_of_builds
            || (self.gate.runs_node()
                && (name.contains("babel") || self.text.contains("test") || !name.starts_with("vite")));
        if is_runner_file(self.path) && !is_of_make && counts { found() } else { None }
    }

    /// A new test that ends the run of the others, or replaces what they check with.
    fn test(&self) -> Option<(Part, Found)> {
        let language = Language::from_path(self.path, self.text);
        if !self.is_test
            || !matches!(language, Language::Python | Language::Script | Language::Go | Language::Ruby)
        {
            return None;
        }
        let lines = scan(language, self.text);
        let places = places(language, &lines);
        for (at, line) in lines.iter().enumerate() {
            if replaces_globally(&line.code) {
                return Some((
                    Part::Tests,
                    Found::at(How::Muted("it replaces what they check with".to_owned()), line),
                ));
            }
            let is_hook =
                defined(language, &line.code).is_some_and(|name| ["TestMain", "load_tests"].contains(&name));
            if is_hook || leaves(language, &line.code) {
                // In Python, a file is loaded into the process of all tests.
                let is_certain = language == Language::Python && places[at].owner.is_none() && !is_hook;
                let how = if is_certain {
                    How::Muted("it ends the process with success".to_owned())
                } else {
                    How::Added
                };
                return Some((Part::Tests, Found::at(how, line)));
            }
        }
        None
    }
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
