//! Checks of projects: their files, repositories, refs, worktrees and gates.

use std::path::Path;

use super::finding::Finding;
use super::gate;
use crate::cli::context::Context;
use crate::cli::git_config;
use paddock_config::Severity;
use paddock_git::{Repository, is_lfs_installed, own_places};
use paddock_ipc::workspace_lock::{RepositoryClaim, is_running};
use paddock_model::project::Project;
use paddock_model::reason::ReasonCode;
use paddock_model::state::State;
use paddock_report::text::{counted, harmless};
use paddock_supervisor::{LFS_REMEDY, judged, lfs_text};

/// Places that a finding names, at most.
const NAMED_MAX: usize = 8;

pub(super) fn check(context: &Context, state: &State) -> Vec<Finding> {
    let mut found = files(context, state);
    if state.projects().next().is_none() {
        found.push(Finding::note("projects", "there is none yet; `paddock project add PATH` registers one"));
    }
    let meant = |project: &&Project| context.project.as_ref().is_none_or(|slug| *slug == project.slug);
    for project in state.projects().filter(meant) {
        found.extend(findings(context, state, project));
    }
    found
}

fn files(context: &Context, state: &State) -> Vec<Finding> {
    let faults = crate::cli::validate::faults(context, state);
    let finding = |fault: &paddock_config::ConfigError| {
        let remedy = fault.right.clone().unwrap_or_else(|| "correct the file".to_owned());
        match fault.severity {
            Severity::Error => Finding::error("files", fault.to_string(), remedy),
            _ => Finding::warning("files", fault.to_string(), remedy),
        }
    };
    match faults.is_empty() {
        true => vec![Finding::good("files", "project files, templates, keys, theme and .env have no errors")],
        false => faults.iter().map(finding).collect(),
    }
}

fn findings(context: &Context, state: &State, project: &Project) -> Vec<Finding> {
    let area = format!("project {}", project.slug);
    // Holds first: they stop all work, and each has its own remedy.
    let mut found: Vec<Finding> = project
        .holds
        .values()
        // Looked at anew below.
        .filter(|reason| reason.code != ReasonCode::LfsMissing)
        .map(|reason| Finding::error(&area, reason.text.clone(), reason.clears.clone()))
        .collect();
    if !project.is_enabled() {
        found.push(Finding::note(&area, "is disabled"));
    }
    found.extend(claim(context, project, &area));
    match Repository::open(Path::new(&project.settings.repo_root)) {
        Ok(repository) => found.extend(repository_findings(context, project, &repository, &area)),
        Err(error) => {
            let remedy = "repair the repository, or correct `repo_root` in the project file";
            found.push(Finding::error(&area, error.to_string(), remedy));
        }
    }
    found.extend(places(state, project, &area));
    found.extend(gate::check(state, project, &area));
    found
}

/// Reports another workspace that works on the project's repository.
fn claim(context: &Context, project: &Project, area: &str) -> Option<Finding> {
    let holder = RepositoryClaim::holder(Path::new(&project.common_dir)).ok().flatten()?;
    // This workspace's own supervisor holds the claim while it works on the project.
    let own = is_running(&context.workspace.runtime());
    let is_own = own.is_some_and(|own| own.pid == holder.pid);
    (!is_own).then(|| {
        let pid = holder.pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
        let text = format!("another workspace works on its repository{pid}");
        Finding::error(
            area,
            text,
            "stop the supervisor there, or remove the project from one of the workspaces",
        )
    })
}

fn repository_findings(
    context: &Context,
    project: &Project,
    repository: &Repository,
    area: &str,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let branch = &project.settings.target_branch;
    if branch.is_empty() {
        let remedy = format!("`paddock project set-target {} BRANCH`", project.slug);
        let text = "has no target branch: HEAD was on no branch when the project was registered";
        return vec![Finding::error(area, text, remedy)];
    }
    match paddock_git::observe(repository, branch) {
        Ok(Some(commit)) => {
            let from = crate::cli::project_target::source(context, project).1;
            let text = format!("the target branch {branch} is at {} ({from})", commit.short());
            found.push(Finding::good(area, text));
        }
        Ok(None) => found.push(Finding::error(
            area,
            format!("its target branch {branch} is gone"),
            format!(
                "`paddock project set-target {0} BRANCH` if the branch was renamed; otherwise `paddock --project {0} \
                 queue republish` creates it again",
                project.slug
            ),
        )),
        Err(error) => found.push(Finding::error(area, error.to_string(), "repair the repository")),
    }
    let push = project.settings.land.push.as_deref();
    if let Ok(Some(upstream)) = paddock_git::upstream(repository, push, branch) {
        let remedy =
            format!("`paddock --project {} queue pull`, or `git pull` in your checkout", project.slug);
        found.push(Finding::warning(area, upstream.sentence(branch), remedy));
    }
    if let Some(wait) = &project.integration.waits {
        found.push(Finding::warning(
            area,
            wait.text.clone(),
            "move what is in the way; Paddock then publishes by itself",
        ));
    }
    found.extend(configuration(project, repository, area));
    if let Ok(Some(needed)) = repository.lacks_lfs(&project.integration.tip, is_lfs_installed) {
        found.push(Finding::error(area, lfs_text(&needed), LFS_REMEDY));
    }
    // Commits of sessions need an author. Without a configured one they get Paddock's.
    let identity = repository.facts().ok().and_then(|facts| facts.user_identity);
    if identity.is_none() {
        let remedy = "set `git config --global user.name` and `user.email`";
        found.push(Finding::warning(
            area,
            "git has no name and email of yours: commits name Paddock as their author",
            remedy,
        ));
    }
    found
}

