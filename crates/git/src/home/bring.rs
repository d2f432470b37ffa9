//! One answer of a helper, from its first frame to the project's refs.

use std::io::{self, BufRead};

use git2::Oid;

use super::at_end::{checked_index, write_shadow};
use super::fault::{Fault, shown};
use super::frame::{self, Kind};
use super::intake::Intake;
use super::kept_packs::let_go_of_the_gone;
use super::limits::{INDEX_BYTES_MAX, LEFT_MAX, LIST_BYTES_MAX, Limits, REFS_MAX, STASHES_MAX};
use super::pack_stream::PackStream;
use super::place::PlaceHome;
use super::place_refs::is_ref_name;
use super::quarantine::Quarantine;
use super::record::{Home, NotHome};
use super::serve::kind_of;
use super::settle::settle;
use super::talk::{Listed, OPERATIONS, Reported};
use crate::error::GitError;
use paddock_os::fail_points::fail_point;

/// Takes in one answer, checks it, and moves the project's refs.
pub(crate) fn take(
    place: &PlaceHome<'_>,
    input: &mut dyn BufRead,
    limits: &Limits,
    last: bool,
) -> Result<Home, Fault> {
    let quarantine = Quarantine::open(place)?;
    quarantine.kept().mend()?;
    let mut intake = Intake::new(place.repository, *limits)?;
    let mut answer = Answer::default();
    while answer.next(input, &mut intake, &quarantine)? {}
    let Answer { listed, index, mut left, kept, has_pack } = answer;
    let Some(listed) = listed else { return Err(nonsense("no list of refs")) };
    let kept = if has_pack { kept } else { intake.keep(&quarantine, &listed.staged)? };
    check_tips(place, &intake, &listed)?;
    let index = match last {
        true => Some(checked_index(index, &intake, &quarantine, &mut left)?),
        false => None,
    };
    let before = Home::read(place.shadow);
    let operations = listed.operations;
    let home = Home {
        // A place without the branch leaves the project's as it is.
        branch: listed.refs.branch.or_else(|| before.as_ref().and_then(|before| before.branch.clone())),
        head: listed.refs.head,
        refs: listed.refs.others,
        stashes: listed.refs.stashes,
        left,
        // Found out after this, from the commits themselves.
        missing: before.as_ref().map(|before| before.missing.clone()).unwrap_or_default(),
        moving: None,
    };
    if let Some(name) = intake.pack_name() {
        quarantine.release(name)?;
    }
    if last {
        quarantine.flush_names()?;
    }
    fail_point!("home.moved");
    settle(place, before.as_ref(), &home, kept)?;
    if before.as_ref() != Some(&home) {
        home.write(place.shadow)?;
    }
    if let Some(index) = index {
        write_shadow(place, &home, index, &operations)?;
    }
    fail_point!("home.recorded");
    if last {
        // The next session of the place keeps its own packs.
        quarantine.kept().let_go()?;
        if let Some(shadows) = place.shadow.parent() {
            let_go_of_the_gone(place.repository, shadows)?;
        }
    }
    Ok(home)
}

/// Returns whether an error came after the whole answer was read, so that the helper can go on.
pub(crate) fn is_whole(error: &GitError) -> bool {
    matches!(error, GitError::Place { .. })
}

fn nonsense(what: &str) -> Fault {
    Fault::Pipe(frame::malformed(what))
}

/// What has come of an answer.
#[derive(Default)]
struct Answer {
    listed: Option<Listed>,
    has_pack: bool,
    kept: Option<Oid>,
    index: Option<Vec<u8>>,
    left: Vec<NotHome>,
}

impl Answer {
    /// Takes the next frame. Returns whether another one follows.
    fn next(
        &mut self,
        input: &mut dyn BufRead,
        intake: &mut Intake,
        quarantine: &Quarantine,
    ) -> Result<bool, Fault> {
        let frame = frame::read(input).map_err(Fault::Pipe)?;
        let Some(frame) = frame else { return Err(Fault::Pipe(io::ErrorKind::UnexpectedEof.into())) };
        match frame.kind {
            Kind::Alive | Kind::Done | Kind::Left | Kind::Fault if frame.length > 0 => {
                return Err(nonsense("a body where none belongs"));
            }
            Kind::Alive => {}
            Kind::Done => return Ok(false),
            Kind::Fault => {
                let reported: Reported = frame.header().map_err(Fault::Pipe)?;
                return Err(Fault::Named(shown(&reported.reason)));
            }
            Kind::Left => self.leave(&frame.header().map_err(Fault::Pipe)?),
            Kind::Refs if self.listed.is_none() => {
                let body = frame::body(input, &frame, LIST_BYTES_MAX).map_err(Fault::Pipe)?;
                let listed = serde_json::from_slice(&body).map_err(|error| Fault::Pipe(error.into()))?;
                self.listed = Some(listed);
            }
            Kind::Pack if !self.has_pack => {
                let Some(listed) = &self.listed else { return Err(nonsense("a pack before the refs")) };
                self.has_pack = true;
                let mut stream = PackStream::new(input, frame.length);
                self.kept = intake.pack(&mut stream, quarantine, &listed.staged)?;
            }
            Kind::Index if self.index.is_none() => {
                self.index = Some(frame::body(input, &frame, INDEX_BYTES_MAX).map_err(Fault::Pipe)?);
            }
            _ => return Err(nonsense("a frame in the wrong place")),
        }
        Ok(true)
    }

    /// Notes what stays in the place.
    fn leave(&mut self, reported: &Reported) {
        if self.left.len() < LEFT_MAX {
            self.left.push(NotHome { path: shown(&reported.path), reason: shown(&reported.reason) });
        }
    }
}

fn check_tips(place: &PlaceHome<'_>, intake: &Intake, listed: &Listed) -> Result<(), Fault> {
    let refs = &listed.refs;
    let is_sane = refs.others.len() <= REFS_MAX
        && refs.stashes.len() <= STASHES_MAX
        && refs.others.keys().chain(&refs.head.branch).all(|name| is_ref_name(name))
        && listed.operations.iter().all(|name| OPERATIONS.iter().any(|(known, _)| known == name));
    if !is_sane {
        return Err(nonsense("refs that are none"));
    }
    let commit = Some(git2::ObjectType::Commit);
    let work = format!("refs/heads/{}", place.branch);
    if let Some(id) = &refs.branch {
        intake.check_tip(&work, id, commit)?;
    }
    if let Some(id) = &refs.head.commit {
        intake.check_tip("HEAD", id, commit)?;
    }
    for (name, id) in &refs.others {
        intake.check_tip(name, id, kind_of(name))?;
    }
    for entry in &refs.stashes {
        intake.check_tip("an entry of the stash", &entry.commit, commit)?;
    }
    Ok(())
}
