//! Whose commits an agent's are, where the agent hides the user's own git configuration from its commands, as
//! Gemini CLI does.

use std::fmt::Write as _;
use std::fs;

use paddock_testkit::Sandbox;

const NAME: &str = "阿达 \"Ada\" O'Hara";

/// Commits without the user's own configuration and the system's.
const COMMIT: &str = "export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_CONFIG_NOSYSTEM=1\n\
                      commit $PADDOCK_PROJECT.txt; over";

/// Runs one objective in each of these projects: (name, the agent's variables), and says whose the commits are.
fn committers(
    place: &Sandbox,
    projects: &[(&str, &str)],
    prepare: impl Fn(&Sandbox),
) -> Vec<(String, String)> {
    for (name, env) in projects {
        let agent = place.path("agent.sh");
        let lines = format!(
            "disk: {{min_free_gb: 0}}\nagents: [{{id: tester, command_template: [sh, {agent:?}], env: {env}}}]\n"
        );
        place.project(name, &lines);
    }
    prepare(place);
    for (name, _) in projects {
        place.objective(&format!("{name}-1"), COMMIT, &["--project", name]);
    }
    place.idle(0);
    let of = |name: &str| {
        let format = "--format=%an <%ae>|%cn <%ce>";
        // The side of the landing on which the agent committed.
        let log = place.git(&place.path(name), &["log", "-1", format, "main^2"]);
        let (author, committer) = log.split_once('|').unwrap();
        (author.to_owned(), committer.to_owned())
    };
    projects.iter().map(|(name, _)| of(name)).collect()
}

fn is(found: &(String, String), author: &str, committer: &str) {
    assert_eq!((found.0.as_str(), found.1.as_str()), (author, committer));
}

#[test]
fn commits_are_by_whom_git_would_say_in_that_worktree() {
    let place = Sandbox::new();
    let mut text = String::new();
    writeln!(text, "[user]\n\tname = \"阿达 \\\"Ada\\\" O'Hara\"\n\temail = ada@example.org").unwrap();
    writeln!(text, "\tuseConfigOnly = true").unwrap();
    for (condition, file) in [
        (format!("gitdir:{}/", place.path("included").display()), "included.inc"),
        ("onbranch:paddock/branched-1/work".to_owned(), "branched.inc"),
    ] {
        writeln!(text, "[includeIf {condition:?}]\n\tpath = {:?}", place.path(file)).unwrap();
    }
    let projects = [
        ("plain", "{}"),
        ("local", "{}"),
        ("included", "{}"),
        ("branched", "{}"),
        ("authored", "{GIT_AUTHOR_NAME: Other, GIT_AUTHOR_EMAIL: other@x}"),
        ("roles", "{}"),
    ];
    let found = committers(&place, &projects, |place| {
        fs::write(place.path("gitconfig"), &text).unwrap();
        fs::write(place.path("included.inc"), "[user]\n\tname = Inc\n\temail = inc@x\n").unwrap();
        fs::write(place.path("branched.inc"), "[user]\n\temail = branch@x\n").unwrap();
        place.git(&place.path("local"), &["config", "user.email", "local@x"]);
        place.git(&place.path("roles"), &["config", "author.name", "Writer"]);
        place.git(&place.path("roles"), &["config", "committer.email", "keeper@x"]);
    });
    let whole = |email: &str| format!("{NAME} <{email}>");
    is(&found[0], &whole("ada@example.org"), &whole("ada@example.org"));
    is(&found[1], &whole("local@x"), &whole("local@x"));
    is(&found[2], "Inc <inc@x>", "Inc <inc@x>");
    is(&found[3], &whole("branch@x"), &whole("branch@x"));
    is(&found[4], "Other <other@x>", &whole("ada@example.org"));
    is(&found[5], "Writer <ada@example.org>", &whole("keeper@x"));
}

#[test]
fn what_is_set_nowhere_is_paddocks_and_what_is_set_stays() {
    let place = Sandbox::new();
    let at = |file: &str| format!("{{GIT_CONFIG_GLOBAL: {:?}}}", place.path(file));
    let mail = format!("{{GIT_CONFIG_GLOBAL: {:?}, EMAIL: me@mail}}", place.path("name.inc"));
    let odd = at("odd.inc");
    let (none, name, email) = (at("none.inc"), at("name.inc"), at("email.inc"));
    let projects = [("none", &*none), ("name", &*name), ("email", &*email), ("mail", &*mail), ("odd", &*odd)];
    let found = committers(&place, &projects, |place| {
        fs::write(place.path("none.inc"), "").unwrap();
        fs::write(place.path("name.inc"), "[user]\n\tname = Ada\n\tuseConfigOnly = true\n").unwrap();
        fs::write(place.path("email.inc"), "[user]\n\temail = ada@x\n").unwrap();
        // git refuses what is empty once it has dropped such characters.
        fs::write(place.path("odd.inc"), "[user]\n\tname = \" . \"\n\temail = \"\"\n").unwrap();
    });
    let paddock = "Paddock <paddock@localhost>";
    is(&found[0], paddock, paddock);
    is(&found[1], "Ada <paddock@localhost>", "Ada <paddock@localhost>");
    is(&found[2], "Paddock <ada@x>", "Paddock <ada@x>");
    is(&found[3], "Ada <me@mail>", "Ada <me@mail>");
    is(&found[4], paddock, paddock);
}
