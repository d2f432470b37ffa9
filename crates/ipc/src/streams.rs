//! The server's end of a subscription.

use std::time::Duration;

use super::out::Out;
use super::{EventLine, FeedItem, GaugeSubscription, ReplyBody, Subscription};

/// Shortest time between two sendings of gauges. Values that change more often are sent once.
const GAUGE_PAUSE: Duration = Duration::from_millis(100);

/// Sends events as they come, and gauges if wanted, until the client falls behind or goes.
pub(super) async fn send_events(
    mut events: Subscription,
    gauges: Option<GaugeSubscription>,
    id: u64,
    out: Out,
) {
    let since_seq = events.cursor();
    if !out.send(id, ReplyBody::Subscribed { since_seq }).await {
        return;
    }
    // The first branch to end ends the others, and with them the subscription.
    tokio::select! {
        () = send_feed(&mut events, id, &out) => {}
        () = send_gauges(gauges, id, &out) => {}
        () = out.closed() => {}
    }
}

/// Sends events until the client falls behind or goes, or the history cannot be read.
async fn send_feed(events: &mut Subscription, id: u64, out: &Out) {
    loop {
        match events.next().await {
            Ok(FeedItem::Events(batch)) => {
                for event in batch {
                    if !out.send(id, ReplyBody::Event(EventLine::from(&*event))).await {
                        return;
                    }
                }
            }
            Ok(FeedItem::Behind { resume_from }) => {
                out.send(id, ReplyBody::Behind { resume_from }).await;
                return;
            }
            Err(error) => return out.refuse(id, error.to_string()).await,
        }
    }
}

/// Sends gauges until the client goes.
async fn send_gauges(gauges: Option<GaugeSubscription>, id: u64, out: &Out) {
    // Without gauges this never ends: returning would end the subscription.
    let Some(mut gauges) = gauges else { return std::future::pending().await };
    loop {
        for gauge in gauges.next().await {
            if !out.send(id, ReplyBody::Gauge(gauge)).await {
                return;
            }
        }
        tokio::time::sleep(GAUGE_PAUSE).await;
    }
}
