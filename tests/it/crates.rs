//! Dependencies between crates, as `cargo tree` reports them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Returns the packages that `cargo tree` lists. Without dev-dependencies, since tests may depend on any
/// crate.
fn tree(of: &[&str]) -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["tree", "--locked", "--offline", "--prefix", "none", "--edges", "normal,build"])
        .args(["--format", "{p}"])
        .args(of)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

/// Returns all direct and indirect dependencies of a crate, and the crate itself.
fn dependencies(package: &str) -> Vec<String> {
    tree(&["--package", package])
}

/// Counts the lines of a crate's sources.
fn lines_of(package: &str) -> usize {
    fn below(folder: &Path) -> usize {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let lines = |path: &Path| fs::read_to_string(path).unwrap().lines().count();
        let count = |path: std::path::PathBuf| match (path.is_dir(), path.extension()) {
            (true, _) => below(&path),
            (false, Some(ending)) if ending == "rs" => lines(&path),
            _ => 0,
        };
        entries.map(count).sum()
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    match package.strip_prefix("paddock-") {
        Some(name) => below(&root.join("crates").join(name).join("src")),
        None => below(&root.join("src")),
    }
}

/// Returns the percentage of all lines that are compiled again after a change of a crate: its own lines, and
/// those of all crates that depend on it.
fn compiled_again(package: &str) -> usize {
    let lines = |packages: Vec<String>| -> usize {
        let ours = packages.into_iter().filter(|one| one.starts_with("paddock"));
        ours.collect::<BTreeSet<_>>().iter().map(|one| lines_of(one)).sum()
    };
    let again = lines(tree(&["--package", "paddock", "--invert", package]));
    again * 100 / lines(dependencies("paddock"))
}

#[test]
fn a_change_of_the_engine_or_the_console_compiles_few_lines_again() {
    let (engine, console) = (compiled_again("paddock-engine"), compiled_again("paddock-console"));
    assert!((10..=40).contains(&engine), "{engine} % after a change of the engine");
    assert!((10..=35).contains(&console), "{console} % after a change of the console");
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
fn the_engine_depends_on_the_model_alone() {
    let ours = |package: &str| -> Vec<String> {
        let mut found = dependencies(package);
        found.retain(|one| one.starts_with("paddock-") && one != package);
        found
    };
    assert_eq!(ours("paddock-engine"), ["paddock-model"]);
    assert!(ours("paddock-model").is_empty());
    assert!(ours("paddock-os").is_empty());
}
