//! What a branch did to existing tests, and to what the gate runs: facts for the tamper guard.
//!
//! | file | what it knows |
//! |---|---|
//! | `follow`, `words`, `manifest` | what the gate runs, from its commands through the scripts behind them |
//! | `comparison`, `moved` | which files changed, and which of them concern the gate |
//! | `structure`, `muting`, `additions`, `skips` | what a change of a test file does to its tests |
//! | `gate_scripts`, `settings`, `inline`, `added` | the same for scripts, settings, tests in code, and new files |
//! | `scan`, `blocks`, `pairs` | lines without strings and comments, their blocks, and which belong together |
//! | `trees` | trees with the earlier tests, for the guard's run |
//!
//! Nothing here parses a language. What is certain is reported as a fault; what is only possible puts the
//! branch under guard, which costs one more gate run.

mod added;
mod additions;
mod blocks;
mod comparison;
mod follow;
mod found;
mod gate_scripts;
mod inline;
mod manifest;
mod moved;
mod muting;
mod pairs;
mod scan;
mod settings;
mod skips;
mod structure;
mod trees;
mod words;

#[cfg(test)]
mod attack_tests;
#[cfg(test)]
mod honest_tests;
#[cfg(test)]
mod testing;

use std::collections::BTreeSet;

use git2::ErrorCode;

use super::error::GitError;
use super::objects::changed_paths;
use super::repository::{Repository, oid};
use super::snapshot::Snapshot;
use comparison::Comparison;
use follow::Gate;
use paddock_model::ids::ObjectId;
use paddock_model::scope::Globs;
use paddock_model::tamper::Tampered;
use words::named_scripts;

pub(crate) use words::is_gate_file;

/// Maximum number of files named. A branch that changes more tests needs a person in any case.
const FOUND_MAX: usize = 200;

/// What the guard protects.
#[derive(Debug, Clone)]
pub struct Guarded {
    /// Patterns of tests and their configuration.
    pub tests: Globs,
    /// Shell commands of the gate.
    pub commands: Vec<String>,
}

/// Returns the paths that the commands of a gate may name. Not every one exists.
#[must_use]
pub fn gate_paths(commands: &[String]) -> Vec<String> {
    let paths: BTreeSet<String> = commands.iter().flat_map(|run| named_scripts(run)).collect();
    paths.into_iter().collect()
}

impl Repository {
    /// Returns what the branch with this head did to tests and to the gate since it left the integration
    /// commit.
    ///
    /// # Errors
    /// Fails if a commit is missing.
    pub fn tampering(
        &self,
        integration: &ObjectId,
        head: &ObjectId,
        guarded: &Guarded,
    ) -> Result<Vec<Tampered>, GitError> {
        let library = self.library()?;
        let (integration, head) = (oid(integration)?, oid(head)?);
        let base = match library.merge_base(integration, head) {
            Ok(base) => Snapshot::of_commit(&library, base)?,
            // Unrelated histories: no test of the integration ref was there for the branch to change.
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let after = Snapshot::of_commit(&library, head)?;
        between(&library, &base, &after, guarded)
    }
}

/// Returns what was done to tests and to the gate between two trees.
fn between<'r>(
    library: &'r git2::Repository,
    before: &Snapshot<'r>,
    after: &Snapshot<'r>,
    guarded: &Guarded,
) -> Result<Vec<Tampered>, GitError> {
    let changed = changed_paths(library, before.id(), after.id())?;
    if changed.is_empty() {
        return Ok(Vec::new());
    }
    // Followed in the base: a script that the branch adds was not part of the gate.
    let gate = Gate::new(library, before, &guarded.commands, &guarded.tests);
    let comparison = Comparison { library, before, after, tests: &guarded.tests, gate: &gate };
    Ok(comparison.changes(&changed, FOUND_MAX))
}
