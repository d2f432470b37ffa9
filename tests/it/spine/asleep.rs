//! A supervisor that is suspended for a while, by a signal or for want of CPU time.

use paddock_testkit::{Sandbox, count, is, until};
use rustix::process::Signal;

#[test]
fn agents_work_while_the_supervisor_is_suspended_and_their_work_lands_when_it_continues() {
    let place = Sandbox::new();
    let repository = place.project("shop", "session_defaults: {stall_minutes: 1}\n");
    let script = "touch $NOTES/works\nwait_for $NOTES/go\ncommit work.txt\nover";
    place.objective("work", script, &[]);
    let supervisor = place.supervisor(&[]);
    supervisor.wait("session_started", "work");
    supervisor.signal(Signal::STOP);
    std::fs::write(place.note("go"), "").unwrap();
    let ended = place.path("workspace/runtime/sessions/1/exit.json");
    until("the agent has ended without its supervisor", || ended.exists());
    supervisor.signal(Signal::CONT);
    supervisor.wait("worktree_removed", "work");
    let events = supervisor.stop();
    let end = events.iter().find(|event| is(event, "session_ended", "work")).unwrap();
    assert_eq!(end["data"]["end"], "completed");
    // Both clocks ran while the process was stopped, so this is no sleep of the machine.
    assert_eq!(count(&events, "clock_jumped", "*"), 0);
    place.is_tidy(&repository, 1);
}
