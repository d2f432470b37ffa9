//! Times the way from an agent's end to the landing: the built binary on small real repositories without a
//! gate, with shell agents of one second. `cargo bench` prints the figures; docs/performance.md holds them.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

mod figures;
#[expect(dead_code, reason = "the queue's bench uses the rest of it")]
mod ground;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use figures::{Spread, fsync_ms, spread};
use ground::Ground;

const ROUNDS: usize = 5;

fn main() {
    // `cargo bench -- NAME` runs the benches whose name contains NAME; `cargo test --benches` passes flags
    // only.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str()));
    println!("median fsync of 4 KiB here: {:.2} ms", fsync_ms());
    if is_wanted("latency") {
        latency();
    }
    if is_wanted("chain") {
        chain();
    }
    if is_wanted("fan") {
        fan();
    }
    if is_wanted("idle") {
        idle();
    }
    if is_wanted("flushes") {
        flushes();
    }
}

fn show(name: &str, unit: &str, spread: Spread) {
    println!("{name}: median {:.2} {unit} ({:.2} to {:.2})", spread.median, spread.least, spread.most);
}

/// Prints the time from an agent's end to the moved target branch, and to the start of the dependent's agent.
fn latency() {
    let (mut moved, mut started) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let ground = Ground::new(1);
        ground.plan(6, |n| if n == 0 { vec![] } else { vec![n - 1] }, 0.2);
        ground.run(&["--until-idle"]);
        let published = ground.event_times("published");
        for n in 0..6 {
            let ended = ground.stamp(n, "end");
            moved.extend(published.iter().find(|at| **at >= ended).map(|at| at - ended));
            if n < 5 {
                started.push(ground.stamp(n + 1, "start") - ended);
            }
        }
    }
    show("agent exit to target branch moved", "ms", spread(&moved));
    show("agent exit to dependent's agent started", "ms", spread(&started));
}

/// Prints how long a chain of ten agents of one second takes, compared with the ideal.
fn chain() {
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let ground = Ground::new(1);
        ground.plan(10, |n| if n == 0 { vec![] } else { vec![n - 1] }, 1.0);
        ground.run(&["--until-idle"]);
        ratios.push(ground.makespan_s(10) / 10.0);
    }
    show("chain of ten: first start to last landing, against the ideal 10 s", "times", spread_of(&ratios));
}

/// Prints how long forty agents of one second on eight slots take, compared with the ideal.
fn fan() {
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let ground = Ground::new(8);
        ground.plan(40, |_| vec![], 1.0);
        ground.run(&["--until-idle"]);
        ratios.push(ground.makespan_s(40) / 5.0);
    }
    show(
        "forty on eight slots: first start to last landing, against the ideal 5 s",
        "times",
        spread_of(&ratios),
    );
}

/// Prints the ratio of each round and returns their spread.
fn spread_of(ratios: &[f64]) -> Spread {
    println!("  each: {}", ratios.iter().map(|ratio| format!("{ratio:.3}")).collect::<Vec<_>>().join(" "));
    spread(ratios)
}

/// Prints the processor time of a supervisor that has nothing to do.
fn idle() {
    let ground = Ground::new(1);
    ground.plan(1, |_| vec![], 0.1);
    let mut supervisor = ground.command(&["run", "--no-tui"]).stdout(Stdio::null()).spawn().unwrap();
    ground.wait_for_event("worktree_removed");
    let before = figures::cpu_ms(supervisor.id());
    let begun = Instant::now();
    std::thread::sleep(Duration::from_secs(30));
    let used = figures::cpu_ms(supervisor.id()) - before;
    let share = used / begun.elapsed().as_secs_f64() / 10.0;
    println!("idle supervisor: {used:.0} ms of processor in 30 s ({share:.2} %)");
    ground.command(&["supervisor", "stop"]).status().unwrap();
    supervisor.wait().unwrap();
}

/// Prints how often Paddock and its git flush to disk for one landing, counted by strace.
fn flushes() {
    let strace = Command::new("strace").arg("-V").stdout(Stdio::null()).status();
    if !strace.is_ok_and(|status| status.success()) {
        println!("flushes per landing: not counted (strace is not installed)");
        return;
    }
    let count = |objectives: usize| {
        let ground = Ground::new(1);
        ground.plan(objectives, |n| if n == 0 { vec![] } else { vec![n - 1] }, 0.0);
        let log = ground.path("strace.log");
        let status = Command::new("strace")
            .args(["-f", "-qq", "-e", "trace=fsync,fdatasync,sync_file_range", "-o"])
            .arg(&log)
            .args(ground.argv(&["run", "--no-tui", "--until-idle"]))
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success());
        std::fs::read_to_string(log).unwrap().lines().filter(|line| line.contains("sync(")).count()
    };
    // The difference of two counts leaves out the flushes of starting and ending.
    let (few, many) = (count(2), count(12));
    println!("flushes per objective, agent's own and keeper's included: {:.1}", (many - few) as f64 / 10.0);
}
