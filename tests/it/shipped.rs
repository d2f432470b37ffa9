//! Tests must run with the features that ship.
//!
//! `cargo test` builds each package once, for the program and its tests. A feature that a dev-dependency
//! enables is therefore on in every test, and off in the program that users get: the tests would prove a
//! different program.

use std::collections::BTreeMap;
use std::process::Command;

/// Packages that `cargo build` builds for a user. Packages of macros run in the compiler and do not ship.
const SHIPPED: [&str; 4] = ["--package", "paddock", "--edges", "normal,build,no-proc-macro"];
/// Packages that `cargo test` builds at the root of the workspace, with features unified over all members.
const TESTED: [&str; 3] = ["--workspace", "--edges", "normal,build,dev"];

/// Returns every package of a graph with the sets of features that it is built with: one, or two if build
/// scripts or macros use it as well.
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
        // cargo marks a package whose dependencies it has listed before with `(*)`.
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
            // `fail_points` is the one difference that is intended: tests kill the program at these points.
            let meant = if has_points { vec!["fail_points".to_owned()] } else { (*features).clone() };
            tested.get(*package) != Some(&meant)
        })
        .map(|(package, features)| {
            format!("{package}\n  ships with {features:?}\n  tested with {:?}", tested.get(package))
        })
        .collect();
    assert!(
        differing.is_empty(),
        "a dev-dependency gives these packages other features: name the features in [dependencies], or remove the \
         dev-dependency\n{}",
        differing.join("\n")
    );
}
