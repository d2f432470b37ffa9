//! The settings of the simulated project.

use std::path::Path;

use paddock::config::project_file::parse;
use paddock::config::resolve::Surroundings;
use paddock::domain::settings::ProjectSettings;

const FILE: &str =
    "slug: q\nname: Q\nrepo_root: /q\nworktrees_root: /w\nverify: [{name: t, run: \"true\"}]\n";

pub fn settings() -> ProjectSettings {
    let file = parse(FILE.as_bytes(), "projects/q.yaml", None, Path::new("/"), None).unwrap();
    let around =
        Surroundings { head_branch: "main", repository_file: None, agreed: None, on_path: &|_| false };
    file.resolve(&around).unwrap().settings
}
