//! `paddock report`: prints the morning report.

use std::path::Path;

use clap::Args;

use super::context::Context;
use super::events::parse_since;
use super::exit_codes::{Exit, Outcome};
use super::output;
use paddock_model::ids::ObjectId;
use paddock_model::project::Project;
use paddock_model::state::State;

use paddock_git::Repository;
use paddock_report::morning::{Report as Document, project, text};
use paddock_report::text::rfc3339;

/// Default length of the report: a day, in milliseconds.
const SINCE_MS: i64 = 86_400_000;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  paddock report
  paddock report --since 12h --markdown > report.md
  paddock report --since 2026-01-31 --json")]
pub(super) struct Report {
    /// Start of the report: a time, or a length back from now; default: 24 hours
    #[arg(long, value_name = "T", value_parser = parse_since)]
    since: Option<i64>,
    /// Output as Markdown
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Output as JSON
    #[arg(long)]
    json: bool,
}

impl Report {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        let state = context.state()?;
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let since_ms = self.since.unwrap_or(now_ms - SINCE_MS);
        let meant = |found: &&Project| context.project.as_ref().is_none_or(|slug| *slug == found.slug);
        let projects = state.projects().filter(meant).map(|found| {
            project(
                &state,
                &paddock_engine::ANSWERS,
                found,
                (since_ms, now_ms),
                lost(&state, found, since_ms),
            )
        });
        let document = Document {
            version: 1,
            since: rfc3339(since_ms),
            until: rfc3339(now_ms),
            projects: projects.collect(),
        };
        match self.json {
            true => output::json(&document)?,
            false => output::print(&text(&document, self.markdown, now_ms))?,
        }
        // Lost work fails the command, so that a scheduled report is noticed even if nobody reads it.
        let is_lost = document.projects.iter().any(|project| !project.lost.is_empty());
        Ok(if is_lost { Exit::Error } else { Exit::Good })
    }
}

/// Returns a line for each commit that is recorded as kept or landed but is missing from the repository.
fn lost(state: &State, found: &Project, since_ms: i64) -> Vec<String> {
    let mut lost = Vec::new();
    let repository = match Repository::open(Path::new(&found.settings.repo_root)) {
        Ok(repository) => repository,
        // Counts as lost: nothing in it can be checked.
        Err(error) => return vec![format!("the repository cannot be opened: {error}")],
    };
    let exists = |commit: &ObjectId| repository.tree_of(commit).is_ok();
    let tip = repository.commit_of(&found.integration_ref()).ok().flatten();
    for objective in state.objectives_of(&found.slug) {
        let id = &objective.key.id;
        let landed = objective.landed.as_ref().filter(|landed| landed.at_ms >= since_ms);
        if let Some(commit) = landed.and_then(|landed| landed.commit.as_ref()) {
            let is_in = tip.as_ref().is_some_and(|tip| {
                use paddock_git::Relation::{Ancestor, Same};
                repository.relation(commit, tip).is_ok_and(|relation| matches!(relation, Same | Ancestor))
            });
            if !is_in {
                lost.push(format!("{id}: its landing {} is not on the integration ref", commit.short()));
            }
        }
        // Without a worktree the branch may have been deleted on purpose; with one, its head must exist.
        let is_there = objective.ready_worktree().is_some();
        if let Some(head) = objective.head.as_ref().filter(|head| is_there && !exists(head)) {
            lost.push(format!("{id}: the commit {} of its branch is gone", head.short()));
        }
    }
    let of_project = state.sessions().filter(|session| session.objective.project == found.slug);
    for session in of_project.filter(|session| session.finished_ms.is_some_and(|at| at >= since_ms)) {
        let salvage = session.harvest.as_ref().and_then(|harvest| harvest.salvage.as_ref());
        if let Some(salvage) = salvage.filter(|salvage| !exists(&salvage.commit)) {
            lost.push(format!(
                "session {}: the work salvaged under {} is gone",
                session.id, salvage.reference
            ));
        }
    }
    lost
}
