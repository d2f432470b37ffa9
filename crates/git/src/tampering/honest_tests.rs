//! Honest changes that look like the others. None is a fault by itself; a few are tried with the earlier tests
//! first, which an honest change passes.

use super::testing::{Edit, File, findings};

const PY: &str = "from app import add\n\n\ndef test_add():\n    result = add(1, 2)\n    assert result == 3\n\n\n@pytest.mark.parametrize('a, b', [\n    (1, 2),\n    (2, 3)\n])\ndef test_next(a, b):\n    assert a + 1 == b\n";
const JS: &str = "import { add } from '../app';\n\ndescribe('add', () => {\n  it('adds', () => {\n    expect(add(1, 2)).toBe(3);\n  });\n});\n";
const RUST: &str = "pub fn add(a: u8, b: u8) -> u8 { a + b }\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn adds() {\n        assert_eq!(add(1, 2), 3);\n    }\n}\n";
const GO: &str = "package a\n\nfunc TestAdd(t *testing.T) {\n\tcases := []struct{ a, b int }{\n\t\t{1, 2},\n\t}\n\tfor _, c := range cases {\n\t\tif add(c.a, 0) != c.b {\n\t\t\tt.Errorf(\"no\")\n\t\t}\n\t}\n}\n";
const SH: &str = "#!/bin/sh\nset -e\ntest \"$(sh app.sh)\" = 3\n";
const RUBY: &str =
    "describe 'orders' do\n  it 'has pending orders' do\n    expect(orders).to eq(1)\n  end\nend\n";

const JSON: &str = "{\n  \"scripts\": {\"test\": \"mocha\"}\n}\n";
const FILES: &[File<'static>] = &[
    ("tests/test_app.py", PY),
    ("tests/unit.sh", SH),
    ("app.py", "x\n"),
    ("VERSION", "1\n"),
    ("package.json", JSON),
    ("Makefile", "test: app.py\n\tpython3 -m pytest\n\tsh scripts/all.sh VERSION\n"),
    ("scripts/all.sh", "#!/bin/sh\npython3 app.py --check VERSION config/app.yaml\nnpm test\n"),
    ("config/app.yaml", "a: 1\n"),
    ("Cargo.toml", "[package]\nname = \"a\"\n"),
];

/// Name, files, edits, command, and whether the gate is to run with the earlier files.
type Row<'a> = (&'a str, &'a [File<'a>], Vec<Edit<'a>>, &'a str, bool);

