//! Changes by events of a pull: the remote's commits, brought in by a person's order.

use crate::facts::Relation;
use crate::ids::{ObjectId, ProjectSlug};
use crate::project::Project;
use crate::side_runs::{Fetched, Pull, PullFailure, PullStage};
use crate::state::State;

impl Project {
    /// Sets how far the pull has come, if there is one.
    fn set_pull(&mut self, stage: PullStage) {
        if let Some(pull) = &mut self.pushing.pull {
            pull.stage = stage;
        }
    }

    /// The user's commits landed. They may be the fetched ones, to which the target branch was moved.
    pub(super) fn target_landed(&mut self, head: &ObjectId) {
        let stage = self.pushing.pull.as_ref().map(|pull| &pull.stage);
        if matches!(stage, Some(PullStage::Forwarding(forwarded)) if forwarded == head) {
            self.remote_landed();
        }
    }

    /// The merge of the remote's commits landed. The order is served once the push succeeds; without one, now.
    pub(super) fn remote_landed(&mut self) {
        match self.settings.land.push {
            Some(_) => self.set_pull(PullStage::Merged),
            None => self.pushing.pull = None,
        }
    }
}

impl State {
    pub(super) fn ask_pull(&mut self, project: &ProjectSlug, round: u32, at_ms: i64) {
        self.change(project, |p| {
            let since_ms = p.pushing.pull.as_ref().filter(|_| round > 1).map_or(at_ms, |pull| pull.since_ms);
            p.pushing.pull = Some(Pull { round, stage: PullStage::Fetching, since_ms });
        });
    }

    pub(super) fn remote_fetched(&mut self, project: &ProjectSlug, fetched: &Fetched, relation: Relation) {
        self.change(project, |p| match relation {
            // With nothing left to push, the order is served.
            Relation::Same | Relation::Ancestor if p.pushing.due.is_none() => p.pushing.pull = None,
            Relation::Same | Relation::Ancestor => p.remote_landed(),
            Relation::Descendant => p.set_pull(PullStage::Forwarding(fetched.head.clone())),
            Relation::Diverged => p.set_pull(PullStage::Merging(fetched.head.clone())),
        });
    }

    pub(super) fn fail_pull(&mut self, project: &ProjectSlug, failure: &PullFailure) {
        self.change(project, |p| p.set_pull(PullStage::Failed(failure.clone())));
    }

    /// A person moved the target branch, and the tip has followed. A push that was due pushes that commit: the
    /// one before it may never be accepted. Of a pull, only the push is left.
    pub(super) fn follow_moved_target(&mut self, project: &ProjectSlug, to: &ObjectId) {
        self.change(project, |p| {
            let stage = p.pushing.pull.as_ref().map(|pull| &pull.stage);
            let is_served = matches!(stage, Some(PullStage::Forwarding(_) | PullStage::Failed(_)));
            if is_served {
                p.remote_landed();
            }
            if p.settings.land.push.is_some() && (p.pushing.due.is_some() || is_served) {
                p.pushing.due = Some(to.clone());
            }
        });
    }
}
