//! `paddock events`: prints recorded events, and follows new ones.

use std::collections::VecDeque;
use std::time::Duration;

use clap::Args;

use super::context::Context;
use super::error::CliError;
use super::exit_codes::{Exit, Failure, Outcome};
use super::output;
use paddock_config::error::nearest;
use paddock_ipc::{Client, EventLine, Incoming, IpcError};
use paddock_model::stored::StoredEvent;
use paddock_report::lineage::Lineage;
use paddock_report::{event_lines, event_types};
use paddock_store::{EventQuery, Reader};

/// Number of events that are read at once.
const PAGE: u32 = 500;
/// Number of earlier events that `--follow` begins with.
const EARLIER: u32 = 10;
/// Interval between two reads of the store while no supervisor runs.
const POLL_PAUSE: Duration = Duration::from_millis(200);
/// Longest wait for the feed at a time.
const FEED_WAIT: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  paddock events --since 2h
  paddock events --follow --json
  paddock events --type needs_review --type landed --since 2026-01-31")]
pub(super) struct Events {
    /// Follow new events, beginning with the last ten, or with those from --since on
    #[arg(short, long)]
    follow: bool,
    /// Time of the first event: RFC 3339, a local date with or without time, or a length back from now (30m,
    /// 2h, 1d)
    #[arg(long, value_name = "T", value_parser = parse_since)]
    since: Option<i64>,
    /// Type of the events to print; repeatable; docs/events.md lists the types
    #[arg(long = "type", value_name = "T")]
    types: Vec<String>,
    /// Output as JSON lines
    #[arg(long)]
    json: bool,
}

/// Parses a time, a local date, or a length back from now. Returns Unix milliseconds.
pub(super) fn parse_since(text: &str) -> Result<i64, CliError> {
    let zone = jiff::tz::TimeZone::system();
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(at.as_millisecond());
    }
    // A date without a zone is the user's own: "2026-01-31" means midnight here.
    if let Ok(local) = text.parse::<jiff::civil::DateTime>() {
        let at = local.to_zoned(zone)?;
        return Ok(at.timestamp().as_millisecond());
    }
    let now = jiff::Zoned::now();
    match text.parse::<jiff::Span>() {
        Ok(span) => {
            // In the calendar, so that `1d` is the same time yesterday also when the clock changed overnight.
            // `-2h` means the same as `2h`.
            let at = now.checked_sub(span.abs())?;
            Ok(at.timestamp().as_millisecond())
        }
        Err(_) => Err(CliError::NotATime),
    }
}

