//! Author and committer of an agent's commits. The agents here hide the user's git configuration from their
//! commands, as Gemini CLI does, so the identity can reach git only through what Paddock passes on.

use std::fmt::Write as _;
use std::fs;

use paddock_testkit::Sandbox;

const NAME: &str = "阿达 \"Ada\" O'Hara";

/// Shell that commits while git can read neither the user's nor the system's configuration.
const COMMIT: &str = "export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_CONFIG_NOSYSTEM=1\n\
                      commit $PADDOCK_PROJECT.txt; over";

/// Runs one objective in each project of `(name, the agent's variables)`; returns author and committer of
/// each project's commit.
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
        // The landing is a merge commit; its second parent is the agent's commit.
        let log = place.git(&place.path(name), &["log", "-1", format, "main^2"]);
        let (author, committer) = log.split_once('|').unwrap();
        (author.to_owned(), committer.to_owned())
    };
    projects.iter().map(|(name, _)| of(name)).collect()
}

fn assert_identity(found: &(String, String), author: &str, committer: &str) {
    assert_eq!((found.0.as_str(), found.1.as_str()), (author, committer));
}

#[test]
fn commits_have_the_identity_that_git_resolves_in_the_worktree() {
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
    assert_identity(&found[0], &whole("ada@example.org"), &whole("ada@example.org"));
    assert_identity(&found[1], &whole("local@x"), &whole("local@x"));
    assert_identity(&found[2], "Inc <inc@x>", "Inc <inc@x>");
    assert_identity(&found[3], &whole("branch@x"), &whole("branch@x"));
    assert_identity(&found[4], "Other <other@x>", &whole("ada@example.org"));
    assert_identity(&found[5], "Writer <ada@example.org>", &whole("keeper@x"));
}

#[test]
fn a_missing_name_or_email_is_paddocks_and_a_configured_one_is_kept() {
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
        // git strips these characters from an identity and refuses a name that is empty
        // afterwards.
        fs::write(place.path("odd.inc"), "[user]\n\tname = \" . \"\n\temail = \"\"\n").unwrap();
    });
    let paddock = "Paddock <paddock@localhost>";
    assert_identity(&found[0], paddock, paddock);
    assert_identity(&found[1], "Ada <paddock@localhost>", "Ada <paddock@localhost>");
    assert_identity(&found[2], "Paddock <ada@x>", "Paddock <ada@x>");
    assert_identity(&found[3], "Ada <me@mail>", "Ada <me@mail>");
    assert_identity(&found[4], paddock, paddock);
}
