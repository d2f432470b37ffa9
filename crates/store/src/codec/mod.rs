//! Between domain and store: events and state as they are written down, and read back.

mod events;
mod projects;
mod rows;

pub use events::{from_stored, to_stored};
pub use rows::{ENTITIES, batch, load, load_snapshot, rows_of, state_of};

use crate::StoreError;

/// What can go wrong between the domain and the store.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The store itself failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored event or row does not have the shape its version says.
    #[error(
        "the database holds {what} that this Paddock cannot read ({source}); use the Paddock that wrote it, \
         or restore a copy from the files `paddock.db.*.backup` beside it"
    )]
    Shape {
        /// Which event or row.
        what: String,
        /// What the reader says.
        source: serde_json::Error,
    },
    /// An event of a version that is newer than this program.
    #[error("the database holds {what} of version {version}, written by a newer Paddock; use that one")]
    Newer {
        /// Which event.
        what: String,
        /// Its version.
        version: u32,
    },
}
