//! Checks of prompt templates before any session uses them, so that a fault in a template costs no session.

use std::collections::BTreeSet;
use std::path::Path;

use super::{ConfigError, Place, Severity};
use paddock_agents::prompt::{self, EMBEDDED, PromptError};
use paddock_model::settings::ProjectSettings;

/// Returns every fault of the templates that a project uses: those of its workers and the built-in ones.
#[must_use]
pub fn faults(folder: &Path, settings: &ProjectSettings) -> Vec<ConfigError> {
    let of_workers = settings.workers.iter().map(|worker| worker.template.as_str());
    let names: BTreeSet<&str> = EMBEDDED.iter().map(|(name, _)| *name).chain(of_workers).collect();
    // All built-in names are checked: a workspace's file of that name replaces the built-in template for
    // every project.
    names.into_iter().flat_map(|name| faults_of(folder, name)).collect()
}

fn faults_of(folder: &Path, name: &str) -> Vec<ConfigError> {
    let source = match prompt::load(Some(folder), name) {
        Ok(source) => source,
        Err(error) => return vec![fault(name, 0, error.to_string(), None)],
    };
    match prompt::check(name, &source) {
        Ok(()) => Vec::new(),
        Err(PromptError::Unknown { unknown, known, .. }) => {
            let right = || Some(format!("known are {}", known.join(", ")));
            // The template engine names unknown variables without a place; the first line that has the word
            // is shown.
            let line = |variable: &str| source.lines().position(|line| line.contains(variable));
            let at = |variable: &String| line(variable).map_or(0, |index| index as u64 + 1);
            let faulty = |variable: &String| fault(name, at(variable), unknown_text(variable), right());
            unknown.iter().map(faulty).collect()
        }
        Err(PromptError::Syntax { line, problem, .. }) => vec![fault(name, line as u64, problem, None)],
        Err(other) => vec![fault(name, 0, other.to_string(), None)],
    }
}

fn unknown_text(variable: &str) -> String {
    format!("there is no variable `{variable}`")
}

fn fault(name: &str, line: u64, problem: String, right: Option<String>) -> ConfigError {
    let place = Place { line, column: u64::from(line > 0) };
    let (file, key) = (format!("templates/{name}"), String::new());
    ConfigError { file, place, key, problem, right, severity: Severity::Error }
}
