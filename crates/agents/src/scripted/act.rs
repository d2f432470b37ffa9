//! Takes the steps of a script.

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use super::error::ActError;
use super::facts::Facts;
use super::script::Step;
use crate::command::SCRIPTED_SUBCOMMAND;
use crate::summary;
use paddock_model::summary::SummaryStatus;

/// Argument that makes this program start a process in a session of its own, and leave it behind.
pub(super) const ORPHAN_FLAG: &str = "--orphan";
/// Like [`ORPHAN_FLAG`], with an empty environment.
pub(super) const BARE_ORPHAN_FLAG: &str = "--orphan-bare";
/// Argument of the process that is left behind, which waits and does nothing.
pub(super) const LINGER_FLAG: &str = "--linger";

/// Limit on the time of `wait-for`: a forgotten test must not leave a process for ever.
const WAIT_MAX: Duration = Duration::from_secs(600);

const SIGNALS: [i32; 3] =
    [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT, signal_hook::consts::SIGHUP];

/// What follows a step.
pub(super) enum Flow {
    /// The next step.
    Next,
    /// The end of the agent, with this exit code.
    End(u8),
}

/// The status and text that the summary will claim.
struct Claim {
    status: SummaryStatus,
    text: String,
}

/// The agent at work.
pub(super) struct Agent {
    pub(super) facts: Facts,
    root: PathBuf,
    commits: u32,
    /// `None` until a `summary` step; `Some(None)` after `summary none`.
    claim: Option<Option<Claim>>,
    follow_up: String,
    out_of_scope: String,
}

