//! The simulators belong to the engine, which cannot read project files: they load settings from
//! `tests/data/simulated-settings.json`. This test keeps that file equal to the defaults.

use std::path::Path;

use paddock_config::project_file::parse;
use paddock_config::resolve::Surroundings;
use paddock_model::settings::ProjectSettings;

const FILE: &str =
    "slug: q\nname: Q\nrepo_root: /q\nworktrees_root: /w\nverify: [{name: t, run: \"true\"}]\n";

#[test]
fn the_simulated_project_has_the_default_settings() {
    let file = parse(FILE.as_bytes(), "projects/q.yaml", None, Path::new("/"), None).unwrap();
    let around =
        Surroundings { head_branch: "main", repository_file: None, agreed: None, on_path: &|_| false };
    let settings = file.resolve(&around).unwrap().settings;
    let simulated: ProjectSettings =
        serde_json::from_str(include_str!("../../data/simulated-settings.json")).unwrap();
    assert_eq!(simulated, settings);
}
