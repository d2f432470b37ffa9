//! Process trees that try to escape, and keepers and supervisors that are killed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use paddock_os::processes::{Identity, signal};
use paddock_runner::{Adoption, Claim, JobKey, JobReport, JobSpec, Runner, StageOutcome, StopReason};
use paddock_testkit::until;

use super::bench::{Bench, lives, pids};
use rustix::process::Signal;

/// Starts three processes of each kind: plain children, children in sessions of their own, and daemons that
/// ignore TERM and have an empty environment, to which neither session nor nonce leads.
const HOSTILE: &str = r#"
f=$PWD/../pids
for i in 1 2 3; do
  (echo $(exec sh -c 'echo $PPID') >> $f; exec sleep 600) &
  setsid -f sh -c 'echo $$ >> "$0"; exec sleep 600' $f
  env -i PATH="$PATH" setsid -f sh -c 'cd /; exec </dev/null >/dev/null 2>&1
    trap "" TERM HUP; setsid -f sh -c "echo \$\$ >> $0; exec sleep 600"' $f
done
"#;
const HOSTILE_COUNT: usize = 9;

/// A job of [`HOSTILE`] processes, with a control group of its own or without: then only the keeper's notes
/// lead to its processes.
fn hostile(bench: &Bench, id: u64, own_group: bool, then: &str) -> JobSpec {
    let mut spec = bench.job(id, &format!("{HOSTILE}{then}"));
    spec.resources.shared_control_group = !own_group;
    spec
}

fn claim(dir: &Path) -> Claim {
    let read = || fs::read(dir.join("claim.json")).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    until("the job is claimed", || read().is_some());
    read().unwrap()
}

/// Returns all hostile processes, once they run and the keeper has noted them in `members.json`.
fn settled(bench: &Bench, spec: &JobSpec) -> Vec<i32> {
    let found = pids(&bench.path("pids"), HOSTILE_COUNT);
    let noted = || -> Vec<Identity> {
        let bytes = fs::read(spec.dir.join("members.json")).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    };
    until("the keeper has seen all", || {
        let noted = noted();
        found.iter().all(|pid| noted.iter().any(|one| one.pid == *pid))
    });
    found
}

fn assert_none_lives(found: &[i32]) {
    assert_eq!(found.iter().copied().filter(|pid| lives(*pid)).collect::<Vec<_>>(), Vec::<i32>::new());
}

fn assert_group_is_gone(claim: &Claim) {
    assert!(claim.cgroup.iter().all(|path| !Path::new(path).exists()), "{claim:?}");
}

#[test]
fn no_descendant_survives_the_end_of_a_job() {
    for (own_group, silent) in [(true, false), (false, false), (true, true), (false, true)] {
        let bench = Bench::new();
        let wait = "while [ $(wc -l < ../pids) -lt 9 ]; do sleep 0.01; done";
        let mut spec = hostile(&bench, 1, own_group, wait);
        if silent {
            // No process holds the output open: only the sweep at the end can find them.
            spec.stages[0].argv = vec![format!("exec >/dev/null 2>&1\n{HOSTILE}{wait}").into()];
        }
        let record = bench.run(&spec);
        assert!(record.succeeded() && record.leaked != silent, "{record:?}");
        // At least 9: a parent that is still exiting after its last fork counts as well.
        assert!(record.survivors_killed >= 9 && record.survivors_left == 0, "{record:?}");
        assert_none_lives(&pids(&bench.path("pids"), HOSTILE_COUNT));
        assert_group_is_gone(&claim(&spec.dir));
    }
}

#[test]
fn stopping_at_once_leaves_no_process() {
    for own_group in [true, false] {
        let bench = Bench::new();
        let spec = hostile(&bench, 1, own_group, "sleep 600");
        bench.runner().submit(&spec).unwrap();
        let found = pids(&bench.path("pids"), HOSTILE_COUNT);
        bench.runner().cancel(&spec.key, StopReason::Human, true).unwrap();
        let record = bench.ended(spec.key);
        assert!(record.killed_hard && record.stop == Some(StopReason::Human), "{record:?}");
        assert_none_lives(&found);
    }
}

