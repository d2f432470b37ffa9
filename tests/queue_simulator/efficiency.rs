//! How many gate runs a queue takes, and how long: ours by the real decisions, the others by their rules.

use paddock::domain::ids::GateId;
use paddock::domain::train::useful_slots;

use super::queue::{Queue, Setup, objective};
use super::rng::Rng;
use super::world::Faults;

/// Bits that one change carries.
pub fn entropy(p: f64) -> f64 {
    -p * p.log2() - (1.0 - p) * (1.0 - p).log2()
}

/// Which of so many changes fail: the same for every strategy.
pub fn fates(seed: u64, changes: usize, p: f64) -> Vec<bool> {
    let mut rng = Rng::new(seed);
    (0..changes).map(|_| (rng.below(1_000_000) as f64) < p * 1e6).collect()
}

/// Gates that run side by side: each takes t * running^a, and the clock is the work they all have left.
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

    /// Runs until the next one ends.
    fn next(&mut self) -> u64 {
        let pace = (self.running.len() as f64).powf(self.exponent);
        let least = self.running.iter().map(|(_, left)| *left).fold(f64::INFINITY, f64::min);
        self.now += least * pace;
        self.running.iter_mut().for_each(|(_, left)| *left -= least);
        let place = self.running.iter().position(|(_, left)| *left <= 1e-9).unwrap();
        self.running.remove(place).0
    }
}

/// Gate runs and time of the real queue.
pub fn ours(seed: u64, changes: usize, p: f64, slots: u32, exponent: f64, knows: bool) -> (usize, f64) {
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
    queue.take(paddock::domain::input::Input::Tick);
    loop {
        queue.settle();
        clock.running.retain(|(id, _)| queue.gates.contains_key(&GateId(*id)));
        let known: Vec<u64> = clock.running.iter().map(|(id, _)| *id).collect();
        // A run that is stopped is gone at once.
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
        queue.end_gate(GateId(gate));
    }
    assert!(queue.project().train.entries.is_empty(), "the queue is drained: {:?}", queue.project().train);
    (queue.gate_runs, clock.now)
}

/// The real queue with slots that measurement found useful.
pub fn ours_measured(seed: u64, changes: usize, p: f64, slots: u32, exponent: f64) -> f64 {
    let beside = (2f64.powf(exponent) * 1_000_000.0) as u64;
    let useful = useful_slots(slots, 1_000_000, beside);
    ours(seed, changes, p, useful, exponent, true).1
}

/// Zuul, GitHub, GitLab: each change on top of those before it, so many at once; behind a failure all begin again.
pub fn window(fates: &[bool], slots: usize, exponent: f64) -> (usize, f64) {
    let mut waiting: Vec<bool> = fates.to_vec();
    waiting.reverse();
    let (mut clock, mut runs, mut next) = (Clock::new(exponent), 0, 0u64);
    // Of each in the window: run, whether it fails, and its verdict once it has ended.
    let mut line: Vec<(u64, bool, bool)> = Vec::new();
    loop {
        while line.len() < slots && !waiting.is_empty() {
            let fails = waiting.pop().unwrap();
            next += 1;
            runs += 1;
            clock.start(next);
            line.push((next, fails, false));
        }
        if line.is_empty() {
            return (runs, clock.now);
        }
        let ended = clock.next();
        let place = line.iter().position(|(id, _, _)| *id == ended).unwrap();
        line[place].2 = true;
        // Whoever failed on top of green ones is out, and those behind it begin again.
        if line[place].1 {
            line.remove(place);
            for behind in &mut line[place..] {
                clock.running.retain(|(id, _)| *id != behind.0);
                next += 1;
                runs += 1;
                *behind = (next, behind.1, false);
                clock.start(next);
            }
        }
        while line.first().is_some_and(|(_, _, ended)| *ended) {
            line.remove(0);
        }
    }
}

/// bors and its kin: batches of one size, halved when they are red, whoever is red alone is out.
pub fn batches(fates: &[bool], size: usize) -> usize {
    fn resolve(part: &[bool]) -> usize {
        let is_red = part.iter().any(|fails| *fails);
        1 + match part.len() {
            len if is_red && len > 1 => resolve(&part[..len / 2]) + resolve(&part[len / 2..]),
            _ => 0,
        }
    }
    fates.chunks(size).map(resolve).sum()
}

pub fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len() as f64
}
