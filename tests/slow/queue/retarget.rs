//! The target branch: recorded when a project is registered, and changed only by people.

use std::fs;
use std::path::{Path, PathBuf};

use paddock_testkit::Sandbox;

const GATE: &str = "verify: [{name: tests, run: 'test -e README.md'}]";

fn write_file(place: &Sandbox, name: &str, more: &str) {
    let agent = place.path("agent.sh");
    let (root, worktrees) = (place.path(name), place.path(&format!("{name}-wt")));
    let text = format!(
        "slug: {name}\nname: {name}\nrepo_root: {root:?}\nworktrees_root: {worktrees:?}\n\
         agents: [{{id: tester, command_template: [sh, {agent:?}]}}]\n{GATE}\n{more}\n"
    );
    fs::write(place.project_file(name), text).unwrap();
}

/// Registers a project whose file names no target branch.
fn plain(place: &Sandbox, name: &str) -> PathBuf {
    let repository = place.repository(name);
    write_file(place, name, "");
    place.idle(0);
    repository
}

fn land(place: &Sandbox, id: &str) {
    work(place, id);
    place.idle(0);
}

fn work(place: &Sandbox, id: &str) {
    place.objective(id, &format!("commit {id}.txt\nover"), &["--scope", &format!("{id}.txt")]);
}

fn files(place: &Sandbox, repository: &Path, branch: &str) -> Vec<String> {
    let listed = place.git(repository, &["ls-tree", "--name-only", branch]);
    listed.lines().filter(|name| *name != "README.md").map(str::to_owned).collect()
}

/// Checks out a new branch with a commit of its own.
fn private(place: &Sandbox, repository: &Path, branch: &str) {
    place.git(repository, &["checkout", "--quiet", "-b", branch]);
    place.git(repository, &["commit", "--quiet", "--allow-empty", "--message", "Private"]);
}

