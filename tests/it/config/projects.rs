//! Project files: defaults, faults, the repository's own file, agents and workers.

use std::fs;
use std::path::Path;

use paddock_config::project_file::{ProjectFile, parse};
use paddock_config::resolve::{Project, Surroundings};
use paddock_config::validate::validate;
use paddock_config::write::{NewProject, WriteError, write_project};
use paddock_config::{ConfigError, Workspace};
use paddock_git::is_tracked;
use paddock_model::ids::ProjectSlug;
use paddock_model::settings::{GateCommand, Role, Slots};
use paddock_testkit::Sandbox;

const LEAST: &str = "slug: x\nname: X\nrepo_root: ../r\nworktrees_root: /wt\n";

fn read(text: &str) -> Result<ProjectFile, Vec<ConfigError>> {
    parse(text.as_bytes(), "projects/x.yaml", Some("x"), Path::new("/home/ws"), Some(&["needs_review"]))
}

fn resolve_with(
    text: &str,
    repository: Option<&str>,
    agreed: Option<&str>,
) -> Result<Project, Vec<ConfigError>> {
    let repository_file = repository.map(str::as_bytes);
    read(text)?.resolve(&Surroundings { head_branch: "trunk", repository_file, agreed, on_path: &|_| false })
}

fn resolve(text: &str) -> Project {
    resolve_with(text, None, None).unwrap()
}

