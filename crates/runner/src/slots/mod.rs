//! Slots: a small number for each job of a user, with ports and temporary folders of its own.
//!
//! A slot is a lock file in a folder that all workspaces of a user share. The runner takes it for itself when a
//! job begins, writes down whose it is, and shares it with the job's keeper, which joins the lock before it
//! claims the job. The runner and the keeper then hold it together, so the slot is held while either lives. A
//! keeper that finds another job's record came too late, and starts nothing.
//!
//! A record without a holder is what a keeper leaves that was killed while no supervisor ran. Processes of its
//! job may still use the ports and the folders, so the slot is given again only when none of them is found.
//!
//! All who take a slot do so one after the other, under the lock `lock` of the folder. Slots that cannot be
//! had, for whatever reason, never keep a job from starting: it then has one of its workspace, or none.

mod folders;
mod hold;
mod places;
mod ports;
mod take;
mod variables;

pub(crate) use folders::discard;
pub(crate) use hold::Hold;
pub use hold::slot_of;
pub(crate) use places::Places;
pub use places::SlotPlaces;
pub(crate) use take::{Taken, sweep, take};
pub(crate) use variables::add_variables;
