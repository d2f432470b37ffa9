//! The events of a subscription, as a client reads them.

use std::time::Duration;

use super::client::unexpected;
use super::{Client, EventLine, Gauge, IpcError, ReplyBody, RequestBody};

/// What a subscription tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// The next event; sequence numbers have no gaps and no doubles.
    Event(EventLine),
    /// A new value of a gauge.
    Gauge(Gauge),
    /// The reader was too slow. Everything after this event still follows; who shows a state reads it anew.
    Behind {
        /// The last event that was told.
        resume_from: u64,
    },
}

/// Events from the supervisor, one by one; ends with the first error.
pub struct Events {
    client: Client,
    request: u64,
    gauges: bool,
    is_over: bool,
}

impl Events {
    pub(super) fn begin(
        mut client: Client,
        since_seq: Option<u64>,
        gauges: bool,
        timeout: Duration,
    ) -> Result<Self, IpcError> {
        let request = client.send(RequestBody::Subscribe { since_seq, gauges })?;
        match client.receive_for(request, Some(timeout))? {
            ReplyBody::Subscribed { .. } => Ok(Self { client, request, gauges, is_over: false }),
            other => Err(unexpected(&other)),
        }
    }

    /// Waits up to `timeout` for what comes next; `None` when nothing came.
    ///
    /// # Errors
    /// [`IpcError::Ended`] when the supervisor is gone, or what it refused.
    pub fn next_within(&mut self, timeout: Duration) -> Result<Option<Incoming>, IpcError> {
        match self.receive(Some(timeout)) {
            Err(IpcError::Timeout { .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    fn receive(&mut self, timeout: Option<Duration>) -> Result<Incoming, IpcError> {
        loop {
            match self.client.receive_for(self.request, timeout).map_err(ended)? {
                ReplyBody::Event(event) => return Ok(Incoming::Event(event)),
                ReplyBody::Gauge(gauge) => return Ok(Incoming::Gauge(gauge)),
                ReplyBody::Subscribed { .. } => {}
                ReplyBody::Behind { resume_from } => {
                    let (since_seq, gauges) = (Some(resume_from), self.gauges);
                    self.request = self.client.send(RequestBody::Subscribe { since_seq, gauges })?;
                    return Ok(Incoming::Behind { resume_from });
                }
                other => return Err(unexpected(&other)),
            }
        }
    }
}

impl Iterator for Events {
    type Item = Result<Incoming, IpcError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let received = self.receive(None);
        self.is_over = received.is_err();
        Some(received)
    }
}

/// To whoever only listens it is one whether the supervisor left in order.
fn ended(error: IpcError) -> IpcError {
    if error == IpcError::Leaving { IpcError::Ended } else { error }
}
