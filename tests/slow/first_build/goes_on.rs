//! This build opens the workspace of the first build and continues all work in it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use paddock_testkit::bounded;
use serde_json::{Value, json};

use super::place::{Packed, RUNNING};

fn web(place: &Packed) -> Value {
    let status = place.json("--project web status --json --all");
    status["projects"][0].clone()
}

fn states(project: &Value) -> Value {
    let objectives = project["objectives"].as_array().unwrap().iter();
    objectives.map(|one| (one["id"].as_str().unwrap().to_owned(), one["status"].clone())).collect()
}

/// Asserts that everything in the workspace is shown as the first build left it.
fn shows_everything(place: &Packed) {
    let project = web(place);
    let left = json!({
        "asks": "needs_review", "cancelled": "cancelled", "landed": "done", "later": "paused",
        "queued": "queued", "running": "active", "second": "done", "skipped": "skipped",
        "turned-down": "failed", "waiting": "todo",
    });
    assert_eq!(states(&project), left);
    assert_eq!(project["target_branch"], "main");
    assert_eq!(project["queue"][0]["objective"], "queued");
    let running = project["sessions"].as_array().unwrap().iter().find(|one| one["id"] == RUNNING).unwrap();
    assert_eq!(running["status"], "running");
    place.good("--project web verify");
    let salvaged = place.good("--project web salvage show asks/3");
    assert!(salvaged.contains("待定"), "{salvaged}");
    assert_eq!(place.git("web", "log --format=%s -1 main"), "A commit of the user");
}

/// Asserts that `status` names the differences of this build once, and never in a new workspace.
fn says_once_what_changed(place: &Packed) {
    let said = "shown once";
    assert!(place.good("status").contains(said));
    assert!(!place.good("status").contains(said));
    place.run_in("new", &format!("init {}", place.path("new").display()));
    let (_, new) = place.run_in("new", "status");
    assert!(!new.contains(said), "{new}");
}

/// Asserts that the session under the old keeper is adopted, ends and lands, and that everything that waited
/// for a person continues after the answer.
fn continues_all_work(place: &Packed) {
    let before = place.git("web", "rev-parse main");
    let mut supervisor = place.supervisor();
    let session = place.json(&format!("--project web session show {RUNNING} --json"));
    assert_eq!(session["status"], "running", "{session}");
    fs::write(place.path("go"), "").unwrap();
    let ended = supervisor.next("the end of the session", |event| {
        event["type"] == "session_ended" && event["session"] == RUNNING
    });
    assert_eq!(ended["data"]["end"], "completed", "{ended}");
    place.good("--project web queue release");
    place.good("--project web objective approve asks");
    place.good("--project web objective resume later");
    place.good("--project web objective retry turned-down");
    place.good("--project web plan approve");
    for objective in ["queued", "running", "asks", "waiting", "later", "planned"] {
        if !is_done(&web(place), objective) {
            supervisor.next(objective, |event| {
                event["type"] == "objective_done" && event["objective"] == objective
            });
        }
    }
    supervisor.stop();
    place.good("--project web verify");
    assert_eq!(place.git("web", "show main:running/more"), "more");
    // Earlier landings are still part of the branch.
    place.git("web", &format!("merge-base --is-ancestor {before} main"));
    let (_, said) = place.run("--project plain status --json");
    let plain: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(plain["projects"][0]["target_branch"], "main", "{plain}");
}

fn is_done(project: &Value, objective: &str) -> bool {
    states(project)[objective] == "done"
}

#[test]
#[cfg(target_os = "linux")]
fn a_workspace_of_the_first_build_opens_and_its_work_continues() {
    let place = Packed::unpack();
    shows_everything(&place);
    says_once_what_changed(&place);
    continues_all_work(&place);
}

#[test]
#[ignore = "needs a binary of the first build: `.ci/run full` makes one and names it in PADDOCK_FIRST_BUILD"]
fn a_workspace_under_a_real_keeper_of_the_first_build_continues() {
    let binary = std::env::var_os("PADDOCK_FIRST_BUILD").map(PathBuf::from).unwrap();
    let folder = tempfile::Builder::new().prefix("paddock-first-").tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap().join("place");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/slow/first_build/make.sh");
    let made = bounded::output_of(Command::new("sh").arg(script).arg(binary).arg(&path));
    assert!(made.status.success(), "{made:?}");
    let place = Packed::at(path);
    shows_everything(&place);
    continues_all_work(&place);
}
