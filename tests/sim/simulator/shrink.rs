//! Makes the story of a seed that failed short: steps without which it fails in the same way are left out.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::play;
use super::sim::{Kind, Sim};

/// How long is spent on it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The promise that is broken: the text before the first colon.
fn promise(problem: &str) -> &str {
    problem.split(':').next().unwrap_or(problem)
}

/// Plays a seed without some of its steps; what is broken, and at which step.
fn outcome(seed: u64, kind: Kind, skipped: &BTreeSet<usize>) -> Option<(String, usize)> {
    let mut sim = Sim::new(seed, kind, 0);
    sim.skipped = skipped.clone();
    let broken = play(&mut sim).err()?;
    Some((broken, sim.at))
}

/// The steps that can be left out.
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
