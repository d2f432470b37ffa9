use super::AGAIN_FIRST_MS;
use crate::decide::queue::bed::{Bed, slug};
use crate::effect::Effect;
use crate::input::Input;
use paddock_model::event::Fact;
use paddock_model::ids::ObjectId;
use paddock_model::settings::Slots;
use paddock_model::side_runs::{PushCode, PushWait};

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
    let wait = PushWait { code: PushCode::Rejected, text: "rejected".into(), since_ms: bed.now_ms };
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
