//! The socket between the supervisor of a workspace and its clients: consoles and command lines.
//!
//! One Unix socket, one JSON document per line, for one user only.
//!
//! ```text
//!  Client ── requests ──▶ Server ── one task per client ──▶ Service   commands, answered once recorded
//!         ◀── replies ───                              ├──▶ Feed      committed events, no gaps, no doubles
//!                                                      └──▶ Gauges    latest values, not recorded
//! ```
//!
//! Everything that one peer can make the other keep in memory has a bound: the clients (`clients` says who goes
//! when there are too many), the length of a line and of all unfinished lines, the requests of each client,
//! the lines that wait for a slow reader, and the time for which a client may leave the other waiting. A slow subscriber costs no memory at all: it
//! pulls events by sequence number.
//!
//! [`workspace_lock`] holds the locks of workspaces and the claims on repositories.

mod client;
mod clients;
mod connection;
mod error;
mod events;
mod feed;
mod gauges;
mod lines;
mod out;
mod path;
mod protocol;
mod server;
mod service;
mod streams;
pub mod workspace_lock;

pub use client::Client;
pub use error::IpcError;
pub use events::{Events, Incoming};
pub use feed::{Feed, History};
pub(crate) use feed::{FeedItem, Subscription};
pub(crate) use gauges::GaugeSubscription;
pub use gauges::Gauges;
pub use lines::{LineBuffer, TooLong};
pub use protocol::{EventLine, Gauge, LINE_MAX_BYTES, Reply, Request, decode_request};
pub(crate) use protocol::{PROTOCOL_VERSION, Query, ReplyBody, RequestBody};
pub use server::Server;
pub use service::{Backend, BoxFuture, Service};
