//! What a gate run told of tests, in words.

use super::text::counted;
use paddock_model::evidence::{ComparedCommand, Comparison, Gone, Outcome};
use paddock_model::ids::GateId;

/// Returns a comparison in words, for one line.
#[must_use]
pub fn compared(gate: GateId, comparison: &Comparison, outcome: Outcome) -> String {
    let commands: Vec<String> = comparison.commands.iter().map(command).collect();
    let what = if commands.is_empty() { "no tests to compare".to_owned() } else { commands.join("; ") };
    let then = match outcome {
        Outcome::Kept => "",
        Outcome::FewerTests => ": fewer tests than before",
        Outcome::Red => ": failures, although the command ended with 0",
        Outcome::Person => ": a person decides",
    };
    format!("run {gate}: {what}{then}")
}

/// Returns the tests of a command and what differs from the base, such as
/// `tests: 13 passed (12 before; + test_sub)`.
#[must_use]
pub fn command(command: &ComparedCommand) -> String {
    let mut notes = Vec::new();
    if let Some(base) = command.base.as_ref().filter(|base| base.passed != command.tests.passed) {
        notes.push(format!("{} before", base.passed));
    }
    if command.added > 0 {
        notes.push(names("+", &command.added_names, command.added));
    }
    notes.extend(command.gone.iter().map(gone));
    if command.fewer > 0 {
        notes
            .push(format!("{} fewer", counted(usize::try_from(command.fewer).unwrap_or(usize::MAX), "test")));
    }
    if command.failures > 0 {
        notes.push(format!("{} failures in its output", command.failures));
    }
    notes.extend(command.silent.iter().map(|runner| format!("no summary of {runner}")));
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
    format!("{}: {}{notes}", command.name, command.tests)
}

/// Returns tests that do not pass any more, in words.
#[must_use]
pub fn gone(gone: &Gone) -> String {
    let file = gone.file.as_ref().map(|file| format!(", in {file}")).unwrap_or_default();
    format!("{} {}{file}", names("-", &gone.names, gone.count), gone.how.words())
}

fn names(sign: &str, first: &[String], count: u64) -> String {
    if first.is_empty() {
        return format!("{sign} {}", counted(usize::try_from(count).unwrap_or(usize::MAX), "test"));
    }
    let more = count.saturating_sub(first.len() as u64);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{sign} {}{more}", first.join(", "))
}