#[test]
fn an_agents_own_stop_signal_reaches_it_and_processes_that_ignore_it_are_killed_after_the_grace() {
    let bench = Bench::new();
    let then = "trap 'echo asked >> ../asked' INT; while :; do sleep 0.02; done";
    let mut spec = hostile(&bench, 1, false, then);
    spec.stop_signal = paddock_runner::StopSignal::Int;
    spec.limits.grace_ms = 1_000;
    bench.runner().submit(&spec).unwrap();
    let found = settled(&bench, &spec);
    bench.runner().cancel(&spec.key, StopReason::Cost, false).unwrap();
    until("the agent was asked", || bench.path("asked").exists());
    let record = bench.ended(spec.key);
    assert_eq!((record.stop, record.killed_hard), (Some(StopReason::Cost), true));
    assert_none_lives(&found);

    let mut gentle = bench.job(2, "trap 'exit 3' INT; echo > ../ready; while :; do sleep 0.02; done");
    gentle.stop_signal = paddock_runner::StopSignal::Int;
    bench.runner().submit(&gentle).unwrap();
    until("the agent listens", || bench.path("ready").exists());
    bench.runner().cancel(&gentle.key, StopReason::Tokens, false).unwrap();
    let record = bench.ended(gentle.key);
    assert_eq!((record.stages[0].late_code, record.killed_hard), (Some(3), false));
}

#[test]
fn a_killed_keeper_leaves_a_lost_job_and_no_process() {
    for own_group in [true, false] {
        let bench = Bench::new();
        let spec = hostile(&bench, 1, own_group, "sleep 600");
        bench.runner().submit(&spec).unwrap();
        let found = settled(&bench, &spec);
        let claim = claim(&spec.dir);
        assert!(signal(claim.keeper.unwrap(), Signal::KILL));
        let lost = bench.lost(spec.key);
        assert!(lost.survivors_killed >= 10 && lost.survivors_left == 0 && !lost.never_started, "{lost:?}");
        assert_none_lives(&found);
        assert_group_is_gone(&claim);
        // The runner has reaped the keeper, and the worktree is free.
        assert!(!Path::new(&format!("/proc/{}", claim.keeper.unwrap().pid)).exists());
        assert!(bench.run(&bench.job(2, "true")).succeeded());
    }
}

#[test]
fn adopting_cleans_up_when_keeper_and_supervisor_were_both_killed() {
    for own_group in [true, false] {
        let mut bench = Bench::new();
        let spec = hostile(&bench, 1, own_group, "sleep 600");
        let key_path = spec.dir.join("keeper.lock");
        fs::create_dir_all(&spec.dir).unwrap();
        start_without_a_supervisor(&bench, &spec);
        let found = settled(&bench, &spec);
        assert!(signal(claim(&spec.dir).keeper.unwrap(), Signal::KILL));
        // Waiting for the keeper's lock is waiting for its end: the kernel frees it when the process is gone.
        let lock = fs::File::open(&key_path).unwrap();
        lock.lock().unwrap();
        drop(lock);
        bench.restart();
        let adoption = bench.runner().adopt(&spec.key, &spec.dir).unwrap();
        let Adoption::Lost(lost) = adoption else { panic!("{adoption:?}") };
        assert!(lost.survivors_killed >= 10 && lost.survivors_left == 0, "{lost:?}");
        assert_none_lives(&found);
        assert_group_is_gone(&claim(&spec.dir));
    }
}

fn write_submission(bench: &Bench, spec: &JobSpec) {
    fs::create_dir_all(bench.path("runtime/locks")).unwrap();
    let submission = serde_json::json!({
        "version": 1, "spec": spec, "worktree_lock": bench.path("runtime/locks/by-hand.lock"),
    });
    fs::write(spec.dir.join("session.json"), submission.to_string()).unwrap();
}

