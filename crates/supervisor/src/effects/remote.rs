//! The user's remote: pushes the target branch, fetches what others pushed, and looks how far the target branch
//! is behind.

use super::super::clock::now_ms;
use super::super::error::EffectError;
use super::super::trust::judged;
use super::super::world::{Site, World};
use super::targets::{Publication, publish_in, waiting_answer};
use paddock_engine::input::Input;
use paddock_git::{FetchOutcome, RemoteFailure, Repository, fetch_branch, pulled_branch, push, upstream};
use paddock_model::facts::{Relation, TrustRecord};
use paddock_model::ids::{ObjectId, ProjectSlug};
use paddock_model::project::WaitCode;
use paddock_model::side_runs::{Fetched, PullFailure, PullFault, PushCode, PushWait, RemoteCause};
use paddock_model::state::State;

/// A push to the user's remote.
pub(in super::super) struct Push {
    pub(in super::super) site: Site,
    pub(in super::super) remote: String,
    pub(in super::super) commit: ObjectId,
}

/// Pushes the target branch, without force.
///
/// Reconciled by pushing again: a remote that holds the commit accepts it without a change.
pub(in super::super) fn push_out(world: &World, order: &Push) {
    let outcome = world.trusted(&order.site).and_then(|repository| {
        agreed(&repository, &order.site.trust, &order.remote)?;
        Ok(push(&repository, &order.remote, &order.commit, &order.site.target_branch)?)
    });
    let waits = |code, cause, said: String| {
        let text = format!("{} could not be pushed to {}: {said}", order.site.target_branch, order.remote);
        Err(PushWait { code, cause, text, since_ms: now_ms() })
    };
    let result = match outcome {
        Ok(None) => Ok(()),
        Ok(Some(failure)) => waits(code_of(failure.cause), failure.cause, failure.text),
        Err(error) => waits(PushCode::Other, cause_of(&error), error.to_string()),
    };
    let (project, commit) = (order.site.slug.clone(), order.commit.clone());
    world.report(Input::PushAnswered { project, commit, result });
}

/// Fails if configuration that nobody agreed to leads git to this remote.
fn agreed(repository: &Repository, trust: &TrustRecord, remote: &str) -> Result<(), EffectError> {
    let judged = judged(repository, trust)?;
    let changed = repository.acting_on_push(&judged, remote)?;
    match changed.is_empty() {
        true => Ok(()),
        false => Err(EffectError::RemoteUntrusted(changed)),
    }
}

/// Returns why the remote was not asked at all, if a person can do something about it.
fn cause_of(error: &EffectError) -> Option<RemoteCause> {
    matches!(error, EffectError::RemoteUntrusted(_)).then_some(RemoteCause::Untrusted)
}

fn code_of(cause: Option<RemoteCause>) -> PushCode {
    use RemoteCause as C;
    match cause {
        Some(C::Ahead | C::Declined | C::CheckedOut) => PushCode::Rejected,
        Some(C::Authentication | C::Forbidden | C::HostKey) => PushCode::Denied,
        Some(
            C::Certificate
            | C::UnknownHost
            | C::NoRepository
            | C::NoRemote
            | C::NoBranch
            | C::Timeout
            | C::Network
            | C::Untrusted,
        )
        | None => PushCode::Unreachable,
    }
}

/// A fetch of the remote's branch, to be compared with the tip.
pub(in super::super) struct Fetch {
    site: Site,
    /// Remote that the project pushes to; `None` if it pushes nowhere.
    push: Option<String>,
    tip: ObjectId,
}

impl Fetch {
    pub(in super::super) fn from_state(state: &State, project: &ProjectSlug, tip: ObjectId) -> Option<Self> {
        let push = state.project(project)?.settings.land.push.clone();
        Some(Self { site: Site::find(state, project)?, push, tip })
    }
}

/// Fetches the remote's branch and compares it with the tip.
///
/// Reconciled by fetching again.
pub(in super::super) fn fetch(world: &World, order: &Fetch) {
    let result = match try_fetch(world, order) {
        Ok(found) => found,
        Err(error) => Err(RemoteFailure {
            cause: cause_of(&error),
            text: format!("what others pushed could not be fetched: {error}"),
        }),
    };
    let failed = |failure: RemoteFailure| {
        let (fault, text) = (PullFault::Fetch(failure.cause), failure.text);
        PullFailure { fault, text, files: Vec::new(), at_ms: now_ms() }
    };
    let (project, tip) = (order.site.slug.clone(), order.tip.clone());
    world.report(Input::RemoteFetched { project, tip, result: result.map_err(failed) });
}

fn try_fetch(
    world: &World,
    order: &Fetch,
) -> Result<Result<(Fetched, Relation), RemoteFailure>, EffectError> {
    let repository = world.trusted(&order.site)?;
    let from = pulled_branch(&repository, order.push.as_deref(), &order.site.target_branch)?;
    agreed(&repository, &order.site.trust, &from.remote)?;
    Ok(match fetch_branch(&repository, &from)? {
        FetchOutcome::Fetched(fetched) => {
            let relation = repository.relation(&fetched.head, &order.tip)?;
            Ok((fetched, relation))
        }
        FetchOutcome::Failed(failure) => {
            let text = format!("{} could not be fetched: {}", from.name(), failure.text);
            Err(RemoteFailure { text, ..failure })
        }
    })
}

/// Fast-forwards the target branch to a fetched commit, as landed work is published.
///
/// Reconciled by trying: a guarded fast-forward can be tried at any time.
pub(in super::super) fn forward(world: &World, site: &Site, order: &Publication) {
    let answer = match world.trusted(site) {
        Ok(repository) => publish_in(&repository, site, order),
        Err(error) => waiting_answer(WaitCode::Other, Vec::new(), error.to_string()),
    };
    world.report(Input::TargetForwarded { project: site.slug.clone(), to: order.to.clone(), answer });
}

/// Reports how far the target branch is behind the branch that it follows, as that was last fetched.
pub(super) fn look(world: &World, repository: &Repository, site: &Site) {
    match upstream(repository, site.push.as_deref(), &site.target_branch) {
        Ok(upstream) => world.report(Input::UpstreamSeen { project: site.slug.clone(), upstream }),
        // Only a notice for people is missing.
        Err(error) => tracing::debug!(project = %site.slug, %error, "the upstream cannot be compared"),
    }
}
