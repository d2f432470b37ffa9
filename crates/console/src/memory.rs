//! Stores where the person left off, so that the next console opens there.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Model;
use super::panes::PaneId;
use paddock_config::Workspace;
use paddock_model::ids::{ObjectiveKey, ProjectSlug};
use paddock_os::files::{Flush, PRIVATE_FILE_MODE, write_atomic};
use paddock_os::plain;

/// Selection and view, stored as `runtime/console.json`.
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
    /// Returns the current selection and view.
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

    /// Reads the stored place. Returns the default if there is no file or it cannot be read.
    #[must_use]
    pub(crate) fn load(workspace: &Workspace) -> Self {
        // An older or newer version may have written other fields: `serde(default)` fills in what is missing.
        let bytes = plain::read(path(workspace)).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Writes the place to its file. Errors are ignored: losing it costs a person a few keys.
    pub(crate) fn save(&self, workspace: &Workspace) {
        if let Ok(bytes) = serde_json::to_vec(self) {
            let _ = write_atomic(&path(workspace), &bytes, PRIVATE_FILE_MODE, Flush::Now);
        }
    }

    /// Restores the place in a model. The first refresh drops a project or objective that no longer exists.
    pub(crate) fn recall(self, model: &mut Model) {
        (model.project, model.selected) = (self.project, self.selected);
        (model.focus, model.zoomed, model.mouse) = (self.focus, self.zoomed, self.mouse);
    }
}
