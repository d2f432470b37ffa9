//! The script in a prompt, read into steps.

use super::error::StepError;
use paddock_model::summary::SummaryStatus;

/// A line of a script that is not a step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("script line {line}: {problem} (docs/scripted-agent.md lists the steps): {text}")]
pub(crate) struct ScriptError {
    /// Number of the line within the script, from 1.
    pub line: usize,
    /// The fault.
    pub problem: StepError,
    /// Text of the line.
    pub text: String,
}

/// When a step is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum When {
    /// In every session.
    Always,
    /// Only in the session of the objective with this number, from 1.
    Attempt(u32),
    /// Only in sessions of this kind.
    Kind(String),
}

/// A step of a script.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// Replaces a file.
    Write(String, String),
    /// Adds a line to a file.
    Append(String, String),
    /// Removes a file or folder.
    Delete(String),
    /// Copies a file.
    Copy(String, String),
    /// Makes an empty file unless the file exists.
    Touch(String),
    /// Commits everything; with `true` even when nothing changed.
    Commit(String, bool),
    /// Waits for a number of seconds.
    Sleep(f64),
    /// Prints a line.
    Print(String),
    /// Ends with this exit code.
    Exit(u8),
    /// Sets the status and the text of the summary; without a status no summary is printed.
    Summary(Option<SummaryStatus>, String),
    /// Sets the summary's follow-up notes.
    FollowUp(String),
    /// Sets the summary's changes out of scope.
    OutOfScope(String),
    /// Fails in the first attempt.
    FailOnce,
    /// Never ends.
    Hang,
    /// Ignores SIGTERM, SIGINT and SIGHUP from now on.
    IgnoreTerm,
    /// Leaves a process behind that lives for a number of seconds; with `true` its environment is empty.
    SpawnOrphan(u64, bool),
    /// Prints a number of megabytes; with `true` as one line.
    Flood(u64, bool),
    /// Prints bytes unchanged.
    StdoutHex(Vec<u8>),
    /// `git checkout` with these arguments.
    Checkout(Vec<String>),
    /// Waits until a file exists.
    WaitFor(String),
    /// Runs a shell command.
    Run(String),
}

/// Returns the steps of the first ```` ```script ```` block of a prompt, or `None` if there is no such block.
///
/// # Errors
/// Fails at the first line that is not a step.
pub(crate) fn steps(prompt: &str) -> Result<Option<Vec<(When, Step)>>, ScriptError> {
    let Some(lines) = block(prompt, "script") else { return Ok(None) };
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let number = at + 1;
        at += 1;
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let refuse = |problem: StepError| ScriptError { line: number, problem, text: line.to_owned() };
        let (when, step) = condition(line.trim());
        let body =
            lines[at..].iter().take_while(|next| next.trim().is_empty() || next.starts_with([' ', '\t']));
        let body: Vec<&str> = body.copied().collect();
        let (step, used) = parse(step, &body).map_err(refuse)?;
        at += used;
        found.push((when, step));
    }
    Ok(Some(found))
}

/// Returns the lines of the first fenced block of this name, without the indentation of the fence.
pub(crate) fn block<'p>(prompt: &'p str, name: &str) -> Option<Vec<&'p str>> {
    blocks(prompt, name).next()
}

/// Iterates over the fenced blocks of this name. A fence that is indented deeper than the block's own does
/// not close it: a block may contain Markdown.
pub(crate) fn blocks<'p>(prompt: &'p str, name: &str) -> impl Iterator<Item = Vec<&'p str>> {
    let opening = format!("```{name}");
    let mut lines = prompt.lines();
    std::iter::from_fn(move || {
        let fence = lines.by_ref().find(|line| line.trim() == opening)?;
        let indent = &fence[..fence.len() - fence.trim_start().len()];
        let width = |line: &str| line.len() - line.trim_start().len();
        let inside = lines.by_ref().take_while(|line| line.trim() != "```" || width(line) > indent.len());
        Some(inside.map(|line| line.strip_prefix(indent).unwrap_or(line)).collect())
    })
}

fn condition(line: &str) -> (When, &str) {
    let named = |word: &str| {
        let (value, step) = line.strip_prefix(word)?.split_once(':')?;
        Some((value.trim(), step.trim()))
    };
    // A value that is not a number leaves the whole line as the step, which is then refused by name.
    if let Some((value, step)) = named("attempt ")
        && let Ok(number) = value.parse()
    {
        return (When::Attempt(number), step);
    }
    match named("kind ") {
        Some((kind, step)) => (When::Kind(kind.to_owned()), step),
        None => (When::Always, line),
    }
}

