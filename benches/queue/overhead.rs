//! The overhead of the queue: the time from the end of one gate's only command to the beginning of the next
//! gate's, with a landing and its publication in between.
//!
//! The gate only writes down when it runs, so none of the time is the gate's own. Every branch is gated and
//! landed by itself.

use std::fmt::Write as _;
use std::fs;

use crate::ground::Ground;

/// Number of objectives in a round.
const COUNT: usize = 40;

/// Prints the median and the 95th percentile of times in milliseconds.
fn show(name: &str, times: &mut [f64]) {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    println!(
        "  {name}: p50 {:.1} ms, p95 {:.1} ms ({:.1} to {:.1}, {} times)",
        at(0.5),
        at(0.95),
        times[0],
        times[times.len() - 1],
        times.len()
    );
}

/// Returns a project with this many additional files, whose branches are all finished and wait in a queue on
/// hold.
fn queued(files: usize, strict: bool) -> Ground {
    let ground = Ground::new(4);
    if files > 0 {
        ground.fill(files);
    }
    let stamps = ground.path("stamps/gates");
    let file = ground.path("workspace/projects/bench.yaml");
    let mut text = fs::read_to_string(&file).unwrap();
    let run = format!("date +%s.%N >> '{}'", stamps.display());
    writeln!(text, "verify: [{{name: stamp, run: {run:?}}}]\nqueue: {{slots: 1, strict: {strict}}}").unwrap();
    fs::write(file, text).unwrap();
    ground.plan(COUNT, |_| vec![], 0.0);
    assert!(ground.command(&["queue", "hold"]).output().unwrap().status.success());
    // Runs until all branches are queued. The queue is on hold, so the run ends with the exit code "needs a
    // person".
    let status = ground.command(&["run", "--no-tui", "--until-idle"]).output().unwrap().status;
    assert_eq!(status.code(), Some(3));
    assert_eq!(ground.event_times("queue_entered").len(), COUNT);
    assert!(ground.command(&["queue", "release"]).output().unwrap().status.success());
    ground
}

/// Returns the moments at which the gate's command ran, in Unix milliseconds.
fn gates(ground: &Ground) -> Vec<f64> {
    let text = fs::read_to_string(ground.path("stamps/gates")).unwrap();
    text.lines().map(|line| line.parse::<f64>().unwrap() * 1_000.0).collect()
}

/// Returns the time from `from` to the first of the moments that is not before it, in milliseconds.
fn after(moments: &[f64], from: f64) -> Option<f64> {
    // Events are recorded in whole milliseconds, so one may seem to be up to a millisecond too early.
    moments.iter().find(|at| **at + 1.0 > from).map(|at| (at - from).max(0.0))
}

pub(crate) fn print(files: usize) {
    let ground = queued(files, true);
    ground.run(&["--until-idle"]);
    let (gates, landed) = (gates(&ground), ground.event_times("landed"));
    let published = ground.event_times("published");
    assert_eq!((gates.len(), landed.len()), (COUNT, COUNT));
    println!("{COUNT} landings one by one, a gate that does nothing, {} files:", files + 1);
    let pairs = gates.windows(2).map(|pair| pair[1] - pair[0]);
    // The first gate also makes its worktree; the others find it there.
    show("gate's command ended → next gate's command begun", &mut pairs.skip(1).collect::<Vec<_>>());
    let from =
        |moments: &[f64]| gates.iter().skip(1).filter_map(|at| after(moments, *at)).collect::<Vec<_>>();
    show("gate's command ended → landed", &mut from(&landed));
    show("gate's command ended → published", &mut from(&published));
    let ground = queued(files, false);
    ground.run(&["--until-idle"]);
    let gates = self::gates(&ground);
    let (first, last) = (gates[0], ground.event_times("published").last().copied().unwrap());
    println!(
        "  {COUNT} landings in batches: {} gate runs, {:.1} ms a landing from the first gate to the last publishing",
        gates.len(),
        (last - first) / COUNT as f64
    );
}
