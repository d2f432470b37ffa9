//! The settings of the simulated project.

use paddock_model::settings::ProjectSettings;

/// The settings of a project file that names a gate and nothing else. `tests/it/config/simulated.rs` keeps
/// the file equal to the defaults.
const SETTINGS: &str = include_str!("../../data/simulated-settings.json");

pub(super) fn settings() -> ProjectSettings {
    serde_json::from_str(SETTINGS).unwrap()
}
