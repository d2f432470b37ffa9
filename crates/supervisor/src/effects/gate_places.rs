//! Where a gate slot keeps its folder, its caches and Paddock's records about both, and how a run begins and
//! ends there.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::error::EffectError;
use super::super::gate_job::look_result;
use super::super::world::World;
use paddock_git::gate_cache::{self as cache, CachePlace};
use paddock_git::{GatePlace, HoldOrder, Repository, StatTrust, Worktree};
use paddock_git::{cache_key, hold, kept_folders, remove_gate, remove_unignored, set_up_key};
use paddock_model::gate::{Start, fresh_folder, slot_folder};
use paddock_model::ids::{GateId, ObjectId, ProjectSlug};
use paddock_model::settings::{Keep, ProjectSettings};
use paddock_os::files::{Flush, PRIVATE_FILE_MODE, make_private_dir, write_atomic};
use paddock_os::plain;
use paddock_runner::{ExitRecord, SET_UP_STAGE};

/// File with the record of the run that a gate folder is prepared for.
const RUN_FILE: &str = "run.json";

/// The places of a gate slot.
pub(super) struct Places {
    project: ProjectSlug,
    repo_root: PathBuf,
    /// Whether the folder is for one run only.
    is_passing: bool,
    /// Name of the folder.
    name: String,
    /// Folder in which the gate runs.
    pub(super) folder: PathBuf,
    /// Folder of what landed runs left, on the file system of the gate's folder.
    base: PathBuf,
}

/// What a run starts with.
pub(super) struct Wanted<'a> {
    pub(super) gate: GateId,
    pub(super) commit: &'a ObjectId,
    pub(super) keep: &'a Keep,
    /// Command of `worktree.setup`.
    pub(super) setup: Option<&'a str>,
    pub(super) cache_epoch: u64,
    pub(super) start: Start,
}

/// A folder that is ready for a run.
pub(super) struct Ready {
    pub(super) worktree: Worktree,
    pub(super) place: GatePlace,
    /// Folders that outlive the run.
    pub(super) kept: Vec<String>,
    pub(super) is_set_up_due: bool,
}

/// The run that a gate folder was prepared for last.
#[derive(Debug, Serialize, Deserialize)]
struct RunRecord {
    gate: GateId,
    /// Key of the cache that the run started with, and that it leaves if it lands.
    key: String,
    kept: Vec<String>,
    /// Key of the set-up that the folder's state comes from; `None` if it has to run again for the next run.
    set_up: Option<String>,
    /// Key of the set-up that runs as the job's first stage; `None` if it is not due.
    setting_up: Option<String>,
    from_nothing: bool,
    /// Whether the folder's caches were kept after the run. Nothing has run there since, so they still are as
    /// they were read then.
    #[serde(default)]
    are_kept: bool,
}

impl Places {
    /// Returns the places of a run. A run from nothing has a folder of its own: the folder of the slot stays
    /// as it is, with files that are older than what was built from them.
    pub(super) fn new(settings: &ProjectSettings, project: &ProjectSlug, slot: u32, start: Start) -> Self {
        let parent = PathBuf::from(&settings.worktrees_root).join(project.as_str());
        let is_passing = start == Start::FromNothing;
        let name = if is_passing { fresh_folder(slot) } else { slot_folder(slot) };
        let base = parent.join(format!("{name}.cache"));
        let repo_root = PathBuf::from(&settings.repo_root);
        Self { project: project.clone(), repo_root, is_passing, folder: parent.join(&name), base, name }
    }

    fn private(&self, world: &World) -> PathBuf {
        world.workspace.gate_folders_dir(&self.project).join(&self.name)
    }

    fn cache(&self, world: &World) -> CachePlace {
        CachePlace { folder: self.folder.clone(), base: self.base.clone(), private: self.private(world) }
    }

    /// Brings the folder to the commit, with the caches that the run may use.
    pub(super) fn prepare(
        &self,
        world: &World,
        repository: &Repository,
        wanted: &Wanted<'_>,
    ) -> Result<Ready, EffectError> {
        let private = self.private(world);
        make_private_dir(&private).map_err(EffectError::at(&private))?;
        let trust = StatTrust::of_this_process();
        let are_kept = self.last_record(world).is_some_and(|record| record.are_kept);
        let cache_trust = if are_kept { StatTrust::ChangeTime } else { trust };
        // Before anything changes: a crash in between must leave no record of a run whose state is gone.
        remove(&private.join(RUN_FILE))?;
        let kept = kept_folders(repository, wanted.commit, wanted.keep)?;
        let key = cache_key(repository, wanted.commit, &kept, wanted.setup, wanted.cache_epoch)?;
        let place = GatePlace { folder: self.folder.clone(), private: private.clone() };
        let is_new = wanted.start == Start::FromNothing;
        let order = HoldOrder { commit: wanted.commit, kept: &kept, start_from_nothing: is_new, trust };
        let held = hold(repository, &place, &order)?;
        let cache = self.cache(world);
        let (known_set_up, was_empty) = match wanted.start {
            Start::Kept => {
                let restored = cache::restore(&cache, &kept, &key, cache_trust)?;
                remove_unignored(repository, &held, &place, &kept)?;
                (restored.set_up, restored.was_empty)
            }
            Start::WithoutCaches | Start::FromNothing => {
                cache::empty(&cache, &kept)?;
                (None, true)
            }
        };
        let set_up =
            wanted.setup.map(|command| set_up_key(repository, wanted.commit, command)).transpose()?;
        // Where nothing is kept, the set-up begins anew for every run.
        let keeps_nothing = matches!(wanted.keep, Keep::Folders(folders) if folders.is_empty());
        let is_set_up_due =
            set_up.is_some() && (keeps_nothing || held.submodules_emptied || known_set_up != set_up);
        let (set_up, setting_up) = if is_set_up_due { (None, set_up) } else { (set_up, None) };
        let from_nothing = held.from_nothing && was_empty;
        let record = RunRecord {
            gate: wanted.gate,
            key,
            kept: kept.clone(),
            set_up,
            setting_up,
            from_nothing,
            are_kept: false,
        };
        self.write(world, &record)?;
        Ok(Ready { worktree: held.worktree, place, kept, is_set_up_due })
    }

