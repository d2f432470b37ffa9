//! Pieces of sentences for people and agents.

use paddock_model::objective::Objective;
use paddock_model::project::Project;
use paddock_model::session::SessionBudget;
use paddock_model::usage::dollars;

/// A count of objectives.
pub(super) fn counted(count: usize) -> String {
    match count {
        1 => "1 objective".to_owned(),
        n => format!("{n} objectives"),
    }
}

/// What a person can do about one that needs them.
pub(super) fn choices(objective: &Objective) -> String {
    let id = &objective.key.id;
    format!(
        "`paddock objective retry {id}` (with --note), `approve {id}`, `reject {id} --note`, `skip {id}` or \
         `cancel {id}`"
    )
}

/// What a session may use, for people.
pub(super) fn described(budget: &SessionBudget) -> String {
    let mut parts =
        vec![format!("{} commits", budget.max_commits), format!("{} minutes", budget.max_minutes)];
    parts.extend(budget.max_tokens.map(|tokens| format!("{tokens} tokens")));
    parts.extend(budget.max_usd_micros.map(|usd| format!("${:.2}", dollars(usd))));
    parts.join(", ")
}

/// The integration ref of a project, and its tip in full: what a person compares.
pub(super) fn integration_of(project: Option<&Project>) -> (String, String) {
    project.map_or_else(Default::default, |project| {
        (project.integration_ref(), project.integration.tip.to_string())
    })
}
