//! One process is killed at every fail point.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use paddock_os::fail_points::POINTS;

use super::scene::{End, Moment, Scene};

/// Cases that run at a time: while one waits for agents, another can use the processor.
const AT_ONCE: usize = 3;
/// Number of cases of the short form. The fail points are dealt out to them in turn, and each case passes its
/// points one after the other.
const CHAINS: usize = 9;

/// Plays the scene without a kill. Returns its end and how often each point is passed, during the set-up and
/// afterwards.
fn undisturbed() -> (End, [Passings; 2]) {
    let mut scene = Scene::new(&[]);
    let end = scene.play();
    let (before, after) = scene.all_passed();
    (end, [count(&before), count(&after)])
}

type Passings = BTreeMap<&'static str, usize>;

fn count(lines: &[String]) -> Passings {
    let passings = |name: &str| lines.iter().filter(|line| *line == name).count();
    POINTS.iter().map(|(name, _)| (*name, passings(name))).collect()
}

/// Plays all cases, a few at a time, and compares the end of each with that of the undisturbed run.
fn play(cases: Vec<Vec<Moment>>, wanted: &End) {
    let cases = Mutex::new(VecDeque::from(cases));
    let next = || cases.lock().unwrap().pop_front();
    let work = || {
        while let Some(case) = next() {
            println!("killed at {case:?}");
            let mut scene = Scene::new(&case);
            assert_eq!(scene.play(), *wanted, "{case:?}");
            let longest = scene.recoveries.iter().max().copied().unwrap_or_default();
            println!("at work again within {longest:?} at the longest");
        }
    };
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        all.into_iter().for_each(|one| one.join().unwrap());
    });
}

#[test]
fn a_kill_at_every_fail_point_leads_to_the_same_end() {
    let (wanted, passed) = undisturbed();
    let missing = |(name, _): &&(&'static str, &str)| passed.iter().all(|found| found[name] == 0);
    // Nothing is adopted in the undisturbed run: adoption needs a session that outlived its supervisor.
    let missing: Vec<_> =
        POINTS.iter().filter(missing).filter(|(name, _)| !name.starts_with("adopt.")).collect();
    assert!(missing.is_empty(), "nothing passes {missing:?}");
    let mut cases = vec![Vec::new(); CHAINS];
    for (place, (point, _)) in POINTS.iter().enumerate() {
        cases[place % CHAINS].push(Moment { point, nth: 1 });
    }
    play(cases, &wanted);
}

/// By hand: `cargo test --test slow -- --ignored --nocapture every_passing`.
#[test]
#[ignore = "takes many minutes: cargo test --test slow -- --ignored --nocapture every_passing"]
fn a_kill_at_every_passing_of_every_fail_point_leads_to_the_same_end() {
    let (wanted, [before, after]) = undisturbed();
    let mut cases = Vec::new();
    for (point, _) in POINTS {
        // These points are passed only while the project is set up.
        let count = match ["migration.", "integration."].iter().any(|prefix| point.starts_with(prefix)) {
            true => before[point],
            false => after[point].max(1),
        };
        // Points that are passed with every event are sampled: 12 of their passings.
        let step = count.div_ceil(12);
        cases.extend((1..=count).step_by(step).map(|nth| vec![Moment { point, nth }]));
    }
    println!("{} cases", cases.len());
    play(cases, &wanted);
}
