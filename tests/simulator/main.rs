//! A seeded simulator: it drives `decide` with modelled git, processes, users and crashes, and checks the
//! invariants after every step (DESIGN, "How it is tested").
//!
//! `PADDOCK_SIM_SEEDS=N` runs so many seeds, `PADDOCK_SIM_SEED=K` only that one; a failure tells its last
//! `PADDOCK_SIM_STORY` lines.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agent;
mod agents;
mod checks;
mod effects;
mod finale;
mod git;
mod orders;
mod people;
mod planning;
mod regressions;
mod rng;
mod rows;
mod setup;
mod sim;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use sim::{Kind, Sim};

/// Seeds of an ordinary run.
const SEEDS: u64 = 1_000;

const TROUBLED: Kind = Kind { calm: false, crashes: true, planner: false, steps: 500 };

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs one seed; what is broken, if anything.
fn play(sim: &mut Sim) -> Result<(), String> {
    match catch_unwind(AssertUnwindSafe(|| sim.run())) {
        Ok(result) => result,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(format!("panicked: {}", text.unwrap_or_default()))
        }
    }
}

/// A seed that failed is played again, to tell its story.
fn tell(seed: u64, kind: Kind) -> String {
    let lines = number("PADDOCK_SIM_STORY").unwrap_or(60);
    let mut sim = Sim::new(seed, kind, usize::try_from(lines).unwrap());
    let broken = play(&mut sim).err().unwrap_or_default();
    let story: Vec<String> = sim.story.into_iter().flatten().collect();
    format!("{}\nseed {seed}: {broken}", story.join("\n"))
}

#[test]
fn every_promise_holds_whatever_happens() {
    let broken = broken_by(TROUBLED, SEEDS);
    assert!(broken.is_empty(), "{broken}");
}

#[test]
fn every_promise_holds_whatever_the_planner_does() {
    let broken = broken_by(Kind { planner: true, ..TROUBLED }, SEEDS / 10);
    assert!(broken.is_empty(), "{broken}");
}

/// Plays so many seeds; what is broken, and how the first one came to it.
fn broken_by(kind: Kind, seeds: u64) -> String {
    let seeds = match number("PADDOCK_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("PADDOCK_SIM_SEEDS").unwrap_or(seeds),
    };
    let mut broken = Vec::new();
    for seed in seeds.clone() {
        if let Err(problem) = play(&mut Sim::new(seed, kind, 0)) {
            broken.push((seed, problem));
        }
    }
    let Some((first, _)) = broken.first() else { return String::new() };
    let list: Vec<String> = broken.iter().map(|(seed, problem)| format!("seed {seed}: {problem}")).collect();
    let story = tell(*first, kind);
    format!("{story}\n\n{} of {} seeds:\n{}", broken.len(), seeds.count(), list.join("\n"))
}

#[test]
fn what_lands_does_not_depend_on_when_the_supervisor_is_killed() {
    let calm = Kind { calm: true, crashes: false, planner: false, steps: 300 };
    let killed = Kind { crashes: true, ..calm };
    for seed in 0..number("PADDOCK_SIM_SEEDS").unwrap_or(SEEDS) / 4 {
        let landed = |kind| {
            let mut sim = Sim::new(seed, kind, 0);
            match play(&mut sim) {
                Ok(()) => sim.seen.landings,
                Err(_) => panic!("{}", tell(seed, kind)),
            }
        };
        assert_eq!(landed(calm), landed(killed), "seed {seed}: kills change what lands");
    }
}
