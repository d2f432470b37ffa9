//! Shortens the story of a seed that failed: leaves out steps without which the same promise breaks.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::play;
use super::sim::{Kind, Sim};

/// Longest time for shrinking.
const PATIENCE: Duration = Duration::from_secs(30);

/// Returns the name of the broken promise, which is the text before the first colon.
fn promise(problem: &str) -> &str {
    problem.split(':').next().unwrap_or(problem)
}

/// Plays a seed without some of its steps. Returns the broken promise and the step at which it broke.
fn outcome(seed: u64, kind: Kind, skipped: &BTreeSet<usize>) -> Option<(String, usize)> {
    let mut sim = Sim::new(seed, kind, 0);
    sim.skipped = skipped.clone();
    let broken = play(&mut sim).err()?;
    Some((broken, sim.at))
}

/// Returns the steps that can be left out. Tries ever smaller pieces, from the end of the story to its start.
pub(super) fn shrink(seed: u64, kind: Kind) -> BTreeSet<usize> {
    let until = Instant::now() + PATIENCE;
    let mut skipped = BTreeSet::new();
    let Some((broken, at)) = outcome(seed, kind, &skipped) else { return skipped };
    let is_same = |skipped: &BTreeSet<usize>| {
        outcome(seed, kind, skipped).filter(|(other, _)| promise(other) == promise(&broken))
    };
    skipped.extend(at + 1..kind.steps);
    let mut piece = kind.steps.div_ceil(2);
    loop {
        for first in (0..kind.steps).step_by(piece).rev() {
            let more: Vec<usize> =
                (first..kind.steps.min(first + piece)).filter(|at| !skipped.contains(at)).collect();
            if more.is_empty() || Instant::now() > until {
                continue;
            }
            let mut tried = skipped.clone();
            tried.extend(more);
            if is_same(&tried).is_some() {
                skipped = tried;
            }
        }
        if piece == 1 || Instant::now() > until {
            return skipped;
        }
        piece = piece.div_ceil(2);
    }
}
