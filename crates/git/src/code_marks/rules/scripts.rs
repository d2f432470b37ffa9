//! Rules for shells, make, Perl, Ruby and PHP, and for the commands in settings.

use super::super::rule::{Reach, Rule};
use paddock_model::marks::MarkKind::{AsksForTests, HidesCode, IgnoresFailure, LeavesEarly, ReplacesChecks};

/// Commands that clean up: nobody minds if they fail.
const CLEANUP: &str = r"(?:^|[;&|({\t \x22'@])-?(?:rm|rmdir|unlink|kill|killall|pkill|umount|wait|popd|stty|tput|docker[ \t]+(?:rm|stop|kill|rmi|network|volume|compose[ \t]+down)|docker-compose[ \t]+down|podman[ \t]+(?:rm|stop)|git[ \t]+(?:worktree[ \t]+remove|branch[ \t]+-[dD]|stash|remote[ \t]+remove)|systemctl[ \t]+stop|deactivate|trap)\b";

/// Rules for commands, wherever they are written.
pub(super) const COMMANDS: &[Rule] = &[
    Rule::new(
        IgnoresFailure,
        r"\|\|\s*(?:/(?:usr/)?bin/)?(?:true\b|:(?:\s|$|;|\)|\x22|')|exit\s+0\b|echo\b)|;\s*(?:/(?:usr/)?bin/)?(?:true|:)\s*(?:$|\x22|')|;\s*exit\s+0\s*(?:$|\x22|')",
    )
    .without(&[
        (Reach::Line, CLEANUP),
        // A value that is empty if it cannot be read.
        (
            Reach::Line,
            r"\$\(\s*(?:cat|grep|egrep|git|command|which|ls|head|tail|sed|awk|find|uname|hostname|whoami|id|readlink|realpath|stat|wc|basename|dirname|jq|getent)\b[^)\n]*\|\|\s*(?:true|:|echo\b[^)\n]*)\s*\)",
        ),
    ]),
    Rule::new(IgnoresFailure, r"\bset\s+\+(?:\w*e\w*|o\s+(?:errexit|pipefail))(?:\s|;|$)"),
    Rule::new(
        IgnoresFailure,
        r"\bcontinue-on-error:\s*true|\b(?:ignore_errors|allow_failure|ignore_outcome|continueOnError)\b\s*[:=]\s*(?i:true|yes|1)",
    ),
    Rule::new(
        IgnoresFailure,
        r"--passWithNoTests|--pass-with-no-tests|--exit-zero\b|\bexit[_-]zero\s*[:=]\s*true|--suppress-no-test-exit-code|--suppress-tests-failed-exit-code|--no-tests[= ](?:pass|warn)|--no-fail\b|--ignore-failures|-Dmaven\.test\.failure\.ignore|\btestFailureIgnore\b|\bignoreFailures\s*[:=]\s*true|-DskipTests",
    ),
    Rule::new(LeavesEarly, r"\bexec\s+(?:/(?:usr/)?bin/)?(?:true|:)(?:\s|;|$)"),
    Rule::new(
        HidesCode,
        r"\bbase64\s+(?:-d|-D|--decode)[^\n]*\|\s*(?:ba|z|da|k)?sh\b|\beval\b[^\n]*(?:base64|\brev\b|xxd|printf\s+'\\)",
    ),
];

/// Rules for lists of scripts. Only scripts that check can make a check pass.
pub(super) const LISTED: &[Rule] = &[
    Rule::new(
        IgnoresFailure,
        r"\x22(?:pre|post)?(?:test|tests|check|verify|ci|validate|gate)(?:[:.\-]\w+)*\x22\s*:\s*\x22(?:[^\x22\\\n]|\\.)*?(?:\|\|\s*(?:true|:|exit 0|echo)|;\s*(?:true|:|exit 0)\s*\x22|--passWithNoTests|--pass-with-no-tests|--exit-zero|--if-present)",
    ),
    Rule::new(IgnoresFailure, r"\bpassWithNoTests\x22?\s*:\s*true"),
];

