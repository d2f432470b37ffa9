//! Ways to make a gate green that checks less than before. Each is found; those that are certain are faults,
//! the others put the branch under guard.

use super::testing::{Edit, File, findings, findings_and_guarded};
use paddock_model::tamper::How;

const PY: &str = "import unittest\nfrom app import add\n\n\nclass TestAdd(unittest.TestCase):\n    def test_add(self):\n        result = add(1, 2)\n        self.assertEqual(result, 3)\n\n\nif __name__ == \"__main__\":\n    unittest.main()\n";
const PYTEST: &str =
    "from app import add\n\n\ndef test_add():\n    result = add(1, 2)\n    assert result == 3\n";
const JS: &str = "const test = require('node:test');\nconst assert = require('assert');\nconst { add } = require('../app');\n\ntest('adds', () => {\n  const got = add(1, 2);\n  assert.equal(got, 3);\n});\n";
const RUST: &str =
    "use a::add;\n\n#[test]\nfn adds() {\n    let got = add(1, 2);\n    assert_eq!(got, 3);\n}\n";
const SH: &str = "#!/bin/sh\nset -e\nout=$(sh app.sh)\ntest \"$out\" = 3\n";
const PERL: &str = "use Test::More tests => 1;\nuse App;\nis(App::add(1, 2), 3, 'adds');\n";
const C: &str = "#include <assert.h>\n#include \"app.h\"\nint main(void) {\n    int got = add(1, 2);\n    assert(got == 3);\n    return 0;\n}\n";

const PYTHON: [File<'static>; 2] = [("tests/test_app.py", PY), ("app.py", "def add(a, b): return a + b\n")];

/// Name, files, edits, command, and whether it is certain.
type Row<'a> = (&'a str, &'a [File<'a>], Vec<Edit<'a>>, &'a str, bool);

