//! Everything that Paddock does with git, as blocking functions on one repository.
//!
//! Two implementations share the work. libgit2 reads what agents wrote and moves refs by compare-and-swap: it
//! runs no hooks, filters, file system monitors or merge drivers. The git program merges and checks out,
//! because libgit2 lacks git's current merge strategy and the filters that users configure.
//!
//! The program is started in `process` alone. Calls on a repository go through [`program`], which names the
//! git directory explicitly and switches off whatever an agent could have planted; only a push and the
//! question for the user's identity run with the user's own settings. An agent's `.git` file is never
//! followed: an agent may rewrite it to lead anywhere.
//!
//! Every function that changes a repository is safe to repeat, because a crash may come between any two of
//! its steps. Where a crash leaves something half done, the docs of the module say which call repairs it.
//!
//! # Where to begin
//!
//! - [`Repository`] opens a repository and names every format that Paddock cannot work on.
//! - [`add_worktree`], [`harvest()`], [`salvage()`] and [`remove_worktree`] follow one objective's worktree
//!   through its life.
//! - [`make_chain`] builds the merges that a gate tries, [`hold()`] checks one out, [`land`] moves the
//!   integration ref to it, and [`publish()`] and [`push()`] carry it to the user's branch and remote.
//! - `refs` holds the compare-and-swap that all of them rest on.

mod adding;
mod blob_stream;
mod bounded;
mod branch;
mod bypass;
mod candidate;
mod chain;
mod code_marks;
mod configured;
mod contained;
mod content;
mod detached;
mod diff;
mod error;
mod exclude;
mod execution;
mod facts;
mod gate_folder;
mod harvest;
mod history;
mod home;
mod identity;
mod ignore_rules;
mod kept_pack;
mod landing;
mod line_ends;
mod locks;
mod lost_tests;
mod make;
mod modules;
mod notes;
mod objects;
mod obstacles;
mod origin;
mod own;
mod places;
mod pool;
mod process;
pub mod program;
mod publish;
mod radar;
mod refresh;
mod refs;
mod remote;
mod remove;
mod repository;
mod restore;
mod salvage;
#[cfg(test)]
mod sample_trees;
mod secrets;
mod set_up;
mod snapshot;
#[cfg(test)]
mod snapshot_tests;
mod source_text;
mod space;
mod stash;
mod status;
mod tampering;
mod target;
mod tracked;
mod unregister;
mod untracked;
mod user_config;
mod user_refs;
mod whole;
mod worktree;

pub use adding::{add_pooled_worktree, add_worktree};
pub use branch::read_branch;
pub use candidate::{Candidate, CandidateOrder, Identity, make_candidate};
pub use chain::{ChainLink, ChainMember, ChainOrder, ChainOutcome, make_chain};
pub use configured::{Judged, Level, Listed, Means, Needed, is_lfs_installed, judge};
pub use contained::Rewritten;
pub use detached::prepare_detached;
pub use diff::{DiffLineKind, Difference, FileChange, Range};
pub use error::GitError;
pub use execution::difference;
pub use facts::RepositoryFacts;
pub use gate_folder::cache as gate_cache;
pub use gate_folder::{
    Ecosystem, GatePlace, Held, HoldOrder, LookOrder, Looked, SeedOrder, Seeded, StatTrust, cache_key,
    ecosystems, hold, kept_folders, look, remove_gate, remove_unignored, seed, set_up_key,
};
pub use harvest::{
    COMMITS_MAX, CheckpointFacts, Harvest, HeadElsewhere, harvest, head_count, keep_for_objective,
};
pub use history::CommitRecord;
pub use home::Limits as HomeLimits;
pub use home::{Helper, Home, NotHome, PlaceHead, PlaceHome, Stopper, main as home_main};
pub use identity::{IdentityQuestion, configured_identity};
pub use landing::{LandOrder, LandOutcome, land};
pub use locks::remove_stale_locks;
pub use lost_tests::{Edited, LostIn, LostTests};
pub use make::make_repository;
pub use modules::lend_modules;
pub use origin::{ORIGIN_FOLDER, PUSH_REFUSED, follow_origin, has_origin, remove_origin};
pub use own::{OwnShadow, own_places, work_head};
pub use paddock_model::path::RepoPath;
pub use places::{find_worktree, mend_worktree};
pub use pool::{Pool, PoolOrder, PoolState, remove_pool, retire_worktree, tend_pool};
pub use process::REPOSITORY_VARIABLES;
pub use publish::{PublishOrder, PublishOutcome, publish};
pub use radar::{BRANCHES_MAX, Radar, clear_radar};
pub use refresh::bring_forward;
pub use refs::{CasOutcome, Relation};
pub use remote::{FetchOutcome, RemoteBranch, RemoteFailure, fetch_branch, pulled_branch, push, upstream};
pub use remove::{Removal, delete_branch, finish_removal, remove_worktree, set_aside_worktree};
pub use repository::Repository;
pub use restore::{Restored, Salvaged, restore_as_branch, restore_into, salvaged, salvaged_stat};
pub use salvage::{FILE_BYTES_MAX, Salvage, SalvageOrder, salvage};
pub use set_up::{SetUpLeft, begin_set_up, end_set_up, exclude_file};
pub use space::{is_out_of_space, says_disk_full};
pub use stash::{StashEntry, StashFound};
pub use status::worktree_status;
pub use tampering::{Guarded, gate_paths};
pub use target::observe;
pub use tracked::is_tracked;
pub use user_config::settings_in_environment;
pub use user_refs::{HEAD, KeptRef, UserRefs, changed_refs};
pub use worktree::{Upstream, Worktree, WorktreeSpec};
