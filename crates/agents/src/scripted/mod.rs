//! The built-in scripted agent (`paddock __scripted PROMPT_FILE`): takes the steps of a script in the
//! objective's description, for the demo, rehearsals and tests. docs/scripted-agent.md is its manual.

mod act;
mod error;
mod facts;
mod script;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::ExitCode;

use act::{Agent, Flow};
use facts::Facts;
use paddock_os::plain;

/// Exit code for an invalid script or invocation.
const EXIT_USAGE: u8 = 2;

/// Runs the agent with the arguments after `__scripted`.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let code = match args.as_slice() {
        [flag, seconds] if flag == act::ORPHAN_FLAG => act::orphan(seconds, false),
        [flag, seconds] if flag == act::BARE_ORPHAN_FLAG => act::orphan(seconds, true),
        [flag, seconds] if flag == act::LINGER_FLAG => act::linger(seconds),
        [prompt_file] => run(prompt_file),
        _ => {
            eprintln!("usage: paddock __scripted PROMPT_FILE");
            EXIT_USAGE
        }
    };
    ExitCode::from(code)
}

fn run(prompt_file: &OsStr) -> u8 {
    let prompt = match plain::read_to_string(prompt_file) {
        Ok(prompt) => prompt,
        Err(error) => {
            eprintln!("can't read the prompt {}: {error}", prompt_file.display());
            return EXIT_USAGE;
        }
    };
    // `agent check` runs the agent with this prompt; it has no objective and no script.
    if prompt.trim() == crate::CHECK_PROMPT.trim() {
        println!("OK");
        return 0;
    }
    let facts = Facts::from_prompt(&prompt, |name| std::env::var(name).ok());
    if facts.kind == "planner" {
        return plan(&prompt, facts.attempt);
    }
    let worktree = std::env::var_os("PADDOCK_WORKTREE").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let agent = Agent::new(facts, &worktree).map_err(|error| {
        eprintln!("can't work in {}: {error}", worktree.display());
        EXIT_USAGE
    });
    match (agent, script::steps(&prompt)) {
        (Err(code), _) => code,
        (_, Err(error)) => {
            eprintln!("{error}");
            EXIT_USAGE
        }
        (Ok(agent), Ok(Some(steps))) => follow(agent, &steps),
        (Ok(agent), Ok(None)) => {
            let steps = agent.facts.default_steps();
            follow(agent, &steps)
        }
    }
}

fn follow(mut agent: Agent, steps: &[(script::When, script::Step)]) -> u8 {
    for (when, step) in steps {
        if !agent.facts.holds(when) {
            continue;
        }
        match agent.take(step) {
            Ok(Flow::Next) => {}
            Ok(Flow::End(code)) => {
                agent.end(false);
                return code;
            }
            Err(problem) => {
                eprintln!("{problem}");
                return 1;
            }
        }
    }
    agent.end(true);
    0
}

/// Acts as a planner: prints the prompt's first ```` ```plan ```` block in the first attempt, the second one
/// in the second attempt, and so on. Prints a plan without objectives if no such block is left.
fn plan(prompt: &str, attempt: u32) -> u8 {
    let before = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    let plan = script::blocks(prompt, "plan").nth(before).map_or_else(
        || "reasoning: nothing is left to do\nphase_checks: []\nobjectives: []".to_owned(),
        |lines| lines.join("\n"),
    );
    act::say(&format!("```yaml\n{plan}\n```"));
    0
}
