//! Times the merge queue on real repositories: its overhead per landing in addition to the gate, and the
//! conflict radar.
//!
//! `cargo bench --bench queue` prints the figures (`-- overhead` or `-- radar` for one of them);
//! docs/performance.md holds them.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

#[expect(dead_code, reason = "the spine's bench uses the rest of it")]
#[path = "../spine/ground.rs"]
mod ground;
mod overhead;
mod radar;

fn main() {
    // `cargo test --benches` passes flags only; words are names of benches to run.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str()));
    if is_wanted("overhead") {
        overhead::print(0);
        overhead::print(10_000);
    }
    if is_wanted("radar") {
        radar::print();
    }
}
