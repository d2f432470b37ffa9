//! Ends of jobs: by themselves, never started, at a limit, or stopped.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use paddock_runner::log::{LogReader, Stream};
use paddock_runner::{JobReport, Runner, RunnerError, SecretValues, StageOutcome, StopReason};
use paddock_testkit::until;

use super::bench::{Bench, job, lives, log, pids, stage};

#[test]
fn exit_codes_signals_and_commands_that_do_not_exist_are_told_apart() {
    let bench = Bench::new();
    let record = bench.run(&bench.job(1, "echo out; echo err >&2; exit 7"));
    assert_eq!(record.stages[0].outcome, StageOutcome::Exited { code: 7 });
    let dir = bench.path("runtime/sessions/1");
    assert_eq!((log(&dir, Stream::Stdout), log(&dir, Stream::Stderr)), ("out\n".into(), "err\n".into()));

    let record = bench.run(&bench.job(2, "kill -9 $$"));
    assert_eq!(record.stages[0].outcome, StageOutcome::Signaled { signal: 9 });

    let record = bench.run(&bench.job(3, "exit 127"));
    assert_eq!(record.stages[0].outcome, StageOutcome::Exited { code: 127 });

    let mut missing = bench.job(4, "/nowhere/agent");
    missing.stages[0].shell = false;
    let record = bench.run(&missing);
    assert!(matches!(record.stages[0].outcome, StageOutcome::NotStarted { errno: 2, .. }), "{record:?}");

    let mut nowhere = bench.job(5, "true");
    nowhere.worktree = bench.path("no-such-folder");
    let record = bench.run(&nowhere);
    let StageOutcome::NotStarted { errno: 2, text } = &record.stages[0].outcome else { panic!("{record:?}") };
    assert!(text.contains("no-such-folder"), "{text}");
}

#[test]
fn stages_run_in_order_and_stop_at_the_first_failure_or_timeout() {
    let bench = Bench::new();
    let stages = vec![stage("one", "echo 1"), stage("two", "echo 2; exit 3"), stage("three", "echo 3")];
    let record = bench.run(&job(bench.folder.path(), 1, stages));
    assert_eq!(record.stages.len(), 2);
    assert_eq!((record.stages[1].stdout_from, record.stdout.written_bytes), (2, 4));
    assert!(!record.succeeded());

    let mut slow = stage("slow", "sleep 600");
    slow.timeout_ms = Some(100);
    let record =
        bench.run(&job(bench.folder.path(), 2, vec![stage("one", "true"), slow, stage("never", "true")]));
    assert_eq!(record.stages.len(), 2);
    assert_eq!(record.stages[1].outcome, StageOutcome::TimedOut);
    assert_eq!((record.stop, record.killed_hard), (None, false));

    assert!(
        bench.run(&job(bench.folder.path(), 3, vec![stage("a", "true"), stage("b", "true")])).succeeded()
    );
}

/// The job runs `env` directly: a shell would correct `PWD` by itself.
#[test]
fn a_jobs_pwd_is_its_own_folder_even_if_its_environment_names_another() {
    let bench = Bench::new();
    let mut spec = bench.job(1, "env");
    spec.stages[0].shell = false;
    spec.env_set = BTreeMap::from([("PWD".to_owned(), "/elsewhere".to_owned())]);
    assert!(bench.run(&spec).succeeded());
    let text = log(&spec.dir, Stream::Stdout);
    let found: Vec<&str> = text.lines().filter(|line| line.starts_with("PWD=")).collect();
    assert_eq!(found, [format!("PWD={}", spec.worktree.display())]);
}

#[test]
fn the_prompt_and_the_environment_reach_the_agent_and_no_secret_is_stored() {
    let bench = Bench::new();
    let mut spec =
        bench.job(1, "cat; echo $SHOWN-$SECRET-$FROM_DOTENV-${HOME:-unset}; umask; pwd; ulimit -n");
    spec.resources.open_files_max = Some(99);
    spec.stdin = Some(bench.path("prompt.md"));
    fs::write(bench.path("prompt.md"), "do it\n").unwrap();
    spec.env_set = BTreeMap::from([("SHOWN".to_owned(), "shown".to_owned())]);
    spec.env_names = vec!["SECRET".to_owned()];
    spec.env_values = SecretValues(BTreeMap::from([("SECRET".to_owned(), "hunter2".to_owned())]));
    spec.env_unset = vec!["HOME".to_owned()];
    assert!(bench.run(&spec).succeeded());
    let text = log(&spec.dir, Stream::Stdout);
    assert!(text.starts_with("do it\nshown-hunter2-dotenv-unset\n"), "{text}");
    // The runner's files are private, but the agent keeps the user's umask.
    assert!(!text.contains("0077") && text.ends_with("/tree\n99\n"), "{text}");
    for entry in fs::read_dir(&spec.dir).unwrap() {
        let path = entry.unwrap().path();
        let is_log = path.to_str().unwrap().contains(".log.");
        assert!(is_log || !fs::read_to_string(&path).unwrap().contains("hunter2"), "{}", path.display());
    }
}