/// Rules for shells.
pub(super) const SHELL: &[Rule] = &[
    Rule::new(AsksForTests, r"\$\{?(?:MAKELEVEL|MAKEFLAGS|PPID|npm_\w+)\b")
        .without(&[(Reach::Line, r"\bmake\b")]),
    Rule::new(LeavesEarly, r"\bkill\b[^\n#;]*(?:\$\$|\$PPID|\$\{PPID\}|[ \t]0[ \t]*$)"),
    Rule::new(LeavesEarly, r"\btrap\b[^\n]*\bexit(?:\s+0)?\s*['\x22;][^\n]*\b(?:EXIT|ERR|DEBUG)\b"),
    Rule::new(LeavesEarly, r"^(?:exit|return)(?:[ \t]+0)?[ \t]*\n(?:[ \t]*\n)*[^\n]*[^ \t\n]"),
    Rule::new(
        ReplacesChecks,
        r"^[ \t]*(?:function[ \t]+)?(?:pytest|python[23]?|node|npm|npx|jest|mocha|vitest|cargo|make|ctest|prove|perl|ruby|go|mvn|gradle|dotnet|test|true|false|exit|set|command|diff|grep|cmp)[ \t]*\(\)|\balias[ \t]+(?:pytest|python[23]?|node|npm|npx|jest|mocha|vitest|cargo|make|ctest|prove|go|test|exit|diff|grep|cmp)=",
    ),
];

/// Rules for make.
pub(super) const MAKE: &[Rule] = &[
    // A line that follows a backslash is not a command of its own.
    Rule::new(IgnoresFailure, r"^\t[ \t]*@?-[ \t]*@?[A-Za-z$./]")
        .without(&[(Reach::Line, CLEANUP), (Reach::Before, r"\\[ \t]*$")]),
    Rule::new(
        IgnoresFailure,
        r"^\.IGNORE\b|\bMAKEFLAGS\b[^\n=]*=[^\n]*(?:[ \t]-\w*[in]\w*\b|--ignore-errors|--dry-run|--just-print)|\$\(MAKE\)[^\n]*[ \t](?:-i\b|--ignore-errors)|\bmake[ \t][^\n]*(?:-i\b|--ignore-errors)",
    ),
    Rule::new(ReplacesChecks, r"^[ \t]*(?:export[ \t]+|override[ \t]+)?(?:SHELL|\.SHELLFLAGS)[ \t]*[:?]*=")
        .without(&[(Reach::Line, r"=\s*(?:/usr)?(?:/bin/)?(?:env\s+)?(?:ba|da|z)?sh\s*$|=\s*-\w*e\w*")]),
];

/// Rules for Perl.
pub(super) const PERL: &[Rule] = &[
    Rule::new(
        AsksForTests,
        r"\$ENV\s*\{[^}\n]*TEST[^}\n]*\}|\$0\s*=~[^\n;]*(?:\\\.t\b|\.t\$|test)|\$INC\s*\{[^}\n]*Test|\bTest::(?:More|Builder|Harness)\s*->\s*can\b|\bcaller\b[^;\n]{0,80}Test|\bgetppid\b|\$main::\{",
    ),
    Rule::new(
        LeavesEarly,
        r"\b_exit\b|\bkill\b[^;\n]*\$\$|\bCORE::GLOBAL::exit\b|\bCORE::exit\b|\$\?\s*=\s*0\b|\bexec\b\s*[(\s]\s*['\x22]?(?:/(?:usr/)?bin/)?true\b|\bsyscall\s*\(",
    ),
    Rule::new(LeavesEarly, r"^[ \t]*(?:sub\s+)?(?:END|DESTROY)\s*\{")
        .with(Reach::Near, r"\bexit\b|\$\?|\bkill\b|\bexec\b"),
    Rule::new(LeavesEarly, r"\bexec\b\s*[(\s]\s*['\x22@$]").outside_entries(),
    Rule::new(LeavesEarly, r"(?:^|[;{}\s])exit(?:\s*\(\s*0?\s*\)|\s+0)?\s*(?:;|\}|if\b|unless\b)")
        .bare()
        .outside_entries(),
    Rule::new(LeavesEarly, r"\$SIG\s*\{\s*__(?:DIE|WARN)__\s*\}\s*=").with(Reach::Near, r"\bexit\b"),
    Rule::new(
        ReplacesChecks,
        r"\*\s*\{?\s*['\x22]?(?:Test::\w+(?:::\w+)*|main)::\w+['\x22]?\s*\}?\s*=|\*\{?['\x22]?(?:ok|is|isnt|like|is_deeply|cmp_ok|done_testing)['\x22]?\}?\s*=",
    ),
    Rule::new(ReplacesChecks, r"\bno\s+warnings\b[^;\n]*redefine|\bno\s+strict\b[^;\n]*refs")
        .with(Reach::File, r"\bTest::|\bmain::"),
    Rule::new(ReplacesChecks, r"\bTest::(?:Builder|More|Simple)\b"),
    Rule::new(
        ReplacesChecks,
        r"\buse\s+overload\b[^;]*(?:==|\beq\b)['\x22]?\s*=>\s*sub\s*\{\s*(?:return\s+)?1\s*;?\s*\}|\bpackage\s+Test::",
    ),
    Rule::new(HidesCode, r"\beval\b\s*\(?\s*(?:unpack|pack|decode_base64|join|reverse)\b"),
];

