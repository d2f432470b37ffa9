//! The user's target branch, and the integration ref that follows it.

use paddock_engine::input::{Input, Problem};
use paddock_model::facts::{Relation, TargetFacts};
use paddock_model::ids::ObjectId;

use super::queue::{Queue, slug};

fn relation(queue: &Queue, one: &ObjectId, other: &ObjectId) -> Relation {
    match (one == other, queue.world.is_in(one, other), queue.world.is_in(other, one)) {
        (true, ..) => Relation::Same,
        (_, true, _) => Relation::Ancestor,
        (_, _, true) => Relation::Descendant,
        _ => Relation::Diverged,
    }
}

pub(super) fn look(queue: &mut Queue) {
    let integration = queue.project().integration.clone();
    let (tip, published) = (integration.tip, integration.published);
    let facts = TargetFacts {
        target: Some(queue.target.clone()),
        to_tip: relation(queue, &queue.target, &tip),
        to_published: relation(queue, &queue.target, &published),
        tip: tip.clone(),
        published,
    };
    queue.inbox.push(Input::TargetLooked { project: slug(), facts });
    if integration.is_external {
        let tree = queue.world.at(&tip).tree.id();
        queue.inbox.push(Input::ExternalSeen { project: slug(), commit: tip, tree });
    }
}

pub(super) fn move_external(queue: &mut Queue, from: &ObjectId, to: ObjectId) {
    let result = match () {
        () if queue.world.is_in(&to, &queue.integration) => Ok(()),
        () if queue.integration == *from => {
            queue.integration = to.clone();
            Ok(())
        }
        () => Err("the integration ref is elsewhere".to_owned()),
    };
    queue.inbox.push(Input::ExternalMoved { project: slug(), to, result: result.map_err(Problem::new) });
}

/// The user commits on the target branch.
pub(super) fn commit(queue: &mut Queue) {
    let version = queue.world.chosen(false);
    let tree = queue.world.with(&queue.world.at(&queue.target).tree.clone(), version);
    queue.target = queue.world.commit(vec![queue.target.clone()], tree);
    let target = queue.target.clone();
    queue.world.know(&target, version);
    look(queue);
}
