use super::AGAIN_FIRST_MS;
use crate::decide::queue::bed::{Bed, oid, slug};
use crate::effect::Effect;
use crate::input::Input;
use crate::input::PublishAnswer;
use crate::needs::needs;
use paddock_model::command::Command;
use paddock_model::event::Fact;
use paddock_model::facts::{Relation, TargetFacts};
use paddock_model::ids::ObjectId;
use paddock_model::reason::ReasonCode;
use paddock_model::settings::Slots;
use paddock_model::side_runs::{Fetched, PullFault, PullStage, PushCode, PushWait, RemoteCause};
use paddock_model::train::Subject;

/// Returns a project that pushes, whose first landing the remote rejected, and the rejected commit.
fn rejected() -> (Bed, ObjectId) {
    let mut bed = Bed::with(|settings| {
        settings.queue.slots = Slots::Count(1);
        settings.land.push = Some("origin".into());
    });
    bed.land(&[1], false);
    let commit = pushes(&bed).pop().unwrap();
    reject(&mut bed, &commit);
    (bed, commit)
}

fn reject(bed: &mut Bed, commit: &ObjectId) {
    refuse(bed, commit, None);
}

fn refuse(bed: &mut Bed, commit: &ObjectId, cause: Option<RemoteCause>) {
    let (code, text, since_ms) = (PushCode::Rejected, format!("refused: {cause:?}"), bed.now_ms);
    let wait = PushWait { code, cause, text, since_ms };
    bed.take(Input::PushAnswered { project: slug(), commit: commit.clone(), result: Err(wait) });
}

/// Returns the commits whose push was ordered, oldest first.
fn pushes(bed: &Bed) -> Vec<ObjectId> {
    let pushes = bed.effects.iter().filter_map(|effect| {
        let Effect::Push { commit, .. } = effect else { return None };
        Some(commit.clone())
    });
    pushes.collect()
}

#[test]
fn a_rejected_commit_is_pushed_again_after_a_pause_that_grows() {
    let (mut bed, first) = rejected();
    bed.tick_at(bed.now_ms + AGAIN_FIRST_MS - 1);
    assert_eq!(pushes(&bed).len(), 1);
    bed.tick_at(bed.now_ms + 1);
    assert_eq!(pushes(&bed), [first.clone(), first.clone()]);
    reject(&mut bed, &first);
    bed.tick_at(bed.now_ms + AGAIN_FIRST_MS);
    assert_eq!(pushes(&bed).len(), 2);
    bed.tick_at(bed.now_ms + AGAIN_FIRST_MS);
    assert_eq!(pushes(&bed).len(), 3);
    let news = bed.events.iter().filter(|event| matches!(event.fact, Fact::PushWaits { .. }));
    assert_eq!(news.count(), 1);
}

#[test]
fn a_commit_published_during_the_pause_is_pushed_at_once() {
    let (mut bed, first) = rejected();
    bed.land(&[2], false);
    let pushes = pushes(&bed);
    assert_eq!(pushes.len(), 2);
    assert_ne!(pushes[1], first);
}

/// Returns what clears the first need of this kind.
fn clears(bed: &Bed, code: ReasonCode) -> Option<String> {
    needs(&bed.state, &slug())
        .into_iter()
        .find(|need| need.reason.code == code)
        .map(|need| need.reason.clears)
}

#[test]
fn each_cause_of_a_refused_push_names_what_helps() {
    let (mut bed, commit) = rejected();
    assert!(clears(&bed, ReasonCode::PushWaits).unwrap().contains("tries again by itself"));
    let helps = [
        (RemoteCause::Ahead, "queue pull"),
        (RemoteCause::Declined, "the rules or the hooks"),
        (RemoteCause::Authentication, "ssh-agent"),
        (RemoteCause::HostKey, "git fetch origin"),
        (RemoteCause::NoRepository, "git remote set-url origin"),
        (RemoteCause::NoRemote, "git remote add origin"),
        (RemoteCause::Network, "tries again by itself"),
        (RemoteCause::Untrusted, "project trust"),
    ];
    for (cause, words) in helps {
        refuse(&mut bed, &commit, Some(cause));
        let clears = clears(&bed, ReasonCode::PushWaits).unwrap();
        assert!(clears.contains(words), "{cause:?}: {clears}");
    }
}

/// Returns a project whose push was refused because somebody else had pushed, with a pull ordered.
fn pulling() -> Bed {
    let (mut bed, commit) = rejected();
    refuse(&mut bed, &commit, Some(RemoteCause::Ahead));
    bed.command(Command::QueuePull { project: slug() }).unwrap();
    bed
}

