//! The supervisor is killed in the middle of a system call, or the call reports a disk error. The next
//! supervisor must reach the same end without asking a person.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::injected::{Fault, KINDS, SITES, Site, recorded, survives};

/// Number of cases that run at a time.
const AT_ONCE: usize = 3;
/// Number of cases of the short form, and the seed that chooses them.
const SAMPLE: usize = 14;
const SEED: u64 = 5;

/// Returns every fault, from the calls that a run without a fault makes.
fn all() -> Vec<Fault> {
    let mut found = Vec::new();
    let counted = std::thread::scope(|scope| {
        let all = SITES.map(|site| scope.spawn(move || recorded(site)));
        all.map(|one| one.join().unwrap())
    });
    for (site, counts) in SITES.into_iter().zip(counted) {
        println!("{site:?}: {counts:?}");
        for (call, count) in counts {
            // Sampled to about 60: pages of the database are written by the hundred, all alike.
            for nth in (1..=count).step_by(count.div_ceil(60)) {
                found.extend(KINDS.map(|kind| Fault { site, call, nth, kind }));
            }
        }
    }
    found
}

/// Usual counts of [`recorded`]. They are fixed here so that the short form tries the same faults in every
/// run.
const USUAL: [(Site, &str, usize); 12] = [
    (Site::Store, "fsync", 9),
    (Site::Store, "pwrite64", 500),
    (Site::Supervisor, "fsync", 10),
    (Site::Supervisor, "?link", 8),
    (Site::Supervisor, "?rename", 5),
    (Site::Supervisor, "?unlink", 18),
    (Site::Supervisor, "unlinkat", 30),
    (Site::Session, "fsync", 3),
    (Site::Session, "?unlink", 1),
    (Site::Session, "?rename", 2),
    (Site::Gate, "fsync", 3),
    (Site::Gate, "?unlink", 1),
];

/// Returns a sample, spread evenly over sites and kinds.
fn sample() -> Vec<Fault> {
    let mut seed = SEED;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let groups: Vec<_> = KINDS.into_iter().flat_map(|kind| SITES.map(|site| (site, kind))).collect();
    let chosen = (0..SAMPLE).map(|place| {
        let (site, kind) = groups[place % groups.len()];
        let of: Vec<_> = USUAL.iter().filter(|usual| usual.0 == site).collect();
        let (_, call, most) = of[next(of.len())];
        Fault { site, call, nth: 1 + next(*most), kind }
    });
    chosen.collect()
}

#[derive(Default)]
struct Tally {
    cases: usize,
    met: usize,
    recoveries: Vec<Duration>,
    failed: Vec<String>,
}

/// Tries the faults, a few at a time, until none is left or the time is over.
fn try_all(faults: Vec<Fault>, until: Option<Instant>) -> Tally {
    let (waiting, tally) = (Mutex::new(VecDeque::from(faults)), Mutex::new(Tally::default()));
    let next = || {
        let is_over = until.is_some_and(|until| Instant::now() >= until);
        if is_over { None } else { waiting.lock().unwrap().pop_front() }
    };
    let work = || {
        while let Some(fault) = next() {
            let outcome = std::panic::catch_unwind(|| survives(fault));
            let mut tally = tally.lock().unwrap();
            tally.cases += 1;
            match outcome {
                Ok(outcome) => {
                    tally.met += usize::from(outcome.was_met);
                    tally.recoveries.extend(outcome.recovery);
                }
                Err(_) => tally.failed.push(format!("{fault:?}")),
            }
        }
    };
    std::thread::scope(|scope| (0..AT_ONCE).for_each(|_| drop(scope.spawn(work))));
    tally.into_inner().unwrap()
}

fn report(tally: &Tally, of: usize) {
    let mut recoveries = tally.recoveries.clone();
    recoveries.sort();
    println!(
        "{} of {of} cases, the fault met in {}; {} recoveries, median {:?}, longest {:?}; failed: {:?}",
        tally.cases,
        tally.met,
        recoveries.len(),
        recoveries.get(recoveries.len() / 2),
        recoveries.last(),
        tally.failed
    );
}

#[test]
fn a_single_fault_loses_nothing_and_asks_nobody() {
    let tally = try_all(sample(), None);
    report(&tally, SAMPLE);
    assert!(tally.failed.is_empty(), "{:?}", tally.failed);
    assert!(tally.met > 0, "no fault was met");
}

/// By hand: `FAULT_MINUTES=60 cargo test --test slow -- --ignored --nocapture every_call`. The order is
/// spread evenly, so that a run that ends early has tried every kind.
#[test]
#[ignore = "takes hours: FAULT_MINUTES=60 cargo test --test slow -- --ignored --nocapture every_call"]
fn a_fault_at_every_call_loses_nothing() {
    let minutes: u64 = std::env::var("FAULT_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(600);
    let until = Instant::now() + Duration::from_secs(minutes * 60);
    let mut all = all();
    // Some faults, by how the names begin that a failure prints: `FAULT="Eio at fsync 2 of Supervisor"`, or all of
    // a kind: `FAULT="Kill at unlinkat"`.
    if let Ok(only) = std::env::var("FAULT") {
        all.retain(|fault| format!("{fault:?}").starts_with(&only));
    }
    // A step that shares no factor with the number of faults visits each exactly once.
    let is_coprime =
        |step: &usize| (2..=*step).all(|by| !step.is_multiple_of(by) || !all.len().is_multiple_of(by));
    let step = (all.len() * 5 / 13..).find(is_coprime);
    let spread = (0..all.len()).map(|place| all[place * step.unwrap() % all.len()]).collect();
    let tally = try_all(spread, Some(until));
    report(&tally, all.len());
    assert!(tally.failed.is_empty(), "{:?}", tally.failed);
}