fn faults(more: &str) -> Vec<String> {
    let errors = resolve_with(&format!("{LEAST}{more}"), None, None).unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

fn fault(more: &str, right: &str) {
    let found = faults(more);
    assert!(found.len() == 1 && found[0].contains(right), "{more:?} gives {found:#?}, not {right:?}");
}

#[test]
fn the_example_holds_every_default() {
    let example = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/projects/example.yaml")).unwrap();
    let renamed = example.replace("slug: example\n", "slug: x\n");
    let least = "slug: x\nname: Example\nrepo_root: ../example\nworktrees_root: ../example-wt\n";
    assert_eq!(resolve(&renamed), resolve(least));
    assert_eq!(resolve(least).warnings, []);
    // The example comments keys out as `#key` or `#  key`; prose comments have `#` and a single space.
    let is_key = |rest: &&str| rest.starts_with("  ") || !rest.starts_with(' ');
    let whole = |line: &str| line.strip_prefix('#').filter(is_key).unwrap_or(line).to_owned() + "\n";
    let all: String = renamed.lines().map(whole).collect();
    let project = resolve_with(
        &all.replace("[needs_review, goal_completed, budget_exhausted]", "[needs_review]"),
        None,
        None,
    );
    let settings = project.unwrap().settings;
    assert_eq!((settings.verify.len(), settings.notify.len()), (1, 1));
    assert_eq!(settings.worker(&"implementer".into()).unwrap().agents, ["my-agent"]);
}

#[test]
fn the_example_that_is_printed_is_the_file_and_is_valid_where_its_repository_is() {
    let place = Sandbox::new();
    let printed = place.good(&["config", "example"]);
    assert_eq!(printed, include_str!("../../../projects/example.yaml"));
    place.repository("example");
    fs::write(place.project_file("example"), &printed).unwrap();
    place.good(&["config", "validate"]);
}

#[test]
fn four_keys_are_enough_and_paths_are_absolute() {
    let project = resolve(&format!("\u{feff}{LEAST}"));
    let settings = project.settings;
    assert_eq!(settings.repo_root, "/home/r");
    assert_eq!((settings.target_branch.as_str(), settings.max_parallel_sessions), ("trunk", 2));
    assert_eq!(settings.session_defaults.max_minutes, 30);
    assert_eq!(settings.queue.slots, Slots::Auto);
    assert_eq!(settings.worker(&"researcher".into()).unwrap().template, "session-researcher.md");
    assert!(settings.agent(&"scripted".into()).is_some());
    assert!(
        settings.workers.iter().all(|worker| worker.agents.is_empty()),
        "scripted is used only when named"
    );
}

#[test]
fn an_unknown_key_is_placed_and_the_nearest_right_one_is_offered() {
    let found = faults("max_paralel: 3\nsession_defaults:\n  max_minuts_per_session: 3\n");
    assert_eq!(
        found[0],
        "projects/x.yaml:5:1: unknown key `max_paralel`; did you mean `max_parallel_sessions`?"
    );
    assert!(
        found[1]
            .starts_with("projects/x.yaml:7:3: unknown key `max_minuts_per_session` in `session_defaults`"),
        "{found:?}"
    );
}

#[test]
fn wrong_types_and_values_are_explained() {
    fault("enabled: yes\n", "`enabled` must be true or false, not the text \"yes\"");
    fault("sign: 1\n", "projects/x.yaml:5:7");
    fault("max_parallel_sessions: 0\n", "a whole number from 1");
    fault("session_defaults: {max_minutes_per_session: -5}\n", "`session_defaults.max_minutes_per_session`");
    fault("session_defaults: {scope_level: mediun}\n", "did you mean `medium`?");
    fault("description: 12\n", "put it in quotes");
    fault("shared_patterns: [\"a/[\"]\n", "does not compile");
    fault("shared_patterns: \"x\"\n", "must be a list");
    fault("queue: {slots: many}\n", "auto or a whole number from 1");
    fault("budget: {usd_per_day: .inf}\n", "above 0");
    fault("target_branch: \"a b\"\n", "not a valid name of a branch");
    fault("target_branch: refs/heads/main\n", "write `main`");
    fault("name: Again\n", "`name` is given twice; line 2 has it already");
    fault("notify: [{on: [needs_reviw], run: x}]\n", "did you mean `needs_review`?");
    fault("verify: [{name: a, run: x}, {name: a, run: y}]\n", "two gate commands are named `a`");
    fault("verify: [{name: a}]\n", "`verify[0].run` is missing");
    fault("a: [1,\n", "is not valid YAML");
}

#[test]
fn a_file_of_another_shape_gets_one_message() {
    for text in ["- 1\n", "just text\n", "a: 1\n---\nb: 2\n", "? [a]\n: b\n", "a: *x\n", "a: 'x\n"] {
        let errors = read(text).unwrap_err();
        assert_eq!(errors.len(), 1, "{text:?}: {errors:#?}");
        assert!(errors[0].place.line > 0 && !errors[0].to_string().contains("from_str"), "{}", errors[0]);
    }
}

#[test]
fn merge_keys_let_one_command_extend_another() {
    let gate = "verify: [&base {name: a, run: x, timeout_minutes: 7}, {<<: *base, name: b}]\n";
    let verify = resolve(&format!("{LEAST}{gate}")).settings.verify;
    assert_eq!((verify[1].name.as_str(), verify[1].run.as_str(), verify[1].timeout_minutes), ("b", "x", 7));
}

#[test]
fn agents_and_workers_are_checked_against_each_other() {
    fault("agents: [{id: a}]\n", "the agent `a` has no command");
    fault("agents: [{id: a, command_template: \"x {promt_file}\"}]\n", "did you mean `prompt_file`?");
    fault("agents: [{id: a, command_template: \"x 'y\"}]\n", "cannot be split");
    fault(
        "agents: [{id: a, command_template: \"x {agent_session}\"}]\n",
        "give the command for that as `resume_template`",
    );
    fault(
        "agents: [{id: a, command_template: x, resume_template: x -c}]\n",
        "does not name the conversation",
    );
    fault("agents: [{id: claude, resume_template: \"x {agent_sesion}\"}]\n", "did you mean `agent_session`?");
    fault("agents: [{id: a, command_template: x, transcript: clade}]\n", "did you mean `claude`?");
    fault("agents: [{id: a, command_template: x}, {id: a, command_template: y}]\n", "given twice");
    fault("workers: [{id: w, agents: [scriptd]}]\n", "did you mean `scripted`?");
    fault("workers: [{id: w, strategy: random}]\n", "allowed: fixed, priority, round_robin");
    fault("session_defaults: {planner_agent: nobody}\n", "unknown agent \"nobody\"");
    fault(
        "agents: [{id: a, command_template: x, planner: false}]\nsession_defaults: {planner_agent: a}\n",
        "planner: false",
    );
    fault("planner: {agent: clade}\n", "did you mean `claude`?");
    fault("planner: {agent: non}\n", "did you mean `none`?");
    fault("planner: {agent: codex}\nsession_defaults: {planner_agent: claude}\n", "remove `session_defaults");
}

#[test]
fn a_built_in_id_with_some_keys_overrides_just_those() {
    let text = format!(
        "{LEAST}agents:\n- {{id: scripted, env: {{A: 1, B: \"\"}}}}\n- id: mine\n  command_template: my-cli --p \"a b\" {{prompt_file}} '{{\"k\":1}}'\n- {{id: sh, shell: true, command_template: \"exec run ${{home}} < {{prompt}}\"}}\nworkers:\n- {{id: integrator, strategy: round_robin}}\n- {{id: docs, role: researcher, agents: [mine]}}\n"
    );
    let settings = resolve(&text).settings;
    let scripted = settings.agent(&"scripted".into()).unwrap();
    assert_eq!(scripted.command.words, ["{paddock}", "__scripted", "{prompt_file}"]);
    assert_eq!(scripted.env["A"], "1");
    let mine = settings.agent(&"mine".into()).unwrap();
    assert_eq!(mine.command.words, ["my-cli", "--p", "a b", "{prompt_file}", "{\"k\":1}"]);
    assert_eq!((mine.cli_command.as_str(), mine.transcript.as_str()), ("my-cli", "plain"));
    assert!(settings.agent(&"sh".into()).unwrap().command.shell);
    assert_eq!(settings.worker(&"implementer".into()).unwrap().agents, ["scripted", "mine", "sh"]);
    assert_eq!(settings.worker(&"integrator".into()).unwrap().role, Role::Integrator);
    let docs = settings.worker(&"docs".into()).unwrap();
    assert_eq!((docs.template.as_str(), docs.agents.len()), ("session-researcher.md", 1));
}

#[test]
fn variables_of_an_agent_go_over_those_below_it_one_by_one() {
    let built_in = paddock_config::builtin::agents();
    let built_in = &built_in.iter().find(|agent| agent.id == "claude").unwrap().env;
    let repository = "agents: [{id: claude, env: {A: theirs, B: theirs, DISABLE_TELEMETRY: \"\"}}]\n";
    let own =
        format!("{LEAST}agents: [{{id: claude, env: {{A: mine, C: mine, DISABLE_AUTOUPDATER: \"\"}}}}]\n");
    let agreement = resolve_with(&own, Some(repository), None).unwrap().agreement;
    let settings = resolve_with(&own, Some(repository), agreement.as_deref()).unwrap().settings;
    let env = &settings.agent(&"claude".into()).unwrap().env;
    let of = |name: &str| env.get(name).map(String::as_str);
    assert_eq!((of("A"), of("B"), of("C")), (Some("mine"), Some("theirs"), Some("mine")));
    // An empty value stays in the map: it removes the variable when the agent starts.
    assert_eq!((of("DISABLE_TELEMETRY"), of("DISABLE_AUTOUPDATER")), (Some(""), Some("")));
    assert!(built_in.contains_key("IS_SANDBOX"));
    for (name, value) in built_in.iter().filter(|(name, _)| !name.starts_with("DISABLE_")) {
        assert_eq!(of(name), Some(value.as_str()), "{name}");
    }
    // An agent that is not built in, defined in both files.
    let repository = "agents: [{id: mine, command_template: x, env: {A: theirs, B: theirs}}]\n";
    let own = format!("{LEAST}agents: [{{id: mine, env: {{B: mine}}}}]\n");
    let agreement = resolve_with(&own, Some(repository), None).unwrap().agreement;
    let settings = resolve_with(&own, Some(repository), agreement.as_deref()).unwrap().settings;
    let env = &settings.agent(&"mine".into()).unwrap().env;
    assert_eq!((env["A"].as_str(), env["B"].as_str()), ("theirs", "mine"));
}

#[test]
fn a_command_that_needs_a_shell_but_has_none_is_a_fault_that_names_the_remedy() {
    let found = faults("agents:\n- id: a\n  command_template: agent < {prompt_file} | tee log\n");
    assert_eq!(found.len(), 1, "{found:?}");
    let said = "projects/x.yaml:7:21: `agents[0].command_template` holds `<`, which only a shell understands, but \
                no shell runs the command; add `shell: true`; or, if the program itself expects it, put it in single \
                quotes or give the command as a list";
    assert_eq!(found[0], said);
    fault(
        "agents: [{id: a, command_template: x, resume_template: \"x $SESSION {agent_session}\"}]\n",
        "`agents[0].resume_template` holds `$SESSION`",
    );
    fault("agents: [{id: a, command_template: \"HOME=/x agent\"}]\n", "give `HOME` under `env`");
    let with = |command: &str| resolve(&format!("{LEAST}agents:\n- id: a\n{command}"));
    for good in [
        "  command_template: agent < {prompt_file} | tee log\n  shell: true\n",
        "  command_template: [agent, \"<\", \"a|b\", \"$HOME\"]\n",
        "  command_template: |\n    agent 'a|b' --flag=\"a>b\" '{\"k\": \"$v\"}' {prompt_text}\n",
    ] {
        let project = with(good);
        assert!(
            project.settings.agent(&"a".into()).is_some() && project.warnings.is_empty(),
            "{:?}",
            project.warnings
        );
    }
    let doubtful = with("  command_template: agent \"$HOME/x\"\n");
    assert_eq!(doubtful.settings.agent(&"a".into()).unwrap().command.words, ["agent", "$HOME/x"]);
    let said = doubtful.warnings[0].to_string();
    assert!(said.contains("holds `$HOME` in double quotes"), "{said}");
}

#[test]
fn commands_of_the_repositorys_own_file_wait_for_agreement() {
    let own = "description: from the repository\nverify: [{name: t, run: make}]\nagents: [{id: theirs, command_template: x}]\nworkers: [{id: implementer, agents: [theirs]}]\nplanner: {context_files: [A.md]}\n";
    let asked = resolve_with(LEAST, Some(own), None).unwrap();
    assert!(asked.needs_agreement() && asked.settings.verify.is_empty());
    assert!(asked.settings.agent(&"theirs".into()).is_none());
    assert!(asked.warnings[0].to_string().contains("nobody agreed to"));
    assert_eq!(asked.settings.description, "from the repository");
    assert_eq!(asked.settings.planner.context_files, ["A.md"]);
    let agreed = resolve_with(LEAST, Some(own), asked.agreement.as_deref()).unwrap();
    assert!(!agreed.needs_agreement());
    assert_eq!(agreed.settings.verify[0].run, "make");
    assert_eq!(agreed.settings.worker(&"implementer".into()).unwrap().agents, ["theirs"]);
    let changed = own.replace("run: make", "run: evil");
    assert!(resolve_with(LEAST, Some(&changed), asked.agreement.as_deref()).unwrap().needs_agreement());
    let wins = format!("{LEAST}verify: [{{name: mine, run: x}}]\n");
    let wins = resolve_with(&wins, Some(own), asked.agreement.as_deref()).unwrap();
    assert_eq!(wins.settings.verify[0].name, "mine");
    let errors = resolve_with(LEAST, Some("enabled: false\n"), None).unwrap_err();
    assert!(
        errors[0].to_string().starts_with(".paddock/project.yaml:1:1: unknown key `enabled`"),
        "{errors:?}"
    );
}

#[test]
fn what_project_add_writes_reads_back_with_names_that_yaml_must_quote() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::init(folder.path(), is_tracked).unwrap();
    let gate = GateCommand {
        name: "测试: a".into(),
        run: "echo \"a\\b\" # 'c'\n".into(),
        timeout_minutes: 3,
        timeout_seconds: 30,
        ..GateCommand::new("", "", 0)
    };
    let new = NewProject {
        slug: ProjectSlug::new("x").unwrap(),
        name: "项目: \"yes\" #1".into(),
        repo_root: "/a b/it's\t仓库".into(),
        worktrees_root: "- /wt: {x}".into(),
        target_branch: Some("no".into()),
        verify: vec![gate.clone()],
    };
    let path = write_project(&workspace, &new).unwrap();
    let settings = resolve(&fs::read_to_string(&path).unwrap()).settings;
    assert_eq!((settings.name, settings.repo_root), (new.name.clone(), new.repo_root.clone()));
    assert_eq!((settings.target_branch.as_str(), settings.verify), ("no", vec![gate]));
    assert!(matches!(write_project(&workspace, &new), Err(WriteError::Exists(_))));
}

