//! The demo's folder, repository, project file and plan.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::context::Context;
use super::super::exit_codes::Failure;
use super::super::repository;
use paddock_config::plan_file::{self, PlanContext};
use paddock_config::project_file;
use paddock_config::resolve::Surroundings;
use paddock_model::command::Command;
use paddock_model::ids::ProjectSlug;
use paddock_model::plan::PlannedObjective;
use paddock_os::files::{make_private_dir, random_hex};

/// Slug of the demo's project.
pub(super) const SLUG: &str = "hello";

const CHECK: &str = include_str!("check.sh");
const README: &str = include_str!("readme.md");
const PLAN: &str = include_str!("plan.yaml");

/// Placeholder in the plan for the seconds that a session takes.
const PAUSE: &str = "@PAUSE@";

fn failed(doing: &str, path: &Path) -> impl FnOnce(std::io::Error) -> Failure {
    let text = format!("cannot {doing} {}", path.display());
    move |error| Failure::error(format!("{text}: {error}"))
}

/// Makes the demo's folder, and returns its absolute path. Fails if the folder exists and is not empty.
pub(super) fn folder(named: Option<&Path>) -> Result<PathBuf, Failure> {
    let folder = match named {
        Some(named) => Context::absolute(named)?,
        None => {
            let name = random_hex(4).map_err(|error| Failure::error(error.to_string()))?;
            std::env::temp_dir().join(format!("paddock-demo-{name}"))
        }
    };
    let is_used = fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some());
    if is_used {
        let shown = folder.display();
        return Err(Failure::error(format!("{shown} is not empty: name a folder that does not exist yet")));
    }
    // The folder for temporary files is shared by all users of the machine.
    make_private_dir(&folder).map_err(failed("make the folder", &folder))?;
    folder.canonicalize().map_err(failed("open the folder", &folder))
}

/// Makes a repository with one commit and a gate that passes.
pub(super) fn repository(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(failed("make the folder", path))?;
    let write = |name: &str, text: &str| {
        let file = path.join(name);
        fs::write(&file, text).map_err(failed("write", &file))
    };
    write("README.md", README)?;
    write("check.sh", CHECK)?;
    paddock_git::make_repository(path).map_err(|error| Failure::error(error.to_string()))
}

fn slug() -> Result<ProjectSlug, Failure> {
    Ok(ProjectSlug::new(SLUG)?)
}

/// Writes the project file and registers the project.
pub(super) fn project(context: &Context, path: &Path) -> Result<(), Failure> {
    let file = context.workspace.projects().join(format!("{SLUG}.yaml"));
    let text = format!(
        "# Made by `paddock demo`.\nslug: {SLUG}\nname: Hello\nrepo_root: ../hello\nworktrees_root: ../hello-wt\n\
         target_branch: main\nmax_parallel_sessions: 3\nverify:\n  - {{name: tests, run: sh check.sh, timeout_minutes: 2}}\n\
         shared_patterns: [AUTHORS]\nrecovery: {{expand: [\"notes/**\"]}}\ndisk: {{min_free_gb: 0}}\nagents:\n  - {{id: scripted}}\n"
    );
    fs::write(&file, text).map_err(failed("write", &file))?;
    let faulty = |faults: Vec<_>| Failure::faults(&faults, "the demo's own project file has faults");
    let read = project_file::read(&context.workspace, &file, None).map_err(faulty)?;
    let found = repository::inspect(path, Some("main"))?;
    // The file names the scripted agent, so no agent has to be looked for on PATH.
    let around =
        Surroundings { head_branch: "main", repository_file: None, agreed: None, on_path: &|_| false };
    let settings = Box::new(read.resolve(&around).map_err(faulty)?.settings);
    context.ask(Command::ProjectAdd { project: slug()?, settings, repository: found.facts })?;
    Ok(())
}

/// Adds the objectives of the demo's plan.
pub(super) fn plan(context: &Context, seed: u64) -> Result<(), Failure> {
    let text = with_pauses(PLAN, seed);
    let plan = plan_file::read(
        &text,
        "the demo's plan",
        &PlanContext {
            existing: &[],
            workers: &["implementer".into(), "integrator".into(), "researcher".into()],
        },
    );
    let plan = plan.map_err(|faults| Failure::faults(&faults, "the demo's own plan has faults"))?;
    let objectives = plan.document.objectives.into_iter().map(PlannedObjective::into_spec).collect();
    context.ask(Command::ObjectivesAdd { project: slug()?, objectives })?;
    Ok(())
}

/// Replaces each placeholder in the plan by one to three seconds, which follow from the seed.
fn with_pauses(plan: &str, seed: u64) -> String {
    let mut random = seed;
    let mut parts = plan.split(PAUSE);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // Knuth's linear congruential generator. Its low bits have short periods; the high bits serve for a
        // demo.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(&format!("{}{part}", 1 + (random >> 33) % 3));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::process::Command as Program;

    use super::*;

    #[test]
    fn the_plan_has_no_faults_and_every_objective_has_a_script() {
        let text = with_pauses(PLAN, 7);
        assert!(!text.contains(PAUSE));
        assert_eq!(text, with_pauses(PLAN, 7));
        let context = PlanContext { existing: &[], workers: &["implementer".into()] };
        let plan = plan_file::read(&text, "plan", &context).unwrap().document;
        assert_eq!(plan.objectives.len(), 11);
        for objective in plan.objectives {
            assert!(objective.description.contains("```script\n"), "{}", objective.id);
        }
    }

    #[test]
    fn the_repository_is_real_and_its_own_check_passes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hello");
        repository(&path).unwrap();
        let found = repository::inspect(&path, None).unwrap();
        assert_eq!(found.target_branch, "main");
        let check = Program::new("sh").arg("check.sh").current_dir(&path).status().unwrap();
        assert!(check.success());
    }
}