/// Starts the keeper from a shell that exits at once, so that it has no parent that waits for it.
fn start_without_a_supervisor(bench: &Bench, spec: &JobSpec) {
    write_submission(bench, spec);
    let mut shell = Command::new("sh");
    shell.args(["-c", "\"$0\" __keeper \"$1\" >/dev/null 2>&1 </dev/null &"]);
    shell.arg(paddock_testkit::program()).arg(&spec.dir);
    assert!(shell.status().unwrap().success());
}

#[test]
fn a_job_is_adopted_while_it_runs_and_after_it_ended() {
    let mut bench = Bench::new();
    let spec = bench.job(1, "until [ -e ../go ]; do sleep 0.01; done; exit 3");
    bench.runner().submit(&spec).unwrap();
    claim(&spec.dir);
    bench.restart();
    let adoption = bench.runner().adopt(&spec.key, &spec.dir).unwrap();
    assert!(matches!(adoption, Adoption::Running { claim: Some(_) }), "{adoption:?}");
    fs::write(bench.path("go"), "").unwrap();
    assert_eq!(bench.ended(spec.key).stages[0].outcome, StageOutcome::Exited { code: 3 });
    bench.restart();
    until(
        "the lock is free",
        || matches!(bench.runner().adopt(&spec.key, &spec.dir), Ok(Adoption::Ended(record)) if !record.succeeded()),
    );
}

#[test]
fn submitting_again_starts_nothing_and_reports_the_same_end() {
    let mut bench = Bench::new();
    let spec = bench.job(1, "echo started >> ../starts; until [ -e ../go ]; do sleep 0.01; done");
    bench.runner().submit(&spec).unwrap();
    bench.runner().submit(&spec).unwrap();
    bench.restart();
    bench.runner().submit(&spec).unwrap();
    let newer = JobSpec { key: JobKey { attempt: 2, ..spec.key }, ..spec.clone() };
    assert!(bench.runner().submit(&newer).is_err());
    fs::write(bench.path("go"), "").unwrap();
    assert!(bench.ended(spec.key).succeeded());
    bench.restart();
    assert!(bench.run(&spec).succeeded());
    assert_eq!(fs::read_to_string(bench.path("starts")).unwrap(), "started\n");
    // A new attempt is another job in the same folder; files of the old one are moved.
    assert!(bench.run(&newer).succeeded());
    assert!(bench.path("runtime/sessions/1/attempt-1/exit.json").exists());
    assert_eq!(fs::read_to_string(bench.path("starts")).unwrap(), "started\nstarted\n");
}

/// A keeper that has written its record and not yet exited, or a process that waits for its exit, holds the
/// lock of the folder for a moment.
#[test]
fn a_new_attempt_waits_until_the_previous_one_has_released_its_lock() {
    let bench = Bench::new();
    let spec = bench.job(1, "true");
    assert!(bench.run(&spec).succeeded());
    for attempt in 2..12 {
        let lock = fs::File::open(spec.dir.join("keeper.lock")).unwrap();
        lock.lock().unwrap();
        let (begin, begun) = std::sync::mpsc::channel();
        let leaving = std::thread::spawn(move || {
            begun.recv().unwrap();
            drop(lock);
        });
        let newer = JobSpec { key: JobKey { attempt, ..spec.key }, ..spec.clone() };
        begin.send(()).unwrap();
        assert!(bench.run(&newer).succeeded());
        leaving.join().unwrap();
    }
}

#[test]
fn a_job_recorded_as_lost_before_its_start_never_starts() {
    let mut bench = Bench::new();
    let spec = bench.job(1, "echo started >> ../starts");
    let adoption = bench.runner().adopt(&spec.key, &spec.dir).unwrap();
    assert!(matches!(&adoption, Adoption::Lost(lost) if lost.never_started), "{adoption:?}");
    write_submission(&bench, &spec);
    let mut late = Command::new(paddock_testkit::program());
    let status = late.arg("__keeper").arg(&spec.dir).stdin(Stdio::null()).stdout(Stdio::null()).status();
    assert_eq!(status.unwrap().code(), Some(75));
    bench.restart();
    bench.runner().submit(&spec).unwrap();
    assert!(bench.lost(spec.key).never_started);
    assert!(!bench.path("starts").exists());
    let next = JobSpec { key: JobKey { attempt: 2, ..spec.key }, ..spec };
    assert!(bench.run(&next).succeeded());
}

