//! The place's side: `paddock __home FOLDER BRANCH STORE…` reads a place and sends what is not home yet.
//!
//! It runs with the rights of the agent. It starts no program and reads no configuration: refs are read from
//! their files, objects by libgit2's object store alone.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use git2::{ObjectType, Oid};

use super::at_end::INDEX;
use super::frame::{self, Frame, Kind};
use super::limits::{CHUNK_BYTES, LIST_BYTES_MAX};
use super::needs;
use super::place_refs::{self, Unread};
use super::send::{pulse, send_pack};
use super::staged::{Staged, staged};
use super::talk::{Bring, Changed, Listed, OPERATIONS, PlaceRefs, Reported, Tags, Watch};
use super::walk::{New, Stop, Stores, Walk};
use super::watch::Watcher;
use crate::repository::oid;
use paddock_model::ids::ObjectId;

/// What a helper is started with.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// The place: the folder that has `.git`.
    pub(crate) folder: PathBuf,
    /// The work branch, without `refs/heads/`.
    pub(crate) branch: String,
    /// The project's object folders, as the place's file of alternates names them.
    pub(crate) stores: Vec<PathBuf>,
}

impl Order {
    /// Parses the arguments after `__home`.
    fn parse(mut arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        let folder = PathBuf::from(arguments.next()?);
        let branch = arguments.next()?.into_string().ok()?;
        let stores: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
        (!stores.is_empty()).then_some(Self { folder, branch, stores })
    }
}

/// Runs `paddock __home FOLDER BRANCH STORE…` until its input ends.
#[must_use]
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(order) = Order::parse(arguments) else { return ExitCode::FAILURE };
    bound_memory();
    let mut output = io::BufWriter::with_capacity(CHUNK_BYTES, io::stdout().lock());
    match serve(&order, &mut BufReader::new(io::stdin()), &mut output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Keeps a pack that was made to fill the memory from filling it. What libgit2 maps of packs does not count.
/// Only Linux counts this way; elsewhere the limit of time has to do.
fn bound_memory() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        /// A file of the largest size as it is read, inflated and hashed, and as much again.
        const DATA_BYTES_MAX: u64 = 3 << 30;
        let maximum = getrlimit(Resource::Data).maximum;
        let wanted = maximum.map_or(DATA_BYTES_MAX, |maximum| maximum.min(DATA_BYTES_MAX));
        // Without the limit the helper works as well.
        let _ = setrlimit(Resource::Data, Rlimit { current: Some(wanted), maximum });
    }
}

/// Answers requests until the input ends.
///
/// # Errors
/// Fails if a pipe breaks, or a request is none.
pub(crate) fn serve(order: &Order, input: &mut dyn BufRead, output: &mut dyn Write) -> io::Result<()> {
    let mut side = PlaceSide { order, git_dir: order.folder.join(".git"), tags: Tags::new(), reported: None };
    let mut watcher = Watcher::new(&side.git_dir);
    while let Some(request) = frame::read(input)? {
        match request.kind {
            Kind::Bring => {
                let bring: Bring = request.header()?;
                side.take_tags(&request, input)?;
                side.bring(&bring, output)?;
            }
            Kind::Watch => {
                let watch: Watch = request.header()?;
                let changed = side.watch(&mut watcher, Duration::from_millis(watch.timeout_ms));
                frame::write(output, Kind::Changed, &Changed { changed }, &[])?;
            }
            Kind::Need => {
                let limits: Bring = request.header()?;
                let body = frame::body(input, &request, LIST_BYTES_MAX)?;
                needs::answer(&order.folder, &serde_json::from_slice(&body)?, &limits, output)?;
            }
            _ => return Err(frame::malformed("a request that is none")),
        }
        output.flush()?;
    }
    Ok(())
}

/// The refs of a place, and those that cannot be read; or why none can.
type Read = Result<(PlaceRefs, Unread), String>;

/// A place as its helper knows it.
struct PlaceSide<'a> {
    order: &'a Order,
    git_dir: PathBuf,
    tags: Tags,
    /// The refs as the last answer reported them.
    reported: Option<Read>,
}

impl PlaceSide<'_> {
    fn take_tags(&mut self, request: &Frame, input: &mut dyn BufRead) -> io::Result<()> {
        let body = frame::body(input, request, LIST_BYTES_MAX)?;
        if !body.is_empty() {
            self.tags = serde_json::from_slice(&body)?;
        }
        Ok(())
    }

    fn refs(&self) -> Read {
        match std::fs::symlink_metadata(&self.git_dir) {
            Ok(facts) if facts.is_dir() => {}
            Ok(_) => return Err(".git is no folder".to_owned()),
            Err(error) => return Err(format!(".git cannot be read: {error}")),
        }
        place_refs::read_refs(&self.git_dir, &self.order.branch, &self.tags)
    }

    /// Waits until the refs differ from those of the last answer.
    fn watch(&self, watcher: &mut Watcher, timeout: Duration) -> bool {
        let end = Instant::now() + timeout;
        loop {
            if self.reported.as_ref() != Some(&self.refs()) {
                return true;
            }
            let now = Instant::now();
            if now >= end {
                return false;
            }
            watcher.wait(end - now);
        }
    }

    /// Answers one request to bring. A fault of the place is an answer.
    fn bring(&mut self, bring: &Bring, output: &mut dyn Write) -> io::Result<()> {
        let read = self.refs();
        self.reported = Some(read.clone());
        let (refs, unread) = match read {
            Ok(read) => read,
            Err(reason) => return fault(output, reason),
        };
        let stores = match Stores::open(&self.git_dir, &self.order.stores) {
            Ok(stores) => stores,
            Err(reason) => return fault(output, reason),
        };
        match Answer::collect(self, &stores, bring, (refs, unread), output) {
            Ok(answer) => answer.send(&stores, output),
            Err(Stop::Fault(reason)) => fault(output, reason),
            Err(Stop::Pipe(error)) => Err(error),
        }
    }
}