#[test]
fn validation_reads_every_file_and_continues_after_a_bad_one() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::init(folder.path(), is_tracked).unwrap();
    let write = |name: &str, text: &str| fs::write(workspace.projects().join(name), text).unwrap();
    write("a.yaml", "slug: a\nnmae: A\nrepo_root: ra\nworktrees_root: w\n");
    write("b.yaml", "slug: c\nname: B\nrepo_root: rb\nworktrees_root: w\n");
    write(
        "d.yaml",
        "slug: d\nname: D\nrepo_root: rd\nworktrees_root: w\nagents: [{id: m, command_template: x}]\nbudget: {usd_per_day: 5}\n",
    );
    write("e.yaml", "slug: e\nname: E\nrepo_root: ./x/../rd\nworktrees_root: w\n");
    fs::write(folder.path().join(".env"), "oops\n").unwrap();
    let resolve = |file: &ProjectFile| {
        let around =
            Surroundings { head_branch: "HEAD", repository_file: None, agreed: None, on_path: &|_| false };
        file.resolve(&around)
    };
    let found: Vec<String> = validate(&workspace, None, &resolve).iter().map(ToString::to_string).collect();
    let has = |part: &str| assert!(found.iter().any(|fault| fault.contains(part)), "{part}: {found:#?}");
    has(".env:1:1: no `=`");
    has("projects/a.yaml:2:1: unknown key `nmae`; did you mean `name`?");
    has("projects/b.yaml:1:7: `slug` is `c` but the file is named `b.yaml`");
    has("projects/d.yaml:6:23: warning: a limit in USD has no effect on the agent `m`");
    has("is already the repository of projects/d.yaml");
    assert_eq!(found.len(), 5, "{found:#?}");
}

