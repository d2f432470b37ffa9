//! The part of a job's output that each stage wrote.

use std::io;
use std::ops::Range;
use std::path::Path;

use super::{LogReader, Stream};
use crate::record::ExitRecord;

/// Size of one read, in bytes.
const CHUNK_BYTES: usize = 1 << 20;

/// The output of one stage, as offsets into the job's logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Name of the stage.
    pub name: String,
    stdout: Range<u64>,
    stderr: Range<u64>,
}

/// Returns the output of every stage that was started, in order.
#[must_use]
pub fn stretches(record: &ExitRecord) -> Vec<Stretch> {
    // A record stores where the output of each stage begins; it ends where that of the next stage begins.
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
    /// Passes the kept output of the stage to `take`: standard output, then standard error, each at most the
    /// last `max_bytes`. Returns whether that is all of the output.
    ///
    /// # Errors
    /// Fails if the log cannot be read.
    pub fn read(&self, dir: &Path, max_bytes: u64, mut take: impl FnMut(Stream, &[u8])) -> io::Result<bool> {
        let mut is_whole = true;
        for stream in Stream::ALL {
            let range = match stream {
                Stream::Stdout => &self.stdout,
                Stream::Stderr => &self.stderr,
            };
            let reader = LogReader::open(dir, stream);
            let mut offset = range.start.max(range.end.saturating_sub(max_bytes));
            is_whole &= offset == range.start;
            while offset < range.end {
                let chunk = reader.read_at(offset, CHUNK_BYTES)?;
                let wanted = usize::try_from(range.end.saturating_sub(chunk.offset)).unwrap_or(usize::MAX);
                // Nothing is wanted if a gap reaches beyond the stage: all the rest of its output was
                // dropped.
                is_whole &= chunk.offset == offset;
                if chunk.bytes.is_empty() || wanted == 0 {
                    is_whole = false;
                    break;
                }
                take(stream, &chunk.bytes[..wanted.min(chunk.bytes.len())]);
                offset = chunk.next_offset();
            }
        }
        Ok(is_whole)
    }
}
