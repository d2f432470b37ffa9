//! `agent check`: finds out whether an agent works, by asking it for one word under a keeper, in a throw-away
//! repository.
//!
//! A check is no session. Only its result is recorded, and its folder is removed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;

use super::clock::now_ms;
use super::effects::{Variables, exit_of_last, stop_signal};
use super::error::EffectError;
use super::slot_places::slot_places;
use paddock_agents::CHECK_PROMPT;
use paddock_agents::command::{self, Values};
use paddock_agents::transcript::{Reader, Setting, Stream};
use paddock_config::{Environment, Workspace};
use paddock_model::agent::Check;
use paddock_model::failure::{Failure, FailureClass};
use paddock_model::session::Exit;
use paddock_model::settings::{AgentSettings, PortSettings, StdinRule};
use paddock_os::files::{make_private_dir, random_hex};
use paddock_runner::log::{LogReader, Stream as LogStream};
use paddock_runner::{
    ExitRecord, JobKey, JobKind, JobReport, JobSpec, Limits, LocalRunner, Resources, Runner, SecretValues,
    SlotOrder, Stage, StopReason,
};

/// Time between the gentle signal and the kill, in milliseconds.
const GRACE_MS: u64 = 5_000;
/// Name in the place of a project's, as an agent is checked for all of them.
const SLOT_PROJECT: &str = "check";
/// Time limit of `PROGRAM --version`.
const VERSION_LIMIT: Duration = Duration::from_secs(15);
/// How long a keeper may take to end beyond its limit and the grace. Its report is late only on a very busy
/// machine.
const KEEPER_PATIENCE: Duration = Duration::from_secs(60);
/// Most bytes read of each stream of the agent's output.
const OUTPUT_MAX_BYTES: u64 = 4 << 20;
/// Most characters of the agent's answer that are shown.
const ANSWER_MAX: usize = 200;

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkup {
    /// The result as it is recorded.
    pub check: Check,
    /// The agent's answer, cut to a line's length.
    pub answer: String,
}

/// A folder that is removed when this value is dropped.
struct TemporaryFolder(PathBuf);

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // An error leaves a few small files in the workspace's own runtime folder, which harm nobody.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Runs the agent once, for at most `limit`, and returns what is wrong with it, if anything.
///
/// # Errors
/// Fails if the check itself cannot be made: no folder, no git, no keeper. An agent that fails is a result.
pub fn check_agent(
    workspace: &Workspace,
    environment: &Environment,
    agent: &AgentSettings,
    limit: Duration,
) -> Result<Checkup, EffectError> {
    // A random name, since two people may check an agent of the same workspace at once.
    let name = random_hex(4)?;
    let folder = TemporaryFolder(workspace.runtime().join("checks").join(name));
    make_private_dir(&folder.0).map_err(EffectError::at(&folder.0))?;
    let repository = folder.0.join("repository");
    make_repository(&repository)?;
    let exe = std::env::current_exe()?;
    // Bounded by its content: two jobs run, and each is reported twice.
    let (sender, reports) = mpsc::channel();
    let runner = LocalRunner::with_program(&folder.0.join("runtime"), sender, exe.clone(), BTreeMap::new());
    let runner = runner?.with_slots(slot_places(environment));
    let run = CheckRun { folder: &folder.0, repository, exe, environment, agent, runner, reports };
    run.check(limit)
}

fn make_repository(path: &Path) -> Result<(), EffectError> {
    fs::create_dir_all(path).map_err(EffectError::at(path))?;
    fs::write(path.join("README.md"), "Made to check an agent.\n")?;
    Ok(paddock_git::make_repository(path)?)
}

/// Returns the answer in an agent's text, cut to a line's length. Some programs print a banner around it, so a line
/// that is the expected answer counts wherever it is.
fn answer_in(text: &str) -> String {
    let is_ok = |line: &&str| line.trim_matches(|c: char| !c.is_alphanumeric()).eq_ignore_ascii_case("ok");
    let answer = text.lines().rev().find(is_ok).unwrap_or(text);
    answer.trim().chars().take(ANSWER_MAX).collect()
}

