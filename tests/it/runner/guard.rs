//! Jobs that stop or kill their keeper. The parent of a job's main process is the keeper.

use std::fs;
use std::time::Duration;

use paddock_model::keeper::{KeeperFault, KeeperRemedy};
use paddock_runner::{Adoption, GuardTimes, JobReport, Limits, Runner, StopReason};

use super::bench::{Bench, lives, pids};

/// Looks often, so that the tests are short; all other times are those that ship.
fn often() -> GuardTimes {
    GuardTimes { look: Duration::from_millis(20), dead: Duration::from_millis(300), ..GuardTimes::default() }
}

/// Stops the keeper for ever, from a process of its own.
const STOPS: &str = "echo $$ > ../pid; while :; do kill -STOP $PPID; done";

#[test]
fn a_keeper_that_its_job_stops_is_continued_and_the_job_ends_as_always() {
    let bench = Bench::guarding(often());
    let spec = bench.job(1, "kill -STOP $PPID; echo said");
    bench.runner().submit(&spec).unwrap();
    let (troubles, end) = bench.guarded(spec.key);
    let JobReport::Ended { record, .. } = end else { panic!("{end:?}") };
    assert!(record.succeeded(), "{record:?}");
    let found: Vec<_> = troubles.iter().map(|one| (one.fault, one.remedy, one.times)).collect();
    assert_eq!(found, [(KeeperFault::Stopped, KeeperRemedy::Continued, 1)]);
}

#[test]
fn a_keeper_that_is_stopped_again_and_again_is_killed_with_its_job() {
    let bench = Bench::guarding(often());
    let spec = bench.job(1, STOPS);
    bench.runner().submit(&spec).unwrap();
    let (troubles, end) = bench.guarded(spec.key);
    assert!(matches!(&end, JobReport::Lost { job, .. } if !job.never_started), "{end:?}");
    let last = troubles.last().unwrap();
    assert_eq!((last.fault, last.remedy, last.times), (KeeperFault::Stopped, KeeperRemedy::Killed, 3));
    assert!(!lives(pids(&bench.path("pid"), 1)[0]));
}

#[test]
fn a_job_that_was_to_stop_counts_as_stopped_when_its_keeper_has_to_be_killed() {
    // No look before the stop is asked for, or the job would be lost by then.
    let bench = Bench::guarding(GuardTimes { look: Duration::from_millis(700), ..often() });
    let spec = bench.job(1, STOPS);
    bench.runner().submit(&spec).unwrap();
    pids(&bench.path("pid"), 1);
    bench.runner().cancel(&spec.key, StopReason::Human, false).unwrap();
    let (_, end) = bench.guarded(spec.key);
    let JobReport::Ended { record, .. } = end else { panic!("{end:?}") };
    assert_eq!(record.stop, Some(StopReason::Human), "{record:?}");
    // A supervisor that comes later reads the same.
    let mut bench = bench;
    bench.restart();
    let adoption = bench.runner().adopt(&spec.key, &spec.dir).unwrap();
    assert!(matches!(adoption, Adoption::Ended(found) if found == record));
}

#[test]
fn a_stopped_keeper_of_an_earlier_supervisor_is_continued() {
    let mut bench = Bench::guarding(GuardTimes { look: Duration::from_secs(3_600), ..often() });
    let spec = bench.job(1, "kill -STOP $PPID; echo $PPID > ../pid; until [ -e ../go ]; do sleep 0.01; done");
    bench.runner().submit(&spec).unwrap();
    pids(&bench.path("pid"), 1);
    bench.restart();
    fs::write(bench.path("go"), "").unwrap();
    bench.runner = bench.runner.map(|runner| runner.guarded(often()));
    assert!(matches!(bench.runner().adopt(&spec.key, &spec.dir), Ok(Adoption::Running { .. })));
    assert!(bench.ended(spec.key).succeeded());
}

#[test]
fn a_limit_that_the_job_lifts_by_itself_ends_it_all_the_same() {
    let bench = Bench::guarding(GuardTimes { overdue: Duration::from_millis(300), ..often() });
    let lift = r#"printf '{"version":1,"attempt":1,"epoch":9,"max_awake_ms":null,"stop":null}' > "$JOB/control.json"
        kill -USR1 $PPID; sleep 600"#;
    let mut spec = bench.job(1, lift);
    spec.env_set.insert("JOB".to_owned(), spec.dir.display().to_string());
    spec.limits = Limits { max_awake_ms: Some(400), grace_ms: 100, ..Limits::default() };
    bench.runner().submit(&spec).unwrap();
    let (troubles, end) = bench.guarded(spec.key);
    let JobReport::Ended { record, .. } = end else { panic!("{end:?}") };
    assert_eq!(record.stop, Some(StopReason::Deadline), "{record:?}");
    assert_eq!(troubles.last().map(|one| one.fault), Some(KeeperFault::Overdue));
}

#[test]
fn a_keeper_without_a_sign_of_life_is_killed() {
    // Shorter than the interval of the signs, so that a sound keeper looks silent.
    let bench = Bench::guarding(GuardTimes { silent: Duration::from_millis(200), ..often() });
    let spec = bench.job(1, "sleep 600");
    bench.runner().submit(&spec).unwrap();
    let (troubles, end) = bench.guarded(spec.key);
    assert!(matches!(end, JobReport::Lost { .. }), "{end:?}");
    assert_eq!(troubles.last().map(|one| one.fault), Some(KeeperFault::Silent));
}

#[test]
fn a_job_that_kills_its_keeper_and_takes_its_lock_is_over_and_dead() {
    let bench = Bench::guarding(often());
    let script = r#"rm "$JOB/claim.json"; flock "$JOB/keeper.lock" sh -c 'echo $$ >> ../pid; exec sleep 600' &
        kill -KILL $PPID; echo $$ >> ../pid; exec sleep 600"#;
    let mut spec = bench.job(1, script);
    spec.env_set.insert("JOB".to_owned(), spec.dir.display().to_string());
    bench.runner().submit(&spec).unwrap();
    let job = bench.lost(spec.key);
    assert!(!job.never_started, "{job:?}");
    assert!(pids(&bench.path("pid"), 1).into_iter().all(|pid| !lives(pid)));
}

#[test]
fn an_agent_that_stops_itself_meets_its_limits() {
    let bench = Bench::new();
    let mut spec = bench.job(1, "kill -STOP $$");
    spec.limits = Limits { max_awake_ms: Some(300), grace_ms: 20_000, ..Limits::default() };
    assert_eq!(bench.run(&spec).stop, Some(StopReason::Deadline));
    let mut spec = bench.job(2, "kill -STOP $$");
    spec.limits = Limits { stall_ms: Some(300), grace_ms: 20_000, ..Limits::default() };
    assert_eq!(bench.run(&spec).stop, Some(StopReason::Stalled));
}
