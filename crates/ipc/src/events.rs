//! The client's end of a subscription.

use std::time::Duration;

use super::client::unexpected;
use super::{Client, EventLine, Gauge, IpcError, ReplyBody, RequestBody};

/// One item of a subscription.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// The next event. Sequence numbers have no gaps and no doubles.
    Event(EventLine),
    /// A new value of a gauge.
    Gauge(Gauge),
    /// The reader was too slow. All events after `resume_from` still follow; a reader that shows the state
    /// may prefer to load it anew.
    Behind {
        /// Last event that the reader received.
        resume_from: u64,
    },
}

/// The items of a subscription, one by one. The iterator ends after the first error.
pub struct Events {
    client: Client,
    request: u64,
    gauges: bool,
    is_over: bool,
}

impl Events {
    /// Subscribes, and waits for the supervisor's confirmation.
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

    /// Waits up to `timeout` for the next item. Returns `None` if none came.
    ///
    /// # Errors
    /// [`IpcError::Ended`] if the supervisor is gone, or [`IpcError::Refused`] with the reason why it ended
    /// the subscription.
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
                // Confirms the subscription that this loop began anew below.
                ReplyBody::Subscribed { .. } => {}
                ReplyBody::Behind { resume_from } => {
                    // The server has ended the subscription. A new one from the same place loses nothing.
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

/// Converts a graceful stop to [`IpcError::Ended`]. The difference matters for commands only.
fn ended(error: IpcError) -> IpcError {
    if error == IpcError::Leaving { IpcError::Ended } else { error }
}
