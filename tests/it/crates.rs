//! Which crate may depend on which, as cargo sees it.

use std::process::Command;

/// Everything that a crate is built with, directly or through others.
fn dependencies(package: &str) -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["tree", "--locked", "--offline", "--prefix", "none", "--edges", "normal,build"])
        .args(["--format", "{p}", "--package", package])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn clients_and_readers_do_not_depend_on_the_engine() {
    for package in ["console", "report", "ipc", "git", "config", "agents", "runner", "store"] {
        let package = format!("paddock-{package}");
        let found = dependencies(&package);
        assert!(found.contains(&package), "{package} is not in its own tree: {found:?}");
        assert!(!found.iter().any(|one| one == "paddock-engine"), "{package} depends on the engine");
    }
}

#[test]
fn the_engine_knows_the_model_alone() {
    let ours = |package: &str| -> Vec<String> {
        let mut found = dependencies(package);
        found.retain(|one| one.starts_with("paddock-") && one != package);
        found
    };
    assert_eq!(ours("paddock-engine"), ["paddock-model"]);
    assert!(ours("paddock-model").is_empty());
    assert!(ours("paddock-os").is_empty());
}
