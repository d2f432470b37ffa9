//! Which branch a project lands on. It is recorded when the project is registered, and only people change it.
//!
//! Neither HEAD nor the project file changes it by itself, as work in progress was begun on the recorded
//! branch. If the file names another branch, the project is held until a person agrees.
//!
//! `TargetKeyRead` reports the branch that the file names: another one is the hold `target_changed`; none at
//! all, with HEAD detached, is `target_unset`, and then no integration ref is made. `project set-target`
//! carries how the branch relates to the tip and to the published commit. It is refused when these have moved
//! since, and while anything lands or is published. A branch without a commit of its own beyond what was
//! published (the old one renamed) keeps the tip. Any other begins where it is: landings that are in neither
//! go to needs_review, and branches that were begun on the old one need `--yes`. `MakeIntegration` then sets
//! the ref of the new branch to the tip (`Integration::is_reset`; its old value is kept under
//! `refs/paddock/kept/integration/`), after the project file was read again, so that the new branch's gate
//! holds from its first landing on.

use crate::decide::queue::entries::drop_users_entry;
use crate::decide::queue::holds::{hold, release};
use crate::decide::queue::publish;
use crate::decide::queue::pull;
use crate::decide::refusals::unknown_project;
use crate::decide::scribe::Scribe;
use crate::effect::Effect;
use crate::listing::a_few_of;
use paddock_model::command::{Answer, Refusal, Reply, SetTarget};
use paddock_model::event::Fact;
use paddock_model::facts::{Relation, TargetKey};
use paddock_model::ids::{ObjectId, ObjectiveId, ObjectiveKey, ProjectSlug};
use paddock_model::objective::{Cause, Objective, Status};
use paddock_model::project::Project;
use paddock_model::reason::{Reason, ReasonCode};

/// Objectives that a sentence names; the others are counted.
const NAMED_MAX: usize = 8;

/// The project file was read and names this target branch, or none.
pub(in crate::decide) fn key_read(scribe: &mut Scribe<'_>, slug: &ProjectSlug, key: Option<&TargetKey>) {
    let Some(project) = scribe.state.project(slug) else { return };
    let recorded = project.settings.target_branch.clone();
    match key {
        None if recorded.is_empty() => unset(scribe, slug, None),
        Some(key) if recorded.is_empty() => match &key.at {
            Some(at) => begin(scribe, slug, &key.branch, at),
            None => unset(scribe, slug, Some(key)),
        },
        Some(key) if key.branch != recorded => {
            let named = format!("{} names the target branch {}", key.place, key.branch);
            let back = format!("write `target_branch: {recorded}` there");
            let (text, clears) = match key.at {
                Some(_) => (
                    format!("{named}, but work lands on {recorded}"),
                    format!("`paddock project trust {slug}` lands on {} from now on; or {back}", key.branch),
                ),
                None => (format!("{named}, which does not exist; work lands on {recorded}"), back),
            };
            hold(scribe, slug, ReasonCode::TargetChanged, text, clears);
        }
        _ => release(scribe, slug, ReasonCode::TargetChanged),
    }
}

fn unset(scribe: &mut Scribe<'_>, slug: &ProjectSlug, key: Option<&TargetKey>) {
    let text = match key {
        Some(key) => format!("{} names the target branch {}, which does not exist", key.place, key.branch),
        None => "the project has no target branch: HEAD was detached when it was registered".into(),
    };
    let clears = format!(
        "`paddock project set-target {slug} BRANCH`, or `target_branch: BRANCH` in projects/{slug}.yaml"
    );
    hold(scribe, slug, ReasonCode::TargetUnset, text, clears);
}

/// Records the first target branch of a project that was registered without one.
fn begin(scribe: &mut Scribe<'_>, slug: &ProjectSlug, branch: &str, at: &ObjectId) {
    record(scribe, slug, branch, at, at, Vec::new());
}