fn fault(output: &mut dyn Write, reason: String) -> io::Result<()> {
    frame::write(output, Kind::Fault, &Reported { path: String::new(), reason }, &[])
}

/// What one request brings.
struct Answer {
    listed: Listed,
    news: Vec<New>,
    index: Option<Vec<u8>>,
    left: Vec<Reported>,
}

impl Answer {
    fn collect(
        side: &PlaceSide<'_>,
        stores: &Stores,
        bring: &Bring,
        (refs, unread): (PlaceRefs, Unread),
        output: &mut dyn Write,
    ) -> Result<Self, Stop> {
        let mut last = Instant::now();
        let mut pulse = || pulse(&mut last, output);
        let mut walk = Walk::new(stores, bring, &mut pulse);
        let mut left: Vec<Reported> =
            unread.into_iter().map(|(path, reason)| Reported { path, reason }).collect();
        let branch = format!("refs/heads/{}", side.order.branch);
        for (name, id) in needed(&refs, &branch) {
            walk.add(id_of(id)?, Some(ObjectType::Commit)).map_err(|stop| named(&name, stop))?;
        }
        let mut listed = Listed {
            refs: PlaceRefs { others: BTreeMap::new(), stashes: Vec::new(), ..refs },
            ..Listed::default()
        };
        // What is wrong with one of the others keeps nothing else from coming home.
        for (name, id) in refs.others {
            match walk.add(id_of(&id)?, kind_of(&name)) {
                Ok(()) => drop(listed.refs.others.insert(name, id)),
                Err(Stop::Fault(reason)) => left.push(Reported { path: name, reason }),
                Err(pipe) => return Err(pipe),
            }
        }
        for (at, entry) in refs.stashes.into_iter().enumerate() {
            match walk.add(id_of(&entry.commit)?, Some(ObjectType::Commit)) {
                Ok(()) => listed.refs.stashes.push(entry),
                Err(Stop::Fault(reason)) => {
                    left.push(Reported { path: format!("{}, entry {}", place_refs::STASH, at + 1), reason });
                }
                Err(pipe) => return Err(pipe),
            }
        }
        let mut index = None;
        if bring.last {
            listed.operations = operations(&side.git_dir);
            let head = listed.refs.head.commit.as_ref().map(id_of).transpose()?;
            let found = staged(&side.git_dir, stores, head).unwrap_or_else(|reason| {
                left.push(Reported { path: INDEX.to_owned(), reason });
                Staged::default()
            });
            for (path, id) in found.files {
                match walk.add(id, Some(ObjectType::Blob)) {
                    Ok(()) => listed.staged.push(object_id(id)?),
                    Err(Stop::Fault(reason)) => {
                        left.push(Reported { path, reason: format!("is staged; its entry {reason}") });
                    }
                    Err(pipe) => return Err(pipe),
                }
            }
            index = found.index;
        }
        let news = walk.finish();
        Ok(Self { listed, news, index, left })
    }

    fn send(self, stores: &Stores, output: &mut dyn Write) -> io::Result<()> {
        frame::write(output, Kind::Refs, &(), &serde_json::to_vec(&self.listed)?)?;
        if !self.news.is_empty() {
            let sent = send_pack(&self.news, stores, output)?;
            if let Err(reason) = sent {
                return fault(output, reason);
            }
        }
        if let Some(index) = &self.index {
            frame::write(output, Kind::Index, &(), index)?;
        }
        for reported in &self.left {
            frame::write(output, Kind::Left, reported, &[])?;
        }
        frame::write(output, Kind::Done, &(), &[])
    }
}

/// Returns the tips without which nothing comes home, by name.
fn needed<'a>(refs: &'a PlaceRefs, branch: &str) -> Vec<(String, &'a ObjectId)> {
    let head = refs.head.commit.as_ref().map(|id| ("HEAD".to_owned(), id));
    refs.branch.as_ref().map(|id| (branch.to_owned(), id)).into_iter().chain(head).collect()
}

fn named(name: &str, stop: Stop) -> Stop {
    match stop {
        Stop::Fault(reason) => Stop::Fault(format!("{name} {reason}")),
        pipe @ Stop::Pipe(_) => pipe,
    }
}

/// Returns the kind of object that a ref has to lead to, as git wants it.
pub(crate) fn kind_of(name: &str) -> Option<ObjectType> {
    let is_commit = name.starts_with("refs/heads/") || name.starts_with("refs/remotes/");
    is_commit.then_some(ObjectType::Commit)
}

fn id_of(id: &ObjectId) -> Result<Oid, Stop> {
    oid(id).map_err(|error| Stop::Fault(error.to_string()))
}

fn object_id(id: Oid) -> Result<ObjectId, Stop> {
    crate::repository::object_id(id).map_err(|error| Stop::Fault(error.to_string()))
}

fn operations(git_dir: &Path) -> Vec<String> {
    let is_there = |name: &str| std::fs::symlink_metadata(git_dir.join(name)).is_ok();
    OPERATIONS.iter().filter(|(name, _)| is_there(name)).map(|(name, _)| (*name).to_owned()).collect()
}
