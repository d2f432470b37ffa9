//! Why a command is not carried out, where several of them say so.

use super::scribe::Scribe;
use paddock_model::command::Refusal;
use paddock_model::ids::ProjectSlug;
use paddock_model::objective::{Objective, Status};

/// What an order comes to: what was done, for people.
pub(super) type Done = Result<String, Refusal>;

/// Refuses with this sentence.
pub(super) fn refuse<T>(text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::new(text))
}

/// Refuses what names a project that is not there.
pub(super) fn unknown_project(scribe: &Scribe<'_>, project: &ProjectSlug) -> Refusal {
    let known: Vec<&str> = scribe.state.projects().map(|project| project.slug.as_str()).collect();
    match known.is_empty() {
        true => {
            Refusal::new(format!("there is no project {project}; `paddock project add PATH` registers one"))
        }
        false => Refusal::new(format!("there is no project {project}; there is: {}", known.join(", "))),
    }
}

/// Refuses for what is done: that is final.
pub(super) fn check_not_done(objective: &Objective) -> Result<(), Refusal> {
    match objective.status == Status::Done {
        true => refuse(format!(
            "{} is done, which is final; `paddock objective add` takes up what is left",
            objective.key.id
        )),
        false => Ok(()),
    }
}

/// Once a landing's intent is recorded nothing is changed any more.
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
