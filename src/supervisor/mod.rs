//! The loop around the decisions. This is a stand-in that only answers commands.

use std::collections::BTreeSet;

use crate::config::lock::{Holder, LockError, WorkspaceLock};
use crate::config::{Environment, Workspace};
use crate::domain::command::{Command, Refusal, Reply};
use crate::domain::decide::{Memo, step};
use crate::domain::ids::ProjectSlug;
use crate::domain::input::Input;
use crate::ledger::{self, LedgerError};
use crate::store::{Store, StoreError, StoredEvent};

/// How a supervisor is to run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a stand-in")]
pub struct Options {
    pub project: Option<ProjectSlug>,
    pub once: bool,
    pub until_idle: bool,
    pub duration_minutes: Option<u64>,
    pub max_parallel: Option<u32>,
    pub poll_seconds: Option<u64>,
    pub planner_cooldown: Option<u64>,
    pub no_planner: bool,
    pub dry_run: bool,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "a stand-in")]
pub enum RunEnd {
    Done,
    NeedsHuman,
    Stuck,
    Stopped,
    Interrupted,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "a stand-in")]
pub enum SupervisorError {
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("this build holds no supervisor")]
    Absent,
}

/// Runs it.
///
/// # Errors
/// Always, in this stand-in.
pub fn run(
    _workspace: &Workspace,
    _environment: &Environment,
    _options: Options,
    _on_event: Box<dyn FnMut(&StoredEvent) + Send>,
) -> Result<RunEnd, SupervisorError> {
    Err(SupervisorError::Absent)
}

/// Has a command carried out.
///
/// # Errors
/// When the lock is held or the store cannot be used.
pub fn ask(
    workspace: &Workspace,
    _environment: &Environment,
    command: Command,
) -> Result<Reply, SupervisorError> {
    let _lock = WorkspaceLock::try_take(workspace)?;
    let store = Store::open(workspace.db())?;
    let mut state = ledger::load(&store)?;
    let mut memo = Memo::default();
    memo.is_passive = true;
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let decision = step(&mut state, &mut memo, Input::Command(Box::new(command)), now_ms);
    let touched: BTreeSet<_> = state.take_touched();
    let batch = ledger::batch(&state, &decision.events, &touched)?;
    let writer = store.into_writer()?;
    writer.append_and_wait(batch)?;
    writer.close()?;
    Ok(decision.reply.unwrap_or_else(|| Err(Refusal::new("no answer"))))
}

/// Who works in the workspace.
#[must_use]
pub fn is_running(workspace: &Workspace) -> Option<Holder> {
    WorkspaceLock::holder(workspace).ok().flatten()
}
