//! Candidates: merges made in memory, which the gate then tries.

use std::time::Duration;

use git2::{ErrorCode, Oid, Signature, Time};
use serde::{Deserialize, Serialize};

use super::error::GitError;
use super::objects::{flush_objects, new_objects};
use super::program::{Call, program_error, stderr_tail};
use super::refs::keep_ref;
use super::repository::{Repository, object_id, oid};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_os::fail_points;

/// Who stands in a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
}

impl Identity {
    /// The identity at a time, in UTC.
    pub(crate) fn signature(&self, time_s: i64) -> Result<Signature<'static>, GitError> {
        Ok(Signature::new(&self.name, &self.email, &Time::new(time_s, 0))?)
    }
}

/// The merge to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateOrder {
    /// The first parent: the integration commit, or the candidate before it.
    pub base: ObjectId,
    /// The second parent: the branch head.
    pub head: ObjectId,
    /// The message, with its trailers.
    pub message: String,
    /// Author and committer.
    pub identity: Identity,
    /// The commit's time, in seconds since 1970: the same order gives the same commit.
    pub time_s: i64,
    /// `refs/paddock/candidate/<name>` keeps it alive.
    pub name: String,
    /// Flush all that is new since `base` before returning: the branch's own objects too.
    pub durable: bool,
    /// Have git sign it, as the user's configuration says (`sign: true`).
    pub sign: bool,
    /// Add the trailer `Paddock-Verified: <tree>`: the commit will land only if that tree passes the gate.
    pub seal: bool,
}

/// What the merge gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Candidate {
    /// A merge commit.
    Clean {
        /// The commit.
        commit: ObjectId,
        /// Its tree: what the gate runs on.
        tree: ObjectId,
    },
    /// No commit was made.
    Conflict {
        /// The files in conflict.
        paths: Vec<RepoPath>,
        /// git's words about them.
        messages: Vec<String>,
    },
}

/// Merges a branch head into a base without a checkout.
///
/// # Errors
/// When a commit is missing, or git fails for another reason than a conflict.
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
    if order.durable {
        flush_objects(repository.common_dir(), &new_objects(&library, Some(base), commit)?)?;
    }
    let commit = object_id(commit)?;
    keep_ref(&library, &format!("refs/paddock/candidate/{}", order.name), &commit)?;
    Ok(Candidate::Clean { commit, tree: object_id(tree)? })
}

/// A program that signs and takes longer waits for somebody: meanwhile nothing else of the project lands. Tests have no
/// card that has to be touched, and wait for less.
const SIGN_TIME_MAX: Duration = Duration::from_secs(if fail_points::ARE_ON { 10 } else { 30 });

/// The same commit, made by the git program with the user's own key.
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
    // Where the user's key and the program that signs are said.
    for variable in ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"] {
        if let Some(value) = std::env::var_os(variable) {
            call = call.variable(variable, value);
        }
    }
    let silent = || {
        let text = "it did not answer within {} seconds; does it wait for a passphrase? Nobody is asked here: unlock the \
                    key for this machine (gpg-agent, ssh-agent), or set `sign: false`";
        GitError::Signing(text.replace("{}", &SIGN_TIME_MAX.as_secs().to_string()))
    };
    let output = call.output_within(SIGN_TIME_MAX, message.as_bytes().to_vec())?.ok_or_else(silent)?;
    match output.status.success() {
        true => Ok(Oid::from_str(String::from_utf8_lossy(&output.stdout).trim())?),
        false => Err(GitError::Signing(stderr_tail(&output))),
    }
}

/// The order's message, sealed if that is wanted; a seal is a trailer, so it stands in a paragraph of trailers.
fn message(order: &CandidateOrder, tree: Oid) -> String {
    match order.seal {
        true => sealed(&order.message, tree),
        false => order.message.clone(),
    }
}

/// The message, sealed; a seal is a trailer, so it stands in a paragraph of trailers.
pub(super) fn sealed(message: &str, tree: Oid) -> String {
    let gap = if message.contains("\n\n") { "" } else { "\n" };
    format!("{message}{gap}Paddock-Verified: {tree}\n")
}

/// The merge's tree where no merging is needed: one side has nothing of its own.
pub(super) fn trivial_tree(
    library: &git2::Repository,
    base: Oid,
    head: Oid,
) -> Result<Option<Oid>, GitError> {
    let ancestor = match library.merge_base(base, head) {
        Ok(ancestor) => ancestor,
        Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    Ok(match ancestor {
        _ if ancestor == base => Some(library.find_commit(head)?.tree_id()),
        _ if ancestor == head => Some(library.find_commit(base)?.tree_id()),
        _ => None,
    })
}

pub(super) enum Merged {
    Tree(Oid),
    Conflict { paths: Vec<RepoPath>, messages: Vec<String> },
}

pub(super) fn merge_tree(
    repository: &Repository,
    base: &ObjectId,
    head: &ObjectId,
) -> Result<Merged, GitError> {
    let (base, head) = (base.as_str(), head.as_str());
    let output = Call::new(repository)
        // Attributes come from the base, never from the branch (git 2.41 and newer know the variable).
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

/// Reads `-z` output: tree, conflicted names, an empty field, then messages as count, names, kind, text.
fn conflict(output: &[u8]) -> Merged {
    let mut fields = output.split(|byte| *byte == 0).skip(1);
    let paths = fields.by_ref().take_while(|field| !field.is_empty()).map(RepoPath::new).collect();
    let mut messages = Vec::new();
    while let Some(count) =
        fields.next().and_then(|field| std::str::from_utf8(field).ok()?.trim().parse().ok())
    {
        let names: usize = count;
        let Some((kind, text)) = fields.by_ref().nth(names).zip(fields.next()) else { break };
        // git promises that the kinds keep their names; the texts are for people.
        if kind.starts_with(b"CONFLICT") {
            messages.push(String::from_utf8_lossy(text).trim().to_owned());
        }
    }
    Merged::Conflict { paths, messages }
}