/// Lists the git configuration that can run programs, and what of it nobody agreed to.
fn configuration(project: &Project, repository: &Repository, area: &str) -> Vec<Finding> {
    let repository = repository.agreeing(project.trust.entries.iter().cloned());
    let read =
        repository.configured().and_then(|entries| Ok((entries, judged(&repository, &project.trust)?)));
    let (entries, judged) = match read {
        Ok(read) => read,
        Err(error) => return vec![Finding::error(area, error.to_string(), "mend the file, or remove it")],
    };
    let mut found = Vec::new();
    for (level, entries) in git_config::by_level(&entries) {
        let named: Vec<String> = entries
            .into_iter()
            .map(|entry| {
                let file = entry.origin.display().to_string();
                format!("{} in {} ({})", harmless(&entry.key), harmless(&file), entry.state())
            })
            .collect();
        let text = format!("git's {} configuration can run programs: {}", level.word(), named.join(", "));
        found.push(Finding::note(area, text));
    }
    let remedy = format!("undo the change, or agree to it: `paddock project trust {}`", project.slug);
    let named = |names: &[String]| harmless(&names.join(", "));
    if !judged.held.is_empty() {
        let text = format!("configuration that can run programs changed: {}", named(&judged.held));
        found.push(Finding::error(area, text, remedy.clone()));
    }
    // A remote that nothing is pushed to cannot act.
    let remote = project.settings.land.push.as_deref();
    let push = remote.map_or(Ok(Vec::new()), |remote| repository.acting_on_push(&judged, remote));
    let (off, signing, push) = (&judged.off, &judged.signing, &push.unwrap_or_default());
    let parts = [
        (off, "switched off, because nobody agreed to it"),
        (signing, "not used to sign, because nobody agreed to it"),
        (push, "not used to push, because nobody agreed to it"),
    ];
    for (names, what) in parts.into_iter().filter(|(names, _)| !names.is_empty()) {
        let text = format!("git configuration is {what}: {}", named(names));
        found.push(Finding::warning(area, text, remedy.clone()));
    }
    found
}

/// Reports the places of objectives by their kind, and those whose folders are gone.
fn places(state: &State, project: &Project, area: &str) -> Vec<Finding> {
    let objectives = state.objectives_of(&project.slug);
    let all: Vec<(&str, &Path)> = objectives
        .filter_map(|objective| {
            Some((objective.key.id.as_str(), Path::new(&objective.ready_worktree()?.path)))
        })
        .collect();
    let gone: Vec<String> =
        all.iter().filter(|(_, path)| !path.is_dir()).map(|(_, path)| path.display().to_string()).collect();
    if !gone.is_empty() {
        let text = format!("worktrees are gone: {}", gone.join(", "));
        return vec![Finding::warning(area, text, "nothing: Paddock makes them again when it needs them")];
    }
    let own = Repository::open(Path::new(&project.settings.repo_root))
        .and_then(|repository| own_places(&repository))
        .unwrap_or_default();
    let is_own = |path: &Path| {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        own.iter().any(|place| place.path == path)
    };
    let (own, linked): (Vec<_>, Vec<_>) = all.iter().partition(|(_, path)| is_own(path));
    let mut found = Vec::new();
    for (places, what) in [(linked, "worktree"), (own, "own place")] {
        if !places.is_empty() {
            let names: Vec<&str> = places.iter().take(NAMED_MAX).map(|(id, _)| *id).collect();
            let more = if places.len() > names.len() { ", …" } else { "" };
            let text = format!("{} ({}{more})", counted(places.len(), what), names.join(", "));
            found.push(Finding::good(area, text));
        }
    }
    found
}
