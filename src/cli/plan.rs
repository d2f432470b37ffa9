//! `paddock plan`: plans that people write.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::context::Context;
use super::exit::{Exit, Failure, Outcome};
use super::output;
use crate::config::plan_file::{self, PlanContext};
use crate::domain::command::Command;
use crate::domain::ids::ObjectiveId;
use crate::domain::objective::ObjectiveSpec;
use crate::domain::plan::PlannedObjective;

/// A longer plan is no plan.
const PLAN_BYTES_MAX: u64 = 16 << 20;

#[derive(Debug, Subcommand)]
pub(super) enum Plan {
    /// Add the objectives of a plan in the planner's format; all of them or none
    #[command(after_help = "Examples:
  paddock plan apply plan.yaml
  paddock --project web plan apply - < plan.yaml")]
    Apply(Apply),
}

#[derive(Debug, Args)]
pub(super) struct Apply {
    /// The file; - reads standard input
    file: PathBuf,
    /// The answer as JSON
    #[arg(long)]
    json: bool,
}

impl Plan {
    pub fn carry_out(self, context: &Context) -> Outcome {
        match self {
            Self::Apply(apply) => apply.carry_out(context),
        }
    }
}

/// What a planned objective asks for.
pub(super) fn spec_of(planned: PlannedObjective) -> (ObjectiveId, ObjectiveSpec) {
    let spec = ObjectiveSpec {
        title: planned.title,
        description: planned.description,
        acceptance_criteria: planned.acceptance_criteria,
        path_scope: planned.path_scope,
        depends_on: planned.depends_on,
        context_refs: planned.context_refs,
        worker: planned.worker_id,
        priority: planned.priority,
        max_commits: planned.session_budget.max_commits,
        max_minutes: planned.session_budget.max_minutes,
        phase: None,
    };
    (planned.id, spec)
}

impl Apply {
    fn carry_out(self, context: &Context) -> Outcome {
        let state = context.state()?;
        let slug = context.project(&state, None)?;
        let Some(project) = state.project(&slug) else { return Ok(Exit::Good) };
        let (text, shown) = read(&self.file)?;
        let existing: Vec<ObjectiveId> =
            state.objectives_of(&slug).map(|found| found.key.id.clone()).collect();
        let workers: Vec<&str> = project.settings.workers.iter().map(|worker| worker.id.as_str()).collect();
        let plan = plan_file::read(&text, &shown, &PlanContext { existing: &existing, workers: &workers });
        let plan = plan.map_err(|faults| Failure::faults(&faults, "nothing of the plan was applied"))?;
        if !plan.document.phase_checks.is_empty() {
            output::note("its phase checks are not kept: this build knows no phases");
        }
        if plan.document.objectives.is_empty() {
            return Err(Failure::error(format!("{shown}: there is no objective in it")));
        }
        let objectives = plan.document.objectives.into_iter().map(spec_of).collect();
        let answer = context.ask(Command::ObjectivesAdd { project: slug, objectives })?;
        match self.json {
            true => output::json(&answer)?,
            false => output::line(&answer.text)?,
        }
        Ok(Exit::Good)
    }
}

fn read(file: &Path) -> Result<(String, String), Failure> {
    let shown = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
    let failed = |error: std::io::Error| Failure::error(format!("{shown}: cannot be read: {error}"));
    let mut bytes = Vec::new();
    let read = match file == Path::new("-") {
        true => std::io::stdin().lock().take(PLAN_BYTES_MAX + 1).read_to_end(&mut bytes),
        false => fs::File::open(file).and_then(|file| file.take(PLAN_BYTES_MAX + 1).read_to_end(&mut bytes)),
    };
    read.map_err(failed)?;
    if bytes.len() as u64 > PLAN_BYTES_MAX {
        return Err(Failure::error(format!("{shown}: is longer than {} MiB", PLAN_BYTES_MAX >> 20)));
    }
    let text = String::from_utf8(bytes).map_err(|_| Failure::error(format!("{shown}: is not UTF-8 text")))?;
    Ok((text, shown))
}
