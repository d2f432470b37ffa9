//! The state of the pane of objectives.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use super::list::List;
use paddock_model::ids::{ObjectiveKey, SessionId};

/// A selection: the objective, and the session if one was selected.
pub(super) type Selection = (Option<ObjectiveKey>, Option<SessionId>);

/// The state of the pane of objectives.
#[derive(Debug, Default)]
pub struct Local {
    /// First row on the screen.
    pub top: Cell<usize>,
    /// Filter text: only objectives with it in id, title or state are listed.
    pub filter: String,
    /// Objectives that a person has unfolded.
    pub(super) unfolded: BTreeSet<ObjectiveKey>,
    /// Selection when the filter was begun.
    pub(super) before: Option<Selection>,
    /// Selection that was lost when its row left the filtered list.
    pub(super) hidden: Option<Selection>,
    /// Row that was selected last.
    pub(super) near: Cell<usize>,
    /// Cached list, with the version of the facts for which it is known to be right.
    pub(super) list: RefCell<Option<(u64, Rc<List>)>>,
    /// Cached explanation of an objective, with the version of the facts that it was made from.
    pub(super) why: RefCell<Option<(u64, ObjectiveKey, String)>>,
}
