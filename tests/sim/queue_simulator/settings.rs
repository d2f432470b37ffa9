//! The settings of the simulated project.

use paddock_model::settings::ProjectSettings;

/// What a project file comes to that names a gate and leaves all else at its default; a test of the configuration
/// compares them.
const SETTINGS: &str = include_str!("../../data/simulated-settings.json");

pub(super) fn settings() -> ProjectSettings {
    serde_json::from_str(SETTINGS).unwrap()
}
