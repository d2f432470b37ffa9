//! One SQLite file with the append-only event log and the current rows, which the events changed.
//!
//! [`codec`] turns events and state into stored text and back; the other modules know no type of the model
//! but [`paddock_model::stored::StoredEvent`]. The events and rows of a [`Batch`] are written in one
//! transaction, so the rows always equal the fold of the log.
//!
//! What the crate promises:
//!
//! - An acknowledged batch survives SIGKILL (`Durability::Process`) or a power loss (`Durability::Power`).
//! - Sequence numbers have no gaps.
//! - What is acknowledged is in the file at the database's path: a file that is deleted or replaced while it is
//!   open is put back before anything is acknowledged, or the writer fails.
//! - After a failed append nothing later is written (fail-stop): the process ends and starts over from what
//!   is on disk.
//!
//! # Where to begin
//!
//! - [`Store`] opens the file: it notices every fault before it changes anything, and migrates.
//! - [`Writer`] is the one thread that changes the file; it groups what is queued into one transaction.
//! - Any number of [`Reader`]s read the file, from this process or another, and never block the writer.
//! - [`codec::batch`] and [`codec::load`] are what the supervisor calls at each commit and at its start.

mod append;
mod backup;
pub mod codec;
mod error;
mod migrate;
mod model;
mod open;
mod place;
mod query;
mod reader;
mod writer;

pub use backup::list as backups;
pub use error::StoreError;
pub(crate) use model::CommitInfo;
pub use model::{Batch, EntityKind, EventQuery, Row, Snapshot};
pub use open::Store;
pub use place::PutBack;
pub use reader::Reader;
pub use writer::{DiskSpace, News, OnNews, Writer};
