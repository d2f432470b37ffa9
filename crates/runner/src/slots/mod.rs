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

use serde::{Deserialize, Serialize};

use paddock_model::ids::ProjectSlug;
use paddock_model::settings::PortSettings;

pub(crate) use folders::discard;
pub use hold::slot_of;
pub(crate) use hold::{Hold, Slot};
pub(crate) use places::Places;
pub use places::SlotPlaces;
pub(crate) use take::{Taken, sweep, take};
pub(crate) use variables::add_variables;

/// What a job asks of its slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotOrder {
    /// The project, after which containers are named.
    pub project: String,
    /// First port of slot 0.
    pub port_base: u32,
    /// Number of ports of each slot.
    pub ports_per_slot: u32,
}

impl SlotOrder {
    /// Returns what a job of this project asks for.
    #[must_use]
    pub fn new(project: &ProjectSlug, ports: &PortSettings) -> Self {
        Self { project: project.to_string(), port_base: ports.base, ports_per_slot: ports.per_slot }
    }
}
