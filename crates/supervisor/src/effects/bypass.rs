//! Finds commits of an objective on the target branch that did not pass the queue.

use std::sync::PoisonError;

use super::super::world::{Site, World};
use paddock_engine::input::Input;
use paddock_git::{GitError, Guarded, Repository};
use paddock_model::bypass::{Bypass, BypassFacts, NAMED_MAX};
use paddock_model::facts::{Relation, TargetFacts};
use paddock_model::ids::{ObjectId, ObjectiveId};
use paddock_model::scope::Globs;

/// Searches the commits of the target branch beyond the tip, once for each pair of the two, and reports what
/// it finds. An error stops nothing: the next search comes when one of them has moved.
pub(super) fn look(world: &World, repository: &Repository, site: &Site, facts: &TargetFacts) {
    let is_ahead = matches!(facts.to_tip, Relation::Descendant | Relation::Diverged)
        && matches!(facts.to_published, Relation::Same | Relation::Descendant);
    let Some(target) = facts.target.as_ref().filter(|_| is_ahead) else { return };
    // The same two commits give the same result, and a look comes at every poll.
    let place = (target.clone(), facts.tip.clone());
    let mut looked = world.bypass_looked.lock().unwrap_or_else(PoisonError::into_inner);
    if looked.insert(site.slug.clone(), place.clone()) == Some(place) {
        return;
    }
    drop(looked);
    match find(repository, site, &facts.tip, target) {
        Ok(Some(found)) => world.report(Input::BypassSeen { project: site.slug.clone(), found }),
        Ok(None) => {}
        Err(error) => {
            tracing::warn!(project = %site.slug, %error, "cannot find out who made the new commits");
        }
    }
}

/// Returns the commits that bypassed the queue and the tests that they weaken; `None` if there are no such
/// commits.
fn find(
    repository: &Repository,
    site: &Site,
    tip: &ObjectId,
    target: &ObjectId,
) -> Result<Option<BypassFacts>, GitError> {
    let found = repository.bypassing(&site.target_branch, tip, target)?;
    let named = found.iter().rev().filter_map(|one| {
        let objective = ObjectiveId::new(one.objective.clone()).ok()?;
        Some(Bypass { objective, commit: one.commit.clone(), summary: one.summary.clone() })
    });
    let commits: Vec<Bypass> = named.take(NAMED_MAX).collect();
    if commits.is_empty() {
        return Ok(None);
    }
    let more = u64::try_from(found.len() - commits.len()).unwrap_or(0);
    let tests = weakened(repository, site, tip, target)?;
    Ok(Some(BypassFacts { target: target.clone(), commits, more, tests }))
}

/// Returns the changes to tests for which the tamper guard would send a branch back.
fn weakened(
    repository: &Repository,
    site: &Site,
    tip: &ObjectId,
    target: &ObjectId,
) -> Result<Vec<String>, GitError> {
    let (tests, commands) = site.guarded.clone();
    // Reading the project file reports a faulty pattern. Here it only leaves the list of weakened tests
    // empty.
    let Ok(tests) = Globs::new(&tests) else { return Ok(Vec::new()) };
    let found = repository.tampering(tip, target, &Guarded { tests, commands })?;
    let weak = found.iter().filter(|one| one.how.is_plain());
    Ok(weak.map(ToString::to_string).take(NAMED_MAX).collect())
}
