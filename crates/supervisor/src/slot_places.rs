//! Where the slots of jobs are.

use std::path::Path;

use paddock_config::{Environment, Workspace};
use paddock_runner::SlotPlaces;

/// Name of the folder, in the folder of the user's own workspace.
const FOLDER: &str = "slots";

/// Returns where the slots of this user's jobs are: in one folder for all workspaces. Their temporary files are
/// where TMPDIR says, in the environment or in the workspace's `.env`.
#[must_use]
pub fn slot_places(environment: &Environment) -> SlotPlaces {
    // Without a home, only the jobs of one workspace share slots.
    let shared = Workspace::own(environment).ok().map(|own| own.join(FOLDER));
    SlotPlaces { shared, temporary: environment.path("TMPDIR").map(Path::to_path_buf) }
}
