//! Shell completion of commands, flags and ids of the workspace.
//!
//! The shell calls `paddock` itself with `COMPLETE` set; the process then answers the shell and does nothing
//! else.

use std::ffi::OsString;
use std::path::Path;

use clap::{Args, ValueEnum};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::{CompleteEnv, EnvCompleter, Shells};

use super::context::Context;
use super::exit_codes::{Exit, Failure, Outcome};
use super::output;
use paddock_git::Repository;
use paddock_model::hierarchy::Level;
use paddock_model::state::State;

/// Environment variable with which a shell asks for completions.
const VARIABLE: &str = "COMPLETE";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  echo 'source <(paddock completions bash)' >> ~/.bashrc
  echo 'source <(paddock completions zsh)' >> ~/.zshrc
  paddock completions fish > ~/.config/fish/completions/paddock.fish")]
pub(super) struct Completions {
    /// Shell to print the script for
    shell: Shell,
}

impl Completions {
    pub(super) fn execute(self) -> Outcome {
        let name =
            self.shell.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        let shells = Shells::builtins();
        let unknown = || Failure::usage(format!("there is no completion for {name}"));
        let completer: &dyn EnvCompleter = shells.completer(&name).ok_or_else(unknown)?;
        // The script calls `paddock` by name, so that whatever build is found on PATH then answers.
        let mut script = Vec::new();
        completer.write_registration(VARIABLE, "paddock", "paddock", "paddock", &mut script)?;
        output::print(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Good)
    }
}

/// Answers a shell that asks for completions, and ends the process. Does nothing if no shell asks.
pub(super) fn answer_shell(command: fn() -> clap::Command) {
    if std::env::var_os(VARIABLE).is_some() {
        CompleteEnv::with_factory(|| with_values(command(), "")).var(VARIABLE).complete();
    }
}

/// Attaches the candidates for values to a command and its subcommands.
///
/// `family` is the top-level command: an argument `id` means an objective in one family and an agent in
/// another.
fn with_values(command: clap::Command, family: &str) -> clap::Command {
    let known = |argument: &clap::Arg| candidates(family, argument.get_id().as_str());
    let found: Vec<(String, ArgValueCandidates)> = command
        .get_arguments()
        .filter_map(|argument| Some((argument.get_id().to_string(), known(argument)?)))
        .collect();
    let mut command = command;
    for (name, values) in found {
        command = command.mut_arg(name, |argument| argument.add(values));
    }
    let subs: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for sub in subs {
        let below = if family.is_empty() { sub.clone() } else { family.to_owned() };
        command = command.mut_subcommand(sub, |sub| with_values(sub, &below));
    }
    command
}

fn candidates(family: &str, argument: &str) -> Option<ArgValueCandidates> {
    let list: fn(&Context, &State) -> Vec<(String, String)> = match (family, argument) {
        (_, "project") | ("project", "slug") => projects,
        ("project", "names") => projects_and_branches,
        ("objective" | "explain" | "queue", "id" | "objective") | ("objective", "depends_on") => objectives,
        ("session", "number") => sessions,
        ("agent", "id") => agents,
        ("goal", "id" | "goal") => |_, state| nodes(state, Level::Goal),
        ("milestone", "id") => |_, state| nodes(state, Level::Milestone),
        ("phase", "id") | ("objective", "phase") => |_, state| nodes(state, Level::Phase),
        _ => return None,
    };
    let values = move || {
        // A completion must never fail or print: without a workspace there are no candidates.
        let Some((context, state)) = workspace() else { return Vec::new() };
        let found = list(&context, &state).into_iter();
        found.map(|(value, help)| CompletionCandidate::new(value).help(Some(help.into()))).collect()
    };
    Some(ArgValueCandidates::new(values))
}

/// Finds the workspace from the command line typed so far, and loads its state.
fn workspace() -> Option<(Context, State)> {
    // The line is incomplete and may not parse, so `--root` is searched for by hand.
    let words: Vec<OsString> = std::env::args_os().collect();
    let place = words.iter().position(|word| word == "--root");
    let root = place.and_then(|place| words.get(place + 1));
    let context = Context::find(root.map(Path::new), None).ok()?;
    let state = context.load().ok()?;
    Some((context, state))
}

fn projects(_: &Context, state: &State) -> Vec<(String, String)> {
    state.projects().map(|project| (project.slug.to_string(), project.settings.name.clone())).collect()
}

fn projects_and_branches(context: &Context, state: &State) -> Vec<(String, String)> {
    let mut all = projects(context, state);
    for project in state.projects() {
        let repository = Repository::open(project.settings.repo_root.as_ref());
        // A repository that cannot be opened offers no branches; the projects are still offered.
        let refs = repository.and_then(|found| found.refs_below("refs/heads/")).unwrap_or_default();
        let names = refs.iter().filter_map(|(name, _)| name.strip_prefix("refs/heads/"));
        let names = names.filter(|name| !name.starts_with("paddock/"));
        all.extend(names.map(|name| (name.to_owned(), format!("branch of {}", project.slug))));
    }
    all
}

fn objectives(_: &Context, state: &State) -> Vec<(String, String)> {
    let all = state.objectives().map(|objective| {
        let help = format!("{}: {}", objective.status, objective.spec.title);
        (objective.key.id.to_string(), help)
    });
    all.collect()
}

fn sessions(_: &Context, state: &State) -> Vec<(String, String)> {
    // Newest first; a shell cannot show thousands of candidates usefully.
    let newest = state.sessions().rev().take(100);
    newest.map(|s| (s.id.to_string(), format!("{} {}", s.objective.id, s.status.word()))).collect()
}

fn agents(context: &Context, state: &State) -> Vec<(String, String)> {
    let all = super::agent::settings(context, state);
    all.into_values().map(|(agent, _)| (agent.id.to_string(), agent.name)).collect()
}

fn nodes(state: &State, level: Level) -> Vec<(String, String)> {
    let slugs: Vec<_> = state.projects().map(|project| project.slug.clone()).collect();
    let all = slugs.iter().flat_map(|slug| state.nodes_of(slug)).filter(|node| node.key.level == level);
    all.map(|node| (node.key.id.to_string(), node.title.clone())).collect()
}
