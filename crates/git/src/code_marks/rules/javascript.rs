//! Rules for JavaScript and TypeScript.

use super::super::rule::{Reach, Rule};
use paddock_model::marks::MarkKind::{AsksForTests, HidesCode, IgnoresFailure, LeavesEarly, ReplacesChecks};

/// Code that asks whether it is being tested.
pub(super) const ASKS: &[Rule] = &[
    Rule::new(
        AsksForTests,
        r#"NODE_ENV\b[^\n]{0,60}?["'`/]test["'`/]|["'`]test["'`]\s*[!=]==?[^\n]{0,40}NODE_ENV|/test/\S*\.test\([^\n]*NODE_ENV"#,
    ),
    Rule::new(AsksForTests, r#"\bcase\s+["'`]test["'`]"#).with(Reach::File, r"\bNODE_ENV\b"),
    Rule::new(
        AsksForTests,
        r"\bprocess\s*\??\.\s*env\s*\??\.\s*(?:\w+_)?TEST(?:S|ING|_\w+)?\b|\bimport\.meta\.(?:vitest|jest)\b",
    ),
    Rule::new(
        AsksForTests,
        r"\b(?:process\s*\.\s*(?:argv0?|execArgv|title|mainModule|ppid)|require\s*\.\s*main|module\s*\.\s*parent)\b[^\n]{0,100}(?:mocha|jest|vitest|jasmine|\bava\b|--test\b|node:test|[.\\]test\b|[.\\]spec\b|_test\b)",
    ),
    Rule::new(
        AsksForTests,
        r#"\b(?:process\s*\.\s*(?:argv0?|execArgv|title|mainModule)|require\s*\.\s*main)\b[^\n]{0,100}["'`/]tests?["'`/]"#,
    )
    .outside_entries(),
    Rule::new(AsksForTests, r"\b(?:mocha|jest|vitest|jasmine|node:test|node:internal/test_runner)\b|--test\b")
        .with(
            Reach::File,
            r"\bprocess\s*\.\s*(?:argv|execArgv|mainModule|ppid|moduleLoadList)\b|require\s*\.\s*(?:main|cache)\b|\.stack\b|captureStackTrace|prepareStackTrace",
        )
        .without(&[(Reach::Line, r"^\s*import\b|\bspawn|\bexec(?:File)?Sync")]),
    Rule::new(
        AsksForTests,
        r#"\b(?:globalThis|global|window)\s*\??(?:\.\s*|\[\s*["'`])(?:describe|it|test|expect|jest|vi|beforeEach|afterEach|suite|mocha|jasmine|__vitest\w*|__coverage__)\b"#,
    ),
    Rule::new(
        AsksForTests,
        r"\btypeof\s+\(?(?:globalThis\s*\.\s*|global\s*\.\s*)?(?:describe|expect|jest|vi|beforeEach|afterEach|suite|jasmine)\b|\btypeof\s+\(?(?:globalThis|global)\s*\.\s*(?:it|test)\b",
    ),
    // A parameter of these names is ordinary.
    Rule::new(AsksForTests, r"\btypeof\s+\(?(?:it|test)\s*\)?\s*[!=]==?").without(&[(
        Reach::File,
        r"\b(?:const|let|var|function)\s+(?:it|test)\b|[(,]\s*(?:it|test)\s*(?:[,)]|=>)|\b(?:it|test)\s*=>",
    )]),
    Rule::new(
        AsksForTests,
        r#"["'`](?:describe|jest|vi|expect|it|beforeEach)["'`]\s+in\s+(?:globalThis|global|window)\b"#,
    ),
    Rule::new(
        AsksForTests,
        r"(?:\.stack\b|captureStackTrace|prepareStackTrace)[^\n]{0,120}(?:\btest|[._]test|spec\b|jest|mocha|vitest)",
    ),
    Rule::new(
        HidesCode,
        r"(?:\beval|\bFunction|\brunIn\w*Context)\s*\([^\n]*(?:\batob\b|\bBuffer\b|fromCharCode|base64|\.join\(|\.reverse\(|readFileSync)",
    ),
    Rule::new(
        HidesCode,
        r#"\b(?:process|globalThis|global|module|require)\s*\[\s*(?:["'`][^"'`\n]*["'`]\s*\+|\w+\s*\+|\[|String\b|atob\b|Buffer\b)"#,
    ),
];

/// Code that ends the process.
pub(super) const LEAVES: &[Rule] = &[
    Rule::new(
        LeavesEarly,
        r"\breallyExit\b|\bprocess\s*\.\s*kill\s*\(\s*process\s*\.\s*p?pid\b|\bprocess\s*\.\s*(?:binding|_linkedBinding|dlopen|execve)\s*\(",
    ),
    Rule::new(
        LeavesEarly,
        r#"\bprocess\s*\[\s*["'`](?:exit|reallyExit|kill|emit|on)["'`]|\{[^}\n]*\b(?:exit|reallyExit)\b[^}\n]*\}\s*=\s*(?:process\b|require\(\s*["'](?:node:)?process)"#,
    )
    .outside_entries(),
    Rule::new(
        LeavesEarly,
        r"\bprocess\s*\.\s*exitCode\s*=\s*(?:0|undefined|null)\b|\bdefineProperty\s*\(\s*process\b|\bprocess\s*\.\s*(?:exit|reallyExit|emit|on|_events|kill)\s*=[^=>]",
    ),
    Rule::new(
        LeavesEarly,
        r#"\bprocess\s*\.\s*(?:on|once|addListener|prependListener|prependOnceListener)\s*\(\s*["'`](?:exit|beforeExit)["'`]"#,
    )
    .with(Reach::Near, r"\bexit\w*\s*\(|\bexitCode\b|\bkill\s*\(|reallyExit|\babort\s*\("),
    Rule::new(
        LeavesEarly,
        r#"\bprocess\s*\.\s*(?:on|once|addListener|prependListener)\s*\(\s*["'`](?:uncaughtException|unhandledRejection)["'`]"#,
    )
    .with(
        Reach::Near,
        r"\bexit\s*\(\s*0?\s*\)|=>\s*\{\s*\}|\bexitCode\s*=\s*0|function\s*\(\w*\)\s*\{\s*\}",
    ),
    Rule::new(LeavesEarly, r"\bprocess\s*\??\.\s*exit\s*(?:\?\.)?\s*\(\s*(?:0|undefined|void\s+0|null)?\s*\)")
        .bare()
        .outside_entries()
        .without(&[(Reach::Line, r"SIG(?:TERM|INT|HUP|QUIT)")]),
    Rule::new(LeavesEarly, r"(?:^|[^.\w$])exit\s*\(\s*0?\s*\)")
        .bare()
        .with(Reach::File, r#"["'](?:node:)?process["']"#)
        .outside_entries(),
];

/// Code that replaces equality, assertions or the runner.
pub(super) const REPLACES: &[Rule] = &[
    Rule::new(
        ReplacesChecks,
        r#"\brequire\s*\(\s*["'`](?:node:)?(?:assert|test)(?:/\w+)?["'`]\s*\)\s*(?:\.\s*\w+|\[[^\]\n]*\])+\s*=[^=>]"#,
    ),
    Rule::new(
        ReplacesChecks,
        r"\b(?:assert|expect|chai|sinon|jest|vi|should|Assertion)\s*(?:\.\s*\w+|\[[^\]\n]*\])+\s*=[^=>]",
    ),
    Rule::new(
        ReplacesChecks,
        r#"\b(?:assign|defineProperty|defineProperties|setPrototypeOf)\s*\(\s*(?:assert|expect|chai|require\(\s*["'`](?:node:)?(?:assert|test)|(?:Object|Array|String|Number|Boolean|Function|Promise|Map|Set|Error)\.prototype)"#,
    ),
    Rule::new(
        ReplacesChecks,
        r"\b(?:Object|Array|Number|JSON|Reflect|Promise|String|Symbol|Math)\s*\.\s*\w+\s*=[^=>]|\b(?:Object|Array|String|Number|Boolean|Function|Promise|Map|Set|Error|RegExp|Date)\s*\.\s*prototype\s*(?:\.\s*\w+|\[[^\]\n]+\])\s*=[^=>]",
    ),
    Rule::new(
        ReplacesChecks,
        r"\brequire\s*\.\s*(?:cache|extensions)\s*\[[^\n]*\](?:\s*\.\s*\w+)*\s*=[^=>]|=\s*require\s*\.\s*(?:cache|extensions)\s*(?:;|,|$)",
    ),
    Rule::new(
        ReplacesChecks,
        r"\bModule\s*\.\s*(?:_load|_compile|prototype)\b|\bModule\s*\.\s*_\w+\s*(?:\[[^\]\n]*\]\s*)?=[^=>]|\b_compile\s*=[^=>]|\bmodule\s*\.\s*constructor\b|\bregisterHooks\s*\(|\bmodule\s*\.\s*register\s*\(",
    ),
    Rule::new(
        ReplacesChecks,
        r"\b(?:jest|vi)\s*\.\s*(?:mock|spyOn|fn|doMock|setMock)\s*\(|\basymmetricMatch\b|\bmock\s*\.\s*(?:method|module)\s*\(",
    ),
    Rule::new(IgnoresFailure, r"\bpassWithNoTests\s*:\s*true"),
];
