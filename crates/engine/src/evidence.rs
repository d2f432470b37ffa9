//! The meaning of a comparison of tests: whether the work may have removed what is missing.
//!
//! A missing test is expected where its file is named by a pattern of tests in the scope or by a criterion.
//! Everything else is a fault of the work, however the command ended. With a scope that names nothing in
//! particular, nobody has said whether tests may go; a person decides.

use super::tamper::{Leave, NamedTests, is_open_scope};
use paddock_model::evidence::{ComparedCommand, Comparison, Gone, GoneHow, Outcome};
use paddock_model::scope::Globs;

/// Returns what follows from a comparison. `members` are the objectives whose work the candidate holds.
#[must_use]
pub(crate) fn outcome(comparison: &Comparison, members: &[Leave<'_>]) -> Outcome {
    let commands = &comparison.commands;
    if commands.iter().any(|command| command.failures > 0) {
        return Outcome::Red;
    }
    // A scope that cannot be compiled names nothing.
    let named: Vec<NamedTests<'_>> = members
        .iter()
        .filter_map(|member| member.named_tests(&Globs::new(member.tests).ok()?).ok())
        .collect();
    let may_remove = |gone: &Gone| is_expected(gone, &named);
    let unexpected: Vec<&Gone> =
        commands.iter().flat_map(|command| &command.gone).filter(|gone| !may_remove(gone)).collect();
    if unexpected.iter().any(|gone| gone.how == GoneHow::Failed) {
        return Outcome::Red;
    }
    let is_mute = |command: &ComparedCommand| !command.silent.is_empty() || !command.nameless.is_empty();
    if commands.iter().any(|command| is_mute(command) || is_short(command, &may_remove)) {
        return Outcome::FewerTests;
    }
    // Only definitions that the work removed from a file can be a decision; that anything else is missing is
    // a fault.
    let is_removal = |gone: &&Gone| gone.file.is_some() && gone.how == GoneHow::Missing;
    // A person who wrote that the work may change everything has not said that about tests. Without any
    // scope nobody has said anything, and the work is to keep the tests.
    let is_open = |member: &Leave<'_>| !member.scope.is_empty() && is_open_scope(member.scope, member.grown);
    match unexpected.as_slice() {
        [] => Outcome::Kept,
        found if found.iter().all(is_removal) && members.iter().all(is_open) => Outcome::Person,
        _ => Outcome::FewerTests,
    }
}

/// Returns whether fewer tests passed without any definition of a test that the work removed. Where names are
/// not known, removed definitions explain a smaller number: one may stand for many tests.
fn is_short(command: &ComparedCommand, may_remove: &impl Fn(&Gone) -> bool) -> bool {
    let is_explained = !command.gone.is_empty() && command.gone.iter().all(may_remove);
    let is_seen = command.gone.iter().any(|gone| gone.file.is_some());
    command.fewer > 0 && !is_explained && !is_seen
}

/// Returns whether a member may remove tests from the file in which this one was.
fn is_expected(gone: &Gone, named: &[NamedTests<'_>]) -> bool {
    let file = gone.file.as_ref().filter(|_| gone.how != GoneHow::Failed);
    file.is_some_and(|file| named.iter().any(|member| member.has(file.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use paddock_model::evidence::{Source, Tests};
    use paddock_model::path::RepoPath;

    fn reported(passed: u64) -> Tests {
        Tests { passed, source: Source::Runner, ..Tests::untold() }
    }

    fn command(gone: Vec<Gone>) -> ComparedCommand {
        ComparedCommand {
            name: "tests".into(),
            tests: reported(1),
            base: Some(reported(2)),
            added: 0,
            added_names: Vec::new(),
            gone,
            silent: Vec::new(),
            nameless: Vec::new(),
            fewer: 0,
            failures: 0,
        }
    }

    fn gone(how: GoneHow, file: Option<&str>) -> Gone {
        Gone { how, file: file.map(RepoPath::new), count: 1, names: vec!["test_a".into()] }
    }

    fn judged(command: ComparedCommand, scope: &[&str]) -> Outcome {
        let scope: Vec<String> = scope.iter().map(|glob| (*glob).to_owned()).collect();
        let tests = ["**/tests/**".to_owned()];
        let member = Leave { tests: &tests, scope: &scope, grown: &[], criteria: &[] };
        let comparison = Comparison { commands: vec![command], ..Comparison::default() };
        outcome(&comparison, &[member])
    }

    #[test]
    fn a_test_may_go_where_a_pattern_of_tests_in_the_scope_names_its_file() {
        let missing = || command(vec![gone(GoneHow::Missing, Some("tests/a.py"))]);
        assert_eq!(judged(missing(), &["src/**", "tests/a.py"]), Outcome::Kept);
        assert_eq!(judged(missing(), &["src/**", "tests/**"]), Outcome::Kept);
        assert_eq!(judged(missing(), &["src/**"]), Outcome::FewerTests);
        assert_eq!(judged(missing(), &["**"]), Outcome::Person);
        assert_eq!(judged(missing(), &[]), Outcome::FewerTests);
        assert_eq!(judged(command(Vec::new()), &["src/**"]), Outcome::Kept);
    }

    #[test]
    fn a_test_that_no_removed_definition_explains_is_a_fault_in_any_scope() {
        for scope in [&["**"][..], &["tests/**"], &[]] {
            assert_eq!(judged(command(vec![gone(GoneHow::Missing, None)]), scope), Outcome::FewerTests);
            assert_eq!(judged(command(vec![gone(GoneHow::Skipped, None)]), scope), Outcome::FewerTests);
            let silent = ComparedCommand { silent: vec!["pytest".into()], ..command(Vec::new()) };
            assert_eq!(judged(silent, scope), Outcome::FewerTests);
            let fewer = ComparedCommand { fewer: 2, ..command(Vec::new()) };
            assert_eq!(judged(fewer, scope), Outcome::FewerTests);
        }
    }

    #[test]
    fn failures_in_the_output_are_red_and_no_scope_allows_them() {
        let failed = command(vec![gone(GoneHow::Failed, Some("tests/a.py"))]);
        assert_eq!(judged(failed, &["tests/**"]), Outcome::Red);
        let failures = ComparedCommand { failures: 1, ..command(Vec::new()) };
        assert_eq!(judged(failures, &["tests/**"]), Outcome::Red);
    }

    #[test]
    fn removed_definitions_explain_a_smaller_number_where_names_are_not_known() {
        let fewer = |file| ComparedCommand { fewer: 3, ..command(vec![gone(GoneHow::Missing, file)]) };
        assert_eq!(judged(fewer(Some("tests/a.py")), &["tests/**"]), Outcome::Kept);
        assert_eq!(judged(fewer(Some("tests/a.py")), &["src/**"]), Outcome::FewerTests);
        assert_eq!(judged(fewer(Some("tests/a.py")), &["**"]), Outcome::Person);
    }
}
