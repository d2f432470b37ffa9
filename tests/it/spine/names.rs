//! Ids: valid ones never collide, and invalid ones are refused with the valid form.

use paddock_testkit::Sandbox;

#[test]
fn equal_ids_in_two_projects_with_one_worktrees_root_do_not_collide() {
    let place = Sandbox::new();
    let first = place.project("first", "");
    let second = place.project("second", "");
    let root = place.path("worktrees");
    for name in ["first", "second"] {
        let file = place.project_file(name);
        let text = std::fs::read_to_string(&file).unwrap();
        let own = format!("{:?}", place.path(&format!("{name}-wt")));
        assert!(text.contains(&own), "{text}");
        std::fs::write(&file, text.replace(&own, &format!("{root:?}"))).unwrap();
    }
    for name in ["first", "second"] {
        let script = format!("test ! -e same.txt\ncommit same.txt {name}\nover");
        place.objective("same", &script, &["--project", name]);
    }
    let said = place.refused(&["objective", "show", "same"], 2);
    assert!(said.contains("first/same") && said.contains("second/same"), "{said}");
    place.good(&["objective", "show", "second/same"]);
    place.idle(0);
    for (repository, name) in [(&first, "first"), (&second, "second")] {
        assert_eq!(place.git(repository, &["show", "main:same.txt"]), name);
        place.is_tidy(repository, 1);
    }
}

#[test]
fn ids_that_look_alike_are_kept_apart() {
    let place = Sandbox::new();
    let repository = place.project("alike", "max_parallel_sessions: 4");
    let long = "x".repeat(63);
    for id in ["a_b", "a-b", "main", "work", "paddock", "head", "0", &long] {
        let script = format!("test ! -e {id}.txt\ncommit {id}.txt {id}\nover");
        place.objective(id, &script, &["--scope", &format!("{id}.txt")]);
    }
    let said = place.refused(&["objective", "add", "--id", "main", "--title", "Again"], 1);
    assert!(said.contains("main"), "{said}");
    place.idle(0);
    place.is_tidy(&repository, 8);
    for id in ["a_b", "a-b", "main", &long] {
        assert_eq!(place.git(&repository, &["show", &format!("main:{id}.txt")]), id);
    }
}

#[test]
fn invalid_ids_are_refused_with_the_valid_form() {
    let place = Sandbox::new();
    place.project("names", "");
    let events = place.good(&["events", "--json"]);
    let long = "x".repeat(300);
    let wrong = [
        "a b", "../up", "..", "a/b/c", "/root", "-dash", "_low", "Übel", "任务", "a\nb", "", "Main", ".git",
        &long,
    ];
    for id in wrong {
        let by_flag = format!("--id={id}");
        let said = place.refused(&["objective", "add", &by_flag, "--title", "T"], 2);
        assert!(said.contains("a-z") && said.contains("63"), "{id:?}: {said}");
        assert!(said.len() < 500, "{id:?}: {said}");
        let quoted = serde_json::to_string(id).unwrap();
        let plan = format!("objectives:\n  - {{id: good, title: Good}}\n  - {{id: {quoted}, title: Bad}}\n");
        std::fs::write(place.path("plan.yaml"), plan).unwrap();
        let said = place.refused(&["plan", "apply", "plan.yaml"], 1);
        assert!(said.contains("plan.yaml:3") && (id.is_empty() || said.contains("a-z")), "{id:?}: {said}");
        let (code, _, said) = place.run(&["objective", "add", "--title", "T", &format!("--depends-on={id}")]);
        assert!(code == 1 || code == 2, "{id:?}: {code} {said}");
    }
    assert_eq!(place.good(&["events", "--json"]), events, "nothing changed");
    place.good(&["objective", "add", "--title", "任务 ../ 'quoted' \"twice\" \\ 🚀"]);
    let other = place.repository("elsewhere");
    for slug in ["a b", "../up", "任务", &long] {
        let slug = format!("--slug={slug}");
        let said = place.refused(&["project", "add", other.to_str().unwrap(), &slug], 2);
        assert!(said.contains("a-z"), "{said}");
    }
}

#[test]
fn commits_without_a_configured_identity_are_paddocks() {
    let place = Sandbox::new();
    let repository = place.project("nobody", "");
    // With GIT_CONFIG_GLOBAL set, git does not read `.gitconfig` in the home folder.
    std::fs::write(place.path(".gitconfig"), "[user]\n\tname = Other\n\temail = other@localhost\n").unwrap();
    std::fs::write(place.path("gitconfig"), "").unwrap();
    place.objective("a", "git config --get user.name > name.txt\ngit add -A\ngit commit -qm a\nover", &[]);
    place.idle(0);
    assert_eq!(place.git(&repository, &["show", "main:name.txt"]), "Paddock");
    // `main` is the landing, `main^2` the agent's own commit.
    for commit in ["main", "main^2"] {
        let by = place.git(&repository, &["log", "-1", "--format=%an <%ae>", commit]);
        assert_eq!(by, "Paddock <paddock@localhost>", "{commit}");
    }
}
