//! File system watches on the refs of repositories and on the folder of project files, so that the kernel
//! reacts to changes at once.
//!
//! Where the system refuses to watch (limits, network file systems), the poll interval finds the same changes
//! later.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::message::{CHANGED, CHANGED_BEYOND_WORK, Message, Pending};
use paddock_model::ids::ProjectSlug;

/// The watches of a running supervisor. Dropping the value ends them.
pub(super) struct Watches {
    inbox: Sender<Message>,
    /// Watched git directory and its watcher, by project; no watcher where the system refused.
    refs: BTreeMap<ProjectSlug, (PathBuf, Option<RecommendedWatcher>)>,
    _files: Option<RecommendedWatcher>,
}

impl Watches {
    /// Watches the folder of project files.
    pub(super) fn new(projects: &Path, inbox: Sender<Message>) -> Self {
        let (kernel, pending) = (inbox.clone(), Pending::default());
        let files = watcher(move |_| {
            // An editor saves in several steps, each with its own event; one message covers them all.
            if pending.mark(CHANGED) {
                drop(kernel.send(Message::ProjectFilesChanged(pending.clone())));
            }
        });
        let files = files.and_then(|files| begin(files, &[(projects, RecursiveMode::NonRecursive)]));
        Self { inbox, refs: BTreeMap::new(), _files: files }
    }

    /// Watches the branches, HEAD and packed refs of a repository. Does nothing if the repository is watched
    /// already.
    pub(super) fn add(&mut self, project: &ProjectSlug, common_dir: &Path) {
        if self.refs.get(project).is_some_and(|(known, _)| known == common_dir) {
            return;
        }
        let (kernel, slug, pending) = (self.inbox.clone(), project.clone(), Pending::default());
        let work = common_dir.join("refs/heads/paddock");
        let watcher = watcher(move |event| {
            // Git writes a ref as `NAME.lock` and renames it. Only the rename counts; without this filter
            // every update would cost a second look.
            let is_lock = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "lock");
            let is_work = |path: &PathBuf| path.starts_with(&work);
            if !event.paths.iter().all(is_lock) {
                let is_work = event.paths.iter().all(is_work);
                if pending.mark(if is_work { CHANGED } else { CHANGED_BEYOND_WORK }) {
                    drop(kernel.send(Message::RefsChanged(slug.clone(), pending.clone())));
                }
            }
        });
        // The git directory itself holds HEAD and packed-refs. It is not watched recursively: `objects` and
        // `logs` change far more often and say nothing that the refs do not say.
        let heads = common_dir.join("refs/heads");
        let places = [(common_dir, RecursiveMode::NonRecursive), (heads.as_path(), RecursiveMode::Recursive)];
        let watcher = watcher.and_then(|watcher| begin(watcher, &places));
        self.refs.insert(project.clone(), (common_dir.to_owned(), watcher));
    }
}

/// Makes a watcher that calls `on_event` for every change; `None` if the system refuses.
fn watcher(on_event: impl Fn(notify::Event) + Send + 'static) -> Option<RecommendedWatcher> {
    let made = notify::recommended_watcher(move |event: notify::Result<notify::Event>| match event {
        // Paddock's own reading is an access: reacting to it would make every look cause the next one.
        Ok(event) if !matches!(event.kind, EventKind::Access(_)) => on_event(event),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "a watch failed; changes are seen at the next poll"),
    });
    made.inspect_err(|error| tracing::warn!(%error, "cannot watch; changes are seen at the next poll")).ok()
}

/// Starts watching the places. Returns `None` if one of them cannot be watched: the poll then covers all of
/// them.
fn begin(mut watcher: RecommendedWatcher, places: &[(&Path, RecursiveMode)]) -> Option<RecommendedWatcher> {
    for (place, mode) in places {
        if let Err(error) = watcher.watch(place, *mode) {
            tracing::warn!(%error, place = %place.display(), "cannot watch; changes are seen at the next poll");
            return None;
        }
    }
    Some(watcher)
}