#[test]
fn another_target_branch_is_written_into_a_file_that_keeps_the_rest() {
    let of = |text: &str, line| paddock_config::write::with_target(text, line, "v/2");
    let begin = "slug: p # one\n";
    for (line, changed) in [
        ("target_branch: main\n", "target_branch: \"v/2\"\n"),
        ("target_branch: main # mine\r\n", "target_branch: \"v/2\" # mine\r\n"),
        ("\"target_branch\" : 'main'", "target_branch: \"v/2\""),
    ] {
        assert_eq!(of(&format!("{begin}{line}"), 2), Some(format!("{begin}{changed}")));
    }
    assert_eq!(of("slug: p", 0), Some("slug: p\ntarget_branch: \"v/2\"\n".to_owned()));
    assert_eq!(of("{slug: p, target_branch: main}\n", 1), None, "a file in flow style is not rewritten");
    assert_eq!(of("slug: p\n", 7), None);
}

/// The config crate has its own copy of git's rules, so that reading a file needs no git. libgit2 is the
/// reference.
#[test]
fn the_rules_for_branch_names_agree_with_gits() {
    let whole = [
        "", "main", "HEAD", "head", "-x", "a-", "a/b", "a//b", "/a", "a/", "@", "a@b", "登录", "A/B",
        "a\u{7f}",
    ];
    let parts = [
        ".", "..", "lock", ".lock", "@{", "@", "{", "/", "~", "^", ":", "\\", "?", "[", "*", " ", "\t", "\0",
        "a", "-",
    ];
    let two = parts.iter().flat_map(|a| parts.iter().map(move |b| format!("{a}{b}")));
    let joined: Vec<String> = two.flat_map(|two| parts.map(|c| format!("{two}{c}"))).collect();
    for name in whole.iter().map(|name| (*name).to_owned()).chain(joined) {
        let expected = git2::Branch::name_is_valid(&name).unwrap_or(false);
        assert_eq!(paddock_config::branch_name::is_valid(&name), expected, "{name:?}");
    }
}
