//! Watching: refs of repositories and the folder of project files, so that the loop is driven by events.
//!
//! Where the machine refuses to watch (limits, network file systems), the poll interval does the same work,
//! only later.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::message::{CHANGED, CHANGED_BEYOND_WORK, Message, Pending};
use paddock_model::ids::ProjectSlug;

/// The watches of a running supervisor; dropping it ends them.
pub(super) struct Watches {
    inbox: Sender<Message>,
    refs: BTreeMap<ProjectSlug, (PathBuf, Option<RecommendedWatcher>)>,
    _files: Option<RecommendedWatcher>,
}

impl Watches {
    pub(super) fn new(projects: &Path, inbox: Sender<Message>) -> Self {
        let (report, pending) = (inbox.clone(), Pending::default());
        let files = watcher(move |_| {
            if pending.mark(CHANGED) {
                drop(report.send(Message::ProjectFilesChanged(pending.clone())));
            }
        });
        let files = files.and_then(|files| begin(files, &[(projects, RecursiveMode::NonRecursive)]));
        Self { inbox, refs: BTreeMap::new(), _files: files }
    }

    /// Watches the branches, HEAD and packed refs of a repository. Doing so twice is once.
    pub(super) fn add(&mut self, project: &ProjectSlug, common_dir: &Path) {
        if self.refs.get(project).is_some_and(|(known, _)| known == common_dir) {
            return;
        }
        let (report, slug, pending) = (self.inbox.clone(), project.clone(), Pending::default());
        let work = common_dir.join("refs/heads/paddock");
        let watcher = watcher(move |event| {
            let is_lock = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "lock");
            let is_work = |path: &PathBuf| path.starts_with(&work);
            if !event.paths.iter().all(is_lock) {
                let is_work = event.paths.iter().all(is_work);
                if pending.mark(if is_work { CHANGED } else { CHANGED_BEYOND_WORK }) {
                    drop(report.send(Message::RefsChanged(slug.clone(), pending.clone())));
                }
            }
        });
        let heads = common_dir.join("refs/heads");
        let places = [(common_dir, RecursiveMode::NonRecursive), (heads.as_path(), RecursiveMode::Recursive)];
        let watcher = watcher.and_then(|watcher| begin(watcher, &places));
        self.refs.insert(project.clone(), (common_dir.to_owned(), watcher));
    }
}

fn watcher(report: impl Fn(notify::Event) + Send + 'static) -> Option<RecommendedWatcher> {
    let made = notify::recommended_watcher(move |event: notify::Result<notify::Event>| match event {
        Ok(event) if !matches!(event.kind, EventKind::Access(_)) => report(event),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "a watch failed; changes are seen at the next poll"),
    });
    made.inspect_err(|error| tracing::warn!(%error, "cannot watch; changes are seen at the next poll")).ok()
}

fn begin(mut watcher: RecommendedWatcher, places: &[(&Path, RecursiveMode)]) -> Option<RecommendedWatcher> {
    for (place, mode) in places {
        if let Err(error) = watcher.watch(place, *mode) {
            tracing::warn!(%error, place = %place.display(), "cannot watch; changes are seen at the next poll");
            return None;
        }
    }
    Some(watcher)
}
