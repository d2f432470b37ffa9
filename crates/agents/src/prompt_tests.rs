use super::super::summary;
use super::*;

fn full() -> PromptContext {
    let mut context = sample();
    context.objective.id = "login".to_owned();
    context.objective.title = "Fix <the> login".to_owned();
    context.objective.description = "Do {{ nothing }} else.\n".to_owned();
    context.objective.acceptance_criteria = vec!["it works".to_owned(), "it is fast".to_owned()];
    context.objective.path_scope = vec!["src/**".to_owned(), "docs/**".to_owned()];
    context.protected = vec![".paddock/**".to_owned()];
    context.shared = vec!["CHANGELOG.md".to_owned()];
    context.copied = vec![".env".to_owned()];
    context.set_up = vec![".venv/".to_owned()];
    context.feedback = Some("the gate is red".to_owned());
    context.human_note = Some("use the old table".to_owned());
    context.previous = vec!["session 3: half of it".to_owned()];
    context.integration_ref = "refs/paddock/integration".to_owned();
    context
}

#[test]
fn every_built_in_template_shows_every_variable() {
    for (name, source) in EMBEDDED.iter().filter(|(name, _)| name.starts_with("session-")) {
        check(name, source).unwrap();
        let text = render(None, name, &full()).unwrap();
        for part in [
            "Objective: login: Fix <the> login\n",
            "Attempt: 2\n",
            "Do {{ nothing }} else.",
            "- it works\n- it is fast\n",
            "`src/**` `docs/**`",
            "`.paddock/**`",
            "These paths are shared, and you may change them too: `CHANGELOG.md`.\n",
            "- Never commit these files, which Paddock copied into this folder for you: `.env`.\n",
            "made or changed them, and they are no part of the work: `.venv/`.\n",
            "5 commits, 30 minutes",
            "the gate is red",
            "use the old table",
            "- session 3: half of it",
            "refs/paddock/integration",
        ] {
            assert!(text.contains(part), "{name} lacks {part:?}:\n{text}");
        }
        assert!(text.lines().count() < 90 && !text.contains("\n\n\n"), "{name}:\n{text}");
        assert!(text.contains(summary::BEGIN) && text.contains(summary::END), "{name}");
        assert_eq!(summary::find(&text, ""), None, "{name}: an echo of the prompt is no summary");
    }
}

#[test]
fn an_absent_variable_leaves_no_trace_in_a_prompt() {
    for (name, _) in EMBEDDED.iter().filter(|(name, _)| name.starts_with("session-")) {
        let text = render(None, name, &PromptContext::default()).unwrap();
        for part in
            ["none", "undefined", "Goal:", "## Acceptance", "## Feedback", "earlier sessions did", "\n\n\n"]
        {
            assert!(!text.contains(part), "{name} has {part:?}:\n{text}");
        }
    }
}

#[test]
fn the_workspace_overrides_a_template_by_its_file_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("session-worker.md"), "Do {{ objective.title }} & go\n").unwrap();
    fs::write(folder.path().join("mine.html"), "{{ objective.title }}").unwrap();
    let dir = Some(folder.path());
    assert_eq!(render(dir, "session-worker.md", &full()).unwrap(), "Do Fix <the> login & go\n");
    assert_eq!(render(dir, "mine.html", &full()).unwrap(), "Fix <the> login");
    assert!(render(dir, "session-researcher.md", &full()).unwrap().contains("Find something out"));
}

#[test]
fn a_variable_that_does_not_exist_is_an_error_at_load() {
    let error =
        check("x.md", "{{ objective.titel }} {{ gaol }} {% if false %}{{ nope }}{% endif %}").unwrap_err();
    let text = error.to_string();
    assert!(text.contains("gaol, nope, objective.titel;") && text.contains("objective.title"), "{text}");
    let error = check("x.md", "{% for one in previous %}{{ one.nope }}{% endfor %}").unwrap_err();
    assert!(matches!(error, PromptError::Syntax { line: 1, .. }), "{error}");
    check("x.md", "{% for n in range(3) %}{{ n }}{{ loop.index }}{% endfor %}{% set a = 1 %}{{ a }}")
        .unwrap();
}

#[test]
fn a_broken_template_is_named_with_its_line() {
    let error = check("x.md", "fine\n{% if goal %}\n").unwrap_err();
    assert!(error.to_string().starts_with("template x.md, line "), "{error}");
}

#[test]
fn only_plain_file_names_are_templates() {
    for name in ["", ".", "..", "../x.md", "a/b.md"] {
        assert!(matches!(load(None, name), Err(PromptError::Name { .. })), "{name}");
    }
    assert!(matches!(load(None, "nope.md"), Err(PromptError::Missing { .. })));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.md"), [0xff, 0xfe]).unwrap();
    assert!(matches!(load(Some(folder.path()), "bad.md"), Err(PromptError::Read { .. })));
}