/// Rules for Ruby.
pub(super) const RUBY: &[Rule] = &[
    Rule::new(
        AsksForTests,
        r"\bdefined\?\s*\(?\s*(?:::)?(?:RSpec|Minitest|MiniTest|Test::Unit)\b|\bRails\.env\.test\?|\b(?:RAILS_ENV|RACK_ENV|MIX_ENV)\b[^\n]{0,30}['\x22:]test\b|(?:\$0|\$PROGRAM_NAME|\bARGV\b|\bcaller\b|\$LOADED_FEATURES)[^\n]{0,80}(?:rspec|minitest|test)",
    ),
    Rule::new(
        LeavesEarly,
        r"\bexit!|\bProcess\.kill\s*\(?[^\n]*(?:Process\.pid|\$\$)|\bexec\s*\(?\s*['\x22](?:/bin/)?true",
    ),
    Rule::new(LeavesEarly, r"\bat_exit\b").with(Reach::Near, r"\bexit\b|\bkill\b"),
    Rule::new(
        LeavesEarly,
        r"(?:^|[;{]|\bthen\b)[ \t]*(?:Kernel\.)?exit(?:[ \t]*\(?[ \t]*(?:0|true)[ \t]*\)?)?[ \t]*(?:$|;|\}|if\b|unless\b)",
    )
    .bare()
    .outside_entries(),
    Rule::new(
        ReplacesChecks,
        r"\b(?:class|module)\s+(?:Minitest|MiniTest|RSpec|Test::Unit)\b|\b(?:Minitest|RSpec|Test::Unit)\S*[^\n]*\b(?:define_method|class_eval|prepend|alias_method|send|instance_eval)\b|\bdef\s+assert_(?:equal|nil|raises|match|includes|in_delta)\b|\bdef\s+assert\b",
    ),
    Rule::new(ReplacesChecks, r"\bdef\s+(?:==|eql\?|===)\s*\(?[^)\n]*\)?\s*(?:;|\n|=)\s*true\b"),
];

/// Rules for PHP.
pub(super) const PHP: &[Rule] = &[
    Rule::new(
        AsksForTests,
        r"\b(?:class_exists|defined|function_exists|getenv)\s*\(\s*['\x22][^'\x22\n]*(?i:phpunit|test)|\brunningUnitTests\s*\(|\bAPP_ENV\b[^\n]{0,30}['\x22]testing['\x22]|\$(?:argv|_SERVER)\b[^\n]{0,60}phpunit|debug_backtrace[^;]{0,120}?(?i:test)",
    ),
    Rule::new(LeavesEarly, r"\b(?:exit|die)\s*\(\s*0\s*\)|\bposix_kill\s*\(|\bpcntl_exec\s*\("),
    Rule::new(LeavesEarly, r"\bregister_shutdown_function\s*\(")
        .with(Reach::Near, r"\bexit\b|\bdie\b|posix_kill"),
    Rule::new(
        ReplacesChecks,
        r"\bnamespace\s+PHPUnit\b|\bclass\s+(?:TestCase|Assert)\b|\bfunction\s+assert[A-Z]\w*",
    ),
    Rule::new(
        HidesCode,
        r"\beval\s*\(\s*(?:base64_decode|gzinflate|gzuncompress|str_rot13|hex2bin|strrev)\b",
    ),
];