/// Prints a line.
pub(super) fn say(text: &str) {
    let mut out = io::stdout().lock();
    // A reader that went away (a killed keeper) must not end the agent.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

impl Agent {
    /// Returns an agent that works in this worktree.
    pub(super) fn new(facts: Facts, worktree: &Path) -> io::Result<Self> {
        let root = worktree.canonicalize()?;
        say(&format!("{} session, attempt {}: {}", facts.kind, facts.attempt, facts.title));
        let (follow_up, out_of_scope) = (String::new(), String::new());
        Ok(Self { facts, root, commits: 0, claim: None, follow_up, out_of_scope })
    }

    /// Takes one step.
    pub(super) fn take(&mut self, step: &Step) -> Result<Flow, ActError> {
        match step {
            Step::Exit(code) => return Ok(Flow::End(*code)),
            Step::FailOnce if self.facts.attempt == 1 => {
                say("failing, as the first attempt should");
                return Ok(Flow::End(1));
            }
            Step::FailOnce => {}
            Step::Commit(message, allow_empty) => self.commit(message, *allow_empty)?,
            Step::Checkout(args) => self.git(&[&["checkout".to_owned()][..], args].concat())?,
            Step::Run(command) => self.run(command)?,
            Step::Summary(None, _) => self.claim = Some(None),
            Step::Summary(Some(status), text) => {
                self.claim = Some(Some(Claim { status: *status, text: text.clone() }));
            }
            Step::FollowUp(text) => self.follow_up.clone_from(text),
            Step::OutOfScope(text) => self.out_of_scope.clone_from(text),
            Step::Write(..) | Step::Append(..) | Step::Delete(_) | Step::Copy(..) | Step::Touch(_) => {
                self.change_file(step)?;
            }
            _ => self.behave(step)?,
        }
        Ok(Flow::Next)
    }

    fn change_file(&self, step: &Step) -> Result<(), ActError> {
        let (word, path) = match step {
            Step::Write(path, _) => ("write", path),
            Step::Append(path, _) => ("append", path),
            Step::Delete(path) => ("delete", path),
            Step::Copy(_, path) => ("copy", path),
            Step::Touch(path) => ("touch", path),
            _ => return Ok(()),
        };
        say(&format!("{word} {path}"));
        let place = self.inside(path)?;
        let append = || OpenOptions::new().create(true).append(true).open(&place);
        let done = match step {
            Step::Delete(_) if place.is_dir() => fs::remove_dir_all(&place),
            Step::Delete(_) => fs::remove_file(&place),
            _ => make_parent(&place).and_then(|()| match step {
                Step::Write(_, text) => fs::write(&place, text),
                Step::Append(_, text) => append().and_then(|mut file| writeln!(file, "{text}")),
                Step::Copy(from, _) => {
                    let from = self.inside(from).map_err(io::Error::other)?;
                    fs::copy(from, &place).map(|_| ())
                }
                _ => append().map(|_| ()),
            }),
        };
        done.map_err(|source| ActError::Change { word, path: path.clone(), source })
    }

    /// Returns the full path of a file in the worktree. Refuses a path that leads out of the worktree, by
    /// `..`, from the root, or through a link.
    fn inside(&self, path: &str) -> Result<PathBuf, ActError> {
        let refuse = || ActError::Outside(path.to_owned());
        let is_plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        if !is_plain {
            return Err(refuse());
        }
        let full = self.root.join(path);
        // The file itself may not exist yet, so the nearest ancestor that does is resolved. A dangling link
        // exists here (`symlink_metadata`) and cannot be resolved, so it is refused.
        let exists = |place: &&Path| place.symlink_metadata().is_ok();
        let known = full.ancestors().find(exists).and_then(|place| place.canonicalize().ok());
        if known.is_some_and(|place| place.starts_with(&self.root)) { Ok(full) } else { Err(refuse()) }
    }

    fn commit(&mut self, message: &str, allow_empty: bool) -> Result<(), ActError> {
        self.git(&["add".to_owned(), "--all".to_owned()])?;
        let quiet = ["diff", "--cached", "--quiet"];
        let unchanged = self.command("git").args(quiet).status().is_ok_and(|status| status.success());
        // The commit of a merge is made even if its tree is that of HEAD.
        let mut head = self.command("git");
        head.args(["rev-parse", "--quiet", "--verify", "MERGE_HEAD"]).stdout(Stdio::null());
        let merging = head.status().is_ok_and(|status| status.success());
        if unchanged && !allow_empty && !merging {
            say("nothing to commit");
            return Ok(());
        }
        say(&format!("commit {message}"));
        let args = ["commit", "--quiet", "--allow-empty", "--message", message].map(str::to_owned);
        self.git(&args)?;
        self.commits += 1;
        Ok(())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).stdin(Stdio::null());
        command
    }

    fn git(&self, args: &[String]) -> Result<(), ActError> {
        let shown = format!("git {}", args.join(" "));
        expect_success(&shown, self.command("git").args(args).status())
    }

    fn run(&self, command: &str) -> Result<(), ActError> {
        say(&format!("run {command}"));
        expect_success(command, self.command("sh").args(["-c", command]).status())
    }

    fn behave(&self, step: &Step) -> Result<(), ActError> {
        match step {
            Step::Print(text) => say(text),
            Step::Sleep(seconds) => {
                say(&format!("sleep {seconds}"));
                thread::sleep(Duration::from_secs_f64(*seconds));
            }
            Step::Hang => {
                say("hang");
                loop {
                    thread::sleep(Duration::from_secs(3600));
                }
            }
            Step::IgnoreTerm => {
                for signal in SIGNALS {
                    // A handler without effect ignores the signal in this process, but not in programs that
                    // it starts.
                    signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))
                        .map_err(|source| ActError::Signal { signal, source })?;
                }
                say("ignore-term");
            }
            Step::SpawnOrphan(seconds, bare) => self.spawn_orphan(*seconds, *bare)?,
            Step::Flood(megabytes, one_line) => flood(*megabytes, *one_line)?,
            Step::StdoutHex(bytes) => print_bytes(bytes)?,
            Step::WaitFor(path) => self.wait_for(path)?,
            _ => {}
        }
        Ok(())
    }

    fn spawn_orphan(&self, seconds: u64, bare: bool) -> Result<(), ActError> {
        let exe = std::env::current_exe().map_err(ActError::OwnProgram)?;
        let flag = if bare { BARE_ORPHAN_FLAG } else { ORPHAN_FLAG };
        let mut command = Command::new(exe);
        command.current_dir(&self.root).stdin(Stdio::null());
        expect_success(
            "spawn-orphan",
            command.args([SCRIPTED_SUBCOMMAND, flag, &seconds.to_string()]).status(),
        )
    }

    fn wait_for(&self, path: &str) -> Result<(), ActError> {
        say(&format!("wait-for {path}"));
        // The file may be outside the worktree, since nothing is changed.
        let place = self.root.join(path);
        let begun = Instant::now();
        while !place.exists() {
            if begun.elapsed() > WAIT_MAX {
                return Err(ActError::NoFile { path: path.to_owned(), seconds: WAIT_MAX.as_secs() });
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Prints the summary that the script set. Without one, prints `completed` if the script ran to its last
    /// step.
    pub(super) fn end(&self, after_last_step: bool) {
        let default = Claim { status: SummaryStatus::Completed, text: String::new() };
        match (&self.claim, after_last_step) {
            (Some(Some(claim)), _) => self.print_summary(claim),
            (None, true) => self.print_summary(&default),
            _ => {}
        }
    }

    fn print_summary(&self, claim: &Claim) {
        let (status, met) = match claim.status {
            SummaryStatus::Completed => ("completed", true),
            SummaryStatus::Partial => ("partial", false),
            SummaryStatus::Blocked => ("blocked", false),
        };
        // Every JSON string is also a YAML string.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let text = if claim.text.is_empty() { &self.facts.title } else { &claim.text };
        say(summary::BEGIN);
        say(&format!("status: {status}\ncommits_made: {}", self.commits));
        if !self.facts.criteria.is_empty() {
            say("acceptance_criteria_met:");
        }
        for criterion in &self.facts.criteria {
            say(&format!("  - {}: {met}", quoted(criterion)));
        }
        say(&format!("summary: {}\nneeds_follow_up: {}", quoted(text), !self.follow_up.is_empty()));
        say(&format!("follow_up_notes: {}", quoted(&self.follow_up)));
        say(&format!("out_of_scope_changes_needed: {}", quoted(&self.out_of_scope)));
        say(summary::END);
    }
}

fn make_parent(place: &Path) -> io::Result<()> {
    place.parent().map_or(Ok(()), fs::create_dir_all)
}

fn expect_success(what: &str, status: io::Result<std::process::ExitStatus>) -> Result<(), ActError> {
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(ActError::Failed { what: what.to_owned(), status }),
        Err(source) => Err(ActError::Run { what: what.to_owned(), source }),
    }
}

fn print_bytes(bytes: &[u8]) -> Result<(), ActError> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(ActError::Print)
}