    /// Records whether the set-up of a run has succeeded, and returns whether the run was one from nothing.
    pub(super) fn end(&self, world: &World, gate: GateId, ended: &ExitRecord, dir: &Path) -> bool {
        let Some(mut record) = self.record(world, gate) else { return false };
        let is_done = ended.stages.first().is_some_and(|s| s.name == SET_UP_STAGE && s.succeeded());
        // Files that the set-up makes outside of the kept folders are removed before the next run, so that it
        // has to make them again.
        let looked = look_result(dir, 0).and_then(|result| result.looked);
        let is_whole = looked.is_some_and(|looked| looked.left.is_empty());
        if let Some(key) = record.setting_up.take().filter(|_| is_done && is_whole) {
            record.set_up = Some(key);
            if let Err(error) = self.write(world, &record) {
                tracing::debug!(%error, "the set-up of a gate worktree is run again");
            }
        }
        if self.is_passing
            && let Err(error) = self.remove(world)
        {
            tracing::warn!(folder = %self.folder.display(), %error, "the folder of a gate run stays");
        }
        record.from_nothing
    }

    /// Makes what the run left in the kept folders the caches that later runs start with. Does nothing if
    /// another run has used the folder since.
    pub(super) fn keep(&self, world: &World, gate: GateId) -> Result<(), EffectError> {
        let Some(mut record) = self.record(world, gate) else { return Ok(()) };
        // A keeper holds this lock for as long as its job runs.
        let lock = world.runner.take_worktree(&self.folder)?;
        let _nobody_works_here = lock.ok_or(EffectError::Busy)?;
        let trust = StatTrust::of_this_process();
        cache::keep(&self.cache(world), &record.kept, &record.key, record.set_up.clone(), trust)?;
        record.are_kept = true;
        self.write(world, &record)
    }

    /// Removes the folder, its caches and the records. Fails if a job runs in the folder.
    pub(super) fn remove(&self, world: &World) -> Result<(), EffectError> {
        let repository = world.repository(&self.repo_root)?;
        // A keeper holds this lock for as long as its job runs. Holding it here keeps a new run out until the
        // folder is gone.
        let lock = world.runner.take_worktree(&self.folder)?;
        let _nobody_starts_here = lock.ok_or(EffectError::Busy)?;
        remove_gate(&repository, &self.folder)?;
        cache::forget(&self.cache(world))?;
        let private = self.private(world);
        match std::fs::remove_dir_all(&private) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(EffectError::at(&private)(error))
            }
            _ => Ok(()),
        }
    }

    fn record(&self, world: &World, gate: GateId) -> Option<RunRecord> {
        self.last_record(world).filter(|record| record.gate == gate)
    }

    fn last_record(&self, world: &World) -> Option<RunRecord> {
        let text = plain::read(self.private(world).join(RUN_FILE)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn write(&self, world: &World, record: &RunRecord) -> Result<(), EffectError> {
        let file = self.private(world).join(RUN_FILE);
        let text = serde_json::to_vec(record)?;
        write_atomic(&file, &text, PRIVATE_FILE_MODE, Flush::Later).map_err(EffectError::at(&file))
    }
}

/// Returns the caches of all gate slots of a project that there are records of.
pub(super) fn caches(
    world: &World,
    settings: &ProjectSettings,
    project: &ProjectSlug,
) -> Result<Vec<CachePlace>, EffectError> {
    let folder = world.workspace.gate_folders_dir(project);
    let entries = match std::fs::read_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(EffectError::at(&folder))?,
    };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let slots = names.filter_map(|name| {
        let slot = name.rsplit_once('-')?.1.parse::<u32>().ok()?;
        (name == slot_folder(slot)).then_some(slot)
    });
    Ok(slots.map(|slot| Places::new(settings, project, slot, Start::Kept).cache(world)).collect())
}

fn remove(file: &Path) -> Result<(), EffectError> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(EffectError::at(file)(error)),
        _ => Ok(()),
    }
}
