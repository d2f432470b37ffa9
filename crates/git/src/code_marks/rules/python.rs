//! Rules for Python.

use super::super::rule::{Reach, Rule};
use paddock_model::marks::MarkKind::{AsksForTests, HidesCode, LeavesEarly, ReplacesChecks};

/// Code that asks whether it is being tested.
pub(super) const ASKS: &[Rule] = &[
    // A runner's name in a string, in a file that looks at what runs or is loaded.
    Rule::new(
        AsksForTests,
        r#"["'](?:[^"'\n]*[/.])?(?:unittest2?|_?pytest|py\.test|nose2?|coverage|doctest|testrunner|test_runner)(?:[/.][^"'\n]*)?["']"#,
    )
    .with(
        Reach::File,
        r"\bsys\s*\.\s*(?:modules|argv|orig_argv|_getframe|gettrace)\b|\bargv\b|\bmodules\b|inspect\s*\.\s*(?:stack|currentframe|getouterframes)|\btraceback\b|extract_stack|f_back|f_globals|co_filename|psutil|getppid|find_spec|import_module|__import__|globals\(\)|cmdline|process_iter",
    )
    .without(&[(Reach::Line, r"tests_require|extras_require|install_requires|subprocess|\bsession\.(?:run|install)")]),
    Rule::new(
        AsksForTests,
        r#"\bsys\s*\.\s*(?:modules|argv|orig_argv)\b[^\n]{0,100}\b(?:unittest|_?pytest|nose2?|py\.test|tests?)\b|["']\w*test\w*["']\s*(?:not\s+)?in\s+(?:set\()?(?:sys\s*\.\s*)?(?:modules|argv|orig_argv)\b"#,
    ),
    Rule::new(
        AsksForTests,
        r#"(?:inspect\s*\.\s*(?:stack|currentframe|getouterframes)|_getframe|extract_stack|format_stack|walk_stack|f_back|co_filename|co_name|f_globals|getppid|psutil)[^\n]{0,160}(?:["']|\b)_?(?:unit|py)?test"#,
    ),
    // The loop over the frames and the question may be in different lines.
    Rule::new(AsksForTests, r#"["'][^"'\n]*\b(?:unit|py)?_?tests?(?:_[^"'\n]*)?\.?(?:py)?["']"#)
        .with(
            Reach::File,
            r"inspect\s*\.\s*(?:stack|currentframe|getouterframes)|_getframe|extract_stack|walk_stack|f_back|getppid|psutil",
        )
        .without(&[(Reach::Line, r"^\s*(?:import|from)\b")]),
    Rule::new(
        AsksForTests,
        r"\b_called_from_test\b|\bTestCase\b[^\n]*\bin\b[^\n]*(?:stack|modules|get_objects)",
    ),
    Rule::new(
        AsksForTests,
        r#"(?:os\s*\.\s*environ|getenv)[^\n]{0,30}["'](?:\w+_)?(?:UNIT_?)?TEST(?:S|ING|_MODE|_ENV|_RUN\w*)?["']"#,
    ),
    Rule::new(
        AsksForTests,
        r#"\b__name__\b[^\n]{0,60}["'][^"'\n]*\btest|\b__file__\b[^\n]{0,40}\bin\b[^\n]{0,30}test"#,
    ),
    Rule::new(AsksForTests, r"\bpsutil\s*\.\s*Process\s*\(|\bos\s*\.\s*getppid\s*\("),
    Rule::new(
        HidesCode,
        r"(?:^|[^.\w])(?:exec|eval|compile)\s*\([^\n]*(?:b64decode|b85decode|\.decode\(|fromhex|bytes\(|chr\(|\.join\(|zlib|marshal|codecs|\[::-1\])|\bmarshal\s*\.\s*loads\s*\(",
    ),
    Rule::new(
        HidesCode,
        r#"\b(?:getattr|setattr|__import__|import_module)\s*\([^\n]*(?:["']\s*\+\s*["']|chr\(|\[::-1\]|["']["']\s*\.\s*join|b64decode|fromhex|rot_?13)"#,
    ),
];

/// Code that ends the process.
pub(super) const LEAVES: &[Rule] = &[
    Rule::new(LeavesEarly, r"\b_exit\b|\bPy_Exit\b|\bquick_exit\b|\b_Exit\b|\binterrupt_main\b")
        .without(&[(Reach::Line, r"\b(?:self|cls)\s*\.\s*_exit\b|\bdef\s+_exit\b")]),
    Rule::new(
        LeavesEarly,
        r"\bos\s*\.\s*kill(?:pg)?\s*\(\s*(?:(?:os|posix)\s*\.\s*)?(?:getpid|getpgrp|getpgid|getppid|0\b)|\braise_signal\b|\bpthread_kill\b",
    ),
    Rule::new(LeavesEarly, r"\bos\s*\.\s*exec[lv]\w*\s*\(").outside_entries(),
    Rule::new(LeavesEarly, r#"\bexec[lv]p?e?\s*\(\s*["'](?:/usr)?(?:/bin/)?true["']"#),
    Rule::new(LeavesEarly, r"(?:CDLL|cdll|pythonapi|libc|ctypes)[^\n]{0,60}\bexit\b"),
    Rule::new(
        LeavesEarly,
        r"\batexit\s*\.\s*register\b|\bweakref\s*\.\s*finalize\b|\b(?:sys|threading)\s*\.\s*(?:excepthook|unraisablehook)\s*=",
    )
    .with(
        Reach::File,
        r"\b_exit\b|raise_signal|os\s*\.\s*kill\s*\(|os\s*\.\s*exec|SystemExit\s*\(\s*0?\s*\)|^(?:sys\s*\.\s*)?exit\s*\(\s*0?\s*\)|\bunittest\b|\bpytest\b",
    ),
    Rule::new(
        LeavesEarly,
        r"(?:^|[^.\w])(?:sys\s*\.\s*)?exit\s*\(\s*(?:0|None|False|code\s*=\s*0)?\s*\)|(?:^|[^.\w])quit\s*\(\s*0?\s*\)",
    )
    .bare()
    .on_load(),
    Rule::new(LeavesEarly, r"\braise\s+SystemExit\b(?:\s*\(\s*(?:0|None|False)?\s*\))?[ \t]*$").bare().on_load(),
    Rule::new(LeavesEarly, r"\bpytest\s*\.\s*exit\s*\("),
    Rule::new(LeavesEarly, r"(?:^|[^.\w])(?:sys\s*\.\s*)?exit\s*\(\s*0?\s*\)")
        .bare()
        .with(Reach::Line, r"\b(?:Timer|Thread|lambda|call_later)\b")
        .outside_entries(),
];

/// Code that replaces equality, assertions or the runner.
pub(super) const REPLACES: &[Rule] = &[
    Rule::new(
        ReplacesChecks,
        r"\bdef\s+__eq__\s*\([^)]*\)[^:\n]*:\s*return\s+(?:True|1|not\s+False|not\s+None)[ \t]*$|\bdef\s+__ne__\s*\([^)]*\)[^:\n]*:\s*return\s+(?:False|0)[ \t]*$|\bdef\s+__eq__\s*\([^)]*\)[^:\n]*:\s*return\s+[^\n]*\bor\s+(?:True|1)\b",
    ),
    Rule::new(
        ReplacesChecks,
        r#"\b__(?:eq|ne)__\s*=\s*lambda[^\n:]*:\s*(?:True|1|False|0)\b|["']__eq__["']\s*[:,]\s*lambda"#,
    ),
    Rule::new(
        ReplacesChecks,
        r"\b(?:unittest|_?pytest|\w*Test(?:Case|Result|Loader|Program|Runner|Suite))\s*(?:\.\s*\w+)+\s*=[^=]",
    ),
    Rule::new(
        ReplacesChecks,
        r"\.\s*(?:addFailure|addError|addSubTest|addSuccess|wasSuccessful|runTest|startTest|stopTest)\s*=[^=]|\bsetattr\s*\([^\n]*(?:unittest|pytest|Test(?:Case|Result|Loader|Program|Runner|Suite)|assert|builtins|__eq__)",
    ),
    Rule::new(
        ReplacesChecks,
        r"\b(?:builtins|__builtins__)\s*(?:\.\s*\w+|\[[^\]\n]*\])\s*=[^=]|\b(?:sys\s*\.\s*exit|os\s*\.\s*_exit)\s*=[^=]",
    ),
    // A product has no use for a runner, least of all to assign to something in it.
    Rule::new(ReplacesChecks, r"^\s*(?:import|from)\s+(?:unittest|_?pytest)\b")
        .with(Reach::File, r"^[A-Za-z_]\w*(?:\.\w+)+\s*=[^=]|\bsetattr\s*\("),
    Rule::new(
        ReplacesChecks,
        r"\bfrom\s+unittest\.mock\b|\bimport\s+unittest\.mock\b|\bfrom\s+unittest\s+import\s+mock\b",
    ),
    Rule::new(
        ReplacesChecks,
        r"\b(?:sys|threading)\s*\.\s*(?:settrace|setprofile)(?:_all_threads)?\s*\(|\bsys\s*\.\s*(?:monitoring|meta_path|path_hooks)\b",
    ),
    Rule::new(
        ReplacesChecks,
        r"\bsys\s*\.\s*modules\s*\[[^\]\n]*\]\s*=[^=]|\bsys\s*\.\s*modules\s*\.\s*(?:update|setdefault|pop|clear)\s*\(",
    )
    .without(&[(Reach::Line, r"modules\s*\[\s*__name__\s*\]")]),
    Rule::new(
        ReplacesChecks,
        r"\bgc\s*\.\s*get_(?:objects|referrers|referents)\b|\bctypes\s*\.\s*(?:pythonapi|py_object|memmove|memset)\b|\.\s*__code__\s*=[^=]|\b__bases__\s*=[^=]",
    ),
    Rule::new(
        ReplacesChecks,
        r"\bdef\s+pytest_\w+\s*\(|^\s*pytest_plugins\s*=|\bdef\s+(?:assert[A-Z]\w*|load_tests)\s*\(",
    ),
];