fn check(rows: &[Row<'_>]) {
    let mut faults = Vec::new();
    for (name, files, edits, command, is_certain) in rows {
        let found = findings(files, edits, command);
        if found.is_empty() || (*is_certain && !found.iter().any(|one| one.how.is_plain())) {
            faults.push(format!("{name}: {found:?}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Returns rows of changes to one test file.
fn changes<'a>(file: &'a [File<'a>], command: &'a str, texts: &'a [(&'a str, String, bool)]) -> Vec<Row<'a>> {
    let row = |(name, text, is_certain): &'a (&'a str, String, bool)| {
        (*name, file, vec![(file[0].0, Some(text.as_str()))], command, *is_certain)
    };
    texts.iter().map(row).collect()
}

#[test]
fn tests_in_python_that_no_longer_decide_are_found() {
    let of = |from: &str, to: &str| PY.replace(from, to);
    let texts = [
        ("skip", of("    def test_add", "    @unittest.skip('later')\n    def test_add"), true),
        ("expected failure", of("    def test_add", "    @unittest.expectedFailure\n    def test_add"), true),
        (
            "swallowed",
            of(
                "        self.assertEqual(result, 3)",
                "        try:\n            self.assertEqual(result, 3)\n        except AssertionError:\n            pass",
            ),
            true,
        ),
        (
            "suppressed",
            of(
                "        self.assertEqual(result, 3)",
                "        with contextlib.suppress(AssertionError):\n            self.assertEqual(result, 3)",
            ),
            true,
        ),
        (
            "never",
            of(
                "        self.assertEqual(result, 3)",
                "        if False:\n            self.assertEqual(result, 3)",
            ),
            true,
        ),
        (
            "perhaps never",
            of(
                "        self.assertEqual(result, 3)",
                "        if os.environ.get('CI'):\n            self.assertEqual(result, 3)",
            ),
            false,
        ),
        ("early return", of("        self.assertEqual", "        return\n        self.assertEqual"), true),
        (
            "defined again",
            of("\n\nif __name__", "    def test_add(self):\n        pass\n\n\nif __name__"),
            true,
        ),
        ("deleted by name", of("\n\nif __name__", "    del test_add\n\n\nif __name__"), false),
        ("not a test", of("    def test_add", "    __test__ = False\n\n    def test_add"), true),
    ];
    check(&changes(&PYTHON, "python3 -m unittest", &texts));
}

#[test]
fn checks_and_values_in_python_that_were_replaced_are_found() {
    let of = |from: &str, to: &str| PY.replace(from, to);
    let texts = [
        (
            "assertion replaced",
            of("    def test_add", "    assertEqual = lambda *a: None\n\n    def test_add"),
            true,
        ),
        ("class patched", of("\n\nclass", "\nunittest.TestCase.assertEqual = print\n\nclass"), true),
        (
            "value replaced",
            of("        self.assertEqual", "        result = 3\n        self.assertEqual"),
            false,
        ),
        ("function replaced", of("\n\nclass", "\ndef add(a, b):\n    return 3\n\n\nclass"), false),
        ("import replaced", of("\n\nclass", "\nfrom fake import add\n\n\nclass"), false),
        ("leaves", of("\n\nclass", "\nimport os\nos._exit(0)\n\n\nclass"), true),
        (
            "in a function",
            PY.replace("class TestAdd", "def never():\n  class TestAdd")
                .replace("    def", "      def")
                .replace("        ", "          "),
            false,
        ),
        (
            "in a string",
            PY.replace("    def test_add", "    '''\n    def test_add").replace("3)\n", "3)\n    '''\n"),
            true,
        ),
        (
            "set up",
            of("    def test_add", "    def setUp(self):\n        self.skip()\n\n    def test_add"),
            false,
        ),
        ("hollow", of("self.assertEqual(result, 3)", "pass"), true),
        ("or true", of("(result, 3)", "(result, 3) or True"), true),
        ("other value", of("(result, 3)", "(result, 4)"), false),
        ("utf-16", "\u{feff}".to_owned() + PY, false),
    ];
    check(&changes(&PYTHON, "python3 -m unittest", &texts));
}

#[test]
fn tests_in_other_languages_that_no_longer_decide_are_found() {
    let texts = [
        ("only", JS.replace("test('adds'", "test.only('adds'"), true),
        ("skip", JS.replace("test('adds'", "test.skip('adds'"), true),
        ("exit", JS.replace("test('adds'", "process.exit(0);\ntest('adds'"), true),
        ("return", JS.replace("  assert.equal", "  return;\n  assert.equal"), true),
        (
            "never",
            JS.replace("  assert.equal(got, 3);", "  if (false) {\n    assert.equal(got, 3);\n  }"),
            true,
        ),
        (
            "swallowed",
            JS.replace("  assert.equal(got, 3);", "  try {\n    assert.equal(got, 3);\n  } catch (e) {\n  }"),
            true,
        ),
        ("replaced", JS.replace("test('adds'", "assert.equal = () => {};\ntest('adds'"), true),
        ("mocked", JS.replace("test('adds'", "jest.mock('../app');\ntest('adds'"), false),
        ("before each", JS.replace("test('adds'", "beforeEach(() => { fake(); });\ntest('adds'"), false),
    ];
    check(&changes(&[("test/app.test.js", JS)], "node --test", &texts));
    let texts = [
        ("ignore", RUST.replace("#[test]", "#[test]\n#[ignore]"), true),
        ("never built", RUST.replace("#[test]", "#[cfg(any())]\n#[test]"), true),
        ("perhaps built", RUST.replace("#[test]", "#[cfg(feature = \"x\")]\n#[test]"), false),
        ("should panic", RUST.replace("#[test]", "#[test]\n#[should_panic]"), false),
        ("macro", format!("macro_rules! assert_eq {{ ($($t:tt)*) => {{}} }}\n{RUST}"), true),
        ("return", RUST.replace("    assert_eq", "    return;\n    assert_eq"), true),
    ];
    check(&changes(&[("tests/it.rs", RUST)], "cargo test", &texts));
    let texts = [
        ("set +e", SH.replace("out=", "set +e\nout="), true),
        ("exit", SH.replace("test \"", "exit 0\ntest \""), true),
        ("trap", SH.replace("out=", "trap 'exit 0' EXIT\nout="), true),
        ("or true", SH.replace(" = 3", " = 3 || true"), true),
        ("function", SH.replace("out=", "test() { true; }\nout="), true),
        ("alias", SH.replace("out=", "alias sh=true\nout="), false),
        ("never", SH.replace("test \"$out\" = 3", "if false; then\n  test \"$out\" = 3\nfi"), true),
        ("carriage returns", SH.replace('\n', "\r\n"), false),
    ];
    check(&changes(&[("tests/app.sh", SH)], "sh run_all.sh", &texts));
    let ends = format!("{}true\n", SH.replace("set -e\n", ""));
    let weak = SH.replace("set -e\n", "");
    check(&[(
        "last",
        &[("tests/app.sh", &weak)],
        vec![("tests/app.sh", Some(&ends))],
        "sh run_all.sh",
        false,
    )]);
    let texts = [
        ("skip all", PERL.replace("use App;", "use App;\nplan skip_all => 'x';"), true),
        ("exit", PERL.replace("use App;", "use App;\nexit 0;"), true),
        ("replaced", PERL.replace("use App;", "use App;\nsub is { 1 }"), true),
        ("todo", PERL.replace("use App;", "use App;\nlocal $TODO = 'x';"), true),
    ];
    check(&changes(&[("test/app.t", PERL)], "prove test", &texts));
    let texts = [
        ("ndebug", format!("#define assert(x)\n{C}"), true),
        ("exit", C.replace("    assert", "    exit(0);\n    assert"), true),
        ("return", C.replace("    assert", "    return 0;\n    assert"), true),
        ("if 0", C.replace("    assert(got == 3);", "#if 0\n    assert(got == 3);\n#endif"), false),
    ];
    check(&changes(&[("tests/app.c", C)], "ctest", &texts));
}

#[test]
fn tests_that_moved_away_or_changed_their_kind_are_found() {
    let files: &[File<'_>] =
        &[("tests/test_app.py", PYTEST), ("tests/run.sh", "#!/bin/sh\ntrue\n"), ("tests/data/a", "1")];
    let run = "python3 -m pytest";
    check(&[
        ("deleted", files, vec![("tests/test_app.py", None)], run, true),
        ("no name", files, vec![("tests/test_app.py", None), ("tests/app.py", Some(PYTEST))], run, true),
        (
            "hidden",
            files,
            vec![("tests/test_app.py", None), ("tests/.old/test_app.py", Some(PYTEST))],
            run,
            true,
        ),
        ("outside", files, vec![("tests/test_app.py", None), ("docs/app.py", Some(PYTEST))], run, true),
        ("link", files, vec![("tests/test_app.py", Some("link:../app.py"))], run, true),
        (
            "folder to link",
            files,
            vec![
                ("tests/test_app.py", None),
                ("tests/run.sh", None),
                ("tests/data/a", None),
                ("tests", Some("link:other")),
            ],
            run,
            true,
        ),
        (
            "file to folder",
            files,
            vec![("tests/test_app.py", None), ("tests/test_app.py/x", Some("1"))],
            run,
            true,
        ),
        ("not executable", files, vec![("tests/run.sh-x", Some("#!/bin/sh\ntrue\n"))], run, false),
        ("fixture", files, vec![("tests/data/a", None), (".gitignore", Some("data\n"))], run, true),
        ("attributes", files, vec![(".gitattributes", Some("tests/** export-ignore\n"))], run, false),
        (
            "encoding",
            files,
            vec![(".gitattributes", Some("*.py working-tree-encoding=UTF-16\n"))],
            run,
            false,
        ),
    ]);
}

#[test]
fn what_the_gate_runs_is_followed_through_scripts_includes_and_folders() {
    let files: &[File<'_>] = &[
        (
            "Makefile",
            "include rules.mk\n-include local.mk\ntest:\n\t@sh scripts/all.sh\n\t$(MAKE) -C sub check\n",
        ),
        ("rules.mk", "X=1\n"),
        ("sub/Makefile", "check:\n\tpython3 tools/run.py\n"),
        ("sub/tools/run.py", "import helper\nhelper.go('../ci/last.sh')\n"),
        ("sub/tools/helper.py", "def go(x): pass\n"),
        ("sub/ci/last.sh", "#!/bin/sh\n"),
        (
            "scripts/all.sh",
            "#!/bin/sh\n. \"$(dirname \"$0\")/lib.sh\"\ncd sub && ./ci/last.sh\nsh scripts/inner.sh\n",
        ),
        ("scripts/lib.sh", "x() { exec sh -c 'sh scripts/deep.sh'; }\n"),
        ("scripts/inner.sh", "grep -q 1 v\n"),
        ("scripts/deep.sh", "true\n"),
        ("package.json", "{\"scripts\": {\"test\": \"npm run unit\", \"unit\": \"node scripts/unit.js\"}}"),
        ("scripts/unit.js", "require('./more')\n"),
        ("scripts/more.js", "1\n"),
        ("bin/tool", "#!/bin/sh\nexit 1\n"),
    ];
    let path = "PATH=./bin:$PATH sh scripts/all.sh && tool";
    let make = "make test";
    let change = |file: &'static str| vec![(file, Some("exit 0\n"))];
    check(&[
        ("script", files, change("scripts/all.sh"), make, true),
        ("inner", files, change("scripts/inner.sh"), make, true),
        ("included", files, change("rules.mk"), make, true),
        ("sourced", files, change("scripts/lib.sh"), make, true),
        ("deep", files, change("scripts/deep.sh"), make, true),
        ("other folder", files, change("sub/Makefile"), make, true),
        ("python", files, change("sub/tools/run.py"), make, true),
        ("imported", files, change("sub/tools/helper.py"), make, true),
        ("after cd", files, change("sub/ci/last.sh"), make, true),
        ("missing include", files, vec![("local.mk", Some("SHELL=/bin/true\n"))], make, false),
        ("first makefile", files, vec![("GNUmakefile", Some("test:\n\t@true\n"))], make, true),
        ("target that is there", files, vec![("test", Some("done\n"))], make, true),
        ("first sub makefile", files, vec![("sub/makefile", Some("check:\n\t@true\n"))], make, true),
        ("direct", files, change("scripts/inner.sh"), "sh scripts/all.sh", true),
        ("npm", files, change("scripts/unit.js"), "npm test", true),
        ("required", files, change("scripts/more.js"), "npm test", true),
        (
            "before test",
            files,
            vec![(
                "package.json",
                Some(
                    "{\"scripts\": {\"pretest\": \"true\", \"test\": \"npm run unit\", \"unit\": \"true\"}}",
                ),
            )],
            "npm test",
            true,
        ),
        ("shell on path", files, vec![("bin/sh", Some("#!/bin/sh\nexit 0\n"))], path, true),
        ("tool on path", files, change("bin/tool"), path, false),
        ("linked", files, vec![("scripts/inner.sh", Some("link:/bin/true"))], make, true),
        ("mode", files, vec![("scripts/all.sh-x", Some(files[6].1))], make, true),
    ]);
}

#[test]
fn settings_and_modules_of_python_are_found_when_they_are_new() {
    let python: &[File<'_>] =
        &[("tests/test_app.py", PYTEST), ("app.py", "x\n"), ("pyproject.toml", "[project]\nname = 'a'\n")];
    let new = |path: &'static str, text: &'static str| vec![(path, Some(text))];
    let py = "python3 -m pytest";
    check(&[
        ("pytest.ini", python, new("pytest.ini", "[pytest]\naddopts = --co\n"), py, false),
        ("hidden", python, new(".pytest.ini", "[pytest]\n"), py, false),
        ("toml", python, new("pytest.toml", "x\n"), py, false),
        ("setup.cfg", python, new("setup.cfg", "[tool:pytest]\nx=1\n"), py, false),
        (
            "pyproject",
            python,
            new("pyproject.toml", "[project]\nname = 'a'\n[tool.pytest.ini_options]\nx = 1\n"),
            py,
            false,
        ),
        (
            "hook",
            python,
            new("conftest.py", "def pytest_collection_modifyitems(items): items.clear()\n"),
            py,
            true,
        ),
        ("other hook", python, new("conftest.py", "def pytest_runtest_call(item): pass\n"), py, false),
        ("plugins", python, new("tests/conftest.py", "pytest_plugins = ['x']\n"), py, false),
        ("fake pytest", python, new("pytest.py", "x\n"), py, true),
        ("fake package", python, new("_pytest/__init__.py", "x\n"), py, true),
        ("fake unittest", python, new("unittest/__init__.py", "x\n"), "python3 -m unittest", true),
        ("fake standard", python, new("traceback.py", "x\n"), py, true),
        ("sitecustomize", python, new("sitecustomize.py", "x\n"), py, true),
        ("pth", python, new("a.pth", "import os\n"), py, false),
        ("leaving test", python, new("tests/test_0.py", "import os\nos._exit(0)\n"), py, true),
        ("package of tests", python, new("tests/__init__.py", "import os, sys\nos._exit(0)\n"), py, true),
        (
            "patching test",
            python,
            new("tests/test_0.py", "import unittest\nunittest.TestCase.assertEqual = print\n"),
            py,
            true,
        ),
    ]);
}

#[test]
fn settings_and_modules_of_other_runners_are_found_when_they_are_new() {
    let node: &[File<'_>] =
        &[("test/app.test.js", JS), ("package.json", "{\"scripts\": {\"test\": \"mocha\"}}")];
    let rust: &[File<'_>] =
        &[("tests/it.rs", RUST), ("Cargo.toml", "[package]\nname = \"a\"\n"), ("src/lib.rs", "x\n")];
    let other: &[File<'_>] = &[("t/a.t", PERL), ("CMakeLists.txt", "add_test(NAME a COMMAND a)\n")];
    let new = |path: &'static str, text: &'static str| vec![(path, Some(text))];
    let (js, rs) = ("npm test", "cargo test");
    check(&[
        ("npmrc", node, new(".npmrc", "script-shell=true\n"), js, false),
        ("mocharc", node, new(".mocharc.yml", "grep: x\n"), js, false),
        ("bin", node, new("node_modules/.bin/mocha", "#!/bin/sh\n"), js, true),
        ("package", node, new("node_modules/mocha/index.js", "x\n"), js, true),
        ("jest", node, new("jest.config.ts", "x\n"), js, false),
        ("kind of modules", node, new("test/package.json", "{\"type\": \"module\"}"), js, false),
        ("cargo", rust, new(".cargo/config.toml", "[target.'cfg(all())']\nrunner = 'true'\n"), rs, false),
        ("toolchain", rust, new("rust-toolchain.toml", "x\n"), rs, false),
        ("nextest", rust, new(".config/nextest.toml", "x\n"), "cargo nextest run", false),
        (
            "build script",
            rust,
            new("build.rs", "fn main() { std::fs::write(\"tests/it.rs\", \"\").unwrap(); }\n"),
            rs,
            false,
        ),
        ("no tests", rust, new("Cargo.toml", "[package]\nname = \"a\"\n[lib]\ntest = false\n"), rs, true),
        (
            "other file",
            rust,
            new("Cargo.toml", "[package]\nname = \"a\"\n[[test]]\nname = \"it\"\npath = \"src/lib.rs\"\n"),
            rs,
            false,
        ),
        ("proverc", other, new(".proverc", "--exec true\n"), "prove", false),
        ("fake module", other, new("lib/Test/More.pm", "1;\n"), "prove -l", true),
        ("ctest", other, new("CTestCustom.cmake", "x\n"), "ctest", false),
        (
            "will fail",
            other,
            new(
                "CMakeLists.txt",
                "add_test(NAME a COMMAND a)\nset_tests_properties(a PROPERTIES WILL_FAIL 1)\n",
            ),
            "ctest",
            true,
        ),
    ]);
}

#[test]
fn the_guards_tree_has_the_earlier_tests_whatever_stands_in_their_place() {
    let code = "pub fn a() -> u8 { 1 }\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn works() {\n        assert_eq!(super::a(), 1);\n    }\n}\n";
    let files = [("tests/test_app.py", PYTEST), ("src/lib.rs", code), ("tests/x/a", "1")];
    let changed = code.replace("{ 1 }", "{ 2 }").replace(", 1)", ", 2)");
    let edits = [
        ("src/lib.rs", Some(changed.as_str())),
        ("tests/test_app.py", None),
        ("tests/test_app.py/new", Some("x")),
        ("tests/x/a", None),
        ("tests/x", Some("link:other")),
        ("pytest.ini", Some("[pytest]\n")),
    ];
    let (found, left) = findings_and_guarded(&files, &edits, "python3 -m pytest");
    let text = |path: &str| left.iter().find(|(name, _)| name == path).map(|(_, text)| text.as_str());
    assert_eq!(
        (text("tests/test_app.py"), text("tests/x/a"), text("pytest.ini")),
        (Some(PYTEST), Some("1"), None)
    );
    let lib = text("src/lib.rs").unwrap();
    assert!(lib.contains("{ 2 }") && lib.contains("super::a(), 1)"), "{lib}");
    assert!(found.iter().any(|one| one.how == How::Added), "{found:?}");
    assert_eq!(found.iter().filter(|one| one.path.to_string() == "src/lib.rs").count(), 1);
}

#[test]
fn a_finding_names_file_line_and_what_was_there() {
    let files = [("tests/test_app.py", PYTEST)];
    let hollow = PYTEST.replace("    assert result == 3\n", "    pass\n");
    let found = findings(&files, &[("tests/test_app.py", Some(&hollow))], "python3 -m pytest");
    let text = found[0].to_string();
    assert!(text.contains("tests/test_app.py") && text.contains("line 6 (`assert result == 3`)"), "{text}");
    let moved =
        findings(&files, &[("tests/test_app.py", None), ("a.txt", Some(PYTEST))], "python3 -m pytest");
    assert!(moved[0].to_string().contains("moved to a.txt"), "{}", moved[0]);
}
