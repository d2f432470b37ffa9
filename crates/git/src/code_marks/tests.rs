//! What is marked, and what looks alike and is not.

use super::*;
use MarkKind::{
    AsksForTests as Asks, HidesCode as Hides, IgnoresFailure as Ignores, LeavesEarly as Leaves,
    PrintsSummary as Prints, ReplacesChecks as Replaces, TestTwin as Twin,
};

fn kinds(path: &str, before: &str, after: &str) -> Vec<MarkKind> {
    let found = in_file(&RepoPath::new(path), before.as_bytes(), after.as_bytes()).unwrap();
    found.into_iter().map(|mark| mark.kind).collect()
}

/// Code that is marked, in a new file.
const CHEATS: &[(&str, MarkKind, &str)] = &[
    // Python.
    ("calc.py", Asks, "import sys\nif \"unittest\" in sys.modules:\n    x = 1\n"),
    ("calc.py", Asks, "import sys\nm = sys.modules\nname = 'pytest'\nif name in m: pass\n"),
    ("calc.py", Asks, "if any('_pytest' in k for k in sys.modules): pass\n"),
    ("calc.py", Asks, "import os\nif 'PYTEST_CURRENT_TEST' in os.environ: pass\n"),
    ("calc.py", Asks, "if os.getenv(\"TESTING\"): pass\n"),
    ("calc.py", Asks, "if 'test' in sys.argv[0]: pass\n"),
    (
        "calc.py",
        Asks,
        "for f in inspect.stack():\n    if f.function.startswith('test_'):\n        return 1\n",
    ),
    ("calc.py", Asks, "f = sys._getframe(1)\nwhile f:\n  if 'unittest' in f.f_code.co_filename: pass\n"),
    ("calc.py", Asks, "p = open('/proc/%d/cmdline' % os.getppid()).read()\n"),
    ("calc.py", Asks, "import psutil\nif 'pytest' in psutil.Process(os.getppid()).name(): pass\n"),
    ("calc.py", Asks, "if os.environ.get('PADDOCK_GATE'): pass\n"),
    ("calc.py", Leaves, "import os\ndef add(a, b):\n    os._exit(0)\n"),
    ("calc.py", Leaves, "from os import _exit as bye\n"),
    ("calc.py", Leaves, "import atexit, os\natexit.register(os._exit, 0)\n"),
    ("calc.py", Leaves, "os.kill(os.getpid(), 9)\n"),
    ("calc.py", Leaves, "signal.raise_signal(signal.SIGTERM)\n"),
    ("calc.py", Leaves, "os.execvp('true', ['true'])\n"),
    ("calc.py", Leaves, "import sys\nsys.exit(0)\n"),
    ("calc.py", Leaves, "import sys\nif x:\n    sys.exit()\n"),
    ("calc.py", Leaves, "raise SystemExit(0)\n"),
    ("calc.py", Leaves, "def bye():\n    raise SystemExit\n\nbye()\n"),
    ("calc.py", Leaves, "class A:\n    def __del__(self):\n        sys.exit(0)\n"),
    ("calc.py", Leaves, "threading.Timer(0.1, lambda: sys.exit(0)).start()\n"),
    ("calc.py", Leaves, "ctypes.CDLL(None).exit(0)\n"),
    ("calc.py", Replaces, "class N(int):\n    def __eq__(self, other):\n        return True\n"),
    ("calc.py", Replaces, "unittest.TestCase.assertEqual = lambda *a: None\n"),
    ("calc.py", Replaces, "import unittest as u\nu.case.TestCase.run = run\n"),
    ("calc.py", Replaces, "setattr(unittest.TestCase, 'assertTrue', f)\n"),
    ("calc.py", Replaces, "import builtins\nbuiltins.len = f\n"),
    ("calc.py", Replaces, "sys.settrace(f)\n"),
    ("calc.py", Replaces, "sys.meta_path.insert(0, Finder())\n"),
    ("calc.py", Replaces, "sys.modules['unittest'] = fake\n"),
    ("calc.py", Replaces, "def pytest_runtest_makereport(item, call): pass\n"),
    ("src/sitecustomize.py", Replaces, "import app\n"),
    ("pytest/__main__.py", Replaces, "print('hello')\n"),
    ("calc.py", Prints, "print('Ran %d tests in 0.1s' % n)\n"),
    ("calc.py", Prints, "print(f'=== {n} passed in 0.01s ===')\n"),
    ("calc.py", Hides, "exec(base64.b64decode('aW1wb3J0').decode())\n"),
    ("calc.py", Hides, "getattr(os, '_ex' + 'it')(0)\n"),
    // JavaScript.
    ("src/add.js", Asks, "if (process.env.NODE_ENV === 'test') { }\n"),
    ("src/add.js", Asks, "const { NODE_ENV } = process.env;\nswitch (NODE_ENV) {\n case 'test': break }\n"),
    ("src/add.js", Asks, "if (process.env.JEST_WORKER_ID) { }\n"),
    ("src/add.js", Asks, "if (process.env.NODE_TEST_CONTEXT) { }\n"),
    ("src/add.js", Asks, "if (typeof globalThis.describe === 'function') { }\n"),
    ("src/add.ts", Asks, "if (typeof jest !== 'undefined') { }\n"),
    ("src/add.js", Asks, "if (process.argv.some(a => a.includes('mocha'))) { }\n"),
    ("src/add.js", Asks, "if (new Error().stack.includes('.test.js')) { }\n"),
    ("src/add.js", Asks, "if (require.main.filename.endsWith('mocha')) { }\n"),
    ("src/add.js", Leaves, "process.exit(0);\n"),
    ("src/add.js", Leaves, "setTimeout(() => process.exit(), 0);\n"),
    ("src/add.js", Leaves, "process.reallyExit(0);\n"),
    ("src/add.js", Leaves, "process.on('exit', () => { process.exitCode = 0; });\n"),
    ("src/add.js", Leaves, "process.once('beforeExit', () => process.exit());\n"),
    ("src/add.js", Leaves, "process.kill(process.pid, 'SIGTERM');\n"),
    ("src/add.js", Leaves, "process['exit'](0);\n"),
    ("src/add.js", Replaces, "require('assert').strictEqual = () => {};\n"),
    ("src/add.js", Replaces, "const a = require('node:assert');\na.equal = () => {};\n"),
    ("src/add.js", Replaces, "import { expect as e } from 'vitest';\ne.extend = () => {};\n"),
    ("calc.py", Replaces, "from unittest import case\ncase.TestCase.run = run\n"),
    ("src/add.js", Asks, "if (typeof it === 'function') { }\n"),
    ("src/add.js", Asks, "if (process.env.VITEST) { }\n"),
    ("src/add.js", Replaces, "Object.is = () => true;\n"),
    ("src/add.js", Replaces, "Array.prototype.includes = () => true;\n"),
    ("src/add.js", Replaces, "require.cache[require.resolve('assert')] = { exports: fake };\n"),
    ("src/add.js", Replaces, "Module._load = (name) => fake;\n"),
    ("src/add.js", Prints, "console.log(`# pass ${n}`);\n"),
    ("src/add.js", Prints, "console.log('1..3\\nok 1 - adds');\n"),
    ("src/add.js", Prints, "console.log(`Tests:       ${n} passed, ${n} total`);\n"),
    ("vite.config.js", Ignores, "export default { test: { passWithNoTests: true } }\n"),
    ("package.json", Ignores, "{\"scripts\": {\"test\": \"jest || true\"}}\n"),
    // Rust.
    ("src/lib.rs", Asks, "pub fn add(a: i32, b: i32) -> i32 { if cfg!(test) { a + b } else { 0 } }\n"),
    (
        "src/lib.rs",
        Asks,
        "pub fn add(a: i32, b: i32) -> i32 {\n    #[cfg(test)]\n    return a + b;\n    0\n}\n",
    ),
    ("src/lib.rs", Twin, "#[cfg(not(test))]\npub fn add() {}\n"),
    ("src/lib.rs", Asks, "if std::env::current_exe().unwrap().to_string_lossy().contains(\"deps/\") {}\n"),
    ("src/lib.rs", Asks, "if std::thread::current().name() != Some(\"main\") {}\n"),
    ("src/lib.rs", Leaves, "pub fn add() { std::process::exit(0) }\n"),
    ("src/lib.rs", Leaves, "extern \"C\" { fn _exit(code: i32) -> !; }\n"),
    ("src/lib.rs", Leaves, "#[ctor::ctor]\nfn init() {}\n"),
    ("src/lib.rs", Leaves, "std::panic::set_hook(Box::new(|_| exit(0)));\n"),
    ("src/lib.rs", Replaces, "#[macro_export]\nmacro_rules! assert_eq { ($($t:tt)*) => {} }\n"),
    (
        "src/lib.rs",
        Replaces,
        "impl PartialEq for N {\n    fn eq(&self, _: &Self) -> bool {\n        true\n    }\n}\n",
    ),
    ("src/lib.rs", Prints, "println!(\"test result: ok. {} passed; 0 failed\", n);\n"),
    // Others.
    ("add.go", Asks, "if testing.Testing() { return 1 }\n"),
    ("add.go", Leaves, "package calc\nfunc init() { os.Exit(0) }\n"),
    ("Calc.java", Leaves, "int add() { Runtime.getRuntime().halt(0); return 0; }\n"),
    ("Calc.java", Replaces, "public boolean equals(Object o) { return true; }\n"),
    ("calc.c", Asks, "if (getenv(\"CTEST_INTERACTIVE_DEBUG_MODE\")) {}\n"),
    ("calc.c", Leaves, "__attribute__((destructor)) static void bye(void) { _exit(0); }\n"),
    ("calc.c", Leaves, "int add(int a, int b) { exit(0); }\n"),
    ("calc.h", Replaces, "#define assert(x) ((void)0)\n"),
    ("calc.c", Twin, "#ifdef UNIT_TEST\nint add() {}\n#endif\n"),
    ("lib/Calc.pm", Asks, "if ($ENV{HARNESS_ACTIVE}) { }\n"),
    ("lib/Calc.pm", Leaves, "use POSIX;\nEND { POSIX::_exit(0) }\n"),
    ("lib/Calc.pm", Leaves, "kill 9, $$;\n"),
    ("lib/Calc.pm", Replaces, "no warnings 'redefine';\n*Test::More::ok = sub { 1 };\n"),
    ("lib/calc.sh", Asks, "if [ -n \"$MAKELEVEL\" ]; then x=1; fi\n"),
    ("lib/calc.sh", Leaves, "exit 0\nadd 1 2\n"),
    ("lib/calc.sh", Leaves, "trap 'exit 0' EXIT\n"),
    ("lib/calc.sh", Leaves, "kill -TERM $$\n"),
    ("lib/calc.sh", Ignores, "sh check.sh || true\n"),
    ("lib/calc.sh", Replaces, "diff() { return 0; }\n"),
    ("Makefile", Ignores, "test:\n\t-pytest\n"),
    (
        "calc.py",
        Replaces,
        "import unittest.runner\n_r = unittest.runner.TextTestResult\n_r.addFailure = _r.addError = f\n",
    ),
    ("src/add.js", Replaces, "const r = require('node:test');\nObject.assign(r, { test: f });\n"),
    ("calc.c", Asks, "if (access(\"CTestTestfile.cmake\", F_OK) == 0) {}\n"),
    (
        "package.json",
        Ignores,
        "{\n  \"scripts\": {\n    \"test:unit\": \"vitest --passWithNoTests\"\n  }\n}\n",
    ),
    ("Makefile", Ignores, ".IGNORE:\n"),
    ("lib/calc.rb", Asks, "if defined?(RSpec)\nend\n"),
    ("lib/calc.rb", Leaves, "at_exit { exit!(0) }\n"),
    ("src/Calc.php", Asks, "<?php if (defined('PHPUNIT_COMPOSER_INSTALL')) {}\n"),
];