struct CheckRun<'a> {
    folder: &'a Path,
    repository: PathBuf,
    exe: PathBuf,
    environment: &'a Environment,
    agent: &'a AgentSettings,
    runner: LocalRunner,
    reports: Receiver<JobReport>,
}

impl CheckRun<'_> {
    fn check(&self, limit: Duration) -> Result<Checkup, EffectError> {
        let prompt_file = self.folder.join("prompt.md");
        fs::write(&prompt_file, CHECK_PROMPT).map_err(EffectError::at(&prompt_file))?;
        let version = self.version();
        let values = Values {
            prompt_file: &prompt_file,
            worktree: &self.repository,
            session_dir: self.folder,
            model: None,
            prompt_text: CHECK_PROMPT,
            paddock_exe: &self.exe,
            agent_session: None,
        };
        let built = command::build(self.agent, &values)?;
        let stage = stage("agent", built.argv);
        let stdin = (built.stdin == StdinRule::Prompt).then_some(prompt_file);
        let record = self.run(1, stage, stdin, limit)?;
        let exit = exit_of_last(&record);
        let mut reader = Reader::new(&self.agent.transcript, self.setting());
        for (log, stream) in [(LogStream::Stdout, Stream::Out), (LogStream::Stderr, Stream::Err)] {
            reader.push(stream, &self.output(1, log));
        }
        let (reading, _) = reader.finish(Some(&exit));
        let mut answer = answer_in(&reading.final_text);
        // Plain formats mark no message as the final one: the whole output is the answer.
        if answer.is_empty() && matches!(self.agent.transcript.as_str(), "plain" | "scripted") {
            let text = String::from_utf8_lossy(&self.output(1, LogStream::Stdout)).into_owned();
            answer = answer_in(&text);
        }
        let waits = reading.wait.map(|wait| wait.why.until(wait.until_ms));
        let problem = match record.stop {
            // A wait that the agent reported, such as for a rate limit, explains more than the time limit
            // does.
            // The program did not end, but its agent had answered.
            Some(StopReason::Deadline) if reading.is_over => {
                reading.failure.or_else(|| self.find_problem(&Exit::Code(0), &answer))
            }
            Some(StopReason::Deadline) => Some(waits.unwrap_or_else(|| {
                let text = format!("no answer within {} s", limit.as_secs());
                Failure::new(FailureClass::Other, &text)
            })),
            // A class alone, such as "authentication", tells a person nothing: add what the agent wrote.
            _ => match reading.failure {
                Some(failure) if failure.text.is_empty() => {
                    let said = self.find_problem(&exit, &answer).map(|other| other.text).unwrap_or_default();
                    Some(Failure::new(failure.class, &said).until(failure.reset_ms))
                }
                Some(failure) => Some(failure),
                None => self.find_problem(&exit, &answer),
            },
        };
        let took = record.ended_at_ms.saturating_sub(record.started_at_ms);
        let check = Check { ok: problem.is_none(), version, latency_ms: took, failure: problem };
        Ok(Checkup { check, answer })
    }

    /// Returns what is wrong with a run in whose transcript the reader found no failure.
    fn find_problem(&self, exit: &Exit, answer: &str) -> Option<Failure> {
        if *exit != Exit::Code(0) {
            let errors = self.output(1, LogStream::Stderr);
            let errors = String::from_utf8_lossy(&errors);
            let last = errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
            return Some(Failure::new(FailureClass::Other, &format!("{exit} {last}")));
        }
        let is_ok = |word: &str| word.eq_ignore_ascii_case("ok");
        if answer.split(|c: char| !c.is_alphanumeric()).any(is_ok) {
            return None;
        }
        let text = match answer.is_empty() {
            true => "the agent answered nothing; expected `ok`".to_owned(),
            false => format!("the agent answered something else than `ok`: {answer}"),
        };
        Some(Failure::new(FailureClass::Other, &text))
    }

    /// Returns the first line that `PROGRAM --version` prints; `None` if the program fails or prints nothing.
    fn version(&self) -> Option<String> {
        let program = &self.agent.cli_command;
        // Paddock's own scripted agent is a placeholder in the command and no program of its own.
        if program.is_empty() || program.starts_with('{') {
            return Some(env!("CARGO_PKG_VERSION").to_owned());
        }
        let stage = stage("version", vec![OsString::from(program), "--version".into()]);
        let record = self.run(2, stage, None, VERSION_LIMIT).ok()?;
        let text = String::from_utf8_lossy(&self.output(2, LogStream::Stdout)).into_owned();
        let line = text.lines().find(|line| !line.trim().is_empty())?.trim().chars().take(100).collect();
        record.succeeded().then_some(line)
    }

    fn setting(&self) -> Setting {
        Setting { now_ms: now_ms(), zone: TimeZone::system() }
    }

    fn dir(&self, id: u64) -> PathBuf {
        self.folder.join("runtime/sessions").join(id.to_string())
    }

    /// Reads the beginning of a job's output. A log that cannot be read counts as empty.
    fn output(&self, id: u64, stream: LogStream) -> Vec<u8> {
        let log = LogReader::open(&self.dir(id), stream);
        let (mut offset, mut bytes) = (0, Vec::new());
        // In small pieces, since the limit applies to the offset: an agent that floods its output is cut off
        // here.
        while offset < OUTPUT_MAX_BYTES {
            match log.read_at(offset, 1 << 16) {
                Ok(chunk) if !chunk.bytes.is_empty() => {
                    offset = chunk.next_offset();
                    bytes.extend(chunk.bytes);
                }
                _ => break,
            }
        }
        bytes
    }

    /// Runs one stage under a keeper and waits for its end.
    fn run(
        &self,
        id: u64,
        stage: Stage,
        stdin: Option<PathBuf>,
        limit: Duration,
    ) -> Result<ExitRecord, EffectError> {
        // The same variables as in a session: a check must not succeed where a session would fail.
        let Variables { set, unset, secrets } = Variables::for_agent(self.agent, self.environment);
        let key = JobKey { kind: JobKind::Session, id, attempt: 1 };
        let ports = PortSettings::default();
        let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let spec = JobSpec {
            key,
            dir: self.dir(id),
            worktree: self.repository.clone(),
            stages: vec![stage],
            stdin,
            env_set: set,
            env_names: secrets.keys().cloned().collect(),
            env_values: SecretValues(secrets),
            env_unset: unset,
            limits: Limits { max_awake_ms: Some(limit_ms), grace_ms: GRACE_MS, ..Limits::default() },
            stop_signal: stop_signal(&self.agent.stop_signal),
            resources: Resources::for_job(),
            slot: Some(SlotOrder {
                project: SLOT_PROJECT.to_owned(),
                port_base: ports.base,
                ports_per_slot: ports.per_slot,
            }),
        };
        self.runner.submit(&spec)?;
        self.wait_for_end(key, limit + Duration::from_millis(GRACE_MS) + KEEPER_PATIENCE)
    }

    /// Waits for the end of a job. The keeper enforces the job's limit; `patience` only guards against a
    /// keeper that never reports.
    fn wait_for_end(&self, wanted: JobKey, patience: Duration) -> Result<ExitRecord, EffectError> {
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.reports.recv_timeout(left) {
                Ok(JobReport::Ended { key, record }) if key == wanted => return Ok(*record),
                Ok(JobReport::Lost { key, job }) if key == wanted => {
                    return Err(EffectError::KeeperVanished(job.note));
                }
                Ok(_) => {}
                Err(_) => return Err(EffectError::KeeperSilent),
            }
        }
    }
}

fn stage(name: &str, argv: Vec<OsString>) -> Stage {
    Stage { name: name.to_owned(), argv, shell: false, timeout_ms: None, counted: true, prompted: true }
}

#[cfg(test)]
mod tests {
    use super::answer_in;

    #[test]
    fn an_answer_between_the_words_of_the_program_is_found() {
        let banner = "Aider v0.86.2\nModel: x with diff edit format\n".repeat(20);
        assert_eq!(answer_in(&format!("{banner}\nOK.\n\nTokens: 5.0k sent, 40 received.\n")), "OK.");
        assert_eq!(answer_in(" I say ok \n"), "I say ok");
        assert_eq!(answer_in(&banner).len(), 200);
    }
}
