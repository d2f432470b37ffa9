//! Where slots and their temporary folders are.

use std::path::{Path, PathBuf};

/// Where slots and their folders are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SlotPlaces {
    /// Folder of the slots that all workspaces of the user share. `None`, or one that cannot be used, leaves
    /// slots that only this workspace's jobs share.
    pub shared: Option<PathBuf>,
    /// Folder for temporary files; `None` for the system's.
    pub temporary: Option<PathBuf>,
}

/// The places of one runner.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// Folder of the slots that all workspaces of the user share.
    shared: Option<PathBuf>,
    /// Folder for temporary files.
    pub(super) temporary: PathBuf,
    /// Folder of the workspace for what cannot be elsewhere.
    runtime: PathBuf,
}

impl Places {
    /// Returns the places of the runner whose `runtime` folder is given.
    pub(crate) fn new(runtime: &Path, places: SlotPlaces) -> Self {
        let SlotPlaces { shared, temporary } = places;
        let temporary = temporary.unwrap_or_else(std::env::temp_dir);
        Self { shared, temporary, runtime: runtime.to_owned() }
    }

    /// Returns the folders of slots, the best first.
    pub(super) fn of_slots(&self) -> Vec<PathBuf> {
        self.shared.iter().cloned().chain([self.runtime.join("slots")]).collect()
    }

    /// Returns the workspace's own folder for temporary files.
    pub(super) fn own_temporary(&self) -> PathBuf {
        self.runtime.join("temporary")
    }
}