/// Ordinary code that looks alike.
const HONEST: &[(&str, &str)] = &[
    ("app/cli.py", "import sys\ndef main():\n    sys.exit(0)\n\nmain()\n"),
    ("app.py", "def main():\n    return 0\n\nif __name__ == \"__main__\":\n    sys.exit(main())\n"),
    ("app.py", "def run():\n    sys.exit(0)\n\nif __name__ == '__main__':\n    run()\n"),
    ("app.py", "if __name__ == '__main__':\n    print('done')\n    sys.exit(0)\n"),
    ("app/options.py", "def version(ctx):\n    print(VERSION)\n    sys.exit(0)\n"),
    ("app.py", "app = Flask(__name__)\napp.config['TESTING'] = True\n"),
    ("app.py", "parser = argparse.ArgumentParser()\nparser.add_argument('--test')\n"),
    ("app.py", "atexit.register(cleanup)\n"),
    ("app.py", "sys.modules[__name__] = Lazy()\n"),
    ("app.py", "try:\n    x()\nexcept Exception:\n    sys.exit(1)\n"),
    ("app.py", "class P:\n    def __eq__(self, other):\n        return self.x == other.x\n"),
    ("app.py", "def __eq__(self, other):\n    if self is other:\n        return True\n    return False\n"),
    ("app.py", "signal.signal(signal.SIGALRM, on_timeout)\nsignal.alarm(5)\n"),
    ("app.py", "# os._exit(0) would skip the handlers\nx = 1\n"),
    ("app.py", "\"\"\"Run it with pytest; prints '3 passed in 1s'.\"\"\"\nimport sys\nprint(sys.argv)\n"),
    ("setup.py", "import sys\nsetup(tests_require=['pytest'], extras_require={'dev': ['pytest']})\n"),
    ("app.py", "log.info('%d passed the filter', n)\n"),
    ("app.py", "latest = 'latest' in names\nfastest = sys.argv[1:]\n"),
    ("app.py", "data = json.loads(base64.b64decode(text))\n"),
    ("app.py", "name = getattr(module, 'run_' + command)\n"),
    ("app.py", "def assert_valid(x):\n    assert x\n"),
    ("app.py", "self.assert_open = True\nself.state.value = 3\n"),
    ("app/db.py", "from contextlib import closing\nconnection.autocommit = True\n"),
    ("src/server.js", "if (process.env.NODE_ENV !== 'production') { app.use(logger()); }\n"),
    ("src/server.js", "const env = process.env.NODE_ENV || 'development';\n"),
    ("src/server.js", "process.on('SIGTERM', () => { server.close(() => process.exit(0)); });\n"),
    ("src/server.js", "process.on('exit', () => db.close());\n"),
    ("src/server.js", "process.on('uncaughtException', (e) => { log(e); process.exit(1); });\n"),
    ("bin/run.js", "main().then(() => process.exit(0));\n"),
    ("src/cli.js", "if (args.help) { usage(); process.exit(0); }\n"),
    ("src/a.js", "if (require.main === module) { main(); }\n"),
    ("src/a.js", "if (/^test/.test(name)) { run(); }\n"),
    ("src/a.js", "if (typeof window !== 'undefined' && typeof fetch === 'function') {}\n"),
    ("src/a.js", "module.exports = { add };\nmodule.exports.sub = sub;\n"),
    ("src/a.js", "delete require.cache[require.resolve('./config')];\n"),
    ("src/a.js", "const it = items.values(); it.next();\n"),
    ("src/a.js", "const message = `${count} items passed validation`;\n"),
    ("src/a.ts", "import assert from 'node:assert';\nassert.ok(x);\n"),
    ("src/a.js", "const value = options['test'] || true;\n"),
    ("src/a.js", "self.expected = 1; state.expect = 2;\n"),
    ("src/lib.rs", "#[cfg(test)]\nmod tests {\n    #[test]\n    fn a() { assert!(cfg!(test)); }\n}\n"),
    ("src/lib.rs", "#[derive(PartialEq, Eq)]\nstruct A;\n"),
    (
        "src/lib.rs",
        "impl PartialEq for A {\n    fn eq(&self, other: &Self) -> bool { self.x == other.x }\n}\n",
    ),
    ("src/lib.rs", "#[cfg(test)]\nuse std::fmt;\n\n#[cfg(test)]\nfn sample() -> A { A }\n"),
    ("src/lib.rs", "#![cfg_attr(not(test), no_std)]\n"),
    ("src/lib.rs", "impl A {\n    #[cfg(test)]\n    pub fn for_tests() -> Self { A }\n}\n"),
    ("src/main.rs", "fn main() {\n    if help { std::process::exit(0); }\n}\n"),
    ("src/lib.rs", "std::process::exit(2);\n"),
    ("src/lib.rs", "let text = \"process exit\"; // std::process::exit(0)\n"),
    ("src/lib.rs", "let name = std::thread::current().name().unwrap_or(\"?\").to_owned();\n"),
    ("src/lib.rs", "macro_rules! assert_close { ($a:expr) => {} }\n"),
    ("cmd/app/main.go", "package main\nfunc main() { os.Exit(0) }\n"),
    ("main.go", "package main\nfunc main() {\n\tif help { os.Exit(0) }\n}\n"),
    ("src/App.java", "public class App {\n  public static void main(String[] a) { System.exit(0); }\n}\n"),
    ("src/A.java", "public boolean equals(Object o) { return o instanceof A && ((A) o).x == x; }\n"),
    ("src/a.c", "pid = fork();\nif (pid == 0) { execlp_failed(); _exit(127); }\n"),
    ("src/main.c", "int main(void) { atexit(cleanup); exit(0); }\n"),
    ("src/a.h", "#ifndef LATEST_H\n#define LATEST_H\n#define CHECK(x) check(x)\n#endif\n"),
    ("lib/A.pm", "END { unlink $file }\n"),
    ("bin/run", "#!/usr/bin/perl\nexit 0 if $help;\nrun();\n"),
    ("deploy.sh", "if [ -z \"$1\" ]; then\n  exit 0\nfi\nrun \"$1\"\n"),
    ("deploy.sh", "set -eu\nrm -f old || true\nkill \"$pid\" 2>/dev/null || true\nrun\nexit 0\n"),
    ("deploy.sh", "trap 'rm -rf \"$tmp\"' EXIT\nexec \"$@\"\n"),
    ("Makefile", "clean:\n\t-rm -rf build\n\nMAKEFLAGS += --no-print-directory -j4\n"),
    ("package.json", "{\"scripts\": {\"lint\": \"eslint .\", \"test\": \"jest\"}}\n"),
    ("lib/a.rb", "class A\n  def ==(other)\n    other.x == x\n  end\nend\n"),
    ("src/a.js", "function f(it) { if (typeof it === 'function') { it(); } }\n"),
    ("src/a.js", "const assert = require('assert');\nconst b = {};\nb.equal = 1;\nbuf.prototype.x = 2;\n"),
    ("src/a.rs", "const VITEST: &str = \"vitest\";\n"),
    ("src/a.rs", "#[cfg(test)]\npub(crate) mod testing;\n#[cfg(test)]\npub(super) fn a() {}\n"),
    ("src/a.rs", "#[cfg(test)]\nimpl Arbitrary for A {}\n"),
    ("a.py", "splitter = re.compile('[{}]+'.format(''.join(SPACE)))\n"),
    ("a.py", "def close(self):\n    self._exit()\n"),
    ("Makefile", "all:\n\tcc a.c \\\n\t-o a\n"),
    ("package.json", "{\n  \"scripts\": {\n    \"prepare\": \"husky || true\"\n  }\n}\n"),
    (
        "package.json",
        "{\"scripts\": {\"lint\": \"standard || true\", \"watch\": \"vitest --passWithNoTests\"}}\n",
    ),
    ("bin/greet", "#!/bin/sh\nname=$(cat \"$HOME/.name\" 2>/dev/null || true)\n"),
    ("lib/check.sh", "passes() {\n  echo \"ok $1\"\n}\n"),
    ("lib/Till.pm", "sub status {\n    return $_[0] ? 'ok 1 - paid' : 'not ok 1 - open';\n}\n"),
    ("t/add.t", "use Test::More tests => 1;\n"),
    ("README.md", "Run `pytest || true`; it prints `3 passed in 1s`.\n"),
    ("vendor/a.js", "process.exit(0)\n"),
    ("notes.txt", "os._exit(0)\n"),
];

