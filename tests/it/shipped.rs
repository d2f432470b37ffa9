//! Tests are built with the features that ship.
//!
//! Cargo builds a package once for the program and its tests: a feature that a dev-dependency asks for is on in
//! everything that `cargo test` runs, and off in what users get. A test then proves what does not ship.

use std::collections::BTreeMap;
use std::process::Command;

/// What `cargo build` builds for a user. What only macros are made of runs in the compiler, and does not ship.
const SHIPPED: [&str; 4] = ["--package", "paddock", "--edges", "normal,build,no-proc-macro"];
/// What `cargo test` builds at the root of the workspace: the packages of all members, built once for all of them.
const TESTED: [&str; 3] = ["--workspace", "--edges", "normal,build,dev"];

/// Every package of a graph, with the sets of features it is built with (one, or two where build scripts and
/// macros use it too).
fn graph(of: &[&str]) -> BTreeMap<String, Vec<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["tree", "--locked", "--offline", "--prefix", "none"])
        .args(of)
        .args(["--format", "{p}|{f}"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut packages = BTreeMap::<String, Vec<String>>::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        // `(*)` says that what it depends on was listed before.
        let Some((package, features)) = line.trim_end_matches(" (*)").split_once('|') else { continue };
        packages.entry(package.trim().to_owned()).or_default().push(features.to_owned());
    }
    for features in packages.values_mut() {
        features.sort_unstable();
        features.dedup();
    }
    packages
}

#[test]
fn every_package_that_ships_is_tested_with_the_features_it_ships_with() {
    let (shipped, tested) = (graph(&SHIPPED), graph(&TESTED));
    assert!(shipped.len() > 100, "{} packages are listed", shipped.len());
    let differing: Vec<String> = shipped
        .iter()
        .filter(|(package, features)| {
            let has_points = package.split(' ').next() == Some("paddock-os");
            // The points at which tests kill the program are the one difference that is meant.
            let meant = if has_points { vec!["fail_points".to_owned()] } else { (*features).clone() };
            tested.get(*package) != Some(&meant)
        })
        .map(|(package, features)| {
            format!("{package}\n  ships with {features:?}\n  tested with {:?}", tested.get(package))
        })
        .collect();
    assert!(
        differing.is_empty(),
        "a dev-dependency gives these other features: name them in [dependencies], or take that dev-dependency \
         away\n{}",
        differing.join("\n")
    );
}
