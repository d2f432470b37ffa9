//! Proofs: a note on every landing, held against the repository by `paddock verify`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::place::Place;

/// A project with one verified landing and one commit of the user after it.
fn landed(place: &Place) -> (PathBuf, String) {
    let repository = place.project("proof", "verify: [{name: tests, run: 'echo ran; test -e README.md'}]");
    place.objective("work", "commit work.txt\nover", &[]);
    place.idle(0);
    let commit = place.git(&repository, &["rev-parse", "main"]);
    fs::write(repository.join("mine.txt"), "mine\n").unwrap();
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "Mine"]);
    place.idle(0);
    (repository, commit)
}

fn faults(place: &Place) -> String {
    let (code, stdout, stderr) = place.run(&["verify", "--json"]);
    assert_eq!(code, 1, "{stdout}{stderr}");
    let document: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(document["ok"], false);
    stdout
}

fn note(place: &Place, repository: &Path, commit: &str) -> String {
    place.git(repository, &["notes", "--ref=paddock", "show", commit])
}

#[test]
fn every_landing_has_a_proof_and_verify_finds_all_as_recorded() {
    let place = Place::new();
    let (repository, commit) = landed(&place);
    let tree = place.git(&repository, &["rev-parse", &format!("{commit}^{{tree}}")]);
    let trailer = "--format=%(trailers:key=Paddock-Verified,valueonly)";
    assert_eq!(place.git(&repository, &["log", "-1", trailer, &commit]).trim(), tree);
    let proof: Value = serde_json::from_str(&note(&place, &repository, &commit)).unwrap();
    assert_eq!((&proof["version"], &proof["tree"]), (&1.into(), &tree.into()));
    assert_eq!(proof["objectives"][0]["id"], "work");
    let command = &proof["gate"]["commands"][0];
    assert_eq!((&command["verdict"], &command["exit_status"]), (&"green".into(), &0.into()));
    assert_eq!(command["log_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(proof["agents"], serde_json::json!(["tester"]));
    let document = place.json(&["verify", "--json"]);
    let kinds: Vec<&str> = document["projects"][0]["commits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["external", "verified"]);
    assert!(place.good(&["verify", "--rerun"]).contains("all as recorded"));
    assert!(place.good(&["verify", "--since", "2999-01-01"]).contains("0 commits"));
}

#[test]
fn a_note_that_was_changed_or_removed_is_found() {
    let place = Place::new();
    let (repository, commit) = landed(&place);
    let changed = note(&place, &repository, &commit).replace("\"work\"", "\"other\"");
    place.git(&repository, &["notes", "--ref=paddock", "add", "-f", "-m", &changed, &commit]);
    assert!(faults(&place).contains("is not the one that was written"));
    place.git(&repository, &["notes", "--ref=paddock", "remove", &commit]);
    assert!(faults(&place).contains("was removed"));
}

#[test]
fn a_ref_that_was_moved_by_hand_is_found() {
    let place = Place::new();
    let (repository, _) = landed(&place);
    let tree = place.git(&repository, &["rev-parse", "main^{tree}"]);
    let forged = place.git(&repository, &["commit-tree", "-p", "main", "-m", "Forged", &tree]);
    place.git(&repository, &["update-ref", "refs/paddock/integration/main", &forged]);
    let found = faults(&place);
    assert!(found.contains("moved by hand") && found.contains("nobody recorded it"), "{found}");
}

#[test]
fn a_tree_that_is_no_longer_green_is_found_by_running_it_again() {
    let place = Place::new();
    landed(&place);
    let file = place.project_file("proof");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("test -e README.md", "exit 3")).unwrap();
    place.idle(0);
    let (code, stdout, _) = place.run(&["verify", "--rerun"]);
    assert_eq!(code, 1);
    assert!(stdout.contains("run again, its gate command tests is not green"), "{stdout}");
}
