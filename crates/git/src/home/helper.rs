//! The helper of a place as the supervisor sees it: a process that is asked, and trusted in nothing.

use std::ffi::OsStr;
use std::io::{self, BufReader, BufWriter, PipeWriter, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use super::bring;
use super::elsewhere::Elsewhere;
use super::fault::Fault;
use super::frame::{self, Kind};
use super::limits::Limits;
use super::pipe::{FromHelper, Patience, ToHelper};
use super::place::PlaceHome;
use super::record::Home;
use super::talk::{Bring, Changed, Tags, Watch};
use crate::bounded::{reap, signal};
use crate::error::GitError;
use crate::repository::Repository;

/// The hidden command of a helper.
const COMMAND: &str = "__home";

/// Ends the waits for a helper when it is dropped: a call that waits fails, and the helper is killed.
#[derive(Debug)]
pub struct Stopper(#[expect(dead_code, reason = "dropping it is what it is for")] PipeWriter);

/// A running helper. Its process group is killed when this is dropped.
#[derive(Debug)]
pub struct Helper {
    child: Option<Child>,
    input: BufWriter<ToHelper>,
    output: BufReader<FromHelper>,
    limits: Limits,
    /// Whether the helper knows the project's tags.
    has_tags: bool,
}

impl Helper {
    /// Starts the helper of a place: this program with a hidden command.
    ///
    /// # Errors
    /// Fails if the program cannot be started.
    pub fn start(exe: &Path, place: &PlaceHome<'_>) -> Result<Self, GitError> {
        Self::start_command(Self::command(exe, place), place, Limits::default())
    }

    /// Returns the command of the helper, for a caller that starts it inside something.
    #[must_use]
    pub fn command(exe: &Path, place: &PlaceHome<'_>) -> Command {
        let mut command = Command::new(exe);
        command.args([OsStr::new(COMMAND), place.folder.as_os_str(), OsStr::new(place.branch)]);
        command.arg(place.repository.common_dir().join("objects"));
        command
    }

    /// Starts a helper by its command.
    ///
    /// # Errors
    /// Fails if the program cannot be started.
    pub fn start_command(
        mut command: Command,
        place: &PlaceHome<'_>,
        limits: Limits,
    ) -> Result<Self, GitError> {
        place.check_name()?;
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"GIT_") {
                command.env_remove(name);
            }
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // A group of its own: a signal to the supervisor's group is not one to the helper, and killing the
        // helper kills what confines it.
        command.current_dir("/").process_group(0);
        let program = command.get_program().to_owned();
        let failed = |source| GitError::Io { path: program.clone().into(), source };
        let mut child = command.spawn().map_err(failed)?;
        let patience = Patience::new(limits.silence, limits.answer);
        let pipes = child.stdin.take().zip(child.stdout.take());
        let piped = pipes
            .ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))
            .and_then(|(to, from)| Ok((ToHelper::new(to, patience)?, FromHelper::new(from, patience)?)));
        match piped {
            Ok((to, from)) => Ok(Self {
                child: Some(child),
                input: BufWriter::new(to),
                output: BufReader::with_capacity(64 << 10, from),
                limits,
                has_tags: false,
            }),
            Err(error) => {
                signal(&child, Signal::KILL);
                reap(child);
                Err(failed(error))
            }
        }
    }

    /// Returns what ends every wait for this helper, from another thread.
    ///
    /// # Errors
    /// Fails if the system has no pipe left.
    pub fn stopper(&mut self) -> Result<Stopper, GitError> {
        let end = self.output.get_mut().stopper();
        end.map(Stopper).map_err(GitError::io(Path::new("pipe")))
    }

    /// Returns whether HEAD, a ref or the stash of the place differs from what the last bring found; waits for
    /// it at most this long.
    ///
    /// # Errors
    /// [`GitError::Place`] if the helper has ended, hangs or talks nonsense; it is killed then.
    pub fn changed(&mut self, place: &PlaceHome<'_>, timeout: Duration) -> Result<bool, GitError> {
        let asked = self.ask_changed(timeout);
        asked.map_err(|error| self.give_up(place, Fault::Pipe(error)))
    }

    fn ask_changed(&mut self, timeout: Duration) -> io::Result<bool> {
        self.set_patience(Patience::new(self.limits.silence + timeout, self.limits.answer + timeout));
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        self.request(Kind::Watch, &Watch { timeout_ms }, &[])?;
        let answer = frame::read(&mut self.output)?;
        let answer = answer.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        match answer.kind {
            Kind::Changed if answer.length == 0 => Ok(answer.header::<Changed>()?.changed),
            _ => Err(frame::malformed("another answer than to what was asked")),
        }
    }

    /// Brings home what is new in the place: every commit of its refs, its stash, and the state of its HEAD.
    /// `last` also brings what is only staged, the index, and the marks of operations in progress.
    ///
    /// # Errors
    /// [`GitError::Place`] names what is wrong with the place. The project is then as it was, but for commits
    /// of the place that are kept if somebody else moved the work branch. A helper that has ended, hangs or
    /// talks nonsense is killed; the caller starts another.
    pub fn bring(&mut self, place: &PlaceHome<'_>, last: bool) -> Result<Home, GitError> {
        place.check_name()?;
        let asked = self.ask_to_bring(place, last);
        let before = Home::read(place.shadow);
        let brought = asked.and_then(|()| bring::take(place, &mut self.output, &self.limits, last));
        let brought = brought.and_then(|home| self.bring_elsewhere(place, (before.as_ref(), home), last));
        brought.map_err(|fault| self.give_up(place, fault))
    }

    /// Brings what the new commits name and git keeps elsewhere; the last time, records what stays behind.
    fn bring_elsewhere(
        &mut self,
        place: &PlaceHome<'_>,
        (before, mut home): (Option<&Home>, Home),
        last: bool,
    ) -> Result<Home, Fault> {
        let limits = self.limits;
        let mut elsewhere = Elsewhere::read(place, &limits, (before, &home), last)?;
        while let Some(needs) = elsewhere.next() {
            let body = serde_json::to_vec(&needs).map_err(|error| Fault::Pipe(error.into()))?;
            self.set_patience(Patience::new(limits.silence, limits.answer));
            self.request(Kind::Need, &self.header(last), &body).map_err(Fault::Pipe)?;
            elsewhere.take(&needs, &mut self.output)?;
        }
        if last {
            let missing = elsewhere.left_behind(&home)?;
            if missing != home.missing {
                home.missing = missing;
                home.write(place.shadow)?;
            }
        }
        Ok(home)
    }

    fn header(&self, last: bool) -> Bring {
        let Limits { blob_bytes, other_bytes, objects, .. } = self.limits;
        Bring { last, blob_bytes, other_bytes, objects }
    }

    fn ask_to_bring(&mut self, place: &PlaceHome<'_>, last: bool) -> Result<(), Fault> {
        self.set_patience(Patience::new(self.limits.silence, self.limits.answer));
        let header = self.header(last);
        let tags = match self.has_tags {
            true => Vec::new(),
            false => serde_json::to_vec(&tags(place.repository)?).map_err(|e| Fault::Pipe(e.into()))?,
        };
        self.request(Kind::Bring, &header, &tags).map_err(Fault::Pipe)?;
        self.has_tags = true;
        Ok(())
    }

    fn request(&mut self, kind: Kind, header: &impl serde::Serialize, body: &[u8]) -> io::Result<()> {
        if self.child.is_none() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        frame::write(&mut self.input, kind, header, body)?;
        self.input.flush()
    }

    fn set_patience(&mut self, patience: Patience) {
        self.input.get_mut().patience = patience;
        self.output.get_mut().patience = patience;
    }

    /// Turns a fault into an error. After anything but a fault that the helper named itself, the rest of its
    /// answer is still in the pipe, so the helper is killed.
    fn give_up(&mut self, place: &PlaceHome<'_>, fault: Fault) -> GitError {
        let error = match fault {
            Fault::Named(what) => return place.fault(what),
            Fault::Project(error) if bring::is_whole(&error) => return error,
            Fault::Project(error) => error,
            Fault::Place(what) => place.fault(what),
            Fault::Pipe(error) => place.fault(match error.kind() {
                io::ErrorKind::TimedOut => format!(
                    "the helper that reads it did not answer within {} seconds and was stopped",
                    self.limits.silence.as_secs_f32()
                ),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => {
                    "the helper that reads it ended before its answer was complete".to_owned()
                }
                io::ErrorKind::ConnectionAborted => "nobody waits for its helper any more".to_owned(),
                _ => format!("the helper that reads it sent what is no answer ({error}) and was stopped"),
            }),
        };
        self.stop();
        error
    }

    fn stop(&mut self) {
        if let Some(child) = self.child.take() {
            signal(&child, Signal::KILL);
            reap(child);
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Returns the project's tags with the objects that they name, annotated tags by the tag's own id.
fn tags(repository: &Repository) -> Result<Tags, GitError> {
    let library = repository.library()?;
    let mut found = Tags::new();
    for reference in library.references_glob("refs/tags/*")? {
        let reference = reference?;
        if let (Ok(name), Some(target)) = (reference.name(), reference.target()) {
            found.insert(name.to_owned(), crate::repository::object_id(target)?);
        }
    }
    Ok(found)
}
