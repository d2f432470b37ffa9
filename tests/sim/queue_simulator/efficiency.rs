//! Gate runs and time that a queue needs: Paddock's with the real engine, other strategies by their rules.

use paddock_model::ids::GateId;
use paddock_model::slot_tuning::SlotsFound;
use paddock_model::train::useful_slots;

use super::queue::{Queue, Setup, objective};
use super::world::Faults;
use crate::rng::Rng;

/// Start of a simulated queue's clock, in milliseconds.
const BEGIN_MS: i64 = 1_000_000;

/// Returns the entropy of one change's verdict in bits: with one bit per gate run, the smallest number of
/// runs.
pub(super) fn entropy(p: f64) -> f64 {
    -p * p.log2() - (1.0 - p) * (1.0 - p).log2()
}

/// Returns which changes fail. The seed alone decides, so that every strategy gets the same changes.
pub(super) fn fates(seed: u64, changes: usize, p: f64) -> Vec<bool> {
    let mut rng = Rng::new(seed);
    (0..changes).map(|_| (rng.below(1_000_000) as f64) < p * 1e6).collect()
}

/// A clock for gates that run in parallel and slow each other down: with n of them, a run takes n^exponent
/// times as long as alone. The second value of `running` is the share of a run's work that is left.
struct Clock {
    exponent: f64,
    running: Vec<(u64, f64)>,
    now: f64,
}

impl Clock {
    fn new(exponent: f64) -> Self {
        Self { exponent, running: Vec::new(), now: 0.0 }
    }

    fn start(&mut self, id: u64) {
        self.running.push((id, 1.0));
    }

    /// Advances until the next run ends, and returns its id.
    fn next(&mut self) -> u64 {
        let slowdown = (self.running.len() as f64).powf(self.exponent);
        let least = self.running.iter().map(|(_, left)| *left).fold(f64::INFINITY, f64::min);
        self.now += least * slowdown;
        self.running.iter_mut().for_each(|(_, left)| *left -= least);
        let place = self.running.iter().position(|(_, left)| *left <= 1e-9).unwrap();
        self.running.remove(place).0
    }
}

/// Returns gate runs and minutes of Paddock's queue.
pub(super) fn ours(
    seed: u64,
    changes: usize,
    p: f64,
    slots: u32,
    exponent: f64,
    knows: bool,
) -> (usize, f64) {
    let (queue, time) = drained(seed, changes, p, slots, exponent, knows);
    (queue.gate_runs, time)
}

/// Drains a queue with a gate that takes a minute alone. Returns the queue, and the minutes that it took.
/// With `knows` the queue knows the failure rate; otherwise it learns it.
fn drained(seed: u64, changes: usize, p: f64, slots: u32, exponent: f64, knows: bool) -> (Queue, f64) {
    let given = knows.then(|| (p * 1e6).round() as u32);
    let setup = Setup { faults: Faults::default(), slots, strict: false, flaky_retries: 0, given };
    let mut queue = Queue::new(seed, &setup);
    let root = queue.integration.clone();
    for (number, is_bad) in (0u32..).zip(fates(seed, changes, p)) {
        let version = queue.world.chosen(is_bad);
        let head = queue.world.head_with(&root, version);
        queue.enqueue(&objective(number), head, 0);
    }
    let mut clock = Clock::new(exponent);
    queue.now_ms = BEGIN_MS;
    queue.take(paddock_engine::input::Input::Tick);
    loop {
        queue.settle();
        clock.running.retain(|(id, _)| queue.gates.contains_key(&GateId(*id)));
        let known: Vec<u64> = clock.running.iter().map(|(id, _)| *id).collect();
        // A stopped run ends at once and costs no further time.
        let stopped: Vec<GateId> =
            queue.gates.iter().filter(|(_, stopped)| **stopped).map(|(id, _)| *id).collect();
        if let Some(gate) = stopped.first() {
            queue.end_gate(*gate);
            continue;
        }
        queue.gates.keys().filter(|id| !known.contains(&id.0)).for_each(|id| clock.start(id.0));
        if clock.running.is_empty() {
            break;
        }
        let gate = clock.next();
        queue.now_ms = BEGIN_MS + (clock.now * 60_000.0) as i64;
        queue.end_gate(GateId(gate));
    }
    assert!(queue.project().train.entries.is_empty(), "the queue is drained: {:?}", queue.project().train);
    (queue, clock.now)
}

/// Returns the minutes of Paddock's queue with as many of the slots as a measurement would show to be useful.
pub(super) fn ours_measured(seed: u64, changes: usize, p: f64, slots: u32, exponent: f64) -> f64 {
    let beside = (2f64.powf(exponent) * 1_000_000.0) as u64;
    let useful = useful_slots(slots, 1_000_000, beside);
    ours(seed, changes, p, useful, exponent, true).1
}

/// One change in a speculative window.
struct Item {
    fails: bool,
    /// Its run, on top of the items before it that are not known to fail.
    run: u64,
    /// The verdict of that run.
    verdict: Option<bool>,
}

/// The speculative window of Zuul, GitHub and GitLab: `slots` changes are tried at once, each on top of those
/// before it. When a change fails, all changes behind it start again without it. The failed change keeps its
/// place in the window until every change before it has its verdict, since one of those may be the cause.
/// Returns runs and time.
pub(super) fn window(fates: &[bool], slots: usize, exponent: f64) -> (usize, f64) {
    let mut waiting = fates.iter().copied();
    let (mut clock, mut runs) = (Clock::new(exponent), 0);
    let mut line: Vec<Item> = Vec::new();
    let begin = |clock: &mut Clock, runs: &mut u64| {
        *runs += 1;
        clock.start(*runs);
        *runs
    };
    loop {
        while line.len() < slots {
            let Some(fails) = waiting.next() else { break };
            line.push(Item { fails, run: begin(&mut clock, &mut runs), verdict: None });
        }
        if line.is_empty() {
            return (usize::try_from(runs).unwrap(), clock.now);
        }
        let ended = clock.next();
        let place = line.iter().position(|item| item.run == ended).unwrap();
        // Red because of the change itself, or of an earlier one that has no verdict yet.
        let is_red =
            line[place].fails || line[..place].iter().any(|item| item.fails && item.verdict.is_none());
        line[place].verdict = Some(!is_red);
        if line[place].fails {
            for behind in &mut line[place + 1..] {
                clock.running.retain(|(id, _)| *id != behind.run);
                *behind = Item { fails: behind.fails, run: begin(&mut clock, &mut runs), verdict: None };
            }
        }
        while line.first().is_some_and(|item| item.verdict.is_some()) {
            line.remove(0);
        }
    }
}

/// bors and similar queues: batches of a fixed size, which are halved when they are red, down to the single
/// change. Returns the number of runs.
pub(super) fn batches(fates: &[bool], size: usize) -> usize {
    fn resolve(part: &[bool]) -> usize {
        let is_red = part.iter().any(|fails| *fails);
        1 + match part.len() {
            len if is_red && len > 1 => resolve(&part[..len / 2]) + resolve(&part[len / 2..]),
            _ => 0,
        }
    }
    fates.chunks(size).map(resolve).sum()
}

pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// Paddock's queue with automatic slots. Returns what it measured, its time, and the time with one slot from
/// the start.
pub(super) fn ours_measuring(
    seed: u64,
    changes: usize,
    p: f64,
    exponent: f64,
) -> (Option<SlotsFound>, f64, f64) {
    let one = drained(seed, changes, p, 1, exponent, true);
    let auto = drained(seed, changes, p, 0, exponent, true);
    (auto.0.project().slot_tuning.found, auto.1, one.1)
}
