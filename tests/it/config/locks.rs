//! Locks of workspaces and claims on repositories.
//!
//! Each test runs alone in a process of its own. Otherwise a child that another test starts would hold a
//! released lock for a moment: between fork and exec it has a copy of every open file.

use std::fs;
use std::path::Path;

use paddock_config::Workspace;
use paddock_git::is_tracked;
use paddock_ipc::workspace_lock::{Claimant, Kept, LockError, RepositoryClaim, WorkspaceLock};
use paddock_model::ids::ProjectSlug;
use paddock_testkit::alone::is_alone;

#[test]
fn a_workspace_has_one_holder_and_the_error_names_it() {
    if !is_alone(module_path!(), "a_workspace_has_one_holder_and_the_error_names_it") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::init(folder.path(), is_tracked).unwrap();
    assert_eq!(WorkspaceLock::holder(&workspace.runtime()).unwrap(), None);
    let lock = WorkspaceLock::try_take(&workspace.runtime()).unwrap();
    let error = WorkspaceLock::try_take(&workspace.runtime()).unwrap_err();
    assert!(matches!(error, LockError::WorkspaceHeld { .. }));
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    let holder = WorkspaceLock::holder(&workspace.runtime()).unwrap().unwrap();
    assert_eq!(holder.pid, Some(std::process::id()));
    assert!(holder.since.is_some());
    drop(lock);
    assert_eq!(WorkspaceLock::holder(&workspace.runtime()).unwrap(), None);
    WorkspaceLock::try_take(&workspace.runtime()).unwrap();
}

#[test]
fn a_lock_taken_for_one_command_says_so() {
    if !is_alone(module_path!(), "a_lock_taken_for_one_command_says_so") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::init(folder.path(), is_tracked).unwrap();
    let lock = WorkspaceLock::try_take_for_command(&workspace.runtime()).unwrap();
    assert!(WorkspaceLock::holder(&workspace.runtime()).unwrap().unwrap().is_command);
    let error = WorkspaceLock::try_take(&workspace.runtime()).unwrap_err().to_string();
    assert!(error.contains("one command") && !error.contains("supervisor stop"), "{error}");
    drop(lock);
    let _lock = WorkspaceLock::try_take(&workspace.runtime()).unwrap();
    let error = WorkspaceLock::try_take(&workspace.runtime()).unwrap_err().to_string();
    assert!(!error.contains("one command") && error.contains("supervisor stop"), "{error}");
}

#[test]
fn stale_text_with_a_free_lock_is_taken_over() {
    if !is_alone(module_path!(), "stale_text_with_a_free_lock_is_taken_over") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::init(folder.path(), is_tracked).unwrap();
    fs::write(
        WorkspaceLock::file_in(&workspace.runtime()),
        "pid: 1\nsince: 2001-01-01T00:00:00Z\nand much more that is longer\n",
    )
    .unwrap();
    assert_eq!(WorkspaceLock::holder(&workspace.runtime()).unwrap(), None);
    let _lock = WorkspaceLock::try_take(&workspace.runtime()).unwrap();
    let text = fs::read_to_string(WorkspaceLock::file_in(&workspace.runtime())).unwrap();
    assert!(
        text.starts_with(&format!("pid: {}\n", std::process::id())) && !text.contains("much more"),
        "{text}"
    );
}

