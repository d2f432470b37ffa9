//! What a person can do about a push that waits, or about commits of others that could not be brought in.

use crate::listing::a_few_of;
use paddock_model::project::Project;
use paddock_model::reason::{Reason, ReasonCode};
use paddock_model::side_runs::{PullFailure, PullFault, PushWait, RemoteCause};

/// Files that a sentence names.
const NAMED_MAX: usize = 5;

/// Returns the needs about the remote of a project.
pub(super) fn reasons(project: &Project) -> Vec<Reason> {
    let pushing = &project.pushing;
    let wait = pushing.wait.as_ref().filter(|_| project.settings.land.push.is_some());
    let waits = wait.map(|wait| {
        Reason::new(ReasonCode::PushWaits, wait.since_ms, wait.text.clone(), push_clears(project, wait))
    });
    let failed = pushing.pull_failure().map(|failure| {
        let mut text = failure.text.clone();
        if !failure.files.is_empty() {
            text.push_str(&format!(" ({})", a_few_of(&failure.files, NAMED_MAX)));
        }
        Reason::new(ReasonCode::PullFailed, failure.at_ms, text, pull_clears(project, failure))
    });
    waits.into_iter().chain(failed).collect()
}

/// Returns the name of the remote as a person writes it.
fn remote_of(project: &Project) -> &str {
    project.settings.land.push.as_deref().unwrap_or("origin")
}

fn push_clears(project: &Project, wait: &PushWait) -> String {
    let (slug, remote) = (&project.slug, remote_of(project));
    let branch = &project.settings.target_branch;
    let Some(cause) = wait.cause else {
        return "Paddock tries again by itself; a push that succeeds clears this".to_owned();
    };
    match cause {
        RemoteCause::Ahead if project.pushing.is_pulling() => format!(
            "what was pushed there is being merged with landed work; `paddock --project {slug} queue list` shows \
             how far it is"
        ),
        RemoteCause::Ahead => format!(
            "`paddock --project {slug} queue pull` fetches them, merges them through the gate, and pushes; or merge \
             {remote}/{branch} into {branch} yourself (`git pull --no-rebase`)"
        ),
        RemoteCause::Declined => format!(
            "allow the push there (the rules or the hooks of {branch} at {remote}), or take `land.push` out of \
             projects/{slug}.yaml and push another way; Paddock tries again by itself"
        ),
        RemoteCause::CheckedOut => {
            "push to a bare repository, or switch that one to another branch; Paddock tries again by itself"
                .to_owned()
        }
        RemoteCause::NoBranch | RemoteCause::Timeout | RemoteCause::Network => {
            format!("nothing, if {remote} can be reached again soon: Paddock tries again by itself")
        }
        cause => format!("{}; then Paddock pushes by itself", set_up_clears(project, cause)),
    }
}

/// Returns what a person has to set up so that the remote can be used.
fn set_up_clears(project: &Project, cause: RemoteCause) -> String {
    let (slug, remote) = (&project.slug, remote_of(project));
    let url = format!("`git remote get-url {remote}`");
    match cause {
        RemoteCause::Authentication => format!(
            "log in so that `git fetch {remote}` works without a question where Paddock runs: a key in ssh-agent, or \
             a credential helper"
        ),
        RemoteCause::Forbidden => {
            format!(
                "ask for the right to push to {remote}, or push elsewhere (`land.push` in projects/{slug}.yaml)"
            )
        }
        RemoteCause::HostKey => {
            format!(
                "make sure that the host is the right one, and run `git fetch {remote}` once to accept its key"
            )
        }
        RemoteCause::Certificate => {
            "repair the certificate, or name its authority in `http.sslCAInfo`".to_owned()
        }
        RemoteCause::UnknownHost => format!("correct the address ({url}), or connect to the network"),
        RemoteCause::NoRepository => {
            format!(
                "correct the address ({url} shows it; `git remote set-url {remote} URL`), or make the repository"
            )
        }
        RemoteCause::NoRemote => {
            format!("`git remote add {remote} URL`, or correct `land.push` in projects/{slug}.yaml")
        }
        RemoteCause::NoBranch => format!("push the branch to {remote} first"),
        RemoteCause::Untrusted => {
            format!("`paddock project trust {slug}` shows it and agrees to it, or undo it")
        }
        RemoteCause::Ahead
        | RemoteCause::Declined
        | RemoteCause::CheckedOut
        | RemoteCause::Timeout
        | RemoteCause::Network => format!("see that `git fetch {remote}` works"),
    }
}

fn pull_clears(project: &Project, failure: &PullFailure) -> String {
    let (slug, remote) = (&project.slug, remote_of(project));
    let branch = &project.settings.target_branch;
    let again = format!("`paddock --project {slug} queue pull` tries again");
    match failure.fault {
        PullFault::Conflict => format!(
            "merge {remote}/{branch} into {branch} yourself (`git pull --no-rebase`), resolve the conflict and commit: \
             Paddock takes the merge over, and pushes if `land.push` is set"
        ),
        PullFault::Red => format!(
            "correct it on {branch}: merge {remote}/{branch} yourself (`git pull --no-rebase`), or wait until the \
             remote is right; {again}"
        ),
        PullFault::Checkout => format!("put aside what is in the way; {again}"),
        PullFault::Fetch(Some(cause)) => format!("{}; {again}", set_up_clears(project, cause)),
        PullFault::Outrun | PullFault::Fetch(None) | PullFault::Other => again,
    }
}
