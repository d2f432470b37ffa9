//! Candidates: merges made in memory, without a checkout, for the gate to test.

use std::time::Duration;

use git2::{ErrorCode, Oid, Signature, Time};
use serde::{Deserialize, Serialize};

use super::error::GitError;
use super::kept_pack::keep_objects;
use super::objects::{flush_objects, made_objects, new_objects};
use super::program::{Call, program_error, stderr_tail};
use super::refs::keep_ref;
use super::repository::{Repository, object_id, oid};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_os::fail_points;

/// Author and committer of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
}

impl Identity {
    /// Returns the identity as a signature at `time_s`, in UTC.
    pub(crate) fn signature(&self, time_s: i64) -> Result<Signature<'static>, GitError> {
        Ok(Signature::new(&self.name, &self.email, &Time::new(time_s, 0))?)
    }
}

/// A merge to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateOrder {
    /// First parent: the integration commit, or the candidate before this one.
    pub base: ObjectId,
    /// Second parent: the head of the branch.
    pub head: ObjectId,
    /// Commit message, with its trailers.
    pub message: String,
    /// Author and committer.
    pub identity: Identity,
    /// Time of the commit, in seconds since 1970. A fixed time makes the same order give the same commit, so
    /// that an effect repeated after a crash changes nothing.
    pub time_s: i64,
    /// Last part of `refs/paddock/candidate/<name>`, the ref that keeps the commit from garbage collection.
    pub name: String,
    /// Whether to flush every object that is new since `base`, those of the branch included, before
    /// returning.
    pub durable: bool,
    /// Whether git signs the commit, as the user's configuration says (`sign: true`).
    pub sign: bool,
    /// Whether to add the trailer `Paddock-Verified: <tree>`. The commit lands only if that tree passes the
    /// gate.
    pub seal: bool,
}

/// Outcome of a merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Candidate {
    /// The merge succeeded.
    Clean {
        /// The merge commit.
        commit: ObjectId,
        /// Tree of the commit, which the gate tests.
        tree: ObjectId,
    },
    /// The merge has conflicts; no commit was made.
    Conflict {
        /// Files in conflict.
        paths: Vec<RepoPath>,
        /// git's description of each conflict.
        messages: Vec<String>,
    },
}

/// Merges the head of a branch into a base without a checkout.
///
/// # Errors
/// Fails if a commit is missing, or if git fails for another reason than a conflict.
pub fn make_candidate(repository: &Repository, order: &CandidateOrder) -> Result<Candidate, GitError> {
    let library = repository.library()?;
    let (base, head) = (oid(&order.base)?, oid(&order.head)?);
    let tree = match trivial_tree(&library, base, head)? {
        Some(tree) => tree,
        None => match merge_tree(repository, &order.base, &order.head)? {
            Merged::Tree(tree) => tree,
            Merged::Conflict { paths, messages } => return Ok(Candidate::Conflict { paths, messages }),
        },
    };
    let signature = order.identity.signature(order.time_s)?;
    let parents = [&library.find_commit(base)?, &library.find_commit(head)?];
    let found = library.find_tree(tree)?;
    let message = message(order, tree);
    let commit = match order.sign {
        true => signed(repository, &order.identity, order.time_s, tree, [base, head], &message)?,
        false => library.commit(None, &signature, &signature, &message, &found, &parents)?,
    };
    // The objects are flushed before a ref names them, so that no ref on disk ever leads to a missing object.
    if order.durable {
        flush_objects(repository.common_dir(), &new_objects(&library, Some(base), commit)?)?;
    }
    keep_objects(repository, &library, &made_objects(&library, &[base, head], commit)?)?;
    let commit = object_id(commit)?;
    keep_ref(&library, &format!("refs/paddock/candidate/{}", order.name), &commit)?;
    Ok(Candidate::Clean { commit, tree: object_id(tree)? })
}

/// Time limit of a signing program. One that takes longer waits for a person, and nothing else of the project
/// can land meanwhile. Tests use no hardware key that has to be touched, so they wait less.
const SIGN_TIME_MAX: Duration = Duration::from_secs(if fail_points::ARE_ON { 10 } else { 30 });