fn check(rows: &[Row<'_>]) {
    let mut faults = Vec::new();
    for (name, files, edits, command, is_guarded) in rows {
        let found = findings(files, edits, command);
        let is_plain = found.iter().any(|one| one.how.is_plain());
        if is_plain || found.is_empty() == *is_guarded {
            faults.push(format!("{name}: {found:?}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn changes<'a>(file: &'a [File<'a>], command: &'a str, texts: &'a [(&'a str, String, bool)]) -> Vec<Row<'a>> {
    let row = |(name, text, is_guarded): &'a (&'a str, String, bool)| {
        (*name, file, vec![(file[0].0, Some(text.as_str()))], command, *is_guarded)
    };
    texts.iter().map(row).collect()
}

#[test]
fn new_tests_helpers_and_values_need_no_guard() {
    let after = |text: &str| format!("{PY}{text}");
    let texts = [
        (
            "test",
            after(
                "\n\ndef test_more():\n    result = add(2, 2)\n    if result:\n        assert result == 4\n",
            ),
            false,
        ),
        (
            "class",
            after(
                "\n\nclass TestMore:\n    def setup_method(self):\n        self.a = 1\n\n    def test_b(self):\n        return\n",
            ),
            false,
        ),
        ("import", PY.replace("from app import add", "import os\n\nfrom app import add, sub"), false),
        (
            "helper",
            PY.replace("\n\ndef test_add", "\n\ndef double(a):\n    return a * 2\n\n\ndef test_add"),
            false,
        ),
        (
            "fixture",
            PY.replace("\n\ndef test_add", "\n\n@pytest.fixture\ndef db():\n    yield 1\n\n\ndef test_add"),
            false,
        ),
        ("values", PY.replace("    (2, 3)\n", "    (2, 3),\n    (3, 4),\n"), false),
        (
            "assertion",
            PY.replace("    assert result == 3\n", "    assert result == 3\n    assert result != 4\n"),
            false,
        ),
        (
            "end of a test",
            PY.replace(
                "    assert result == 3\n",
                "    assert result == 3\n    other = add(0, 0)\n    assert other == 0\n",
            ),
            false,
        ),
    ];
    check(&changes(&[("tests/test_app.py", PY)], "python3 -m pytest", &texts));
}

#[test]
fn words_and_rewritten_tests_are_no_faults() {
    let after = |text: &str| format!("{PY}{text}");
    let texts = [
        (
            "comments",
            PY.replace(
                "    assert result",
                "    # it.skip, pytest.skip( and @skip are words\n    assert result",
            ),
            false,
        ),
        (
            "words",
            after("\n\ndef test_words():\n    text = 'skip \"this\" pending orders xit('\n    assert text\n"),
            false,
        ),
        (
            "exit code",
            after("\n\ndef test_exit():\n    with pytest.raises(SystemExit):\n        main()\n"),
            false,
        ),
        ("main", after("\n\nif __name__ == '__main__':\n    sys.exit(pytest.main())\n"), false),
        ("expected", after("\n\nexpected = 3\nassertion = 4\n"), false),
        ("renamed", PY.replace("test_add", "test_adds"), true),
        (
            "skipped from the start",
            after(
                "\n\n@pytest.mark.skipif(sys.platform == 'win32', reason='x')\ndef test_z():\n    assert add(0, 0) == 0\n",
            ),
            false,
        ),
        (
            "fewer lines",
            PY.replace(
                "    result = add(1, 2)\n    assert result == 3\n",
                "    assert add(1, 2) == 3\n    assert add(2, 2) == 4\n",
            ),
            true,
        ),
        (
            "order",
            "from app import add\n".to_owned()
                + PY.split("add\n").skip(1).collect::<Vec<_>>().join("add\n").as_str()
                + "\n\ndef test_z():\n    assert 1\n",
            false,
        ),
    ];
    check(&changes(&[("tests/test_app.py", PY)], "python3 -m pytest", &texts));
}

#[test]
fn honest_changes_in_other_languages_are_no_faults() {
    let texts = [
        ("test", JS.replace("  it('adds'", "  it('skips xit( and it.skip(', () => {\n    const a = 1;\n    expect(a).toBe(1);\n  });\n\n  it('adds'"), false),
        ("import", JS.replace("{ add }", "{ add, sub }"), false),
        ("todo", JS.replace("  it('adds'", "  it.skip('subs', () => {\n    expect(1).toBe(2);\n  });\n\n  it('adds'"), false),
        ("comment", JS.replace("  it(", "  // it.skip('later')\n  it("), false),
        ("suite", format!("{JS}\ndescribe('sub', () => {{\n  beforeEach(() => reset());\n  it('subs', () => {{ expect(1).toBe(1); }});\n}});\n"), false),
        ("helper", format!("const double = (a) => a * 2;\n{JS}"), false),
        ("exit", JS.replace("    expect(add", "    expect(() => sys.exit(1)).toThrow();\n    expect(add"), false),
    ];
    check(&changes(&[("src/app.test.js", JS)], "npx jest", &texts));
    let texts = [
        ("code", RUST.replace("{ a + b }", "{ b + a }"), false),
        ("test", RUST.replace("    #[test]\n", "    #[test]\n    fn zero() {\n        let a = add(0, 0);\n        assert_eq!(a, 0);\n    }\n\n    #[test]\n"), false),
        ("import", RUST.replace("use super::*;", "use super::*;\n    use std::fs;"), false),
        ("lint", RUST.replace("    #[test]\n", "    #[expect(clippy::eq_op)]\n    #[test]\n"), false),
        ("changed", RUST.replace("add(1, 2), 3", "add(2, 1), 3"), true),
    ];
    check(&changes(&[("src/lib.rs", RUST)], "cargo test", &texts));
    let texts = [
        ("row", GO.replace("\t\t{1, 2},\n", "\t\t{1, 2},\n\t\t{3, 4},\n"), false),
        (
            "test",
            format!(
                "{GO}\nfunc TestMore(t *testing.T) {{\n\tt.Run(\"a\", func(t *testing.T) {{ t.Log(1) }})\n}}\n"
            ),
            false,
        ),
    ];
    check(&changes(&[("a_test.go", GO)], "go test ./...", &texts));
    let texts = [
        ("check", format!("{SH}test -e app.sh\n"), false),
        ("clean", SH.replace("test", "trap 'rm -rf \"$folder\"' EXIT\ntest"), true),
        ("cleaning", format!("{SH}rm -rf tmp || true\n"), false),
    ];
    check(&changes(&[("tests/app.sh", SH)], "sh all.sh", &texts));
    let texts = [(
        "name",
        RUBY.replace(
            "end\nend\n",
            "end\n\n  it 'can skip \"this\"' do\n    expect(pending.orders).to eq(1)\n  end\nend\n",
        ),
        false,
    )];
    check(&changes(&[("spec/orders_spec.rb", RUBY)], "rspec", &texts));
}

#[test]
fn honest_changes_beside_tests_are_no_faults() {
    let make = "make test";
    let edit = |path: &'static str, text: &'static str| vec![(path, Some(text))];
    check(&[
        (
            "moved",
            FILES,
            vec![("tests/test_app.py", None), ("tests/unit/test_app.py", Some(PY))],
            make,
            false,
        ),
        ("renamed", FILES, vec![("tests/test_app.py", None), ("tests/test_add.py", Some(PY))], make, false),
        ("moved by folder", FILES, vec![("tests/unit.sh", None), ("tests/a/unit.sh", Some(SH))], make, true),
        ("product", FILES, edit("app.py", "y\n"), make, false),
        ("version", FILES, edit("VERSION", "2\n"), make, false),
        ("configuration", FILES, edit("config/app.yaml", "a: 2\n"), make, false),
        (
            "lint",
            FILES,
            edit(
                "package.json",
                "{\"scripts\": {\"test\": \"mocha\", \"lint\": \"eslint .\"}, \"devDependencies\": {\"a\": \"1\"}}",
            ),
            make,
            false,
        ),
        (
            "target",
            FILES,
            edit(
                "Makefile",
                "test: app.py\n\tpython3 -m pytest\n\tsh scripts/all.sh VERSION\n\nlint:\n\truff check .\n",
            ),
            make,
            false,
        ),
        (
            "comment",
            FILES,
            edit(
                "scripts/all.sh",
                "#!/bin/sh\n# Everything.\npython3 app.py --check VERSION config/app.yaml\n\nnpm test\n",
            ),
            make,
            false,
        ),
    ]);
}

#[test]
fn new_files_beside_tests_are_no_faults() {
    let moved = PY.replace("== 3", "== 4");
    let make = "make test";
    let edit = |path: &'static str, text: &'static str| vec![(path, Some(text))];
    check(&[
        ("new script", FILES, edit("scripts/release.sh", "#!/bin/sh\nexit 0\n"), make, false),
        (
            "new test",
            FILES,
            edit("tests/test_more.py", "import sys\n\ndef test_a():\n    sys.exit\n    assert 1\n"),
            make,
            false,
        ),
        (
            "fixtures",
            FILES,
            edit("tests/conftest.py", "import pytest\n\n@pytest.fixture\ndef db():\n    return 1\n"),
            make,
            false,
        ),
        (
            "markers",
            FILES,
            edit(
                "conftest.py",
                "def pytest_configure(config):\n    config.addinivalue_line('markers', 'slow')\n",
            ),
            make,
            false,
        ),
        (
            "settings gone",
            &[("tests/test_app.py", PY), ("tox.ini", "[tox]\n")],
            vec![("tox.ini", None)],
            "pytest",
            true,
        ),
        (
            "moved and changed",
            FILES,
            vec![("tests/test_app.py", None), ("tests/test_b.py", Some(moved.as_str()))],
            make,
            true,
        ),
        ("runner", FILES, edit("pytest.ini", "[pytest]\ntestpaths = tests more\n"), make, true),
        ("module", FILES, edit("src/app/types.py", "x = 1\n"), make, false),
        ("lint settings", FILES, edit("setup.cfg", "[flake8]\nmax-line-length = 99\n"), make, false),
    ]);
}

#[test]
fn settings_of_builds_are_no_faults() {
    let make = "make test";
    let edit = |path: &'static str, text: &'static str| vec![(path, Some(text))];
    check(&[
        ("images", FILES, edit(".gitattributes", "*.png binary\n"), make, false),
        (
            "build script",
            FILES,
            edit("build.rs", "fn main() {\n    println!(\"cargo:rerun-if-changed=a.proto\");\n}\n"),
            make,
            false,
        ),
        (
            "dependency",
            FILES,
            edit(
                "Cargo.toml",
                "[package]\nname = \"a\"\n[lib]\nname = \"b\"\n[dependencies]\nserde = \"1\"\n",
            ),
            make,
            false,
        ),
        (
            "own target",
            FILES,
            edit("Cargo.toml", "[package]\nname = \"a\"\n[[test]]\nname = \"ui\"\nharness = false\n"),
            make,
            false,
        ),
        (
            "new package",
            FILES,
            vec![
                ("web/package.json", Some("{\"type\": \"module\"}")),
                ("web/jest.config.js", Some("x")),
                ("web/a.test.js", Some(JS)),
            ],
            make,
            false,
        ),
        ("executable", FILES, edit("scripts/other.py", "#!/usr/bin/env python3\n"), make, false),
        (
            "pipeline",
            &[(".github/workflows/ci.yml", "jobs:\n  a:\n    run: x\n")],
            edit(".github/workflows/ci.yml", "jobs:\n  a:\n    run: x\n  b:\n    run: y # || true\n"),
            make,
            false,
        ),
    ]);
}

#[test]
fn what_a_script_checks_is_no_part_of_the_gate() {
    let files: &[File<'_>] = &[
        (
            "tests/run.sh",
            "#!/bin/sh\nset -e\n. ./src/calc.sh\n. ./calc.sh\ntest \"$(sh app/main.sh)\" = 3\nnode test.js\n",
        ),
        ("src/calc.sh", "add() { echo 3; }\n"),
        ("app/main.sh", "echo 3\n"),
        ("calc.sh", "add() { echo 3; }\n"),
        ("test.js", JS),
        ("lib/tool", "#!/bin/sh\necho 1\n"),
    ];
    let edit = |path: &'static str, text: &'static str| vec![(path, Some(text))];
    let more = format!("{JS}\nit('more', () => {{\n  expect(1).toBe(1);\n}});\n");
    let run = "sh tests/run.sh && PATH=./lib:$PATH tool";
    check(&[
        ("code", files, edit("src/calc.sh", "add() { echo $(($1 + $2)); }\n"), run, false),
        ("application", files, edit("app/main.sh", "echo 4\n"), run, false),
        ("beside", files, edit("calc.sh", "add() { echo $(($1 + $2)); }\n"), run, true),
        ("on the path", files, edit("lib/tool", "#!/bin/sh\necho 2\n"), run, true),
        ("test", files, vec![("test.js", Some(more.as_str()))], "node test.js", false),
    ]);
}

#[test]
fn tests_of_code_may_move_to_a_file_of_their_own() {
    let code = "pub fn add(a: u8, b: u8) -> u8 { a + b }\n\n#[cfg(test)]\nmod tests;\n";
    let tests = "use super::*;\n\n#[test]\nfn adds() {\n    assert_eq!(add(1, 2), 3);\n}\n";
    let edits = vec![("src/lib.rs", Some(code)), ("src/tests.rs", Some(tests))];
    check(&[("out", &[("src/lib.rs", RUST)], edits, "cargo test", false)]);
}
