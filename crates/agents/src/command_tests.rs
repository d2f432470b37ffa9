use std::collections::BTreeMap;
use std::process::Command;

use super::*;

fn agent(words: &[&str], shell: bool) -> AgentSettings {
    AgentSettings {
        id: "mine".into(),
        name: String::new(),
        resume: None,
        command: CommandTemplate { words: words.iter().map(|&word| word.to_owned()).collect(), shell },
        cli_command: String::new(),
        stdin: StdinRule::Prompt,
        transcript: "plain".to_owned(),
        stop_signal: "TERM".to_owned(),
        env: BTreeMap::new(),
        planner: false,
        plans: false,
        enabled: true,
        description: String::new(),
    }
}

fn values(prompt_text: &str) -> Values<'_> {
    Values {
        prompt_file: Path::new("/s 1/prompt.md"),
        worktree: Path::new("/wt/it's \"$(touch pwned)\" {model}"),
        session_dir: Path::new("/s 1"),
        model: Some("large"),
        prompt_text,
        paddock_exe: Path::new("/bin/paddock"),
        agent_session: None,
    }
}

fn argv(words: &[&str], shell: bool) -> Vec<String> {
    let built = build(&agent(words, shell), &values("say $HOME `id`")).unwrap();
    built.argv.into_iter().map(|word| word.into_string().unwrap()).collect()
}

#[test]
fn a_value_is_one_argument_whatever_it_holds() {
    assert_eq!(
        argv(&["x", "--dir={worktree}", "{prompt}", "-m{model}", "{prompt_text}", "{paddock}"], false),
        [
            "x",
            "--dir=/wt/it's \"$(touch pwned)\" {model}",
            "/s 1/prompt.md",
            "-mlarge",
            "say $HOME `id`",
            "/bin/paddock"
        ]
    );
}

#[test]
fn braces_that_are_not_a_placeholder_stay() {
    assert_eq!(argv(&["x", "{\"a\": {}}", "{A}", "{", "}"], false), ["x", "{\"a\": {}}", "{A}", "{", "}"]);
}

#[test]
fn no_words_mean_the_scripted_agent() {
    assert_eq!(argv(&[], false), ["/bin/paddock", "__scripted", "/s 1/prompt.md"]);
}

#[test]
fn a_shell_gets_the_values_as_words_in_every_kind_of_quotes() {
    let line = "printf '%s\\n' {worktree} --x={worktree} \"in {worktree}\" 'in {worktree}' \"${none}\" {prompt_text}";
    let built = build(&agent(&[line], true), &values("say $HOME `id`")).unwrap();
    assert_eq!(built.argv[..2], ["/bin/sh", "-c"]);
    let output = Command::new(&built.argv[0]).args(&built.argv[1..]).output().unwrap();
    let place = "/wt/it's \"$(touch pwned)\" {model}";
    let expected = format!("{place}\n--x={place}\nin {place}\nin {place}\n\nsay $HOME `id`\n");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

#[test]
fn a_shell_command_resumes_a_conversation_too() {
    let mut agent = agent(&["exit 9"], true);
    let words = vec!["printf '%s|' --resume {agent_session} | tr '|' ' '".to_owned()];
    agent.resume = Some(CommandTemplate { words, shell: true });
    let built = build(&agent, &Values { agent_session: Some("it's $(one)"), ..values("text") }).unwrap();
    let output = Command::new(&built.argv[0]).args(&built.argv[1..]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "--resume it's $(one) ");
}

#[test]
fn an_unknown_placeholder_is_named_with_those_that_exist() {
    let error = build(&agent(&["x", "{prompt_path}"], false), &values("")).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("{prompt_path}") && text.contains("{prompt_file}") && text.contains("mine"),
        "{text}"
    );
    assert!(check(&"mine".into(), &agent(&["x {nope}"], true).command).is_err());
}

#[test]
fn a_command_that_cannot_start_is_an_error_before_anything_starts() {
    let long = "x".repeat(PROMPT_MAX_BYTES + 1);
    let by_argument = agent(&["x", "{prompt_text}"], false);
    let error = build(&by_argument, &values(&long)).unwrap_err();
    assert!(matches!(error, CommandError::PromptTooLong { bytes, .. } if bytes == PROMPT_MAX_BYTES + 1));
    let text = error.to_string();
    assert!(text.contains("mine") && text.contains("98305") && text.contains("{prompt_file}"), "{text}");
    assert!(build(&by_argument, &values(&long[1..])).is_ok());
    assert!(build(&agent(&["x", "{prompt_file}"], false), &values(&long)).is_ok());
    // A program that reads files gets the name of one.
    let kimi = AgentSettings { transcript: "kimi".to_owned(), ..by_argument };
    let argument = build(&kimi, &values(&long)).unwrap().argv[1].clone().into_string().unwrap();
    let file = values("").prompt_file.display().to_string();
    assert!(argument.starts_with("Read the file") && argument.contains(&file), "{argument}");
    assert!(matches!(build(&agent(&[" "], true), &values("")), Err(CommandError::Empty { .. })));
    let nul = build(&agent(&["x", "{prompt_text}"], false), &values("a\0b"));
    assert!(matches!(nul, Err(CommandError::Nul { .. })));
    let without = Values { model: None, ..values("") };
    assert!(matches!(build(&agent(&["x", "{model}"], false), &without), Err(CommandError::NoModel { .. })));
}

#[test]
fn a_conversation_is_resumed_by_an_agent_that_can_and_begun_anew_by_one_that_cannot() {
    let mut agent = agent(&["tool", "-p", "{prompt_file}"], false);
    let with = Values { agent_session: Some("it's $(one)"), ..values("text") };
    assert_eq!(build(&agent, &with).unwrap().argv, ["tool", "-p", "/s 1/prompt.md"]);
    let words = ["tool", "--resume", "{agent_session}"].map(str::to_owned).to_vec();
    agent.resume = Some(CommandTemplate { words, shell: false });
    assert_eq!(build(&agent, &with).unwrap().argv, ["tool", "--resume", "it's $(one)"]);
    assert_eq!(build(&agent, &values("text")).unwrap().argv, ["tool", "-p", "/s 1/prompt.md"]);
}
