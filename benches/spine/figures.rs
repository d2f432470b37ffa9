//! Medians, and the costs of the machine itself.

use std::fs::File;
use std::io::Write;
use std::time::Instant;

/// A median, with the least and the greatest value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub least: f64,
    pub median: f64,
    pub most: f64,
}

/// Returns the median, the least and the greatest of the values.
pub(crate) fn spread(values: &[f64]) -> Spread {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Spread { least: sorted[0], median: sorted[sorted.len() / 2], most: sorted[sorted.len() - 1] }
}

/// Returns the median time of flushing 4 KiB to the disk that the benches run on, in milliseconds.
pub(crate) fn fsync_ms() -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let mut file = File::create(folder.path().join("file")).unwrap();
    let mut times = Vec::new();
    for _ in 0..50 {
        file.write_all(&[7; 4096]).unwrap();
        let begun = Instant::now();
        file.sync_all().unwrap();
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    spread(&times).median
}

/// Returns the processor time of a process in milliseconds; 0 where there is no `/proc`.
pub(crate) fn cpu_ms(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
    let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) * 10.0
}
