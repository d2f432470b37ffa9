//! The socket between the one supervisor of a workspace and its console and command lines.
//!
//! One Unix socket, one JSON document per line, for the same user only. The types of commands, queries and
//! answers are parameters: the link carries them and knows nothing of what they mean. Events come from a
//! [`Feed`] without gaps and without doubles, [`Gauges`] as latest values only, logs by byte offset.

mod client;
mod connection;
mod error;
mod feed;
mod gauges;
mod lines;
pub mod lock;
mod logs;
mod path;
mod protocol;
mod server;
mod streams;

pub use client::{Client, Closer, ServerHello};
pub use error::LinkError;
pub use feed::{Feed, FeedItem, History, Subscription};
pub use gauges::{GaugeSubscription, Gauges};
pub use lines::{LineBuffer, TooLong};
pub use logs::{LogChunk, LogSource};
pub use protocol::{
    EventLine, Gauge, LINE_MAX_BYTES, LogBytes, LogKind, LogName, LogPart, LogRequest, LogStream,
    PROTOCOL_VERSION, Reply, ReplyBody, Request, RequestBody, decode_request,
};
pub use server::{Backend, BoxFuture, Server, Service};
pub use streams::{Events, Incoming, LogFollow};