#[test]
fn the_deadline_is_kept_without_a_supervisor() {
    let mut bench = Bench::new();
    let mut spec = bench.job(1, "trap 'exit 5' TERM; while :; do sleep 0.01; done");
    spec.limits.max_awake_ms = Some(300);
    bench.runner().submit(&spec).unwrap();
    bench.restart();
    until("the exit record appears", || spec.dir.join("exit.json").exists());
    bench.runner().adopt(&spec.key, &spec.dir).unwrap();
    let state = bench.runner().poll(&spec.key, &spec.dir).unwrap();
    let paddock_runner::JobState::Ended(record) = state else { panic!("{state:?}") };
    assert_eq!((record.stop, record.stages[0].late_code), (Some(StopReason::Deadline), Some(5)));
    assert_eq!(record.stages[0].outcome, StageOutcome::Stopped);
    assert!(record.awake_ms >= 300);
}

#[test]
fn a_deadline_can_be_extended_and_brought_forward() {
    let bench = Bench::new();
    let mut spec = bench.job(1, "until [ -e ../go ]; do sleep 0.01; done; exit 4");
    spec.limits.max_awake_ms = Some(1_500);
    bench.runner().submit(&spec).unwrap();
    bench.runner().extend(&spec.key, None).unwrap();
    let began = std::time::Instant::now();
    // The limit that was submitted must have passed before the agent may end.
    until("the old limit is over", || began.elapsed() > Duration::from_millis(1_800));
    fs::write(bench.path("go"), "").unwrap();
    let record = bench.ended(spec.key);
    assert_eq!((record.stop, &record.stages[0].outcome), (None, &StageOutcome::Exited { code: 4 }));

    let endless = bench.job(2, "sleep 600");
    bench.runner().submit(&endless).unwrap();
    bench.runner().extend(&endless.key, Some(1)).unwrap();
    assert_eq!(bench.ended(endless.key).stop, Some(StopReason::Deadline));
}

#[test]
fn a_process_that_ignores_the_gentle_signal_is_killed_after_the_grace() {
    let bench = Bench::new();
    let mut spec = bench.job(1, "trap '' TERM; echo ready > ../ready; while :; do sleep 600; done");
    spec.limits.grace_ms = 100;
    bench.runner().submit(&spec).unwrap();
    until("the agent ignores TERM", || bench.path("ready").exists());
    bench.runner().cancel(&spec.key, StopReason::Human, false).unwrap();
    let record = bench.ended(spec.key);
    assert_eq!((record.stop, record.killed_hard), (Some(StopReason::Human), true));

    let patient = bench.job(2, "trap '' TERM; echo ready > ../ready2; while :; do sleep 600; done");
    bench.runner().submit(&patient).unwrap();
    until("the agent ignores TERM", || bench.path("ready2").exists());
    bench.runner().cancel(&patient.key, StopReason::Commits, false).unwrap();
    bench.runner().cancel(&patient.key, StopReason::Human, true).unwrap();
    let record = bench.ended(patient.key);
    assert_eq!((record.stop, record.killed_hard), (Some(StopReason::Commits), true));
}

#[test]
fn silence_without_cpu_time_is_a_stall_and_a_busy_silent_agent_is_not() {
    let bench = Bench::new();
    let mut spec = bench.job(1, "sleep 600");
    spec.limits.stall_ms = Some(400);
    assert_eq!(bench.run(&spec).stop, Some(StopReason::Stalled));
    let mut busy = bench.job(2, "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done");
    busy.limits.stall_ms = Some(2_000);
    assert_eq!(bench.run(&busy).stop, None);
}

#[test]
fn a_changing_file_deep_in_the_worktree_is_no_stall() {
    let bench = Bench::new();
    let deep = bench.path("tree/a/b");
    fs::create_dir_all(&deep).unwrap();
    // The agent neither prints nor computes: this test writes the file, as a build server outside the job
    // would.
    let mut spec = bench.job(1, "read line < ../go");
    let made = std::process::Command::new("mkfifo").arg(bench.path("go")).status().unwrap();
    assert!(made.success());
    spec.limits.stall_ms = Some(3_000);
    bench.runner().submit(&spec).unwrap();
    until("the keeper has begun", || spec.dir.join("claim.json").exists());
    let began = std::time::Instant::now();
    until("much longer than a stall takes has passed", || {
        fs::write(deep.join("notes"), format!("{:?}", began.elapsed())).unwrap();
        began.elapsed() > Duration::from_millis(7_000)
    });
    assert!(!spec.dir.join("exit.json").exists(), "the job was stopped as stalled");
    // Without further writes the job counts as stalled.
    assert_eq!(bench.ended(spec.key).stop, Some(StopReason::Stalled));
}

