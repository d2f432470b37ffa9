//! Runs a project's `worktree.setup` once, in a worktree that is thrown away, to see what it changes.
//!
//! What the command changes of the repository's configuration and hooks (husky, lefthook, pre-commit) is shown
//! and agreed to here, in the presence of the person, so that the same change later is nobody's secret.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;

use super::context::Context;
use super::exit_codes::Failure;
use super::output;
use paddock_git::{Repository, Worktree, begin_set_up, end_set_up, prepare_detached, remove_gate};
use paddock_model::command::Command;
use paddock_model::facts::TrustRecord;
use paddock_model::ids::ProjectSlug;
use paddock_model::path::RepoPath;
use paddock_model::project::Project;
use paddock_os::files::make_private_dir;
use paddock_report::text::harmless;
use paddock_runner::{
    ExitRecord, JobKey, JobKind, JobReport, JobSpec, Limits, LocalRunner, Resources, Runner, SET_UP_STAGE,
    SecretValues, SlotOrder, Stage, StageEnd, StopSignal,
};
use paddock_supervisor::{copy_into, described, last_line, slot_places};

/// Number of the job. Recorded gate runs never reach it, nor do the reruns of `verify`.
const NUMBER: u64 = 1 << 52;

/// What a run of the command showed.
#[derive(Debug, Default)]
pub(super) struct Tried {
    /// Why the command is not fine; `None` if it ended well.
    pub fault: Option<String>,
    /// Names of entries of git's configuration and of hooks that it changed.
    pub changed: Vec<String>,
    /// Files that it changed or left where no rule ignores them.
    pub left: Vec<RepoPath>,
    /// Entries of `worktree.copy` that stand for nothing.
    pub missed: Vec<String>,
    /// Names and hashes of what it changed; entries that are gone have none.
    trust: BTreeMap<String, Option<String>>,
}

/// Runs the command of a project, if it has one, and asks whether what it changes is agreed to. Without a
/// terminal, `yes` agrees.
///
/// Fails if the worktree cannot be made or the terminal fails. A command that fails is reported in words.
pub(super) fn run(context: &Context, slug: &ProjectSlug, yes: bool) -> Result<Option<Tried>, Failure> {
    let state = context.state()?;
    let Some(project) = state.project(slug) else { return Ok(None) };
    let Some(command) = &project.settings.worktree.setup else { return Ok(None) };
    output::note(&format!("running worktree.setup once in a worktree of its own: {}", harmless(command)));
    let tried = try_out(context, project, command)?;
    for line in lines(&tried) {
        output::note(&line);
    }
    let agrees = match tried.changed.is_empty() {
        true => false,
        false if yes => true,
        false => {
            output::confirm("agree to these changes of git's configuration and hooks?")?.unwrap_or(false)
        }
    };
    if agrees {
        let trust = with_changes(&project.trust, &tried.trust);
        context.ask(Command::ProjectTrust { project: slug.clone(), trust })?;
        output::note("agreed: the same changes by a later set-up hold nothing");
    }
    Ok(Some(tried))
}

/// Says what a run showed, one line each.
pub(super) fn lines(tried: &Tried) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(fault) = &tried.fault {
        lines.push(format!("worktree.setup does not work here: {}", harmless(fault)));
    }
    if !tried.missed.is_empty() {
        lines.push(format!("worktree.copy copies nothing for {}", harmless(&tried.missed.join(", "))));
    }
    if !tried.changed.is_empty() {
        lines.push(format!(
            "worktree.setup changes git's configuration or hooks: {}",
            harmless(&tried.changed.join(", "))
        ));
    }
    if !tried.left.is_empty() {
        let names: Vec<String> = tried.left.iter().map(ToString::to_string).collect();
        lines.push(format!(
            "worktree.setup leaves changes that no rule ignores, which never land: {}",
            harmless(&names.join(", "))
        ));
    }
    lines
}

/// Returns the record with the changed entries as they are now.
fn with_changes(agreed: &TrustRecord, changed: &BTreeMap<String, Option<String>>) -> TrustRecord {
    let mut entries: BTreeMap<String, String> = agreed.entries.iter().cloned().collect();
    for (name, hash) in changed {
        match hash {
            Some(hash) => drop(entries.insert(name.clone(), hash.clone())),
            None => drop(entries.remove(name)),
        }
    }
    TrustRecord { entries: entries.into_iter().collect() }
}

