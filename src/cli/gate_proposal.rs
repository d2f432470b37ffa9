//! The gate that a new project is proposed, from the manifests that its repository holds.

use std::path::Path;

use super::exit_codes::Failure;
use super::output;
use super::repository::ProjectFacts;
use paddock_config::propose::{Proposal, propose};
use paddock_git::Repository;
use paddock_model::settings::GateCommand;
use paddock_os::plain;
use paddock_report::text::harmless;

/// Time limit of a gate command that is given on the command line, in minutes.
const TIMEOUT_MINUTES: u32 = 20;

/// Maximum size of a manifest that is read from the checkout, in bytes; a larger file is ignored.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Proposes a gate from the manifests as committed on the target branch, which is what the gate sees, or as
/// they are in the checkout, where the first ones may wait for their commit.
pub(super) fn from_manifests(found: &ProjectFacts) -> Proposal {
    let Ok(repository) = Repository::open(Path::new(&found.facts.root)) else { return Proposal::default() };
    let branch = format!("refs/heads/{}", found.target_branch);
    propose(&|name| {
        let committed = repository.file_of(&branch, name).ok().flatten();
        let bytes = committed.or_else(|| in_checkout(repository.main_worktree()?, name))?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    })
}

/// Reads a small file in the checkout's root folder; `None` if it is missing, special or too large.
fn in_checkout(root: &Path, name: &str) -> Option<Vec<u8>> {
    let path = root.join(name);
    let facts = path.metadata().ok()?;
    let is_read = facts.is_file() && facts.len() <= FILE_BYTES_MAX;
    is_read.then(|| plain::read(path).ok()).flatten()
}

/// Makes a gate of commands from the command line.
pub(super) fn from_arguments(commands: &[String]) -> Vec<GateCommand> {
    let name = |at: usize| if at == 0 { "tests".to_owned() } else { format!("tests-{}", at + 1) };
    let named = commands.iter().enumerate();
    named.map(|(at, run)| GateCommand::new(name(at), run, TIMEOUT_MINUTES)).collect()
}

/// Shows the proposed gate and asks about it. With `yes` it is taken without a question; without a terminal
/// to ask at it is not taken, and the output says how to take it.
pub(super) fn agreed(proposal: Proposal, yes: bool) -> Result<Vec<GateCommand>, Failure> {
    if proposal.commands.is_empty() {
        return Ok(Vec::new());
    }
    output::note(&format!("gate, guessed from {}:", proposal.from));
    for command in &proposal.commands {
        output::note(&format!("  {}: {}", harmless(&command.name), harmless(&command.run)));
    }
    if yes {
        return Ok(proposal.commands);
    }
    match output::confirm("use it as the gate, which every landing has to pass?")? {
        Some(true) => Ok(proposal.commands),
        Some(false) => Ok(Vec::new()),
        None => {
            output::note(
                "  it is not used, as standard input is no terminal to ask at: --yes takes it, --gate COMMAND gives \
                 another one, --no-gate is none",
            );
            Ok(Vec::new())
        }
    }
}
