//! Builds an agent's command line. A template is split into words first, and placeholders are replaced
//! afterwards, so that a space, a quote or `$(…)` in a path or prompt never has a meaning.

use crate::transcript::formats;
use paddock_model::ids::AgentId;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use paddock_model::settings::{AgentSettings, CommandTemplate, StdinRule};

/// Limit on a prompt that is passed as one argument, in bytes. Linux limits an argument to 128 KiB.
pub(crate) const PROMPT_MAX_BYTES: usize = 96 << 10;

/// Hidden subcommand that runs the built-in scripted agent.
pub(crate) const SCRIPTED_SUBCOMMAND: &str = "__scripted";

const NAMES: [&str; 8] =
    ["prompt_file", "worktree", "session_dir", "model", "prompt", "prompt_text", "paddock", "agent_session"];

/// Why an agent cannot be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The template has a placeholder that does not exist.
    #[error("agent {agent}: unknown placeholder {{{name}}} in the command: use one of {}", known())]
    UnknownPlaceholder {
        /// The agent's id.
        agent: AgentId,
        /// Name between the braces.
        name: String,
    },
    /// The template has a placeholder for the model, but no model is set.
    #[error("agent {agent}: the command asks for {{model}}, but no model is set: set one or leave it out")]
    NoModel {
        /// The agent's id.
        agent: AgentId,
    },
    /// The command of a first session has the placeholder for the conversation to resume.
    #[error("agent {agent}: {{agent_session}} is known only in `resume_template`")]
    NoConversation {
        /// The agent's id.
        agent: AgentId,
    },
    /// The prompt is too long for an argument.
    #[error(
        "the prompt of {bytes} bytes is too long for the agent {agent}, whose command passes it as one argument of \
         at most {PROMPT_MAX_BYTES} bytes: write {{prompt_file}} in place of {{prompt_text}}, or `stdin: prompt`, or \
         shorten the description or the template"
    )]
    PromptTooLong {
        /// The agent's id.
        agent: AgentId,
        /// Length of the prompt, in bytes.
        bytes: usize,
    },
    /// A value holds a NUL byte, which no argument of a program can hold.
    #[error("agent {agent}: the value of {{{name}}} holds a NUL byte, which no argument can")]
    Nul {
        /// The agent's id.
        agent: AgentId,
        /// Name of the placeholder.
        name: String,
    },
    /// The command names no program.
    #[error("agent {agent}: the command is empty: write the program and its arguments")]
    Empty {
        /// The agent's id.
        agent: AgentId,
    },
}

fn known() -> String {
    NAMES.map(|name| format!("{{{name}}}")).join(", ")
}

/// Values of the placeholders.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    /// File that holds the prompt.
    pub prompt_file: &'a Path,
    /// Worktree of the session.
    pub worktree: &'a Path,
    /// Folder of the session, outside the worktree.
    pub session_dir: &'a Path,
    /// Model, if one is set.
    pub model: Option<&'a str>,
    /// Text of the prompt.
    pub prompt_text: &'a str,
    /// Paddock's own executable.
    pub paddock_exe: &'a Path,
    /// The agent's own id of the conversation to resume; `None` for a new conversation.
    pub agent_session: Option<&'a str>,
}

/// A complete command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentCommand {
    /// Program and arguments. For a template with `shell: true` they are `/bin/sh -c LINE sh VALUE…`.
    pub argv: Vec<OsString>,
    /// What the agent gets on standard input.
    pub stdin: StdinRule,
}

/// Builds the command line for a session of an agent.
///
/// # Errors
/// Fails if a placeholder is unknown or has no value, or if the prompt is too long.
pub fn build(agent: &AgentSettings, values: &Values<'_>) -> Result<AgentCommand, CommandError> {
    // An agent without a resume template starts a new conversation even if there is one to resume.
    let resume = agent.resume.as_ref().filter(|_| values.agent_session.is_some());
    let template = resume.unwrap_or(&agent.command);
    check(&agent.id, template)?;
    let by_file = format!("Read the file {} and do what it says.", values.prompt_file.display());
    let values = &match values.prompt_text.len() > PROMPT_MAX_BYTES && reads_files(agent) {
        true => Values { prompt_text: &by_file, ..*values },
        false => *values,
    };
    let CommandTemplate { words, shell } = template;
    let argv = match (words.is_empty(), shell) {
        // A template without words is the built-in scripted agent.
        (true, _) => {
            let own = [values.paddock_exe.as_os_str(), SCRIPTED_SUBCOMMAND.as_ref()];
            own.into_iter().chain([values.prompt_file.as_os_str()]).map(OsStr::to_owned).collect()
        }
        (false, true) => shell_argv(&agent.id, &words.join(" "), values)?,
        (false, false) => words.iter().map(|word| fill(&agent.id, word, values)).collect::<Result<_, _>>()?,
    };
    Ok(AgentCommand { argv, stdin: agent.stdin })
}

/// Returns whether an agent is known to read a file that its prompt names: a program with tools, whose output
/// Paddock knows. aider has none.
fn reads_files(agent: &AgentSettings) -> bool {
    let has_tools = |name: &str| !matches!(name, "plain" | "scripted" | "aider");
    formats().any(|(name, _)| name == agent.transcript && has_tools(name))
}