fn record(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    branch: &str,
    tip: &ObjectId,
    published: &ObjectId,
    lost: Vec<ObjectiveId>,
) {
    let Some(project) = scribe.state.project(slug) else { return };
    let from_branch = project.settings.target_branch.clone();
    scribe.mark(slug);
    // The user's commits on the old branch are not to be merged into the new one.
    drop_users_entry(scribe, slug, None);
    pull::drop_remote_entry(scribe, slug);
    scribe.record(Fact::TargetSet {
        project: slug.clone(),
        from_branch,
        branch: branch.to_owned(),
        tip: tip.clone(),
        published: published.clone(),
        lost,
    });
    // A queue that was held because of the old integration ref is released: a new ref is made now, and every
    // merge is checked again before it lands.
    let is_held = |project: &Project| {
        let held = project.train.held.as_ref().map(|reason| reason.code);
        matches!(held, Some(ReasonCode::RepositoryBroken | ReasonCode::SelfCheck))
    };
    if scribe.state.project(slug).is_some_and(is_held) {
        scribe.record(Fact::QueueReleased { project: slug.clone() });
    }
    scribe.memo.publish_now.remove(slug);
    scribe.memo.publish_again.remove(slug);
    use ReasonCode as R;
    for code in [R::TargetMissing, R::TargetRewritten, R::TargetChanged, R::TargetUnset] {
        release(scribe, slug, code);
    }
    scribe.order(Effect::MakeIntegration { project: slug.clone(), at: tip.clone() });
}

/// The consequences of another target branch.
struct Move {
    /// New integration tip.
    tip: ObjectId,
    /// Commit of the new branch that counts as published.
    published: ObjectId,
    /// Landings that neither the old nor the new branch contains.
    lost: Vec<ObjectiveId>,
    /// Objectives whose work branches contain commits that the new branch lacks.
    foreign: Vec<ObjectiveId>,
}

fn planned(scribe: &Scribe<'_>, project: &Project, order: &SetTarget, at: &ObjectId) -> Move {
    use Relation as R;
    let (facts, integration) = (&order.facts, &project.integration);
    let tip = integration.tip.clone();
    let holds_all = matches!(facts.to_tip, R::Same | R::Descendant);
    // The new branch has no commit of its own beyond what was published: it is the old branch renamed, or was
    // created from it. The tip stays, and what has landed is published to the new branch.
    let is_behind = facts.to_tip == R::Ancestor && matches!(facts.to_published, R::Same | R::Descendant);
    if is_behind {
        return Move { tip, published: at.clone(), lost: Vec::new(), foreign: Vec::new() };
    }
    let lost = integration.unpublished.iter().filter(|id| order.lacks.contains(id)).cloned().collect();
    let objectives = scribe.state.objectives_of(&project.slug);
    let foreign = match holds_all {
        true => Vec::new(),
        false => objectives.filter(|found| is_begun(found)).map(|found| found.key.id.clone()).collect(),
    };
    Move { tip: at.clone(), published: at.clone(), lost, foreign }
}

/// Returns whether the objective has a branch that may still land.
fn is_begun(objective: &Objective) -> bool {
    objective.status.is_unfinished() && (objective.worktree.is_some() || objective.head.is_some())
}

/// A person sets the target branch, by `project set-target` or by `project trust` of another branch in the
/// file.
pub(in crate::decide) fn set(scribe: &mut Scribe<'_>, slug: &ProjectSlug, order: &SetTarget) -> Reply {
    let Some(project) = scribe.state.project(slug) else {
        return Err(unknown_project(scribe, slug));
    };
    let (before, branch) = (project.settings.target_branch.clone(), &order.branch);
    if before == *branch {
        return Ok(Answer::text(format!("project {slug} lands on {branch}, as before")));
    }
    let Some(at) = &order.facts.target else {
        return Err(Refusal::new(format!("there is no branch {branch} in {}", project.settings.repo_root)));
    };
    refuse_busy(scribe, project, order)?;
    let planned = planned(scribe, project, order, at);
    if !order.anyway {
        refuse_loss(project, branch, &planned)?;
    }
    // Copied first, as `record` takes the lost landings off this list.
    let unpublished = project.integration.unpublished.clone();
    let text = answer(slug, &before, order, &planned, &unpublished);
    record(scribe, slug, branch, &planned.tip, &planned.published, planned.lost.clone());
    for id in unpublished {
        let key = ObjectiveKey { project: slug.clone(), id };
        let is_lost = planned.lost.contains(&key.id);
        let is_published = scribe.state.objective(&key).and_then(|found| found.landed.as_ref());
        if is_lost {
            leave_behind(scribe, &key, &before, branch);
        } else if is_published.is_some_and(|landed| landed.published_at_ms.is_some()) {
            publish::retire(scribe, &key);
        }
    }
    Ok(Answer::text(text))
}