impl Events {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        self.check_types()?;
        let mut last_seq = 0;
        let mut known = Known::default();
        if let Some(reader) = context.reader()? {
            last_seq = self.print_history(context, &reader, &mut known)?;
        }
        match self.follow {
            true => self.follow(context, last_seq, &mut known.lineage),
            false => Ok(Exit::Good),
        }
    }

    fn check_types(&self) -> Result<(), Failure> {
        let known = event_types::public_types();
        match self.types.iter().find(|wanted| !known.contains(&wanted.as_str())) {
            None => Ok(()),
            Some(wanted) => {
                let near = nearest(wanted, &known).map(|near| format!("; did you mean `{near}`?"));
                let near = near.unwrap_or_else(|| "; docs/events.md lists the types".to_owned());
                Err(Failure::usage(format!("there is no event type {wanted:?}{near}")))
            }
        }
    }

    fn query(&self, context: &Context) -> EventQuery {
        let kinds = self.types.iter().flat_map(|wanted| event_types::stored_kinds(wanted));
        EventQuery {
            since_ms: self.since,
            kinds: kinds.map(str::to_owned).collect(),
            project: context.project.as_ref().map(ToString::to_string),
            limit: Some(PAGE),
            ..EventQuery::default()
        }
    }

    /// Prints recorded events. Returns the number of the last event that was recorded when it began.
    ///
    /// Later events are left to `follow`, so that none is printed twice and a busy supervisor cannot keep
    /// this going for ever.
    fn print_history(&self, context: &Context, reader: &Reader, known: &mut Known) -> Result<u64, Failure> {
        let last_seq = reader.last_seq()?;
        let query = self.query(context);
        if self.follow && self.since.is_none() {
            let newest = EventQuery { newest_first: true, limit: Some(EARLIER), ..query };
            let mut found = reader.events(&newest)?;
            found.reverse();
            self.print_stored(context, (reader, known), &found, last_seq)?;
            return known.read_before(reader, last_seq + 1).map(|()| last_seq);
        }
        let mut since_seq = 0;
        loop {
            let page = reader.events(&EventQuery { since_seq: Some(since_seq), ..query.clone() })?;
            self.print_stored(context, (reader, known), &page, last_seq)?;
            match page.last() {
                Some(last) if last.seq < last_seq => since_seq = last.seq,
                _ => return known.read_before(reader, last_seq + 1).map(|()| last_seq),
            }
        }
    }

    fn print_stored(
        &self,
        context: &Context,
        (reader, known): (&Reader, &mut Known),
        page: &[StoredEvent],
        last_seq: u64,
    ) -> Result<(), Failure> {
        for event in page.iter().filter(|event| event.seq <= last_seq) {
            // Only JSON lines name the phase and the goal. Events that a filter leaves out count, too.
            if self.json {
                known.read_before(reader, event.seq)?;
            }
            self.print(context, EventLine::from(event), &mut known.lineage)?;
        }
        Ok(())
    }

    fn print(&self, context: &Context, line: EventLine, lineage: &mut Lineage) -> Result<(), Failure> {
        let line = lineage.publish(line);
        // Filtered again: the feed sends every event, and one stored type can have several public ones.
        let is_other =
            context.project.as_ref().is_some_and(|slug| line.project.as_deref() != Some(slug.as_str()));
        if is_other || (!self.types.is_empty() && !self.types.contains(&line.kind)) {
            return Ok(());
        }
        match self.json {
            true => output::line(&event_types::json(&line)),
            false => output::line(&event_lines::human(&line)),
        }
    }

    /// Prints new events until the process ends: from the supervisor's feed, or from the store while none
    /// runs.
    fn follow(&self, context: &Context, mut last_seq: u64, lineage: &mut Lineage) -> Outcome {
        loop {
            let client = Client::connect(&context.workspace.runtime());
            let followed = match client.map_err(FollowError::Socket) {
                Ok(Some(client)) => self.follow_feed(context, client, &mut last_seq, lineage),
                Ok(None) => Ok(()),
                Err(failed) => Err(failed),
            };
            match followed {
                // The supervisor has ended or is stopping. Events that it could not send any more are in the
                // store.
                Ok(())
                | Err(FollowError::Socket(IpcError::Ended | IpcError::Leaving | IpcError::Timeout { .. })) => {
                }
                Err(FollowError::Socket(error)) => return Err(error.into()),
                Err(FollowError::Print(failure)) => return Err(failure),
            }
            // One-shot commands record events, too, without a feed.
            if let Some(reader) = context.reader()? {
                let query =
                    EventQuery { since_seq: Some(last_seq), limit: Some(PAGE), ..EventQuery::default() };
                for event in reader.events(&query)? {
                    last_seq = event.seq;
                    self.print(context, EventLine::from(&event), lineage)?;
                }
            }
            std::thread::sleep(POLL_PAUSE);
        }
    }

    fn follow_feed(
        &self,
        context: &Context,
        client: Client,
        last_seq: &mut u64,
        lineage: &mut Lineage,
    ) -> Result<(), FollowError> {
        let mut feed = client.events(Some(*last_seq), false).map_err(FollowError::Socket)?;
        loop {
            match feed.next_within(FEED_WAIT).map_err(FollowError::Socket)? {
                Some(Incoming::Event(line)) => {
                    *last_seq = line.seq;
                    self.print(context, line, lineage).map_err(FollowError::Print)?;
                }
                // A client that was too slow gets the events that it missed, so there is nothing to do here.
                Some(Incoming::Behind { .. } | Incoming::Gauge(_)) | None => {}
            }
        }
    }
}

/// What is known of the hierarchy while recorded events are printed.
#[derive(Default)]
struct Known {
    lineage: Lineage,
    /// Events about the hierarchy that were read, and come after the one that is printed.
    pending: VecDeque<StoredEvent>,
    /// Sequence number of the last event that was read.
    read_to: u64,
}

impl Known {
    /// Follows the events about the hierarchy before this one.
    fn read_before(&mut self, reader: &Reader, seq: u64) -> Result<(), Failure> {
        loop {
            while self.pending.front().is_some_and(|event| event.seq < seq) {
                self.pending.pop_front().iter().for_each(|event| self.lineage.note(&EventLine::from(event)));
            }
            if !self.pending.is_empty() || self.read_to + 1 >= seq {
                return Ok(());
            }
            let query = EventQuery {
                since_seq: Some(self.read_to),
                kinds: Lineage::kinds(),
                limit: Some(PAGE),
                ..EventQuery::default()
            };
            self.pending.extend(reader.events(&query)?);
            // Without any event left there is none up to this one.
            self.read_to = self.pending.back().map_or(seq - 1, |last| last.seq);
        }
    }
}

/// Why following the feed ended: a stopped supervisor is no failure, a closed standard output ends the
/// command.
enum FollowError {
    Socket(IpcError),
    Print(Failure),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_lengths_are_understood() {
        assert_eq!(parse_since("1970-01-01T00:00:01Z").unwrap(), 1000);
        let hour_ago = jiff::Timestamp::now().as_millisecond() - 3_600_000;
        assert!((parse_since("1h").unwrap() - hour_ago).abs() < 60_000);
        assert!(parse_since("2026-01-31").is_ok() && parse_since("2026-01-31 09:30").is_ok());
        assert!(parse_since("yesterday").is_err());
    }
}