/// Makes the commit with the git program, which signs it with the user's own key. libgit2 cannot run the
/// signing programs that users configure.
pub(super) fn signed(
    repository: &Repository,
    identity: &Identity,
    time_s: i64,
    tree: Oid,
    parents: [Oid; 2],
    message: &str,
) -> Result<Oid, GitError> {
    let (name, email) = (identity.name.as_str(), identity.email.as_str());
    let date = format!("@{time_s} +0000");
    let [first, second] = parents.map(|id| id.to_string());
    let mut call = Call::new(repository).args(["commit-tree", "-S", "-F", "-"]);
    call = call.args(["-p", &first, "-p", &second, &tree.to_string()]);
    call = call.variable("GIT_AUTHOR_NAME", name).variable("GIT_AUTHOR_EMAIL", email);
    call = call.variable("GIT_COMMITTER_NAME", name).variable("GIT_COMMITTER_EMAIL", email);
    call = call.variable("GIT_AUTHOR_DATE", &date).variable("GIT_COMMITTER_DATE", &date);
    let no_answer = || {
        let text = "the signing program did not answer within {} seconds; does it wait for a passphrase? \
                    Paddock cannot enter one: unlock the key for this machine (gpg-agent, ssh-agent), or set \
                    `sign: false`";
        GitError::Signing(text.replace("{}", &SIGN_TIME_MAX.as_secs().to_string()))
    };
    let output = call.output_within(SIGN_TIME_MAX, message.as_bytes().to_vec())?.ok_or_else(no_answer)?;
    match output.status.success() {
        true => Ok(Oid::from_str(String::from_utf8_lossy(&output.stdout).trim())?),
        false => Err(GitError::Signing(stderr_tail(&output))),
    }
}

/// Returns the order's message, sealed if the order says so.
fn message(order: &CandidateOrder, tree: Oid) -> String {
    match order.seal {
        true => sealed(&order.message, tree),
        false => order.message.clone(),
    }
}

/// Appends the trailer that names the verified tree. git reads trailers in the last paragraph alone, so a
/// message without one gets a blank line first.
pub(super) fn sealed(message: &str, tree: Oid) -> String {
    let gap = if message.contains("\n\n") { "" } else { "\n" };
    format!("{message}{gap}Paddock-Verified: {tree}\n")
}

/// Returns the tree of a merge that needs no merging because one side has no commits of its own, or `None` if
/// both sides have. This spares a git process for every branch that starts at the tip.
pub(super) fn trivial_tree(
    library: &git2::Repository,
    base: Oid,
    head: Oid,
) -> Result<Option<Oid>, GitError> {
    let ancestor = match library.merge_base(base, head) {
        Ok(ancestor) => ancestor,
        // Unrelated histories: git decides.
        Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    Ok(match ancestor {
        _ if ancestor == base => Some(library.find_commit(head)?.tree_id()),
        _ if ancestor == head => Some(library.find_commit(base)?.tree_id()),
        _ => None,
    })
}

/// Outcome of `git merge-tree`.
pub(super) enum Merged {
    Tree(Oid),
    Conflict { paths: Vec<RepoPath>, messages: Vec<String> },
}

/// Merges two commits into a tree with `git merge-tree`, which touches neither index nor working tree.
pub(super) fn merge_tree(
    repository: &Repository,
    base: &ObjectId,
    head: &ObjectId,
) -> Result<Merged, GitError> {
    let (base, head) = (base.as_str(), head.as_str());
    let output = Call::new(repository)
        // Attributes may name merge drivers, so they come from the base, never from the branch (git 2.41 and
        // newer know the variable).
        .variable("GIT_ATTR_SOURCE", base)
        .args([
            "merge-tree",
            "--write-tree",
            "-z",
            "--name-only",
            "--messages",
            "--allow-unrelated-histories",
        ])
        .args([base, head])
        .output()?;
    match output.status.code() {
        Some(0) => {
            let text = output.stdout.split(|byte| *byte == 0).next().unwrap_or_default();
            Ok(Merged::Tree(Oid::from_str(&String::from_utf8_lossy(text))?))
        }
        Some(1) => Ok(conflict(&output.stdout)),
        _ => Err(program_error("merge-tree".to_owned(), &output)),
    }
}

/// Reads the output of `merge-tree -z`: tree, names of files in conflict, an empty field, then messages, each
/// as count, names, kind, text.
fn conflict(output: &[u8]) -> Merged {
    let mut fields = output.split(|byte| *byte == 0).skip(1);
    let paths = fields.by_ref().take_while(|field| !field.is_empty()).map(RepoPath::new).collect();
    let mut messages = Vec::new();
    while let Some(count) =
        fields.next().and_then(|field| std::str::from_utf8(field).ok()?.trim().parse().ok())
    {
        let names: usize = count;
        // Truncated output ends the list. The paths alone are enough for a conflict.
        let Some((kind, text)) = fields.by_ref().nth(names).zip(fields.next()) else { break };
        // git promises to keep the names of kinds; the texts may change. Other kinds ("Auto-merging") are
        // noise.
        if kind.starts_with(b"CONFLICT") {
            messages.push(String::from_utf8_lossy(text).trim().to_owned());
        }
    }
    Merged::Conflict { paths, messages }
}
