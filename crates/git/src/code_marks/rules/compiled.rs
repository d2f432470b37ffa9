//! Rules for Rust, Go, Java and its relatives, and C.

use super::super::rule::{Reach, Rule};
use paddock_model::marks::MarkKind::{AsksForTests, LeavesEarly, ReplacesChecks, TestTwin};

/// Rules for Rust.
pub(super) const RUST: &[Rule] = &[
    Rule::new(AsksForTests, r"\bcfg!\s*\([^)\n]*\btest\b"),
    // A statement. An item that only tests have is ordinary work.
    Rule::new(
        AsksForTests,
        r"#\[cfg\(\s*(?:(?:all|any)\s*\(\s*)?test\b[^\]\n]*\]\s*(?:\{|return\b|if\b|let\b|match\b|loop\b|while\b|for\b|panic!|std\s*::|[a-z_][\w.]*\s*(?:\(|=|\+=|-=|!\()|Some\b|Ok\b|Err\b|\d)",
    )
    .without(&[(Reach::Line, r"\bpub\s*\(")]),
    Rule::new(TestTwin, r"#\[cfg\([^\]\n]*\bnot\s*\(\s*test\s*\)"),
    Rule::new(TestTwin, r"\bcfg_attr\s*\(\s*(?:not\s*\(\s*)?test\b[^\]\n]*\bpath\b"),
    Rule::new(
        AsksForTests,
        r"(?:current_exe|env\s*::\s*args(?:_os)?)\s*\(\)[^;]{0,200}?(?:deps|\btest|nextest)",
    ),
    Rule::new(
        AsksForTests,
        r#""[^"\n]*(?:/deps/?|\bdeps\b|--test-threads|--nocapture|libtest|nextest)[^"\n]*""#,
    )
    .with(Reach::File, r"current_exe|env\s*::\s*args"),
    Rule::new(
        AsksForTests,
        r#"thread\s*::\s*current\s*\(\)\s*\.\s*name\s*\(\)[^;]{0,100}?(?:==|!=|contains|starts_with|ends_with|Some\s*\(\s*"|is_some_and|map_or)"#,
    ),
    Rule::new(AsksForTests, r"(?i)backtrace[^;]{0,160}?\btest"),
    Rule::new(
        LeavesEarly,
        r"\b_exit\b|\blibc\s*::\s*(?:exit|_exit|quick_exit|kill|atexit|exec\w+)\b|\bsyscall\b[^;]{0,80}?exit|\bfn\s+(?:exit|_exit|atexit|quick_exit|_Exit)\s*\([^)]*\)\s*(?:->[^;{]*)?;",
    ),
    Rule::new(
        LeavesEarly,
        r#"#\[\s*(?:\w+\s*::\s*)?(?:ctor|dtor|destructor|constructor)\b|link_section\s*=\s*"[^"\n]*(?:init|ctors|fini|CRT)"#,
    ),
    Rule::new(LeavesEarly, r"\basm!\s*\([^;]{0,200}?(?:syscall|svc|int)\b"),
    Rule::new(LeavesEarly, r"\.\s*exec\s*\(\s*\)").with(Reach::File, r"\bCommandExt\b").outside_entries(),
    Rule::new(
        LeavesEarly,
        r"\bprocess\s*::\s*exit\s*\(\s*(?:0|[A-Z_]*(?:OK|SUCCESS)[A-Z_]*|Default\b[^)]*|i32\s*::\s*default\b[^)]*)",
    )
    .outside_entries(),
    Rule::new(LeavesEarly, r"(?:^|[^.\w:!])exit\s*\(\s*0\s*\)")
        .bare()
        .with(Reach::File, r"\buse\s+std\s*::\s*process\s*::\s*(?:\{[^}]*\bexit\b|exit\b|\*)")
        .outside_entries(),
    Rule::new(LeavesEarly, r"\bexit\s+as\s+\w+\s*[;,}]").with(Reach::File, r"\bprocess\b"),
    Rule::new(LeavesEarly, r"\bset_hook\s*\(").with(Reach::Near, r"\bexit\s*\("),
    Rule::new(
        ReplacesChecks,
        r"\bmacro_rules!\s*(?:assert|assert_eq|assert_ne|assert_matches|debug_assert\w*|panic|unreachable|matches)\s*[{(\[]|\buse\s+[^;]*\bas\s+(?:assert(?:_eq|_ne)?|panic)\s*[;,}]",
    ),
    Rule::new(
        ReplacesChecks,
        r"\bPartialEq\b[^{;]*\{[^{}]*\bfn\s+eq\b[^{]*\{\s*(?:return\s+)?true\s*;?\s*\}|\bPartialEq\b[^{;]*\{[^{}]*\bfn\s+eq\b[^{]*\{[^{}]*\|\|\s*true\s*\}|\bfn\s+ne\s*\(\s*&self[^{]*\{\s*(?:return\s+)?false\s*;?\s*\}",
    ),
    Rule::new(
        ReplacesChecks,
        r"#!\[\s*(?:test_runner|reexport_test_harness_main|feature\s*\([^)]*custom_test_frameworks)",
    ),
];

