//! The socket between the one supervisor of a workspace and its console and command lines.
//!
//! One Unix socket, one JSON document per line, for the same user only. Events come from a [`Feed`] without gaps and
//! without doubles, [`Gauges`] as latest values only. [`lock`] says who works here.

mod client;
mod connection;
mod error;
mod feed;
mod gauges;
mod lines;
pub mod lock;
mod path;
mod protocol;
mod server;
mod streams;

pub use client::{Client, Closer, ServerHello};
pub use error::LinkError;
pub use feed::{Feed, FeedItem, History, Subscription};
pub use gauges::{GaugeSubscription, Gauges};
pub use lines::{LineBuffer, TooLong};
pub use protocol::{
    EventLine, Gauge, LINE_MAX_BYTES, PROTOCOL_VERSION, Query, Reply, ReplyBody, Request, RequestBody,
    decode_request,
};
pub use server::{Backend, BoxFuture, Server, Service};
pub use streams::{Events, Incoming};