/// A supervisor can die between a child's fork and its exec: for a moment the child still has the lock file
/// open. A killed supervisor leaves its text in the file; one that stops gracefully leaves none.
#[cfg(target_os = "linux")]
#[test]
fn a_lock_that_outlives_its_holder_for_a_moment_is_waited_for() {
    if !is_alone(module_path!(), "a_lock_that_outlives_its_holder_for_a_moment_is_waited_for") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::init(folder.path(), is_tracked).unwrap();
    let mut gone = std::process::Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let text = format!("pid: {}\nstart_time: 1\nboot_id: {}\n", gone.id(), boot.trim());
    for left in [text.as_str(), ""] {
        fs::write(WorkspaceLock::file_in(&workspace.runtime()), left).unwrap();
        let file = fs::File::open(WorkspaceLock::file_in(&workspace.runtime())).unwrap();
        file.lock().unwrap();
        // Longer than a lock is retried while its holder lives.
        let mut child = std::process::Command::new("sleep").arg("0.5").stdin(file).spawn().unwrap();
        WorkspaceLock::try_take(&workspace.runtime()).unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn a_deleted_lock_file_lets_nobody_in_and_is_put_back() {
    if !is_alone(module_path!(), "a_deleted_lock_file_lets_nobody_in_and_is_put_back") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::init(folder.path(), is_tracked).unwrap();
    let runtime = workspace.runtime();
    let file = WorkspaceLock::file_in(&runtime);
    let lock = WorkspaceLock::try_take(&runtime).unwrap();
    assert_eq!(lock.keep(&runtime).unwrap(), Kept::AsItWas);
    fs::remove_file(&file).unwrap();
    let error = WorkspaceLock::try_take(&runtime).unwrap_err();
    assert!(matches!(error, LockError::WorkspaceHeld { .. }), "{error}");
    assert!(WorkspaceLock::holder(&runtime).unwrap().is_some());
    // The attempt above has made an empty file.
    assert_eq!(lock.keep(&runtime).unwrap(), Kept::PutBack { was_replaced: true });
    fs::remove_file(&file).unwrap();
    assert_eq!(lock.keep(&runtime).unwrap(), Kept::PutBack { was_replaced: false });
    let holder = WorkspaceLock::holder(&runtime).unwrap().unwrap();
    assert_eq!(holder.pid, Some(std::process::id()));
    // A build that knows the file alone has taken one that was made anew.
    fs::remove_file(&file).unwrap();
    let other = fs::File::create(&file).unwrap();
    other.lock().unwrap();
    fs::write(&file, "pid: 1\n").unwrap();
    assert!(matches!(lock.keep(&runtime).unwrap_err(), LockError::WorkspaceHeld { .. }));
    drop(other);
    drop(lock);
    let lock = WorkspaceLock::try_take(&runtime).unwrap();
    fs::remove_dir_all(&runtime).unwrap();
    assert!(matches!(lock.keep(&runtime).unwrap_err(), LockError::Gone { .. }));
    fs::create_dir(&runtime).unwrap();
    assert!(matches!(lock.keep(&runtime).unwrap_err(), LockError::Gone { .. }));
}

#[test]
fn a_deleted_claim_lets_no_other_workspace_in_and_is_put_back() {
    if !is_alone(module_path!(), "a_deleted_claim_lets_no_other_workspace_in_and_is_put_back") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::init(&folder.path().join("ws"), is_tracked).unwrap();
    let repository = git2::Repository::init(folder.path().join("repo")).unwrap();
    let slug = |text: &str| ProjectSlug::new(text).unwrap();
    let claim = claim_for(repository.commondir(), &workspace, &slug("first")).unwrap();
    fs::remove_file(claim.file()).unwrap();
    let error = claim_for(repository.commondir(), &workspace, &slug("second")).unwrap_err();
    assert!(matches!(error, LockError::RepositoryHeld { .. }), "{error}");
    fs::remove_file(claim.file()).unwrap();
    assert_eq!(claim.keep(repository.commondir()).unwrap(), Kept::PutBack { was_replaced: false });
    let message = claim_for(repository.commondir(), &workspace, &slug("second")).unwrap_err().to_string();
    assert!(message.contains("project `first`"), "{message}");
}

fn claim_for(
    folder: &Path,
    workspace: &Workspace,
    project: &ProjectSlug,
) -> Result<RepositoryClaim, LockError> {
    let claimant = Claimant { workspace_id: workspace.id(), workspace: workspace.root(), project };
    RepositoryClaim::take(folder, claimant)
}

#[test]
fn a_repository_belongs_to_one_project_of_one_workspace() {
    if !is_alone(module_path!(), "a_repository_belongs_to_one_project_of_one_workspace") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::init(&folder.path().join("ws"), is_tracked).unwrap();
    let repository = git2::Repository::init(folder.path().join("repo")).unwrap();
    let slug = |text: &str| ProjectSlug::new(text).unwrap();
    let claim = claim_for(repository.commondir(), &workspace, &slug("first")).unwrap();
    let error = claim_for(repository.commondir(), &workspace, &slug("second")).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("project `first`"), "{message}");
    assert!(message.contains(&workspace.root().display().to_string()), "{message}");
    let holder = RepositoryClaim::holder(repository.commondir()).unwrap().unwrap();
    assert_eq!(holder.workspace_id.as_deref(), Some(workspace.id()));
    drop(claim);
    claim_for(repository.commondir(), &workspace, &slug("second")).unwrap();
}

#[test]
fn a_link_in_place_of_a_claim_is_not_followed() {
    if !is_alone(module_path!(), "a_link_in_place_of_a_claim_is_not_followed") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::init(&folder.path().join("ws"), is_tracked).unwrap();
    let precious = folder.path().join("precious");
    fs::write(&precious, "keep").unwrap();
    std::os::unix::fs::symlink(&precious, folder.path().join("paddock.claim")).unwrap();
    let slug = ProjectSlug::new("p").unwrap();
    assert!(matches!(claim_for(folder.path(), &workspace, &slug), Err(LockError::Io { .. })));
    assert_eq!(fs::read_to_string(&precious).unwrap(), "keep");
}
