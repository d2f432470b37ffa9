//! Bounds on the cost of the queue, and the table in docs/performance.md.

use super::efficiency::{batches, entropy, fates, mean, ours, ours_measured, ours_measuring, window};

const SEEDS: u64 = 200;

fn per_change(p: f64, changes: usize, knows: bool) -> f64 {
    mean((0..SEEDS).map(|seed| ours(seed, changes, p, 1, 0.0, knows).0 as f64 / changes as f64))
}

fn within(p: f64, knows: bool, factor: f64) -> f64 {
    let (runs, bound) = (per_change(p, 200, knows), factor * entropy(p));
    assert!(runs <= bound, "p = {p}: {runs:.4} runs a change, at most {bound:.4}");
    runs
}

#[test]
fn gate_runs_stay_near_the_lower_bound_of_every_strategy() {
    for p in [0.01, 0.1, 0.3] {
        within(p, true, 1.15);
    }
}

#[test]
fn learning_the_failure_rate_costs_little() {
    for p in [0.01, 0.3] {
        within(p, false, 1.4);
    }
}

#[test]
fn forty_branches_of_which_one_in_ten_fails_take_at_most_21_6_gate_runs() {
    let runs = mean((0..SEEDS).map(|seed| ours(seed, 40, 0.1, 1, 0.0, true).0 as f64));
    assert!(runs <= 21.6, "{runs:.2}");
}

/// At a failure rate of 0.1 no strategy with one gate at a time can drain 40 branches in less than 0.618 of
/// the time of a window of four, or 0.630 of a window of eight. More gates at a time lose more to contention
/// than they gain.
#[test]
fn a_queue_drains_in_0_62_of_the_time_of_a_speculative_window() {
    for (p, most) in [(0.05, [0.62; 4]), (0.1, [0.62, 0.62, 0.64, 0.65])] {
        for (slots, most) in [1, 2, 4, 8].into_iter().zip(most) {
            let own = mean((0..SEEDS).map(|seed| ours_measured(seed, 40, p, slots, 0.7)));
            let theirs = mean((0..SEEDS).map(|seed| window(&fates(seed, 40, p), slots as usize, 0.7).1));
            assert!(own <= most * theirs, "p = {p}, {slots} slots: {own:.1} of {theirs:.1}");
        }
    }
}

/// `slots: auto` measures while it does useful work, so the measurement costs little extra time.
#[test]
fn slots_are_measured_on_work_that_is_useful_anyway() {
    for (exponent, slots) in [(0.7, 1..=1), (0.9, 1..=1), (0.1, 2..=4), (0.0, 4..=4)] {
        for seed in 0..4 {
            let (found, auto, one) = ours_measuring(seed, 120, 0.1, exponent);
            let found =
                found.unwrap_or_else(|| panic!("exponent {exponent}, seed {seed}: nothing was measured"));
            assert!(slots.contains(&found.slots), "exponent {exponent}, seed {seed}: {found:?}");
            let beside = f64::from(found.beside) / 1_000.0;
            assert!((beside - 2f64.powf(exponent)).abs() < 0.1, "exponent {exponent}, seed {seed}: {beside}");
            // At most four runs are measured in parallel, and each takes at most 0.6 times longer. That
            // bounds the cost.
            assert!(
                auto <= one + 4.0,
                "exponent {exponent}, seed {seed}: {auto} minutes, {one} with one slot"
            );
        }
    }
}

/// `cargo test --test sim table -- --ignored --nocapture`
#[test]
#[ignore = "prints a table: cargo test --release --test sim table -- --ignored --nocapture"]
fn table() {
    println!("| p | bound H(p) | Paddock, p known | p learned | serial | batches of 5 | batches of 8 |");
    println!("|---|---|---|---|---|---|---|");
    for p in [0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4] {
        let fixed = |size| mean((0..SEEDS).map(|seed| batches(&fates(seed, 200, p), size) as f64 / 200.0));
        let (known, learned) = (within(p, true, 1.15), within(p, false, 1.4));
        println!(
            "| {p} | {:.3} | {known:.3} ({:.2}) | {learned:.3} ({:.2}) | 1 | {:.3} | {:.3} |",
            entropy(p),
            known / entropy(p),
            learned / entropy(p),
            fixed(5),
            fixed(8)
        );
    }
    println!(
        "\n| p | slots | serial | window | Paddock, all slots | Paddock, useful slots | of the window |"
    );
    println!("|---|---|---|---|---|---|---|");
    for p in [0.05, 0.1, 0.2] {
        for slots in [1u32, 2, 4, 8] {
            let theirs =
                mean((0..SEEDS).map(|seed| window(&fates(seed, 40, p), slots as usize, 0.7).1)) * 6.0;
            let all = mean((0..SEEDS).map(|seed| ours(seed, 40, p, slots, 0.7, true).1)) * 6.0;
            let useful = mean((0..SEEDS).map(|seed| ours_measured(seed, 40, p, slots, 0.7))) * 6.0;
            let share = useful / theirs;
            println!("| {p} | {slots} | 240 | {theirs:.0} | {all:.0} | {useful:.0} | {share:.2} |");
        }
    }
}
