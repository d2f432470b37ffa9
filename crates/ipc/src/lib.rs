//! The socket between the one supervisor of a workspace and its console and command lines.
//!
//! One Unix socket, one JSON document per line, for the same user only. Events come from a [`Feed`] without gaps and
//! without doubles, [`Gauges`] as latest values only. [`lock`] says who works here.

mod client;
mod connection;
mod error;
mod events;
mod feed;
mod gauges;
mod lines;
pub mod lock;
mod out;
mod path;
mod protocol;
mod server;
mod service;
mod streams;

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
