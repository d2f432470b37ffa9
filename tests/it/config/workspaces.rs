//! Finding workspaces, and reading the environment and `.env`.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use paddock_config::{Environment, Workspace, WorkspaceError};
use paddock_git::is_tracked;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn no_variables() -> Environment {
    Environment::from_variables([("HOME", "/nonexistent/paddock-test")])
}

#[test]
fn a_workspace_is_made_private_and_making_it_again_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("new/ws");
    let first = Workspace::init(&root, is_tracked).unwrap();
    assert_eq!(Workspace::init(&root, is_tracked).unwrap(), first);
    for path in [root.clone(), root.join("projects"), root.join("runtime"), root.join("runtime/sessions")] {
        assert_eq!(mode(&path), 0o700, "{}", path.display());
    }
    assert_eq!(mode(&root.join("runtime/workspace.json")), 0o600);
    assert_eq!(first.id().len(), 32);
}

#[test]
fn the_nearest_private_workspace_is_found_and_one_open_to_others_is_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let outer = Workspace::init(folder.path(), is_tracked).unwrap();
    let inner = Workspace::init(&folder.path().join("a"), is_tracked).unwrap();
    let deep = folder.path().join("a/b/c");
    fs::create_dir_all(&deep).unwrap();
    assert_eq!(Workspace::find(None, &no_variables(), &deep, is_tracked).unwrap(), inner);
    fs::set_permissions(inner.runtime(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(Workspace::find(None, &no_variables(), &deep, is_tracked).unwrap(), outer);
    let error =
        Workspace::find(Some(&folder.path().join("a")), &no_variables(), &deep, is_tracked).unwrap_err();
    assert!(error.to_string().contains("chmod 700"), "{error}");
}

#[test]
fn an_explicit_root_must_be_a_workspace_and_wins_over_the_variable() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::init(&folder.path().join("ws"), is_tracked).unwrap();
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let variables = Environment::from_variables([("PADDOCK_ROOT", empty.as_os_str())]);
    let error = Workspace::find(None, &variables, folder.path(), is_tracked).unwrap_err();
    assert!(error.to_string().contains("paddock init"), "{error}");
    assert_eq!(
        Workspace::find(Some(Path::new("ws")), &variables, folder.path(), is_tracked).unwrap(),
        workspace
    );
}

#[test]
fn without_a_workspace_the_users_own_is_made_on_first_use() {
    let folder = tempfile::tempdir().unwrap();
    let variables = Environment::from_variables([("XDG_DATA_HOME", folder.path().join("data"))]);
    let made = Workspace::find(None, &variables, folder.path(), is_tracked).unwrap();
    assert!(made.root().ends_with("data/paddock"));
    let variables = Environment::from_variables([("HOME", folder.path())]);
    let made = Workspace::find(None, &variables, folder.path(), is_tracked).unwrap();
    assert!(made.root().ends_with(".local/share/paddock"));
    let none = Environment::default();
    assert!(matches!(Workspace::find(None, &none, folder.path(), is_tracked), Err(WorkspaceError::NoHome)));
}

#[test]
fn a_workspace_that_a_repository_ships_is_neither_made_nor_found() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("clone");
    let workspace = Workspace::init(&root, is_tracked).unwrap();
    let repository = git2::Repository::init(&root).unwrap();
    assert_eq!(Workspace::find(None, &no_variables(), &root, is_tracked).unwrap(), workspace);
    let mut index = repository.index().unwrap();
    index.add_path(Path::new("runtime/workspace.json")).unwrap();
    index.write().unwrap();
    assert!(matches!(Workspace::open(&root, is_tracked), Err(WorkspaceError::Tracked(_))));
    assert!(matches!(Workspace::init(&root, is_tracked), Err(WorkspaceError::Tracked(_))));
    assert!(Workspace::find(None, &Environment::default(), &root, is_tracked).is_err());
}

#[test]
fn the_runtime_of_a_workspace_inside_a_repository_is_ignored_by_git() {
    let folder = tempfile::tempdir().unwrap();
    let repository = git2::Repository::init(folder.path()).unwrap();
    Workspace::init(folder.path(), is_tracked).unwrap();
    assert!(repository.is_path_ignored("runtime/workspace.json").unwrap());
}

#[test]
fn the_real_environment_wins_over_the_file_and_gates_see_none_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let text = "KEY=secret\nPADDOCK_POLL_SECONDS=7\nPADDOCK_DB=elsewhere.db\nPADDOCK_PROXY=http://p:1\n";
    fs::write(folder.path().join(".env"), text).unwrap();
    let real = [("PADDOCK_POLL_SECONDS", "9"), ("https_proxy", "http://mine"), ("A", "1")];
    let environment = Environment::from_variables(real).with_file_of(folder.path()).unwrap();
    assert_eq!(environment.poll_seconds().unwrap(), 9);
    assert_eq!(environment.planner_cooldown_seconds().unwrap(), 300);
    assert_eq!(environment.log_level(), "info");
    let agents = environment.for_agents();
    let of = |name: &str| agents.get(std::ffi::OsStr::new(name)).and_then(|value| value.to_str());
    assert_eq!(of("KEY"), Some("secret"));
    assert_eq!((of("HTTP_PROXY"), of("all_proxy")), (Some("http://p:1"), Some("http://p:1")));
    assert_eq!(of("https_proxy"), Some("http://mine"));
    assert_eq!(of("no_proxy"), Some("localhost,127.0.0.1,::1"));
    let workspace = Workspace::init(folder.path(), is_tracked).unwrap().with_environment(&environment);
    assert!(workspace.db().ends_with("elsewhere.db") && workspace.db().is_absolute());
}

#[test]
fn markers_of_an_agents_shell_reach_no_agent_unless_a_person_set_them() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".env"), "CLAUDECODE=mine\nOTHER=file\n").unwrap();
    let real =
        [("CLAUDECODE", "1"), ("OPENCODE", "1"), ("AGENT", "1"), ("OTHER", "real"), ("CODEX_HOME", "/c")];
    let environment = Environment::from_variables(real).with_file_of(folder.path()).unwrap();
    let named = |all: Vec<(OsString, OsString)>| -> Vec<String> {
        all.into_iter().map(|(k, v)| format!("{}={}", k.display(), v.display())).collect()
    };
    let agents = named(environment.for_agents().into_iter().collect());
    assert_eq!(agents, ["CLAUDECODE=mine", "CODEX_HOME=/c", "OTHER=real"]);
}

#[test]
fn an_invalid_variable_is_refused_with_its_valid_values() {
    for bad in ["0", "-1", "soon", "1.5", "99999999999999999999"] {
        let error = Environment::from_variables([("PADDOCK_POLL_SECONDS", bad)]).poll_seconds().unwrap_err();
        assert!(error.to_string().contains("whole number of seconds from 1"), "{error}");
    }
    let error = Environment::from_variables([("PADDOCK_PROJECT", "My Project")]).project().unwrap_err();
    assert!(error.to_string().contains("my-project"), "{error}");
    assert_eq!(Environment::from_variables([("PADDOCK_PROJECT", "")]).project().unwrap(), None);
}