fn flood(megabytes: u64, one_line: bool) -> Result<(), ActError> {
    let end = if one_line { '.' } else { '\n' };
    // 64 bytes, so that a megabyte has a whole number of lines.
    let line = format!("{:.<63}{end}", "the quick brown fox jumps over the lazy dog");
    let megabyte = line.repeat((1 << 20) / line.len());
    for _ in 0..megabytes {
        print_bytes(megabyte.as_bytes())?;
    }
    Ok(())
}

/// Runs the middle process of an orphan: leaves its group and session, starts the process that stays, and
/// ends, so that the process that stays has lost its parent.
pub(super) fn orphan(seconds: &OsStr, bare: bool) -> u8 {
    if let Err(error) = rustix::process::setsid() {
        eprintln!("can't leave the session: {error}");
        return 1;
    }
    let started = std::env::current_exe().and_then(|exe| {
        let mut command = Command::new(exe);
        if bare {
            command.env_clear();
        }
        let args = [OsString::from(SCRIPTED_SUBCOMMAND), LINGER_FLAG.into(), seconds.to_owned()];
        // An open output would be a leak, which the keeper ends; this step tests processes that leave no such
        // trace.
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    });
    match started {
        Ok(child) => {
            say(&format!("orphan: {}", child.id()));
            0
        }
        Err(error) => {
            eprintln!("can't start the orphan: {error}");
            1
        }
    }
}

/// Runs the process that stays behind.
pub(super) fn linger(seconds: &OsStr) -> u8 {
    let seconds = seconds.to_str().and_then(|text| text.parse().ok()).unwrap_or(0);
    thread::sleep(Duration::from_secs(seconds));
    0
}
