//! The keys of plans in the planner's format. They are no settings, so they are not in the table.

use super::settings_table::{Key, Kind, Map, key};
use paddock_model::plan::CheckType;

pub(super) static REASONING: Key<String> = key("reasoning", Kind::Text);
pub(super) static PHASE_CHECKS: Key<Vec<Map>> = key("phase_checks", Kind::Sections);
pub(super) static CHECK_TYPE: Key<CheckType> = key("phase_checks[].check_type", Kind::OneOf(&["shell"]));
pub(super) static CHECK_COMMAND: Key<String> = key("phase_checks[].check_command", Kind::Text);
pub(super) static CHECK_DESCRIPTION: Key<String> = key("phase_checks[].description", Kind::Text);
pub(super) static CHECK_EXPECTED: Key<String> = key("phase_checks[].expected", Kind::Text);
pub(super) static OBJECTIVES: Key<Vec<Map>> = key("objectives", Kind::Sections);
pub(super) static ID: Key<String> = key("objectives[].id", Kind::Id);
pub(super) static TITLE: Key<String> = key("objectives[].title", Kind::Text);
pub(super) static WORKER_ID: Key<String> = key("objectives[].worker_id", Kind::Text);
pub(super) static SESSION_BUDGET: Key<Map> = key("objectives[].session_budget", Kind::Section);
pub(super) static MAX_COMMITS: Key<u32> = key("objectives[].session_budget.max_commits", Kind::Count(1));
pub(super) static MAX_MINUTES: Key<u32> = key("objectives[].session_budget.max_minutes", Kind::Count(1));
pub(super) static DESCRIPTION: Key<String> = key("objectives[].description", Kind::Text);
pub(super) static ACCEPTANCE_CRITERIA: Key<Vec<String>> =
    key("objectives[].acceptance_criteria", Kind::Texts);
pub(super) static PATH_SCOPE: Key<Vec<String>> = key("objectives[].path_scope", Kind::Globs);
pub(super) static CONTEXT_REFS: Key<Vec<String>> = key("objectives[].context_refs", Kind::Texts);
pub(super) static DEPENDS_ON: Key<Vec<String>> = key("objectives[].depends_on", Kind::Texts);
pub(super) static PRIORITY: Key<i32> = key("objectives[].priority", Kind::Count(i32::MIN as i64));
