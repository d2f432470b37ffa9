//! Actions of the supervisor that do not end: they are named, and a supervisor that was asked to stop does not
//! wait for them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::error::SupervisorError;
use super::kernel::Kernel;
use paddock_engine::input::Input;
use paddock_model::command::StopMode;
use paddock_model::ids::ProjectSlug;
use paddock_os::hangs::{self, Work};

/// Time after which an action is named that has not ended. Calls of git end by themselves before that, except
/// for checkouts.
const HANGS_AFTER: Duration = Duration::from_secs(15 * 60);
/// How long a supervisor that was asked to stop waits for an action that does not end.
const HANGS_AT_STOP: Duration = Duration::from_secs(60);
/// The same if it was asked to stop at once.
const HANGS_AT_KILL: Duration = Duration::from_secs(5);
impl Kernel {
    /// Records each action that has been going on for far too long, once.
    pub(super) fn name_what_hangs(&mut self) -> Result<(), SupervisorError> {
        let long = hangs::long_work(HANGS_AFTER);
        let is_same = |a: &Work, b: &Work| (&a.doing, &a.about) == (&b.doing, &b.about);
        let new: Vec<Work> = long
            .iter()
            .filter(|work| !self.hanging.iter().any(|known| is_same(work, known)))
            .cloned()
            .collect();
        self.hanging = long;
        for work in new {
            let project = work.about.and_then(|about| ProjectSlug::new(about).ok());
            let (doing, seconds) = (work.doing, work.since.as_secs());
            self.step(Input::WorkHangs { project, doing, seconds }, None)?;
        }
        Ok(())
    }

    /// Returns whether only such actions are left that hang, in a supervisor that was asked to stop. It does
    /// not wait for them: what is left undone has an intent, which the next supervisor takes up.
    pub(super) fn only_hangs(&self) -> bool {
        let patience = match self.memo.stopping {
            None => return false,
            Some(StopMode::Now) => HANGS_AT_KILL,
            Some(StopMode::Graceful | StopMode::Leave) => HANGS_AT_STOP,
        };
        let in_flight = self.world.in_flight.load(Ordering::SeqCst);
        let hanging = hangs::long_work(patience);
        if in_flight == 0 || hanging.len() < in_flight {
            return false;
        }
        for work in hanging {
            tracing::error!(doing = work.doing, about = work.about, "ended without waiting for this");
        }
        true
    }
}
