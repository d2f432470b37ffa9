//! What the pane remembers.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use super::plan::Plan;
use paddock_model::ids::{ObjectiveKey, SessionId};

/// A selection: the objective, and its session if one was chosen.
pub(super) type Selection = (Option<ObjectiveKey>, Option<SessionId>);

/// What the pane remembers.
#[derive(Debug, Default)]
pub struct Local {
    /// The first row on the screen.
    pub top: Cell<usize>,
    /// Only objectives with this in their id, title or state.
    pub filter: String,
    pub(super) unfolded: BTreeSet<ObjectiveKey>,
    /// What was selected when the filter was begun.
    pub(super) before: Option<Selection>,
    /// What was selected until its row left the filter.
    pub(super) hidden: Option<Selection>,
    /// The row that was selected last.
    pub(super) near: Cell<usize>,
    /// The lines, with the version of the facts that they were last held against.
    pub(super) plan: RefCell<Option<(u64, Rc<Plan>)>>,
    pub(super) why: RefCell<Option<(u64, ObjectiveKey, String)>>,
}
