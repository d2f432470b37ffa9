//! Salvaged work is listed, shown, and restored without overwriting anything.

use std::fs;
use std::path::Path;

use paddock_testkit::Sandbox;

#[test]
fn salvaged_work_is_restored_only_where_nothing_is_in_its_way() {
    let place = Sandbox::new();
    let repository = place.project("kept", "");
    assert!(place.refused(&["salvage", "show", "1"], 1).contains("there is no salvaged work"));
    let script = "echo changed > README.md\nmkdir new\necho new > 'new/a b.txt'\nover blocked";
    place.objective("loose", script, &[]);
    place.idle(3);
    let shown = place.good(&["salvage", "show", "loose/1"]);
    assert!(shown.contains("README.md") && shown.contains("2 files changed"), "{shown}");
    assert!(place.good(&["salvage", "list", "loose"]).contains("2 paths"));

    place.good(&["salvage", "restore", "1", "--to", "copy"]);
    assert_eq!(fs::read_to_string(place.path("copy/new/a b.txt")).unwrap(), "new\n");
    assert_eq!(fs::read_to_string(place.path("copy/README.md")).unwrap(), "changed\n");
    assert!(place.refused(&["salvage", "restore", "1", "--to", "copy"], 1).contains("not empty"));

    place.good(&["salvage", "restore", "1", "--to-branch", "rescued"]);
    assert_eq!(place.git(&repository, &["show", "rescued:README.md"]), "changed");
    assert!(place.refused(&["salvage", "restore", "1", "--to-branch", "rescued"], 1).contains("already"));

    let worktree = place.status_of("loose")["worktree"].as_str().unwrap().to_owned();
    let worktree = Path::new(&worktree);
    fs::write(worktree.join("README.md"), "mine\n").unwrap();
    fs::remove_dir_all(worktree.join("new")).unwrap();
    let said = place.refused(&["salvage", "restore", "loose/1"], 1);
    assert!(said.contains("nothing was restored") && said.contains("README.md"), "{said}");
    assert!(!worktree.join("new").exists(), "a refused restore wrote nothing");
    fs::write(worktree.join("README.md"), "hello\n").unwrap();
    let said = place.good(&["salvage", "restore", "loose/1"]);
    assert!(said.contains("2 paths restored"), "{said}");
    assert_eq!(fs::read_to_string(worktree.join("README.md")).unwrap(), "changed\n");

    fs::remove_dir_all(worktree.join("new")).unwrap();
    std::os::unix::fs::symlink(place.path("notes"), worktree.join("new")).unwrap();
    assert!(place.refused(&["salvage", "restore", "loose/1"], 1).contains("a b.txt"));
    assert!(!place.note("a b.txt").exists(), "a link does not lead out of the worktree");
    place.good(&["objective", "retry", "loose"]);
    assert!(place.refused(&["salvage", "restore", "loose/1"], 1).contains("pause loose"));
}

#[test]
fn the_report_counts_only_vanished_work_as_lost() {
    let place = Sandbox::new();
    // An own place has one more copy of what was committed there.
    let repository = place.project("night", "workplace: worktree");
    place.objective("whole", "commit whole.txt; over", &["--scope", "whole.txt"]);
    place.objective("loose", "commit made.txt; echo more > loose.txt; over blocked", &["--scope", "*.txt"]);
    place.idle(3);
    let report = place.json(&["report", "--json"]);
    let project = &report["projects"][0];
    assert_eq!(project["lost"].as_array().unwrap().len(), 0, "{project}");

    // The ref stays while its commit goes, as after a damaged disk.
    let kept = place.git(&repository, &["rev-parse", "refs/paddock/salvage/loose/2"]);
    fs::remove_file(repository.join(".git/objects").join(&kept[..2]).join(&kept[2..])).unwrap();
    // What was just made is in a pack as well, for a while.
    fs::remove_dir_all(repository.join(".git/objects/pack")).unwrap();
    let (code, report, _) = place.run(&["report"]);
    assert_eq!(code, 1, "{report}");
    assert!(report.contains("refs/paddock/salvage/loose/2") && report.contains("lost: 1"), "{report}");
}

#[test]
fn status_report_and_explain_list_the_same_needs() {
    let place = Sandbox::new();
    let repository = place.project("night", "");
    place.objective("whole", "commit README.md changed; over", &["--scope", "README.md"]);
    place.objective("stuck", "over blocked", &["--scope", "other.txt"]);
    fs::write(repository.join("README.md"), "mine\n").unwrap();
    place.idle(3);
    let status = place.json(&["status", "--json"]);
    let codes = |list: &serde_json::Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
    };
    let of_project = codes(&status["projects"][0]["reasons"]);
    assert_eq!(of_project, ["publication_waits"]);
    let report = place.json(&["report", "--json"]);
    let mut waiting = report["projects"][0]["waiting"].clone();
    waiting.as_array_mut().unwrap().retain(|one| one["objective"].is_null());
    assert_eq!(codes(&waiting), of_project);
    let explained = place.good(&["explain"]);
    assert!(explained.contains("publication_waits") && explained.contains("night/stuck"), "{explained}");
}
