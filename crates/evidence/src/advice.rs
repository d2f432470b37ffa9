//! How to make a runner name its tests.

/// Returns what a person can do so that a runner whose tests are only counted names them. `None` if it names
/// them anyhow, or cannot.
#[must_use]
pub fn advice(runner: &str) -> Option<&'static str> {
    Some(match runner {
        "cargo test" => "run it without `-q`",
        "pytest" => "run it with `-v`, or with `--junitxml=report.xml` and `report: junit:report.xml`",
        "unittest" => "run it with `-v`",
        "jest" => "run it with `--verbose`",
        "vitest" => {
            "run it with `--reporter=verbose`, or with `--reporter=default --reporter=junit \
             --outputFile.junit=report.xml` and `report: junit:report.xml`"
        }
        "mocha" => "run it with `--reporter spec`",
        "node --test" => "run it with `--test-reporter=spec` or `--test-reporter=tap`",
        "go test" => "run it with `-v` or `-json`: without them it names packages only",
        "prove" => "run it with `-v`",
        "rspec" => "use the formatter of `rspec_junit_formatter` and `report: junit:report.xml`",
        "minitest" => "run it with `-v`",
        "phpunit" => {
            "run it with `--testdox`, or with `--log-junit report.xml` and `report: junit:report.xml`"
        }
        "maven" | "maven or JUnit" => {
            "use the reports of surefire: `report: junit:target/surefire-reports/*.xml`"
        }
        "gradle" => "use its reports: `report: junit:build/test-results/test/*.xml`",
        "dotnet test" => "run it with `--logger \"console;verbosity=normal\"`",
        "check script" => "let it print `ok - name` or `PASS: name` for each check",
        _ => return None,
    })
}