#[test]
fn two_jobs_never_share_a_worktree() {
    let mut bench = Bench::new();
    let first = bench.job(1, "until [ -e ../go ]; do sleep 0.01; done");
    let second = bench.job(2, "true");
    bench.runner().submit(&first).unwrap();
    let busy = |bench: &Bench| match bench.runner().submit(&second) {
        Err(RunnerError::WorktreeBusy { worktree }) => assert_eq!(worktree, second.worktree),
        other => panic!("{other:?}"),
    };
    busy(&bench);
    bench.restart();
    busy(&bench);
    assert!(!second.dir.join("session.json").exists());
    bench.runner().adopt(&first.key, &first.dir).unwrap();
    busy(&bench);
    fs::write(bench.path("go"), "").unwrap();
    assert!(bench.ended(first.key).succeeded());
    assert!(bench.run(&second).succeeded());
}

#[test]
fn a_flood_is_bounded_by_the_cap_and_keeps_its_first_and_newest_bytes() {
    let bench = Bench::new();
    let mut spec = bench.job(1, "echo first; head -c 200000000 /dev/zero; echo newest");
    spec.limits.log_cap_bytes = 10_000_000;
    spec.limits.segment_bytes = 1_000_000;
    let record = bench.run(&spec);
    assert!(record.succeeded() && record.log_error.is_none(), "{record:?}");
    assert_eq!(record.stdout.written_bytes, 200_000_013);
    assert!((8_000_000..=10_000_000).contains(&record.stdout.kept_bytes), "{record:?}");
    let reader = LogReader::open(&spec.dir, Stream::Stdout);
    assert_eq!(reader.length().unwrap(), 200_000_013);
    assert_eq!(reader.read_at(0, 6).unwrap().bytes, b"first\n");
    assert_eq!(reader.read_at(200_000_006, 100).unwrap().bytes, b"newest\n");
    assert!(reader.read_at(50_000_000, 100).unwrap().gap_bytes > 0);
    println!("flood of 200 MB: {} ms", record.awake_ms);
}

#[test]
fn output_held_by_a_descendant_ends_soon_after_the_main_process() {
    let bench = Bench::new();
    let record = bench.run(&bench.job(1, "sleep 600 & echo $! > ../pid; exit 0"));
    assert!(record.succeeded() && record.leaked, "{record:?}");
    assert_eq!(record.survivors_killed, 1);
    assert!(record.ended_at_ms - record.started_at_ms < 30_000);
    assert!(!lives(pids(&bench.path("pid"), 1)[0]));
}

#[test]
fn the_start_report_names_the_keeper_and_the_keeper_stays_small() {
    let bench = Bench::new();
    let spec = bench.job(1, "until [ -e ../go ]; do sleep 0.01; done");
    bench.runner().submit(&spec).unwrap();
    let JobReport::Started { key, keeper_pid } = bench.report() else { panic!("not started") };
    assert_eq!(key, spec.key);
    let status = fs::read_to_string(format!("/proc/{keeper_pid}/status")).unwrap_or_default();
    let line = |name: &str| status.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    println!("keeper: {} {} {}", line("VmRSS:"), line("RssAnon:"), line("Threads:"));
    // Pages of the program are shared by all keepers; anonymous memory is what each one costs.
    let anon: u64 = line("RssAnon:").split_whitespace().nth(1).map_or(0, |kib| kib.parse().unwrap());
    assert!(anon < 3_000, "{anon} KiB");
    fs::write(bench.path("go"), "").unwrap();
    assert!(bench.ended(spec.key).succeeded());
}

#[test]
fn a_job_that_has_reported_its_end_and_stays_quiet_is_stopped_as_finished() {
    let bench = Bench::new();
    let mut spec = bench.job(1, "echo over; sleep 600");
    (spec.limits.finish_ms, spec.limits.stall_ms) = (Some(200), Some(60_000));
    bench.runner().submit(&spec).unwrap();
    until("the output is there", || log(&spec.dir, Stream::Stdout) == "over\n");
    bench.runner().finished(&spec.key, 5).unwrap();
    assert_eq!(bench.ended(spec.key).stop, Some(StopReason::Finished));

    // It wrote more than what it had written by its report, so it went on.
    let mut more = bench.job(2, "echo over; sleep 600");
    (more.limits.finish_ms, more.limits.stall_ms) = (Some(100), Some(1_500));
    bench.runner().submit(&more).unwrap();
    bench.runner().finished(&more.key, 1).unwrap();
    assert_eq!(bench.ended(more.key).stop, Some(StopReason::Stalled));
}
