//! The codec: events and state as stored text, and back.

mod events;
mod projects;
mod rows;

pub use events::{from_stored, to_stored};
pub use rows::{ENTITIES, batch, load, load_snapshot, rows_of, state_of};

use crate::StoreError;

/// Why events or state could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The store itself failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored event or row does not have the shape that its version has.
    #[error(
        "the database holds {what} that this Paddock cannot read ({source}); use the Paddock that wrote it, \
         or restore one of its copies, the files `paddock.db.*.backup`"
    )]
    Shape {
        /// The event or row.
        what: String,
        /// What serde reported.
        source: serde_json::Error,
    },
    /// The event has a newer version than this program knows.
    #[error("the database holds {what} of version {version}, written by a newer Paddock; use the newer one")]
    Newer {
        /// The event.
        what: String,
        /// Version of the event.
        version: u32,
    },
}
