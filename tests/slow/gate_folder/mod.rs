//! The gate's folder against a fresh clone, over random repositories and random gates.
//!
//! A failure prints its seed: `GATE_SEED=<n>` repeats it.

mod case;
mod folder;
mod fresh;
mod rng;
mod script;
mod shares;
mod tree;

use paddock_git::StatTrust;
use paddock_testkit::git::{Snapshot, files};

use case::Case;
use folder::{Ended, Folder, Start, can_drop_clock};
use script::About;
use shares::{Place, SEED, in_shares};

/// How often something happened.
#[derive(Default, Debug)]
struct Tally {
    both_green: usize,
    both_red: usize,
    /// The command of a folder changed its own tests or gate, which a clone does not notice.
    changed_gate: usize,
    not_evaluated: usize,
    /// A process outlived the command and disturbed the next one.
    disturbed: usize,
    /// Runs that left files.
    leftovers: usize,
    /// Runs that were green by what an earlier one left in a kept folder.
    hidden: usize,
}

/// Returns what a look may trust: both kinds, over the seeds.
fn trust(seed: u64) -> StatTrust {
    // Where the right to set the clock cannot be dropped, looks trust nothing.
    if seed.is_multiple_of(2) && can_drop_clock() { StatTrust::ChangeTime } else { StatTrust::Nothing }
}

fn against_a_clone(place: &Place, seed: u64, tally: &mut Tally) {
    let mut case = Case::new(place, seed, About::Everything);
    let mut folder = Folder::new(&case.user, &case.root, trust(seed), &[]);
    for _ in 0..3 + case.rng.below(4) {
        let change = case.next();
        let held = folder.hold(&change.commit, Start::Kept);
        let ended = match held {
            Ok(look) => folder.run(look, change.setup, &change.commands),
            Err(error) => Ended::NotEvaluated(error),
        };
        let (is_green, output) = case.is_green_in_a_clone(&change);
        tally.leftovers += usize::from(change.traits.leaves);
        let report = || {
            let (words, history) = (ended.words(), &case.history);
            format!("seed {seed}: {words}; green in a fresh clone: {is_green}\n{output}\n{history}")
        };
        match (&ended, is_green) {
            (Ended::Green, true) => tally.both_green += 1,
            (Ended::Green, false) => panic!("{}", report()),
            (_, false) => tally.both_red += 1,
            (Ended::Changed(_), true) => tally.changed_gate += 1,
            // The clone holds a pointer of LFS, or a submodule that is not the commit's.
            (Ended::NotEvaluated(text), true) if text.contains("git lfs fetch") => tally.not_evaluated += 1,
            (Ended::NotEvaluated(text), true) if text.contains("submodule") => tally.not_evaluated += 1,
            _ if change.traits.has_writer => tally.disturbed += 1,
            _ => panic!("{}", report()),
        }
    }
}

fn is_no_empty_test(tally: &Tally) {
    assert!(tally.both_green * 5 > tally.both_red && tally.both_red * 5 > tally.both_green, "{tally:?}");
    assert!(tally.leftovers * 5 > tally.both_green, "{tally:?}");
    let others = tally.changed_gate + tally.not_evaluated + tally.disturbed;
    assert!(others * 2 < tally.both_green + tally.both_red, "{tally:?}");
}

#[test]
fn a_gate_is_green_only_if_it_is_green_in_a_fresh_clone() {
    let name = "a_gate_is_green_only_if_it_is_green_in_a_fresh_clone";
    let tally = in_shares(name, 64, against_a_clone);
    if let Some(tally) = tally.filter(|_| std::env::var_os(SEED).is_none()) {
        is_no_empty_test(&tally);
    }
}

#[test]
#[ignore = "takes long: GATE_SEEDS=2000 cargo test --test slow -- --ignored --nocapture at_length"]
fn a_gate_is_green_only_if_it_is_green_in_a_fresh_clone_at_length() {
    let name = "a_gate_is_green_only_if_it_is_green_in_a_fresh_clone_at_length";
    if let Some(tally) = in_shares(name, 2_000, against_a_clone) {
        is_no_empty_test(&tally);
    }
}

/// Runs a case whose gates use a kept folder. What is green there and red in a clone is red in a run from
/// nothing, so the kept folder alone makes the difference.
fn with_a_kept_folder(place: &Place, seed: u64, tally: &mut Tally) {
    let mut case = Case::new(place, seed, About::Build);
    let mut folder = Folder::new(&case.user, &case.root, trust(seed), &["build"]);
    let path = folder.path().join("build");
    let build = || if path.is_dir() { files(&path) } else { Snapshot::new() };
    let mut landed = Snapshot::new();
    for _ in 0..5 + case.rng.below(4) {
        let change = case.next();
        let look = folder.hold(&change.commit, Start::Kept).unwrap();
        if case.ignores_build() {
            let found = build();
            assert!(found == landed, "seed {seed}: {found:?} instead of {landed:?}\n{}", case.history);
        }
        let ended = folder.run(look, change.setup, &change.commands);
        tally.leftovers += usize::from(change.traits.leaves);
        if !matches!(ended, Ended::Green) {
            tally.both_red += 1;
            continue;
        }
        let (is_green, output) = case.is_green_in_a_clone(&change);
        if is_green {
            tally.both_green += 1;
        } else {
            tally.hidden += 1;
            let look = folder.hold(&change.commit, Start::FromNothing).unwrap();
            let again = folder.run(look, change.setup, &change.commands);
            let (words, history) = (again.words(), &case.history);
            assert!(matches!(again, Ended::Red(_)), "seed {seed}: {words}\n{output}\n{history}");
        }
        if case.ignores_build() {
            folder.keep(&change.commit);
            landed = build();
        }
    }
}

#[test]
fn what_a_kept_folder_hides_is_red_in_a_run_from_nothing() {
    let tally = in_shares("what_a_kept_folder_hides_is_red_in_a_run_from_nothing", 16, with_a_kept_folder);
    if let Some(tally) = tally.filter(|_| std::env::var_os(SEED).is_none()) {
        assert!(tally.hidden > 0 && tally.both_green > 5 && tally.both_red > 5, "{tally:?}");
    }
}