/// Checks a template without values, as it is read from a file.
///
/// # Errors
/// Fails if a placeholder is unknown, or if the command names no program.
pub(crate) fn check(agent: &AgentId, command: &CommandTemplate) -> Result<(), CommandError> {
    if command.words.first().is_some_and(|word| word.trim().is_empty()) {
        return Err(CommandError::Empty { agent: agent.clone() });
    }
    for word in &command.words {
        for piece in pieces(word, command.shell) {
            if let Piece::Placeholder { name, .. } = piece
                && !NAMES.contains(&name)
            {
                return Err(CommandError::UnknownPlaceholder { agent: agent.clone(), name: name.to_owned() });
            }
        }
    }
    Ok(())
}

enum Piece<'t> {
    Text(&'t str),
    /// A placeholder; `before` is the template up to it, which decides about quotes.
    Placeholder {
        name: &'t str,
        before: &'t str,
    },
}

/// Splits a word at its placeholders, which have the form `{` lower-case name `}`. Other braces (JSON, a
/// shell's `${VAR}`) are text.
fn pieces(word: &str, shell: bool) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut text_from = 0;
    let mut search_from = 0;
    while let Some(open) = word[search_from..].find('{').map(|at| at + search_from) {
        let rest = &word[open + 1..];
        let length = rest.bytes().take_while(|b| b.is_ascii_lowercase() || *b == b'_').count();
        let closed = length > 0 && rest.as_bytes().get(length) == Some(&b'}');
        // `${name}` in a shell's line is a variable of the shell.
        let of_shell = shell && word[..open].ends_with('$');
        // An unclosed or unknown brace is text; the search continues right behind it, since a placeholder may
        // follow.
        search_from = open + 1;
        if closed && !of_shell {
            found.push(Piece::Text(&word[text_from..open]));
            found.push(Piece::Placeholder { name: &rest[..length], before: &word[..open] });
            search_from = open + length + 2;
            text_from = search_from;
        }
    }
    found.push(Piece::Text(&word[text_from..]));
    found
}

fn value_of<'v>(agent: &AgentId, name: &str, values: &Values<'v>) -> Result<&'v OsStr, CommandError> {
    let value = match name {
        "prompt_file" | "prompt" => values.prompt_file.as_os_str(),
        "worktree" => values.worktree.as_os_str(),
        "session_dir" => values.session_dir.as_os_str(),
        "prompt_text" if values.prompt_text.len() > PROMPT_MAX_BYTES => {
            let bytes = values.prompt_text.len();
            return Err(CommandError::PromptTooLong { agent: agent.clone(), bytes });
        }
        "prompt_text" => OsStr::new(values.prompt_text),
        "paddock" => values.paddock_exe.as_os_str(),
        "model" => OsStr::new(values.model.ok_or_else(|| CommandError::NoModel { agent: agent.clone() })?),
        "agent_session" => OsStr::new(
            values.agent_session.ok_or_else(|| CommandError::NoConversation { agent: agent.clone() })?,
        ),
        _ => {
            return Err(CommandError::UnknownPlaceholder { agent: agent.clone(), name: name.to_owned() });
        }
    };
    if value.as_encoded_bytes().contains(&0) {
        return Err(CommandError::Nul { agent: agent.clone(), name: name.to_owned() });
    }
    Ok(value)
}

fn fill(agent: &AgentId, word: &str, values: &Values<'_>) -> Result<OsString, CommandError> {
    let mut filled = OsString::new();
    for piece in pieces(word, false) {
        match piece {
            Piece::Text(text) => filled.push(text),
            Piece::Placeholder { name, .. } => filled.push(value_of(agent, name, values)?),
        }
    }
    Ok(filled)
}

/// Builds the arguments for `/bin/sh`. The line refers to values as `"${1}"`, `"${2}"`, …, so the shell never
/// reads a value as code, not even if the template nests quotes in a way that `quotes_open_after` misjudges.
fn shell_argv(agent: &AgentId, line: &str, values: &Values<'_>) -> Result<Vec<OsString>, CommandError> {
    let mut text = String::new();
    let mut arguments: Vec<OsString> = Vec::new();
    for piece in pieces(line, true) {
        match piece {
            Piece::Text(part) => text.push_str(part),
            Piece::Placeholder { name, before } => {
                arguments.push(value_of(agent, name, values)?.to_owned());
                let reference = format!("${{{}}}", arguments.len());
                // Inside single quotes a reference would be plain text, so they are closed around it.
                text.push_str(&match quotes_open_after(before) {
                    Quotes::None => format!("\"{reference}\""),
                    Quotes::Double => reference,
                    Quotes::Single => format!("'\"{reference}\"'"),
                });
            }
        }
    }
    // The argument after the line is the script's `$0`; the values begin at `$1`.
    let shell = ["/bin/sh".into(), "-c".into(), text.into(), "sh".into()];
    Ok(shell.into_iter().chain(arguments).collect())
}

#[derive(Clone, Copy, PartialEq)]
enum Quotes {
    None,
    Single,
    Double,
}

fn quotes_open_after(text: &str) -> Quotes {
    let mut open = Quotes::None;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        open = match (open, byte) {
            // A backslash escapes the next character, except inside single quotes.
            (Quotes::None | Quotes::Double, b'\\') => {
                bytes.next();
                open
            }
            (Quotes::None, b'\'') => Quotes::Single,
            (Quotes::None, b'"') => Quotes::Double,
            (Quotes::Single, b'\'') | (Quotes::Double, b'"') => Quotes::None,
            _ => open,
        };
    }
    open
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
