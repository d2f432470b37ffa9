//! One process is killed at every fail point.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use paddock_os::fail_points::POINTS;

use super::scene::{End, Moment, Scene, WORKPLACES};

/// Cases that run at a time: while one waits for agents, another can use the processor.
const AT_ONCE: usize = 3;
/// Number of cases of the short form. The fail points are dealt out to them in turn, and each case passes its
/// points one after the other.
const CHAINS: usize = 9;

/// Plays the scene without a kill. Returns its end and how often each point is passed, during the set-up and
/// afterwards.
fn undisturbed(workplace: &'static str) -> (End, [Passings; 2]) {
    let mut scene = Scene::new(&[], workplace);
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
fn play(cases: Vec<(&'static str, Vec<Moment>)>, wanted: &End) {
    let cases = Mutex::new(VecDeque::from(cases));
    let next = || cases.lock().unwrap().pop_front();
    let work = || {
        while let Some((workplace, case)) = next() {
            println!("{workplace}: killed at {case:?}");
            let mut scene = Scene::new(&case, workplace);
            assert_eq!(scene.play(), *wanted, "{workplace}: {case:?}");
            let longest = scene.recoveries.iter().max().copied().unwrap_or_default();
            println!("at work again within {longest:?} at the longest");
        }
    };
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        all.into_iter().for_each(|one| one.join().unwrap());
    });
}

/// Returns whether a point is passed by sessions in this kind of place only, or by both kinds.
fn is_passed(passed: &[Passings; 2], point: &str) -> bool {
    // Nothing is adopted in the undisturbed run: adoption needs a session that outlived its supervisor.
    point.starts_with("adopt.") || passed.iter().any(|found| found[point] > 0)
}

#[test]
fn a_kill_at_every_fail_point_leads_to_the_same_end() {
    let [(wanted, linked), (end, own)] = WORKPLACES.map(undisturbed);
    assert_eq!(end, wanted, "both kinds of place lead to the same end");
    let passed = [linked, own];
    let missing = |(name, _): &&(&'static str, &str)| !passed.iter().any(|kind| is_passed(kind, name));
    let missing: Vec<_> = POINTS.iter().filter(missing).collect();
    assert!(missing.is_empty(), "nothing passes {missing:?}");
    let mut cases: Vec<_> = (0..CHAINS).map(|n| (WORKPLACES[n % 2], Vec::new())).collect();
    for (number, (point, _)) in POINTS.iter().enumerate() {
        // The next chain whose kind of place passes the point.
        let chains = (0..CHAINS).map(|n| (number + n) % CHAINS);
        let mut fitting = chains.filter(|chain| is_passed(&passed[chain % 2], point));
        let chain = fitting.next().unwrap();
        cases[chain].1.push(Moment { point, nth: 1 });
    }
    play(cases, &wanted);
}

/// By hand: `cargo test --test slow -- --ignored --nocapture every_passing`.
#[test]
#[ignore = "takes many minutes: cargo test --test slow -- --ignored --nocapture every_passing"]
fn a_kill_at_every_passing_of_every_fail_point_leads_to_the_same_end() {
    for workplace in WORKPLACES {
        let (wanted, [before, after]) = undisturbed(workplace);
        let mut cases = Vec::new();
        for (point, _) in POINTS {
            // These points are passed only while the project is set up.
            let count = match ["migration.", "integration."].iter().any(|prefix| point.starts_with(prefix)) {
                true => before[point],
                false => after[point].max(usize::from(point.starts_with("adopt."))),
            };
            // Points that are passed with every event are sampled: 12 of their passings.
            let step = count.div_ceil(12).max(1);
            cases.extend((1..=count).step_by(step).map(|nth| (workplace, vec![Moment { point, nth }])));
        }
        println!("{} cases", cases.len());
        play(cases, &wanted);
    }
}