fn try_out(context: &Context, project: &Project, command: &str) -> Result<Tried, Failure> {
    let root = Path::new(&project.settings.repo_root);
    let repository = Repository::open(root).map_err(error)?.agreeing(project.trust.entries.iter().cloned());
    let folder = PathBuf::from(&project.settings.worktrees_root).join(project.slug.as_str());
    std::fs::create_dir_all(&folder)?;
    let name = format!("_setup-{}", std::process::id());
    let (path, dir) = (folder.join(&name), context.workspace.trash_dir().join(&name));
    let worktree = prepare_detached(&repository, &path, &project.integration.tip).map_err(error)?;
    let tried = try_in(context, project, (&repository, &worktree), (command, &dir));
    if let Err(problem) = remove_gate(&repository, &path) {
        output::note(&format!("cannot remove {}: {problem}", path.display()));
    }
    // Fails if worktrees of sessions are in the folder, which stay.
    drop(std::fs::remove_dir(&folder));
    drop(std::fs::remove_dir_all(&dir));
    tried
}

fn try_in(
    context: &Context,
    project: &Project,
    (repository, worktree): (&Repository, &Worktree),
    (command, dir): (&str, &Path),
) -> Result<Tried, Failure> {
    let settings = &project.settings.worktree;
    let root = Path::new(&project.settings.repo_root);
    let missed = copy_into(repository, worktree, root, &settings.copy).map_err(error)?;
    begin_set_up(repository, worktree).map_err(error)?;
    let before = repository.execution_config().map_err(error)?.entries;
    let limit_ms = u64::from(settings.setup_timeout_minutes) * 60_000;
    let record = run_job(context, project, (worktree, dir), (command, limit_ms))?;
    let after = repository.execution_config().map_err(error)?.entries;
    let names = before.keys().chain(after.keys()).filter(|name| before.get(*name) != after.get(*name));
    let trust: BTreeMap<String, Option<String>> =
        names.map(|name| (name.clone(), after.get(name).cloned())).collect();
    let fault = record.stages.first().filter(|end| !end.succeeded()).map(|end| fault_of(end, dir));
    let left = match fault {
        Some(_) => Vec::new(),
        None => end_set_up(repository, worktree).map_err(error)?,
    };
    Ok(Tried { fault, changed: trust.keys().cloned().collect(), left, missed, trust })
}

fn fault_of(end: &StageEnd, dir: &Path) -> String {
    let how = described(&end.outcome);
    last_line(dir).map_or(how.clone(), |line| format!("{how}: {line}"))
}

fn run_job(
    context: &Context,
    project: &Project,
    (worktree, dir): (&Worktree, &Path),
    (command, limit_ms): (&str, u64),
) -> Result<ExitRecord, Failure> {
    make_private_dir(dir)?;
    let (sender, reports) = channel();
    let runner = LocalRunner::new(&context.workspace.runtime(), sender).map_err(error)?;
    let runner = runner.with_slots(slot_places(&context.environment));
    let key = JobKey { kind: JobKind::Gate, id: NUMBER + u64::from(std::process::id()), attempt: 1 };
    let stage = Stage {
        name: SET_UP_STAGE.to_owned(),
        argv: vec![OsString::from(command)],
        shell: true,
        timeout_ms: Some(limit_ms),
        counted: false,
        prompted: false,
    };
    let spec = JobSpec {
        key,
        dir: dir.to_owned(),
        worktree: worktree.path.clone(),
        stages: vec![stage],
        stdin: None,
        env_set: BTreeMap::new(),
        env_names: Vec::new(),
        env_values: SecretValues::default(),
        // Git sets these for hooks; the set-up must work on its own folder even if Paddock was started by one.
        env_unset: ["DIR", "WORK_TREE", "INDEX_FILE"].map(|name| format!("GIT_{name}")).to_vec(),
        limits: Limits::default(),
        stop_signal: StopSignal::Term,
        resources: Resources::default(),
        slot: Some(SlotOrder::new(&project.slug, &project.settings.ports)),
    };
    runner.submit(&spec).map_err(error)?;
    loop {
        match reports.recv() {
            Ok(JobReport::Ended { key: ended, record }) if ended == key => return Ok(*record),
            Ok(JobReport::Lost { key: lost, .. }) if lost == key => break,
            Ok(_) => {}
            Err(_) => break,
        }
    }
    Err(error("its keeper vanished"))
}

fn error(text: impl std::fmt::Display) -> Failure {
    Failure::error(format!("worktree.setup could not be tried: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_set_up_changed_joins_the_agreement() {
        let pair = |name: &str, hash: &str| (name.to_owned(), hash.to_owned());
        let agreed = TrustRecord { entries: vec![pair("config a.b", "1"), pair("hook old", "2")] };
        let changed = BTreeMap::from([
            ("hook pre-commit".to_owned(), Some("3".to_owned())),
            ("hook old".to_owned(), None),
        ]);
        let entries = with_changes(&agreed, &changed).entries;
        assert_eq!(entries, [pair("config a.b", "1"), pair("hook pre-commit", "3")]);
    }
}