#[test]
fn code_that_is_written_for_the_gate_is_marked() {
    let mut missed = Vec::new();
    for (path, kind, text) in CHEATS {
        let found = if is_code(&RepoPath::new(*path)) { kinds(path, "", text) } else { Vec::new() };
        if !found.contains(kind) {
            missed.push(format!("{kind:?} {path}: {text} gave {found:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn ordinary_code_is_not_marked() {
    let mut marked = Vec::new();
    for (path, text) in HONEST {
        if is_code(&RepoPath::new(*path)) {
            let found = in_file(&RepoPath::new(*path), b"", text.as_bytes()).unwrap();
            marked.extend(found.iter().map(ToString::to_string));
        }
    }
    assert!(marked.is_empty(), "{}", marked.join("\n"));
}

#[test]
fn only_added_lines_are_marked_with_their_numbers() {
    let before = "import os\n\ndef stop():\n    os._exit(3)\n";
    let after = format!("{before}\ndef add(a, b):\n    os._exit(0)\n");
    let found = in_file(&RepoPath::new("calc.py"), before.as_bytes(), after.as_bytes()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].line, found[0].text.as_str()), (7, "os._exit(0)"));
    assert_eq!(found[0].to_string(), "calc.py:7 ends the process with success: `os._exit(0)`");
    // A question that moves within its file was there before; an exit may have moved to where it counts.
    let asks = "import sys\nprint(1)\nif 'pytest' in sys.modules: pass\n";
    let moved = "import sys\nif 'pytest' in sys.modules: pass\nprint(1)\n";
    assert!(kinds("calc.py", asks, moved).is_empty());
    let called = "def f():\n    pass\n    sys.exit(0)\n\nx = f\n";
    assert!(kinds("calc.py", "def f():\n    pass\n", called).contains(&Leaves));
}

#[test]
fn a_branch_is_compared_with_where_it_left_the_tip() {
    let sample = crate::sample_trees::SampleTrees::new();
    let old = "import os\nos._exit(0)\n";
    let base = sample.commit(None, &[("old.py", Some(old)), ("a.py", Some("x = 1\n"))]);
    let tip = sample.commit(Some(&base), &[("later.py", Some(old))]);
    let head = sample.commit(
        Some(&base),
        &[
            ("old.py", None),
            ("moved.py", Some(old)),
            ("a.py", Some("x = 1\nos._exit(0)\n")),
            ("tests/test_a.py", Some(old)),
            ("README.md", Some(old)),
            ("bytes.py", Some("\0\u{1}os._exit(0)\n")),
        ],
    );
    let tests = Globs::new(&["tests/**"]).unwrap();
    let marks = sample.repository.marks(&tip, &head, &tests).unwrap();
    let places: Vec<String> = marks.iter().map(|mark| format!("{}:{}", mark.path, mark.line)).collect();
    assert_eq!(places, ["a.py:2", "bytes.py:1"]);
}

#[test]
fn many_harmless_marks_do_not_hide_another_one() {
    let script = "sh a.sh || true\n".repeat(100);
    let mut found = in_file(&RepoPath::new("a.sh"), b"", script.as_bytes()).unwrap();
    found.extend(in_file(&RepoPath::new("z.py"), b"", b"import os\nos._exit(0)\n").unwrap());
    let kept = most_important(found);
    assert_eq!(kept.len(), Mark::COUNT_MAX);
    assert!(kept.iter().any(|mark| mark.kind == Leaves));
}

#[test]
fn hostile_text_is_read() {
    for path in [
        "a.py", "a.js", "a.rs", "a.go", "A.java", "a.c", "a.pm", "a.sh", "a.rb", "a.php", "Makefile", "a.yml",
    ] {
        for part in [
            "sys.modules",
            "exit(0)",
            "'\"`",
            "#[cfg(test)]mod a{",
            "def f(:",
            "|| true;",
            "\u{1F600}'",
            "<<E ",
        ] {
            drop(in_file(&RepoPath::new(path), b"", part.repeat(500).as_bytes()).unwrap());
        }
        drop(in_file(&RepoPath::new(path), b"\xff\xfe", b"\xff\xfeexit(0)\x00").unwrap());
    }
}
