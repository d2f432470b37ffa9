//! What a new user does first: project files copied into a workspace, commands from inside a repository, and
//! values that are wrong.

use std::fs;
use std::path::Path;

use paddock_testkit::{Sandbox, git, outcome_of, program, until};
use serde_json::json;

/// Writes a project file as a person does.
fn write(place: &Sandbox, slug: &str, repository: &str, more: &str) {
    let (root, worktrees) = (place.path(repository), place.path(&format!("{slug}-wt")));
    let text =
        format!("slug: {slug}\nname: {slug}\nrepo_root: {root:?}\nworktrees_root: {worktrees:?}\n{more}");
    fs::write(place.project_file(slug), text).unwrap();
}

/// Commits a file, also in a new folder.
fn commit(repository: &Path, file: &str, text: &str) {
    fs::create_dir_all(repository.join(file).parent().unwrap()).unwrap();
    git::commit_file(repository, file, text);
}

/// Runs a command in a folder, without `--root`.
fn run_in(place: &Sandbox, folder: &Path, arguments: &[&str]) -> (i32, String) {
    outcome_of(place.program(program()).current_dir(folder).args(arguments))
}

fn slugs(place: &Sandbox) -> Vec<String> {
    let list = place.json(&["project", "list", "--json"]);
    list.as_array().unwrap().iter().map(|project| project["slug"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_file_in_projects_is_a_project_for_every_command_at_once() {
    let place = Sandbox::new();
    place.repository("shop");
    write(&place, "mine", "shop", "");
    // The sample of a clone of Paddock is none, and no fault either.
    let sample = place.good(&["config", "example"]);
    fs::write(place.project_file("example"), sample).unwrap();
    assert!(place.good(&["config", "validate"]).contains("1 project file without errors"));
    place.good(&["--project", "mine", "objective", "add", "--title", "First"]);
    assert_eq!(slugs(&place), ["mine"]);
    // The second file of a repository, and one with faults, are named and stop nothing.
    write(&place, "twin", "shop", "");
    fs::write(place.project_file("faulty"), "slug: faulty\nnam: x\n").unwrap();
    let (code, stdout, stderr) = place.run(&["status"]);
    assert!(code == 0 && stdout.contains("mine"), "{stdout}");
    assert!(
        stderr.contains("projects/twin.yaml is not used: it names") && stderr.contains("project mine"),
        "{stderr}"
    );
    assert!(stderr.contains("projects/faulty.yaml:2:1: unknown key `nam`"), "{stderr}");
    let named = place.refused(&["--project", "faulty", "status"], 1);
    assert!(
        named.contains("project faulty (from --project) cannot be used, because of projects/faulty.yaml"),
        "{named}"
    );
    fs::remove_file(place.project_file("twin")).unwrap();
    let again = place.refused(&["project", "add", "shop"], 1);
    assert!(again.contains("project mine works on this repository already"), "{again}");
    place.good(&["project", "remove", "mine"]);
    assert!(slugs(&place).is_empty());
}

#[test]
fn a_file_that_names_a_repository_is_what_project_add_takes_up() {
    let place = Sandbox::new();
    let shop = place.repository("shop");
    commit(&shop, ".paddock/project.yaml", "verify: [{name: tests, run: make test}]\n");
    std::os::unix::fs::symlink(&shop, place.path("link")).unwrap();
    write(&place, "mine", "link", "");
    let refused = place.refused(&["project", "add", "shop", "--slug", "other"], 2);
    assert!(refused.contains("projects/mine.yaml names this repository already, with mine"), "{refused}");
    // Nobody is asked by a command that only reads: the project is there, and waits for the agreement.
    let (_, _, said) = place.run(&["status"]);
    assert!(said.contains("`paddock project trust mine` shows them and asks"), "{said}");
    assert_eq!(place.status("mine")["state"], "broken");
    place.refused(&["project", "add", "shop"], 2);
    place.good(&["project", "add", "shop", "--yes"]);
    assert_eq!(place.status("mine")["state"], "idle");
    assert!(place.good(&["project", "show"]).contains("make test"));
    assert!(!place.project_file("shop").exists());
}

#[test]
fn a_running_supervisor_takes_up_a_new_file_and_meets_the_newest_one() {
    let place = Sandbox::new();
    place.project("shop", "");
    let mut supervisor = place.supervisor(&[]);
    place.repository("web");
    write(&place, "site", "web", "");
    supervisor.wait("project_added", "*");
    let file = place.project_file("shop");
    let text = fs::read_to_string(&file).unwrap();
    place.good(&["--project", "shop", "goal", "add", "Grow"]);
    for worker in ["tester", "writer"] {
        fs::write(&file, format!("{text}workers: [{{id: {worker}}}]\n")).unwrap();
        place.good(&["--project", "shop", "objective", "add", "--title", worker, "--worker", worker]);
    }
    place.good(&["supervisor", "stop"]);
    assert_eq!(supervisor.end(), 0);
}

#[test]
fn a_plan_may_name_a_worker_that_was_added_a_moment_ago() {
    let place = Sandbox::new();
    place.project("shop", "");
    for add in [["goal", "add", "Grow"], ["milestone", "add", "One"], ["phase", "add", "Two"]] {
        place.good(&add);
    }
    let plan = "objectives:\n  - {id: a, title: A, description: Do it., worker_id: fresh, path_scope: [\"src/**\"]}\n";
    fs::write(place.path("plan.yaml"), plan).unwrap();
    place.refused(&["plan", "apply", "plan.yaml"], 1);
    let file = place.project_file("shop");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}workers: [{{id: fresh}}]\n")).unwrap();
    place.good(&["plan", "apply", "plan.yaml"]);
}

#[test]
fn inside_a_repository_the_workspace_that_has_it_is_found() {
    let place = Sandbox::new();
    let shop = place.project("shop", "");
    let deep = shop.join("src");
    fs::create_dir(&deep).unwrap();
    let list = ["project", "list", "--json"];
    assert!(run_in(&place, &deep, &list).1.contains("\"shop\""));
    // Two workspaces: both are named.
    place.run_in("second", &["init"]);
    fs::create_dir_all(place.path("second/projects")).unwrap();
    fs::copy(place.project_file("shop"), place.path("second/projects/shop.yaml")).unwrap();
    place.run_in("second", &["status"]);
    let (code, said) = run_in(&place, &deep, &list);
    let both = [place.root().to_owned(), place.path("second")];
    assert!(
        code == 2 && both.iter().all(|root| said.contains(&format!("--root '{}'", root.display()))),
        "{said}"
    );
    // What the index says is asked of the workspace: one that has let the repository go is not named.
    place.run_in("second", &["project", "remove", "shop"]);
    assert!(run_in(&place, &deep, &list).1.contains("\"shop\""));
    let index = place.path("data/paddock/repositories");
    let entries: Vec<_> = fs::read_dir(&index).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(entries.len(), 1, "{entries:?}");
    // A damaged entry, and an index that cannot be written, are as good as none.
    fs::write(&entries[0], "{").unwrap();
    assert_eq!(run_in(&place, &deep, &list).1.trim(), "[]");
    fs::remove_dir_all(&index).unwrap();
    fs::write(&index, "in the way").unwrap();
    place.good(&["project", "remove", "shop"]);
    place.good(&["project", "add", "shop"]);
}

#[test]
fn project_add_finds_the_repository_that_a_folder_belongs_to() {
    let place = Sandbox::new();
    let shop = place.repository("shop");
    commit(&shop, "src/a.txt", "a\n");
    fs::create_dir(shop.join("build")).unwrap();
    place.git(&shop, &["worktree", "add", "--quiet", "-b", "side", place.path("side").to_str().unwrap()]);
    let bare = place.path("bare.git");
    place.git(&shop, &["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
    let elsewhere = place.refused(&["project", "add", "shop/build"], 1);
    assert!(elsewhere.contains("which has no files there: `paddock project add '"), "{elsewhere}");
    for (path, words) in [
        ("shop/src", "is inside the repository"),
        ("shop/.git", "is inside the repository"),
        ("side", "is a linked worktree; the main worktree"),
    ] {
        let (code, _, said) = place.run(&["project", "add", path]);
        assert!(code == 0 && said.contains(words), "{path}: {said}");
        let shown = place.json(&["project", "show", "--json"]);
        assert_eq!((&shown["slug"], &shown["repo_root"]), (&json!("shop"), &json!(shop)), "{path}");
        place.good(&["project", "remove", "shop"]);
    }
    place.good(&["project", "add", "bare.git/refs"]);
    assert_eq!(place.json(&["project", "show", "--json"])["repo_root"], json!(bare));
    place.good(&["project", "remove", "bare"]);
    // A submodule is a repository of its own, whose worktrees do not lie in the other one.
    place.git(&shop, &["submodule", "--quiet", "add", bare.to_str().unwrap(), "lib"]);
    let (_, _, said) = place.run(&["project", "add", "shop/lib"]);
    assert!(said.contains("is a submodule of"), "{said}");
    let settings = &place.json(&["project", "show", "--json"])["settings"];
    assert_eq!(settings["worktrees_root"], json!(place.path("shop-lib-wt")));
}

#[test]
fn the_gate_is_guessed_shown_and_taken_with_yes_alone() {
    let place = Sandbox::new();
    place.repository_on("shop", "main", &[("go.mod", "module shop\n")]);
    let gate = || place.json(&["project", "show", "--json"])["settings"]["verify"].clone();
    for (more, commands) in [
        (&[][..], json!([])),
        (&["--yes"], json!(["go test -v ./..."])),
        (&["--yes", "--no-gate"], json!([])),
        (&["--gate", "make", "--gate", "make lint"], json!(["make", "make lint"])),
    ] {
        let (code, _, said) = place.run(&[&["project", "add", "shop"], more].concat());
        assert_eq!(code, 0, "{said}");
        let is_guess = !more.iter().any(|flag| flag.ends_with("gate"));
        assert_eq!(said.contains("gate, guessed from go.mod:\n  tests: go test"), is_guess, "{said}");
        let found: Vec<_> = gate().as_array().unwrap().iter().map(|one| one["run"].clone()).collect();
        assert_eq!(json!(found), commands, "{more:?}");
        place.good(&["project", "remove", "shop"]);
    }
}

#[test]
fn a_project_that_does_not_exist_is_named_with_where_it_was_read() {
    let place = Sandbox::new();
    place.project("shop", "");
    for command in [&["project", "list"][..], &["status"], &["events"], &["agent", "list"], &["plan", "show"]]
    {
        let (code, said) = outcome_of(place.paddock(command).env("PADDOCK_PROJECT", "shpo"));
        let words = "there is no project shpo (from PADDOCK_PROJECT in the environment); there is: shop";
        assert!(code == 1 && said.contains(words), "{command:?}: {said}");
        let said = place.refused(&[&["--project", "shpo"], command].concat(), 1);
        assert!(said.contains("there is no project shpo (from --project)"), "{said}");
    }
}

#[test]
fn trust_shows_what_changed_before_it_is_agreed_to() {
    let place = Sandbox::new();
    let shop = place.repository("shop");
    let gate = |run: &str| format!("verify: [{{name: tests, run: {run}}}]\n");
    commit(&shop, ".paddock/project.yaml", &gate("make"));
    place.good(&["project", "add", "shop", "--yes"]);
    let (_, _, nothing) = place.run(&["project", "trust"]);
    assert!(nothing.contains("nothing has changed"), "{nothing}");
    commit(&shop, ".paddock/project.yaml", &gate("sh x.sh"));
    place.git(&shop, &["config", "filter.big.clean", "cat"]);
    let (code, _, said) = place.run(&["project", "trust"]);
    assert_eq!(code, 0, "{said}");
    for line in [
        "- gate tests: make\n",
        "+ gate tests: sh x.sh\n",
        "added: config filter.big.clean\n",
        "now filter.big.clean = cat",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(place.good(&["project", "show"]).contains("sh x.sh"));
}

/// A remote that nothing is pushed to can do nothing: it neither holds the project nor is it worth a word.
#[test]
fn a_remote_that_is_not_used_changes_nothing() {
    let place = Sandbox::new();
    let shop = place.project("shop", "land: {push: origin}\n");
    place.git(&shop, &["remote", "add", "origin", "/nowhere"]);
    place.good(&["project", "trust"]);
    place.git(&shop, &["remote", "add", "friend", "git@friend.example:shop"]);
    place.git(&shop, &["config", "core.sshCommand", "ssh -v"]);
    place.good(&["objective", "add", "--title", "One"]);
    assert_eq!(place.status("shop")["git_configuration_off"], json!([]));
    let doctor = place.run(&["doctor"]).1;
    assert!(!doctor.contains("not used to push"), "{doctor}");
    place.git(&shop, &["config", "remote.origin.url", "git@origin.example:shop"]);
    let doctor = place.run(&["doctor"]).1;
    assert!(
        doctor.contains("not used to push, because nobody agreed to it: config core.sshcommand"),
        "{doctor}"
    );
}

#[test]
fn worktrees_inside_the_repository_stay_out_of_the_users_status() {
    let place = Sandbox::new();
    let shop = place.repository("shop");
    write(&place, "shop", "shop", "");
    let inside = shop.join("work [1]");
    let text = fs::read_to_string(place.project_file("shop")).unwrap();
    let text = text.replace(place.path("shop-wt").to_str().unwrap(), inside.to_str().unwrap());
    fs::write(place.project_file("shop"), text).unwrap();
    let (_, _, said) = place.run(&["status"]);
    assert!(said.contains("is inside the repository: .git/info/exclude names it"), "{said}");
    fs::create_dir_all(inside.join("shop/one")).unwrap();
    fs::write(inside.join("shop/one/file"), "x").unwrap();
    assert_eq!(place.git(&shop, &["status", "--short"]), "");
    let (code, _, warned) = place.run(&["config", "validate"]);
    assert!(
        code == 0 && warned.contains("projects/shop.yaml:4:17: warning: `worktrees_root` is inside"),
        "{warned}"
    );
    // A project of an earlier build, which wrote no such line.
    fs::write(shop.join(".git/info/exclude"), "").unwrap();
    let supervisor = place.supervisor(&[]);
    until("the worktrees are excluded", || place.git(&shop, &["status", "--short"]).is_empty());
    place.good(&["supervisor", "stop"]);
    drop(supervisor);
}

#[test]
fn config_validate_checks_everything_that_people_write() {
    let place = Sandbox::new();
    place.project("shop", "workplace: auto\nland: {push: upstream}\n");
    fs::write(place.root().join("keys.yaml"), "\nquitt: q\n").unwrap();
    fs::write(place.root().join("theme.yaml"), "failde: red\n").unwrap();
    fs::write(place.root().join(".env"), "A=1\nPADDOCK_LOG_LEVEL=loud\nPADDOCK_PROXY=proxy:8080\n").unwrap();
    let said = place.refused(&["config", "validate"], 1);
    for line in [
        "projects/shop.yaml:9:14: `land.push` names the remote \"upstream\", which the repository does not have",
        "keys.yaml:2:1: there is no action `quitt`; did you mean `quit`?",
        "theme.yaml:1:1: a theme has no style `failde`; did you mean `failed`?",
        ".env:2:1: `PADDOCK_LOG_LEVEL` holds \"loud\", which is no level",
        ".env:3:1: `PADDOCK_PROXY` has no scheme",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}