/// Fails while anything lands or is published: it would end on a ref that is no longer the project's. Fails
/// also if the branches have moved since they were compared for this order.
fn refuse_busy(scribe: &Scribe<'_>, project: &Project, order: &SetTarget) -> Result<(), Refusal> {
    let integration = &project.integration;
    let what = match () {
        () if project.train.landing.is_some() => "a landing is in progress",
        () if scribe.memo.publishing.contains_key(&project.slug) => "landed work is being published",
        () if integration.is_moving_to_target() => "the integration ref is moving to the target branch",
        () if (&order.facts.tip, &order.facts.published) != (&integration.tip, &integration.published) => {
            "something landed or was published while the branches were compared"
        }
        () => return Ok(()),
    };
    Err(Refusal::new(format!("{what}; nothing was changed: try again in a moment")))
}

/// Fails if work would be left behind or brought along without a person having agreed to it (`--yes`).
fn refuse_loss(project: &Project, branch: &str, planned: &Move) -> Result<(), Refusal> {
    let before = &project.settings.target_branch;
    let mut faults = Vec::new();
    if !planned.lost.is_empty() {
        faults.push(format!(
            "work that has landed but is not published to {before} yet would be left behind ({}): publish it \
             first with `paddock --project {} queue publish`",
            named(&planned.lost),
            project.slug
        ));
    }
    if !planned.foreign.is_empty() {
        faults.push(format!(
            "work in progress was begun on {before} and would bring commits that {branch} lacks into \
             {branch} ({}): let it land or cancel it first",
            named(&planned.foreign)
        ));
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(Refusal::new(format!(
            "{}; `paddock project set-target {} {branch} --yes` sets the branch all the same",
            faults.join("; "),
            project.slug
        ))),
    }
}

/// Returns the answer to a person who set the target branch: where work lands, and what that leaves behind.
fn answer(
    slug: &ProjectSlug,
    before: &str,
    order: &SetTarget,
    planned: &Move,
    unpublished: &[ObjectiveId],
) -> String {
    let branch = &order.branch;
    let mut text = format!("project {slug} lands on {branch} from now on, at {}", planned.published.short());
    if !before.is_empty() {
        text.push_str(&format!(" (before: {before})"));
    }
    if planned.tip != planned.published && !unpublished.is_empty() {
        text.push_str(&format!(
            "; landed work that {branch} lacks is published to it: {}",
            named(unpublished)
        ));
    }
    let is_other = |id: &&ObjectiveId| !planned.lost.contains(id) && !unpublished.contains(id);
    let lacking: Vec<ObjectiveId> = order.lacks.iter().filter(is_other).cloned().collect();
    if !lacking.is_empty() {
        text.push_str(&format!("; {branch} lacks earlier landings: {}", named(&lacking)));
    }
    if !planned.lost.is_empty() {
        text.push_str(&format!("; left behind, and in needs_review now: {}", named(&planned.lost)));
    }
    if !planned.foreign.is_empty() {
        text.push_str(&format!(
            "; these bring commits of {before} along when they land: {}",
            named(&planned.foreign)
        ));
    }
    text
}

fn named(ids: &[ObjectiveId]) -> String {
    a_few_of(ids, NAMED_MAX)
}

/// Asks a person about work that landed, was never published, and is on no branch of the project now.
fn leave_behind(scribe: &mut Scribe<'_>, key: &ObjectiveKey, before: &str, branch: &str) {
    if scribe.state.objective(key).is_none_or(|objective| objective.status != Status::Done) {
        // The objective waits for a person already, and the table of states names no such move.
        return;
    }
    let text = format!(
        "its work landed for {before} and was not published; the project lands on {branch} from now on"
    );
    let clears = format!(
        "retry it to land it on {branch} (its branch is kept), or leave it \
         (refs/paddock/integration/{before} contains it)"
    );
    let reason = Reason::new(ReasonCode::LandingLost, scribe.now_ms, text, clears);
    scribe.move_to(key, Status::NeedsReview, Cause::LandingLost, Some(reason), None);
}
