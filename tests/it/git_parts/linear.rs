//! Reading and landing a commit takes time in proportion to its files, however many are in one folder.

use std::fs;
use std::time::{Duration, Instant};

use paddock_git::{
    Guarded, PublishOutcome, Radar, SalvageOrder, harvest, land, make_candidate, read_branch, salvage,
    worktree_status,
};
use paddock_model::scope::Globs;
use paddock_model::tamper::patterns;

use super::gates::Gate;
use super::support::{Home, clean, commit_all, git, head, landing, order, user, write};

/// Files in one folder, three times ten times as many.
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
/// Most that a time may grow from one size to the next. In memory, that is: a disk's file system takes ever longer
/// to find room where the last tests have deleted as many files.
const GROWTH_MAX: f64 = 11.0;
/// The same for status and salvage, which sort the names: n log n.
const SORTED_GROWTH_MAX: f64 = 14.0;
/// Times below this are taken for this long: clocks are coarse, and starting a process takes milliseconds.
const SHORTEST: Duration = Duration::from_millis(50);

const STEPS: [&str; 6] = ["harvest", "review", "radar", "landing", "status", "salvage"];

/// Makes `files` files in one folder, each with a content of its own.
fn make(folder: &std::path::Path, files: usize) {
    fs::create_dir_all(folder).unwrap();
    for number in 0..files {
        fs::write(folder.join(format!("f{number:06}.py")), format!("value = {number}\n")).unwrap();
    }
}

/// Measures a step.
fn timed<T>(times: &mut Vec<Duration>, act: impl FnOnce() -> T) -> T {
    let (begun, before) = (Instant::now(), processor_time());
    let result = act();
    // A busy machine or disk changes the time that passes, and not the work.
    let worked = processor_time().zip(before).map(|(after, before)| after.saturating_sub(before));
    let passed = begun.elapsed();
    println!("{}: {passed:.2?} passed, {:.2?} of work", STEPS[times.len()], worked.unwrap_or(passed));
    times.push(worked.unwrap_or(passed));
    result
}

/// Returns the processor time of this process, and of the git processes that have ended. `None` where there is
/// no `/proc`.
fn processor_time() -> Option<Duration> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in brackets, may hold blanks. User and system time are the fields 14 to 17, in
    // hundredths of a second.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Duration::from_millis(10 * ticks))
}

/// Returns how long each step takes with this many files, committed at once or left uncommitted.
fn measured(files: usize) -> Vec<Duration> {
    println!("{files} files in one folder");
    let mut times = Vec::new();
    let gate = Gate::new(Home::new());
    let (home, repository) = (&gate.home, gate.home.repository());
    let base = head(&home.root);
    let worktree = home.worktree("task");
    make(&worktree.path.join("many"), files);
    let tip = commit_all(&worktree.path, "many");
    let found = timed(&mut times, || harvest(&repository, &worktree, &base, &base, None, &[]).unwrap());
    assert_eq!((found.net_paths.len(), found.uncommitted.len()), (files, 0));
    timed(&mut times, || {
        let tests = Globs::new(&patterns(None)).unwrap();
        let guarded = Guarded { tests: tests.clone(), commands: vec!["pytest".to_owned()] };
        assert!(read_branch(&repository, &base, &tip, &[]).unwrap().secrets.is_empty());
        drop(repository.marks(&base, &tip, &tests).unwrap());
        assert!(repository.tampering(&base, &tip, &guarded).unwrap().is_empty());
    });
    // Two more branches: one that conflicts in a file of the folder, and one that renames a file, so that git
    // merges every pair.
    let mut heads = vec![tip.clone()];
    for (name, path) in [("other", "many/f000001.py"), ("third", "elsewhere")] {
        let other = home.worktree(name);
        write(&other.path, path, "another\n");
        fs::remove_file(other.path.join("README.md")).unwrap();
        heads.push(commit_all(&other.path, name));
    }
    let clashes = timed(&mut times, || Radar::default().scan(&repository, &base, &heads).unwrap());
    assert_eq!(clashes.len(), 1);
    git(&home.root, &["update-ref", "refs/paddock/integration/master", base.as_str()]);
    timed(&mut times, || {
        let candidate = make_candidate(&repository, &order(&base, &tip)).unwrap();
        let (commit, _) = clean(&candidate);
        gate.try_hold(&commit, false).unwrap();
        drop(repository.lost_tests(&base, &commit).unwrap());
        land(&repository, &landing(&base, &tip, &candidate)).unwrap();
        assert_eq!(home.publish("master", &base, &commit), PublishOutcome::Published);
    });
    make(&worktree.path.join("more"), files);
    let seen = timed(&mut times, || worktree_status(&repository, &worktree, &[]).unwrap());
    assert_eq!(seen.len(), files);
    let wanted = SalvageOrder {
        objective: "task".to_owned(),
        session: 1,
        exclude: Vec::new(),
        identity: user(),
        time_s: 1_700_000_000,
    };
    let kept = timed(&mut times, || salvage(&repository, &worktree, &wanted).unwrap().unwrap());
    assert_eq!(kept.paths.len(), files);
    times
}

#[test]
#[ignore = "takes minutes: TMPDIR=/dev/shm cargo test --release --test it -- --ignored --nocapture grows_with_its_files"]
fn the_time_of_a_commit_grows_with_its_files_and_not_with_their_square() {
    let all = SIZES.map(measured);
    println!("| files | {} |\n|---|{}", STEPS.join(" | "), "---|".repeat(STEPS.len()));
    for (size, times) in SIZES.iter().zip(&all) {
        let cells: Vec<String> = times.iter().map(|time| format!("{:.2} s", time.as_secs_f64())).collect();
        println!("| {size} | {} |", cells.join(" | "));
    }
    for pair in all.windows(2) {
        for (step, name) in STEPS.iter().enumerate() {
            let [before, after] = [&pair[0], &pair[1]].map(|times| times[step].max(SHORTEST).as_secs_f64());
            let max = if ["status", "salvage"].contains(name) { SORTED_GROWTH_MAX } else { GROWTH_MAX };
            assert!(after <= max * before, "{name} takes {after:.2} s after {before:.2} s");
        }
    }
}
