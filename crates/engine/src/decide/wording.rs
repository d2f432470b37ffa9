//! Phrases for people and agents.

use paddock_model::objective::Objective;
use paddock_model::project::Project;
use paddock_model::session::SessionBudget;
use paddock_model::usage::usd_text;

/// Returns a number of objectives in words.
pub(super) fn counted(count: usize) -> String {
    match count {
        1 => "1 objective".to_owned(),
        n => format!("{n} objectives"),
    }
}

/// Returns the commands by which a person decides about an objective.
pub(super) fn choices(objective: &Objective) -> String {
    let id = &objective.key.id;
    format!(
        "`paddock objective retry {id}` (with --note), `approve {id}`, `reject {id} --note`, `skip {id}` or \
         `cancel {id}`"
    )
}

/// Returns the limits of a session, for people.
pub(super) fn described(budget: &SessionBudget) -> String {
    let mut parts =
        vec![format!("{} commits", budget.max_commits), format!("{} minutes", budget.max_minutes)];
    parts.extend(budget.max_tokens.map(|tokens| format!("{tokens} tokens")));
    parts.extend(budget.max_usd_micros.map(usd_text));
    parts.join(", ")
}

/// Returns the name of a project's integration ref and the full id of its tip, for a person to compare.
pub(super) fn integration_of(project: Option<&Project>) -> (String, String) {
    project.map_or_else(Default::default, |project| {
        (project.integration_ref(), project.integration.tip.to_string())
    })
}