fn held(place: &Sandbox) -> Vec<String> {
    let status = place.json(&["status", "--json"]);
    let reasons =
        status["projects"].as_array().unwrap().iter().flat_map(|p| p["reasons"].as_array().unwrap());
    reasons.map(|reason| reason["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn work_lands_on_the_recorded_branch_even_if_the_user_checks_out_another() {
    let place = Sandbox::new();
    let repository = plain(&place, "head");
    land(&place, "a");
    private(&place, &repository, "feature");
    land(&place, "b");
    place.git(&repository, &["checkout", "--quiet", "--detach"]);
    place.git(&repository, &["branch", "--quiet", "-D", "feature"]);
    // The same while a supervisor runs.
    let supervisor = place.supervisor(&[]);
    place.git(&repository, &["checkout", "--quiet", "-b", "other"]);
    work(&place, "c");
    supervisor.wait("published", "*");
    supervisor.stop();
    assert_eq!(files(&place, &repository, "main"), ["a.txt", "b.txt", "c.txt"]);
    assert!(!files(&place, &repository, "other").contains(&"c.txt".to_owned()));
    assert!(held(&place).is_empty());
    assert!(place.good(&["project", "show"]).contains("main (recorded when the project was registered)"));
    let shown = place.good(&["--project", "head", "config", "show"]);
    assert!(shown.contains("# target_branch: recorded when the project was registered\n"), "{shown}");
    let shown = place.json(&["project", "show", "head", "--json"]);
    assert_eq!((&shown["target_branch"], &shown["target_branch_from"]), (&"main".into(), &"taken_up".into()));
}

#[test]
fn another_branch_in_the_file_holds_the_project_until_a_person_agrees_or_reverts_it() {
    let place = Sandbox::new();
    let repository = plain(&place, "key");
    place.git(&repository, &["branch", "trunk"]);
    write_file(&place, "key", "target_branch: trunk");
    work(&place, "a");
    place.idle(3);
    assert_eq!(held(&place), ["target_changed"]);
    let status = place.run(&["status"]).1;
    let said = "projects/key.yaml:7 names the target branch trunk, but work lands on main";
    assert!(status.contains(said) && status.contains("project trust key"), "{status}");
    for command in ["release", "adopt", "republish"] {
        let refused = place.refused(&["queue", command], 1);
        assert!(
            refused.contains("project trust key") && refused.contains("target_branch: main"),
            "{refused}"
        );
    }
    assert!(
        place.run(&["config", "validate"]).2.contains("`target_branch` names trunk, but work lands on main")
    );
    write_file(&place, "key", "target_branch: main");
    place.idle(0);
    assert_eq!(files(&place, &repository, "main"), ["a.txt"]);
    write_file(&place, "key", "target_branch: trunk");
    place.good(&["project", "trust", "key"]);
    land(&place, "b");
    // Landing starts from the tip of the new branch; earlier landings are not merged into it.
    assert_eq!(files(&place, &repository, "trunk"), ["b.txt"]);
    assert_eq!(files(&place, &repository, "main"), ["a.txt"]);
    assert!(place.good(&["verify"]).contains("all as recorded"));
    write_file(&place, "key", "target_branch: nowhere");
    place.idle(3);
    let status = place.run(&["status"]).1;
    assert!(status.contains("names the target branch nowhere, which does not exist"), "{status}");
}

#[test]
fn a_detached_head_asks_for_a_target_and_other_projects_continue() {
    let place = Sandbox::new();
    for name in ["loose", "other"] {
        let repository = place.repository(name);
        write_file(&place, name, "");
        if name == "loose" {
            place.git(&repository, &["checkout", "--quiet", "--detach"]);
        }
    }
    place.idle(3);
    for project in ["loose", "other"] {
        let script = format!("```sh\ncommit {project}.txt\nover\n```");
        let add = ["objective", "add", "--id", project, "--title", project, "--description", &script];
        place.good(&[&["--project", project], add.as_slice()].concat());
    }
    place.idle(3);
    assert_eq!(place.status_of("other")["status"], "done");
    assert_eq!(held(&place), ["target_unset"]);
    assert!(place.run(&["status"]).1.contains("no target branch"));
    let repository = place.path("loose");
    // Checking out a branch does not choose it as the target.
    place.git(&repository, &["checkout", "--quiet", "-b", "feature"]);
    place.idle(3);
    for command in ["release", "adopt", "republish"] {
        let refused = place.refused(&["--project", "loose", "queue", command], 1);
        assert!(refused.contains("paddock project set-target loose BRANCH"), "{refused}");
    }
    let refused = place.refused(&["project", "set-target", "loose", "mian"], 1);
    assert!(refused.contains("did you mean \"main\"?"), "{refused}");
    place.good(&["project", "set-target", "loose", "main"]);
    place.idle(0);
    assert_eq!(files(&place, &repository, "main"), ["loose.txt"]);
}

#[test]
fn with_a_detached_head_the_file_or_set_target_can_name_the_branch() {
    let place = Sandbox::new();
    let repository = place.repository("said");
    place.git(&repository, &["checkout", "--quiet", "--detach"]);
    write_file(&place, "said", "");
    place.idle(3);
    write_file(&place, "said", "target_branch: mian");
    place.idle(3);
    assert_eq!(held(&place), ["target_unset"]);
    write_file(&place, "said", "target_branch: main");
    land(&place, "a");
    assert_eq!(files(&place, &repository, "main"), ["a.txt"]);
    let first = place.repository("first");
    place.git(&first, &["checkout", "--quiet", "--detach"]);
    write_file(&place, "first", "# the end");
    place.good(&["project", "set-target", "first", "main"]);
    let text = fs::read_to_string(place.project_file("first")).unwrap();
    assert!(text.ends_with("# the end\ntarget_branch: \"main\"\n"), "{text}");
    assert!(held(&place).is_empty());
}

#[test]
fn after_the_target_branch_was_renamed_set_target_names_it_and_landing_continues() {
    let place = Sandbox::new();
    let repository = plain(&place, "name");
    // Without publishing, so that the renamed branch lacks the landed work.
    write_file(&place, "name", "target_branch: main # ours\nland: {publish: manual}");
    land(&place, "a");
    place.git(&repository, &["branch", "-m", "main", "main/new"]);
    work(&place, "b");
    place.idle(3);
    assert_eq!(held(&place), ["target_missing"]);
    for command in ["release", "adopt"] {
        let refused = place.refused(&["queue", command], 1);
        assert!(refused.contains("the target branch main is gone"), "{refused}");
        assert!(refused.contains("paddock project set-target name BRANCH"), "{refused}");
    }
    assert!(place.run(&["doctor"]).1.contains("project set-target name BRANCH"));
    let said = place.good(&["project", "set-target", "main/new"]);
    assert!(said.contains("landed work that main/new lacks is published to it: a"), "{said}");
    let file = fs::read_to_string(place.project_file("name")).unwrap();
    assert!(file.contains("\ntarget_branch: \"main/new\" # ours\n"), "{file}");
    place.idle(0);
    place.good(&["queue", "publish"]);
    assert_eq!(files(&place, &repository, "main/new"), ["a.txt", "b.txt"]);
    assert!(place.good(&["verify"]).contains("2 verified, 0 unverified, 0 external; all as recorded"));
}

#[test]
fn a_branch_that_lacks_landed_work_becomes_the_target_only_with_yes() {
    let place = Sandbox::new();
    let repository = plain(&place, "lack");
    land(&place, "public");
    private(&place, &repository, "release");
    place.git(&repository, &["reset", "--quiet", "--hard", "main~1"]);
    place.git(&repository, &["commit", "--quiet", "--allow-empty", "--message", "Release"]);
    write_file(&place, "lack", "land: {publish: manual}");
    land(&place, "unpublished");
    place.good(&["queue", "hold"]);
    work(&place, "begun");
    place.idle(3);
    let refused = place.refused(&["project", "set-target", "release"], 1);
    assert!(refused.contains("not published to main yet would be left behind (unpublished)"), "{refused}");
    assert!(refused.contains("into release (begun)") && refused.contains("lack release --yes"), "{refused}");
    let before = place.git(&repository, &["for-each-ref"]);
    assert!(place.refused(&["project", "set-target", "paddock/begun/work"], 1).contains("work branch"));
    assert_eq!(place.git(&repository, &["for-each-ref"]), before, "nothing moved");
    let said = place.good(&["project", "set-target", "release", "--yes"]);
    assert!(said.contains("release lacks earlier landings: public"), "{said}");
    assert!(said.contains("left behind, and in needs_review now: unpublished"), "{said}");
    assert_eq!(place.status_of("unpublished")["reason"]["code"], "landing_lost");
    assert_eq!(place.status_of("public")["status"], "done");
    assert!(place.good(&["verify"]).contains("elsewhere"));
    // Rewriting this branch must not count landings on the old branch as lost.
    place.good(&["objective", "cancel", "begun"]);
    place.good(&["objective", "cancel", "unpublished"]);
    place.good(&["queue", "release"]);
    write_file(&place, "lack", "");
    work(&place, "later");
    place.idle(4);
    place.git(&repository, &["checkout", "--quiet", "release"]);
    place.git(&repository, &["reset", "--quiet", "--hard", "release~1"]);
    place.idle(3);
    place.good(&["queue", "adopt"]);
    assert_eq!(place.status_of("later")["reason"]["code"], "landing_lost");
    assert_eq!(place.status_of("public")["status"], "done");
    assert_eq!(files(&place, &repository, "main"), ["public.txt"]);
}

#[test]
fn the_gate_in_the_new_target_branch_judges_from_the_first_landing_on() {
    let place = Sandbox::new();
    let repository = place.repository("gate");
    fs::create_dir(repository.join(".paddock")).unwrap();
    let own = repository.join(".paddock/project.yaml");
    let commit = |text: &str| {
        fs::write(&own, text).unwrap();
        place.git(&repository, &["add", "--all"]);
        place.git(&repository, &["commit", "--quiet", "--message", "Gate"]);
    };
    commit("verify: [{name: tests, run: 'true'}]\n");
    place.good(&["project", "add", "--yes", repository.to_str().unwrap()]);
    let file = place.project_file("gate");
    let agent = place.path("agent.sh");
    let more = format!(
        "agents: [{{id: tester, command_template: [sh, {agent:?}]}}]\nrecovery: {{max_retries: 0}}\n"
    );
    fs::write(&file, fs::read_to_string(&file).unwrap() + &more).unwrap();
    place.idle(0);
    place.git(&repository, &["checkout", "--quiet", "-b", "strict"]);
    commit("verify: [{name: tests, run: 'test ! -e a.txt'}]\n");
    place.good(&["project", "set-target", "strict"]);
    work(&place, "a");
    place.idle(3);
    assert_eq!(held(&place), ["config_broken"], "the new branch's commands are not agreed to");
    place.good(&["project", "trust", "gate"]);
    place.idle(3);
    assert_eq!(place.status_of("a")["reason"]["code"], "retries_spent");
    assert!(!files(&place, &repository, "strict").contains(&"a.txt".to_owned()));
}

/// Earlier builds followed HEAD and could leave a branch without its integration ref.
#[test]
fn if_the_integration_ref_is_gone_another_target_is_a_way_out() {
    let place = Sandbox::new();
    let repository = plain(&place, "gone");
    land(&place, "a");
    private(&place, &repository, "feature");
    place.git(&repository, &["update-ref", "-d", "refs/paddock/integration/main"]);
    place.git(&repository, &["checkout", "--quiet", "main"]);
    place.git(&repository, &["commit", "--quiet", "--allow-empty", "--message", "Mine"]);
    work(&place, "b");
    place.idle(3);
    let status = place.run(&["status"]).1;
    assert!(status.contains("git update-ref refs/paddock/integration/main"), "{status}");
    assert!(status.contains("paddock project set-target gone BRANCH"), "{status}");
    place.git(&repository, &["branch", "trunk", "main"]);
    place.good(&["project", "set-target", "trunk"]);
    place.idle(0);
    assert_eq!(files(&place, &repository, "trunk"), ["a.txt", "b.txt"]);
    assert_eq!(files(&place, &repository, "feature"), ["a.txt"]);
}
