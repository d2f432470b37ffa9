//! Refusals that several commands share.

use super::scribe::Scribe;
use paddock_model::command::Refusal;
use paddock_model::ids::ProjectSlug;
use paddock_model::objective::{Objective, Status};

/// The answer to an order: a sentence that says what was done, or why it was refused.
pub(super) type Done = Result<String, Refusal>;

/// Returns a refusal with this sentence.
pub(super) fn refuse<T>(text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::new(text))
}

/// Returns the refusal of a command that names an unknown project.
pub(super) fn unknown_project(scribe: &Scribe<'_>, project: &ProjectSlug) -> Refusal {
    let known: Vec<&str> = scribe.state.projects().map(|project| project.slug.as_str()).collect();
    match known.is_empty() {
        true => {
            Refusal::new(format!("there is no project {project}; `paddock project add PATH` registers one"))
        }
        false => Refusal::new(format!("there is no project {project}; there is: {}", known.join(", "))),
    }
}

/// Fails if the objective is done, which is final.
pub(super) fn check_not_done(objective: &Objective) -> Result<(), Refusal> {
    match objective.status == Status::Done {
        true => refuse(format!(
            "{} is done, which is final; add what is left as a new objective with `paddock objective add`",
            objective.key.id
        )),
        false => Ok(()),
    }
}

/// Fails if the objective is landing. Once the intent is recorded the ref may have moved already, and no
/// order can take that back.
pub(super) fn check_not_landing(scribe: &Scribe<'_>, objective: &Objective) -> Result<(), Refusal> {
    let train = scribe.state.project(&objective.key.project).map(|project| &project.train);
    let entry = train.and_then(|train| train.entry_of(&objective.key.id));
    match train.zip(entry).is_some_and(|(train, entry)| train.is_landing(entry.id)) {
        true => {
            refuse(format!("{} is landing: nothing was changed, it is done in a moment", objective.key.id))
        }
        false => Ok(()),
    }
}
