//! Which part of a job's output each of its stages wrote.

use std::io;
use std::ops::Range;
use std::path::Path;

use super::{LogReader, Stream};
use crate::record::ExitRecord;

/// Bytes read at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// The output of one stage, as offsets into the job's logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The stage's name.
    pub name: String,
    stdout: Range<u64>,
    stderr: Range<u64>,
}

/// The stretch of every stage that was begun, in order.
#[must_use]
pub fn stretches(record: &ExitRecord) -> Vec<Stretch> {
    let ends = record.stages.iter().skip(1).map(|next| (next.stdout_from, next.stderr_from));
    let ends = ends.chain([(record.stdout.written_bytes, record.stderr.written_bytes)]);
    let stretch = |(stage, (stdout, stderr)): (&crate::StageEnd, (u64, u64))| Stretch {
        name: stage.name.clone(),
        stdout: stage.stdout_from..stdout,
        stderr: stage.stderr_from..stderr,
    };
    record.stages.iter().zip(ends).map(stretch).collect()
}

impl Stretch {
    /// Hands out what was kept of it, standard output and then standard error, at most `max_bytes` of the end of
    /// each.
    ///
    /// # Errors
    /// What the system said.
    pub fn read(&self, dir: &Path, max_bytes: u64, mut take: impl FnMut(Stream, &[u8])) -> io::Result<()> {
        for stream in Stream::ALL {
            let range = match stream {
                Stream::Stdout => &self.stdout,
                Stream::Stderr => &self.stderr,
            };
            let reader = LogReader::open(dir, stream);
            let mut offset = range.start.max(range.end.saturating_sub(max_bytes));
            while offset < range.end {
                let chunk = reader.read_at(offset, CHUNK_BYTES)?;
                let room = usize::try_from(range.end.saturating_sub(chunk.offset)).unwrap_or(usize::MAX);
                if chunk.bytes.is_empty() || room == 0 {
                    break;
                }
                take(stream, &chunk.bytes[..room.min(chunk.bytes.len())]);
                offset = chunk.next_offset();
            }
        }
        Ok(())
    }
}