/// Parses one step. Returns it with the number of indented lines below it that belong to it.
fn parse(text: &str, body: &[&str]) -> Result<(Step, usize), StepError> {
    let (verb, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    if verb == "write" {
        return write(rest, body);
    }
    let step = match verb {
        "append" => {
            let (path, text) = path(rest)?;
            Step::Append(path, unescaped(&text))
        }
        "delete" => Step::Delete(only_path(rest)?),
        "touch" => Step::Touch(only_path(rest)?),
        "wait-for" => Step::WaitFor(only_path(rest)?),
        "copy" => {
            let (from, rest) = path(rest)?;
            Step::Copy(from, only_path(&rest)?)
        }
        "commit" => match rest.strip_prefix("--allow-empty") {
            Some(message) => Step::Commit(some(message, "a message")?, true),
            None => Step::Commit(some(rest, "a message")?, false),
        },
        "sleep" => Step::Sleep(seconds(rest)?),
        "print" => Step::Print(unescaped(rest)),
        "exit" => Step::Exit(number(rest)?),
        "summary" => summary(rest)?,
        "follow-up" => Step::FollowUp(unescaped(rest)),
        "out-of-scope" => Step::OutOfScope(unescaped(rest)),
        "stdout-hex" => Step::StdoutHex(hex(rest)?),
        "checkout" => Step::Checkout(shell_words::split(rest)?),
        "run" => Step::Run(some(rest, "a command")?),
        _ => with_word(verb, rest)?,
    };
    Ok((step, 0))
}

fn with_word(verb: &str, rest: &str) -> Result<Step, StepError> {
    let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
    let flag = |word: &str| match second.trim() {
        "" => Ok(false),
        given if given == word => Ok(true),
        given => Err(StepError::Flag { verb: verb.to_owned(), given: given.to_owned() }),
    };
    match (verb, rest.is_empty()) {
        ("fail-once", true) => Ok(Step::FailOnce),
        ("hang", true) => Ok(Step::Hang),
        ("ignore-term", true) => Ok(Step::IgnoreTerm),
        ("spawn-orphan", true) => Ok(Step::SpawnOrphan(600, false)),
        ("spawn-orphan", false) => Ok(Step::SpawnOrphan(number(first)?, flag("bare")?)),
        ("flood", false) => Ok(Step::Flood(number(first)?, flag("one-line")?)),
        _ => Err(StepError::Unknown(verb.to_owned())),
    }
}

fn write(rest: &str, body: &[&str]) -> Result<(Step, usize), StepError> {
    let (path, rest) = path(rest)?;
    if let Some(text) = rest.strip_prefix("<<<") {
        let text = text.strip_prefix(' ').unwrap_or(text);
        return Ok((Step::Write(path, format!("{}\n", unescaped(text))), 0));
    }
    if !rest.is_empty() {
        return Err(StepError::Write);
    }
    // Empty lines at the end separate steps and are not part of the file.
    let used = body.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |last| last + 1);
    let lines = &body[..used];
    let indent = |line: &&str| line.len() - line.trim_start_matches([' ', '\t']).len();
    // The common indentation belongs to the script, not to the file.
    let shared = lines.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    let text = lines.iter().map(|line| format!("{}\n", line.get(shared..).unwrap_or(""))).collect();
    Ok((Step::Write(path, text), used))
}

/// Splits off the path at the beginning, which is in double quotes if it contains spaces.
fn path(text: &str) -> Result<(String, String), StepError> {
    let (path, rest) = match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').ok_or(StepError::OpenQuote)?,
        None => text.split_once(' ').unwrap_or((text, "")),
    };
    Ok((some(path, "a path")?, rest.trim_start().to_owned()))
}

fn only_path(text: &str) -> Result<String, StepError> {
    match path(text)? {
        (path, rest) if rest.is_empty() => Ok(path),
        (_, rest) => Err(StepError::AfterPath(rest)),
    }
}

fn some(text: &str, what: &'static str) -> Result<String, StepError> {
    let text = text.trim();
    if text.is_empty() { Err(StepError::Missing(what)) } else { Ok(text.to_owned()) }
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, StepError> {
    text.parse().map_err(|_| StepError::Number(text.to_owned()))
}

fn seconds(text: &str) -> Result<f64, StepError> {
    let value: f64 = number(text)?;
    if (0.0..=86_400.0).contains(&value) { Ok(value) } else { Err(StepError::Sleep) }
}

fn summary(rest: &str) -> Result<Step, StepError> {
    let (status, text) = rest.split_once(' ').unwrap_or((rest, ""));
    let status = match status {
        "completed" => Some(SummaryStatus::Completed),
        "partial" => Some(SummaryStatus::Partial),
        "blocked" => Some(SummaryStatus::Blocked),
        "none" => None,
        _ => return Err(StepError::Summary),
    };
    Ok(Step::Summary(status, unescaped(text.trim())))
}

fn hex(text: &str) -> Result<Vec<u8>, StepError> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let pair = |two: &[u8]| {
        let value = |digit: u8| char::from(digit).to_digit(16);
        u8::try_from(value(*two.first()?)? * 16 + value(*two.get(1)?)?).ok()
    };
    digits.chunks(2).map(|two| pair(two).ok_or(StepError::Hex)).collect()
}

/// Replaces `\n`, `\t` and `\\` by the characters that they stand for.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, letters.clone().next()) {
            ('\\', Some(code @ ('n' | 't' | '\\'))) => {
                letters.next();
                plain.push(match code {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                });
            }
            _ => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