fn fetches(bed: &Bed) -> usize {
    bed.effects.iter().filter(|effect| matches!(effect, Effect::FetchRemote { .. })).count()
}

/// The fetch finds this commit, which is so related to the tip.
fn fetched(bed: &mut Bed, head: ObjectId, relation: Relation) {
    let tip = bed.project().integration.tip.clone();
    let result = Ok((Fetched { name: "origin/main".into(), head }, relation));
    bed.take(Input::RemoteFetched { project: slug(), tip, result });
}

fn stage(bed: &Bed) -> Option<PullStage> {
    bed.project().pushing.pull.as_ref().map(|pull| pull.stage.clone())
}

#[test]
fn commits_of_the_remote_go_through_the_queue_first_and_are_then_pushed() {
    let mut bed = pulling();
    assert_eq!(fetches(&bed), 1);
    // A second order while the first is served adds nothing.
    bed.command(Command::QueuePull { project: slug() }).unwrap();
    assert_eq!(fetches(&bed), 1);
    let others = oid(900);
    fetched(&mut bed, others.clone(), Relation::Diverged);
    assert_eq!(stage(&bed), Some(PullStage::Merging(others)));
    let entries: Vec<_> = bed.project().train.entries.iter().map(|entry| entry.subject.clone()).collect();
    assert_eq!(entries, [Subject::Remote]);
    let before = pushes(&bed).len();
    bed.land(&[], false);
    assert_eq!(stage(&bed), Some(PullStage::Merged));
    let pushed = pushes(&bed);
    assert_eq!(pushed.len(), before + 1);
    let commit = pushed.last().unwrap().clone();
    assert_eq!(bed.project().integration.tip, commit);
    bed.take(Input::PushAnswered { project: slug(), commit, result: Ok(()) });
    assert_eq!((stage(&bed), clears(&bed, ReasonCode::PushWaits)), (None, None));
}

#[test]
fn a_push_in_between_is_fetched_again_and_not_for_ever() {
    let mut bed = pulling();
    for round in 1..=crate::decide::queue::pull::ROUNDS_MAX {
        assert_eq!(fetches(&bed), round as usize);
        // The remote's branch is part of the tip by now; the push is tried at once, and refused again.
        let tip = bed.project().integration.tip.clone();
        fetched(&mut bed, oid(1), Relation::Ancestor);
        refuse(&mut bed, &tip, Some(RemoteCause::Ahead));
    }
    assert_eq!(fetches(&bed), crate::decide::queue::pull::ROUNDS_MAX as usize);
    let Some(PullStage::Failed(failure)) = stage(&bed) else { panic!("{:?}", stage(&bed)) };
    assert_eq!(failure.fault, PullFault::Outrun);
    assert!(clears(&bed, ReasonCode::PullFailed).unwrap().contains("queue pull"));
}

#[test]
fn a_remote_that_holds_everything_moves_the_target_branch_without_a_merge() {
    let mut bed = pulling();
    let others = oid(900);
    fetched(&mut bed, others.clone(), Relation::Descendant);
    let forward = |effect: &Effect| matches!(effect, Effect::ForwardTarget { to, .. } if *to == others);
    assert!(bed.effects.iter().any(forward), "{:?}", bed.effects);
    assert!(bed.project().train.entries.is_empty());
    // The user's files are in the way: nothing changed, and a person is told which.
    let wait = paddock_model::project::PublicationWait {
        code: paddock_model::project::WaitCode::LocalChanges,
        files: vec!["a.txt".into()],
        text: "uncommitted changes are in the way".into(),
        since_ms: 1,
    };
    let answer = PublishAnswer::Waits(wait);
    bed.take(Input::TargetForwarded { project: slug(), to: others, answer });
    let need = needs(&bed.state, &slug()).into_iter().find(|need| need.reason.code == ReasonCode::PullFailed);
    assert!(need.is_some_and(|need| need.reason.text.contains("a.txt")));
}

#[test]
fn a_push_that_is_due_follows_the_user_s_own_merge() {
    let (mut bed, commit) = rejected();
    refuse(&mut bed, &commit, Some(RemoteCause::Ahead));
    let merge = oid(901);
    let integration = bed.project().integration.clone();
    let (tip, published) = (integration.tip, integration.published);
    let (to_tip, to_published) = (Relation::Descendant, Relation::Descendant);
    let facts = TargetFacts { target: Some(merge.clone()), tip, published, to_tip, to_published };
    bed.take(Input::TargetLooked { project: slug(), facts });
    bed.take(Input::ExternalMoved { project: slug(), to: merge.clone(), result: Ok(()) });
    assert_eq!(bed.project().pushing.due, Some(merge.clone()));
    assert_eq!(pushes(&bed).last(), Some(&merge));
}