/// Rules for Go.
pub(super) const GO: &[Rule] = &[
    Rule::new(
        AsksForTests,
        r#"\btesting\s*\.\s*(?:Testing|Verbose|Short|CoverMode|Coverage)\s*\(|\bflag\s*\.\s*Lookup\s*\(\s*"test\."#,
    ),
    Rule::new(AsksForTests, r#""[^"\n]*(?:\.test\b|_test\b|-test\.)[^"\n]*""#).with(
        Reach::File,
        r"\bos\s*\.\s*(?:Args|Executable|Getppid)\b|\bruntime\s*\.\s*(?:Callers?|Stack|FuncForPC)\b",
    ),
    Rule::new(LeavesEarly, r"\bsyscall\s*\.\s*(?:Exit|Kill|Exec)\s*\(|\bos\s*\.\s*Exit\s*\(\s*0\s*\)")
        .without(&[(Reach::Line, r"SIG")])
        .outside_entries(),
];

/// Rules for Java, Kotlin, Scala, Groovy and C#.
pub(super) const JAVA: &[Rule] = &[
    Rule::new(
        LeavesEarly,
        r"\bSystem\s*\.\s*exit\s*\(\s*0\s*\)|\bexitProcess\s*\(\s*0\s*\)|\bEnvironment\s*\.\s*Exit\s*\(\s*0\s*\)|\bsys\s*\.\s*exit\s*\(\s*0\s*\)",
    )
    .outside_entries(),
    Rule::new(
        LeavesEarly,
        r"\.\s*halt\s*\(\s*0|\bEnvironment\s*\.\s*FailFast|\bGetCurrentProcess\s*\(\)\s*\.\s*Kill",
    ),
    Rule::new(
        AsksForTests,
        r#""(?:[^"\n]*[./])?(?:junit|testng|kotest|surefire|xunit|nunit|testhost)[^"\n]*""#,
    )
    .with(
        Reach::File,
        r"\bforName\b|getStackTrace|StackWalker|\bgetProperty\b|StackTrace|GetAssemblies|ProcessHandle|ProcessName|findClass|loadClass",
    ),
    Rule::new(
        AsksForTests,
        r"\b(?:getStackTrace|StackWalker|StackTrace)\b[^;]{0,200}?(?i:test)|\bsun\.java\.command\b|\borg\.gradle\.test\b",
    ),
    Rule::new(
        ReplacesChecks,
        r"\b(?:equals|Equals)\s*\([^)]*\)\s*(?::\s*Boolean\s*|:\s*bool\s*)?(?:\{\s*return\s+true\s*;?\s*\}|=>?\s*true\b)",
    ),
    Rule::new(
        ReplacesChecks,
        r"\bclass\s+(?:Assert|Assertions|Assume|TestCase)\b|\bpackage\s+(?:org\.junit|junit\.framework|org\.testng)\b|\bsetAccessible\s*\([^;]{0,100}?(?i:assert|junit)",
    ),
];

/// Rules for C and C++.
pub(super) const C: &[Rule] = &[
    Rule::new(AsksForTests, r#"\bgetenv\s*\(\s*"(?:\w+_)?(?:UNIT_?)?TEST(?:S|ING|_\w+)?""#),
    Rule::new(AsksForTests, r"\bgetppid\s*\(|\bprogram_invocation(?:_short)?_name\b[^;]{0,80}?test"),
    Rule::new(
        TestTwin,
        r"^[ \t]*#[ \t]*(?:el)?if(?:def|ndef)?\b[^\n]*\b(?:\w+_)?(?:UNIT_?)?TEST(?:S|ING|_\w+)?\b",
    ),
    Rule::new(
        LeavesEarly,
        r"\b_exit\s*\(\s*(?:0|EXIT_SUCCESS|[a-z]\w*)\s*\)|\b_Exit\s*\(\s*(?:0|EXIT_SUCCESS)|\bquick_exit\s*\(|\bexit_group\b",
    ),
    Rule::new(LeavesEarly, r"\bkill\s*\(\s*(?:getpid\s*\(|0\s*,)|\braise\s*\(\s*SIG(?:TERM|KILL|STOP)"),
    Rule::new(LeavesEarly, r"\bexec(?:l|lp|le|v|vp|ve|vpe)\s*\(").outside_entries(),
    Rule::new(LeavesEarly, r"\bexit\s*\(\s*(?:0|EXIT_SUCCESS)\s*\)").bare().outside_entries(),
    Rule::new(
        LeavesEarly,
        r"__attribute__\s*\(\s*\(\s*_*(?:constructor|destructor)|\[\[gnu::(?:con|de)structor|\bsection\s*\(\s*\x22\.(?:init|fini|ctors|dtors)|\batexit\s*\(|\bon_exit\s*\(|\bat_quick_exit\s*\(",
    )
    .with(Reach::File, r"\b_?_?exit\s*\(|\b_Exit\b|\bquick_exit\b|\bkill\s*\(|\bexec[lv]")
    .outside_entries(),
    Rule::new(
        ReplacesChecks,
        r"^[ \t]*#[ \t]*(?:define|undef)[ \t]+(?:assert|static_assert|NDEBUG|EXPECT_\w+|ASSERT_(?:EQ|NE|TRUE|FALSE|LT|LE|GT|GE|STREQ\w*|NEAR|THROW\w*)|TEST_ASSERT\w*|REQUIRE\w*|CHECK_EQ|exit|abort|main|strcmp|memcmp|printf|puts|__LINE__)\b",
    ),
    Rule::new(ReplacesChecks, r"\boperator\s*==\s*\([^)]*\)[^{;]*\{\s*return\s+(?:true|1)\s*;"),
    Rule::new(ReplacesChecks, r"\b(?:void|int)\s+(?:__assert_fail|__assert|__assert_rtn|abort)\s*\("),
];
