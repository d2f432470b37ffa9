//! One SQLite file: the append-only event log and the current rows of what the events touched.
//!
//! [`codec`] makes stored text of events and state, and back; the rest knows no types of the model but
//! [`paddock_model::stored::StoredEvent`]. Events and rows of a [`Batch`] are written in one transaction, so the
//! rows are always what the log says. [`Store`] opens and migrates the file, [`Writer`] is the one thread
//! that changes it, and any number of [`Reader`]s look at it, from this process or another.
//!
//! The promises: an acknowledged batch survives SIGKILL (`Durability::Process`) or power loss
//! (`Durability::Power`); sequence numbers have no gaps; after a failed append nothing later is written.

mod append;
mod backup;
pub mod codec;
mod error;
mod model;
mod open;
mod query;
mod reader;
mod schema;
mod writer;

pub use backup::list as backups;
pub use error::StoreError;
pub(crate) use model::CommitInfo;
pub use model::{Batch, EntityKind, EventQuery, Row, Snapshot};
pub use open::Store;
pub use reader::Reader;
pub use writer::{DiskSpace, OnDiskSpace, Writer};