#[test]
fn a_second_keeper_leaves_and_hangups_do_not_end_the_first() {
    let bench = Bench::new();
    let spec = bench.job(1, "until [ -e ../go ]; do sleep 0.01; done");
    bench.runner().submit(&spec).unwrap();
    assert!(matches!(bench.report(), JobReport::Started { .. }));
    let mut second = Command::new(paddock_testkit::program());
    let status = second.arg("__keeper").arg(&spec.dir).stdin(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(75));
    let keeper = claim(&spec.dir).keeper.unwrap();
    for each in [Signal::HUP, Signal::INT, Signal::TSTP, Signal::QUIT] {
        assert!(signal(keeper, each));
    }
    fs::write(bench.path("go"), "").unwrap();
    assert!(bench.ended(spec.key).succeeded());

    let endless = bench.job(2, "sleep 600");
    bench.runner().submit(&endless).unwrap();
    assert!(signal(claim(&endless.dir).keeper.unwrap(), Signal::TERM));
    assert_eq!(bench.ended(endless.key).stop, Some(StopReason::Shutdown));
}

/// A process that does not belong to Paddock.
struct Stranger(std::process::Child);

impl Stranger {
    fn new() -> Self {
        // The stranger has a group, a session and a child of its own: a wrongly matched id must not lead to
        // any of them.
        let mut command = Command::new("setsid");
        command.args(["sh", "-c", "sleep 600 & exec sleep 600"]).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    fn identity(&self) -> Identity {
        let pid = i32::try_from(self.0.id()).unwrap();
        until("it leads a session", || paddock_os::processes::one(pid).is_some_and(|one| one.session == pid));
        paddock_os::processes::one(pid).unwrap().identity
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let pid = i32::try_from(self.0.id()).unwrap();
        for one in paddock_os::processes::descendants(pid) {
            signal(one.identity, Signal::KILL);
        }
        drop((self.0.kill(), self.0.wait()));
    }
}

#[test]
fn a_process_id_that_belongs_to_somebody_else_now_is_never_signalled() {
    let stranger = Stranger::new();
    let present = stranger.identity();
    // The recorded process has ended, and its id was reused for the stranger.
    let past = Identity { start: present.start - 1, ..present };

    // Cancelling wakes the keeper by a signal. Sent to the stranger, which has no handler, it would be fatal.
    let bench = Bench::new();
    let spec = bench.job(1, "sleep 600");
    bench.runner().submit(&spec).unwrap();
    let mut stale = claim(&spec.dir);
    let keeper = stale.keeper.replace(past);
    fs::write(spec.dir.join("claim.json"), serde_json::to_string(&stale).unwrap()).unwrap();
    bench.runner().cancel(&spec.key, StopReason::Human, false).unwrap();
    // The signal was not sent, but the keeper also polls once a second.
    assert_eq!(bench.ended(spec.key).stop, Some(StopReason::Human));
    assert_ne!(keeper, stale.keeper);

    // A job whose keeper and members are gone, while the stranger has their ids: nothing may be killed.
    let lost = bench.job(2, "true");
    fs::create_dir_all(&lost.dir).unwrap();
    write_submission(&bench, &lost);
    fs::write(lost.dir.join("claim.json"), serde_json::to_string(&stale).unwrap()).unwrap();
    fs::write(lost.dir.join("members.json"), serde_json::to_string(&[past]).unwrap()).unwrap();
    let adoption = bench.runner().adopt(&lost.key, &lost.dir).unwrap();
    let Adoption::Lost(found) = adoption else { panic!("{adoption:?}") };
    assert_eq!((found.survivors_killed, found.survivors_left), (0, 0), "{found:?}");
    assert!(paddock_os::processes::is_alive(present));
    assert_eq!(paddock_os::processes::descendants(present.pid).len(), 1);
}

#[test]
fn a_job_of_an_earlier_boot_kills_nobody() {
    let stranger = Stranger::new();
    let bench = Bench::new();
    let spec = bench.job(1, "true");
    fs::create_dir_all(&spec.dir).unwrap();
    write_submission(&bench, &spec);
    // Id and start time agree by chance; only the boot id differs.
    let claim = serde_json::json!({
        "version": 1, "attempt": 1, "keeper": stranger.identity(), "boot_id": "another", "nonce": "x", "cgroup": null,
    });
    fs::write(spec.dir.join("claim.json"), claim.to_string()).unwrap();
    fs::write(spec.dir.join("members.json"), serde_json::to_string(&[stranger.identity()]).unwrap()).unwrap();
    let adoption = bench.runner().adopt(&spec.key, &spec.dir).unwrap();
    assert!(matches!(&adoption, Adoption::Lost(lost) if lost.survivors_killed == 0), "{adoption:?}");
    assert!(paddock_os::processes::is_alive(stranger.identity()));
}

/// Processes with misleading names, some of which look like the rest of a line of /proc/PID/stat. They close
/// their files and leave the session. The last one has a child that it never reaps.
const DISGUISED: &str = r#"
f=$PWD/../pids
for name in 'x) Z 1 1 1 1' '(((' 'kworker/0:0' ') R 1'; do
  setsid -f sh -c 'printf %s "$1" > /proc/$$/comm; echo $$ >> "$0"
    exec </dev/null >/dev/null 2>&1 3>&- 4>&-; while :; do sleep 600; done' $f "$name"
done
setsid -f sh -c 'sh -c "exit 0" & echo $$ >> "$0"; exec sleep 600' $f
"#;

#[test]
fn names_that_lie_and_processes_that_nobody_reaps_hold_up_nothing() {
    let bench = Bench::new();
    let spec = bench.job(1, &format!("{DISGUISED}sleep 600"));
    bench.runner().submit(&spec).unwrap();
    let found = pids(&bench.path("pids"), 5);
    bench.runner().cancel(&spec.key, StopReason::Human, true).unwrap();
    let record = bench.ended(spec.key);
    assert_eq!(record.survivors_left, 0, "{record:?}");
    assert_none_lives(&found);

    // The same without a keeper: the runner has to find them.
    let script = format!("{DISGUISED}sleep 600").replace("../pids", "../more");
    let again = bench.job(2, &script);
    bench.runner().submit(&again).unwrap();
    let found = pids(&bench.path("more"), 5);
    let keeper = claim(&again.dir).keeper.unwrap();
    assert!(signal(keeper, Signal::KILL));
    let lost = bench.lost(again.key);
    assert!(lost.survivors_killed >= 5 && lost.survivors_left == 0, "{lost:?}");
    assert_none_lives(&found);
}

/// The agent's main process waits a little for the end of its command, which would come at once if both had the
/// signal at once; then it says whether the command was left alone.
const WITH_A_COMMAND: &str = r#"
sh -c 'trap "echo > ../command-asked; exit 0" TERM; echo > ../ready; while :; do sleep 0.02; done' &
trap 'sleep 0.3; test -e ../command-asked || echo > ../was-first; exit 4' TERM
while :; do sleep 0.02; done
"#;

#[test]
fn an_agent_is_asked_to_stop_before_its_commands_and_they_are_asked_when_it_has_ended() {
    let bench = Bench::new();
    let spec = bench.job(1, WITH_A_COMMAND);
    bench.runner().submit(&spec).unwrap();
    until("the command runs", || bench.path("ready").exists());
    bench.runner().cancel(&spec.key, StopReason::Tokens, false).unwrap();
    let record = bench.ended(spec.key);
    assert_eq!((record.stages[0].late_code, record.killed_hard), (Some(4), false), "{record:?}");
    assert!(bench.path("was-first").exists(), "the command was asked with its agent");
    assert!(bench.path("command-asked").exists(), "the command was killed without being asked");
}
