//! What the console remembers between two starts: where the person was.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Model;
use super::panes::PaneId;
use paddock_config::Workspace;
use paddock_model::ids::{ObjectiveKey, ProjectSlug};
use paddock_os::files::{Flush, PRIVATE_FILE_MODE, write_atomic};

/// The place.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Memory {
    project: Option<ProjectSlug>,
    selected: Option<ObjectiveKey>,
    focus: PaneId,
    zoomed: bool,
    mouse: bool,
}

fn path(workspace: &Workspace) -> PathBuf {
    workspace.runtime().join("console.json")
}

impl Memory {
    /// Where a person is.
    #[must_use]
    pub(crate) fn from_model(model: &Model) -> Self {
        Self {
            project: model.project.clone(),
            selected: model.selected.clone(),
            focus: model.focus,
            zoomed: model.zoomed,
            mouse: model.mouse,
        }
    }

    /// What was remembered; nothing when there is nothing, or nothing readable.
    #[must_use]
    pub(crate) fn load(workspace: &Workspace) -> Self {
        let bytes = std::fs::read(path(workspace)).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Remembers it. Not being able to is no reason to complain.
    pub(crate) fn save(&self, workspace: &Workspace) {
        if let Ok(bytes) = serde_json::to_vec(self) {
            let _ = write_atomic(&path(workspace), &bytes, PRIVATE_FILE_MODE, Flush::Now);
        }
    }

    /// Goes back there.
    pub(crate) fn recall(self, model: &mut Model) {
        (model.project, model.selected) = (self.project, self.selected);
        (model.focus, model.zoomed, model.mouse) = (self.focus, self.zoomed, self.mouse);
    }
}
