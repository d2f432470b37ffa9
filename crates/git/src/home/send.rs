//! Sending a pack out of a place, and signs of life while it is made.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::frame::{self, Kind};
use super::limits::CHUNK_BYTES;
use super::pack::PackWriter;
use super::walk::{New, Stores};

/// How often a helper that works on an answer says so.
const ALIVE_INTERVAL: Duration = Duration::from_secs(5);

/// Tells now and then that the helper works.
pub(crate) fn pulse(last: &mut Instant, output: &mut dyn Write) -> io::Result<()> {
    if last.elapsed() < ALIVE_INTERVAL {
        return Ok(());
    }
    *last = Instant::now();
    frame::write(output, Kind::Alive, &(), &[])?;
    output.flush()
}

/// Splits what is written into frames.
struct Chunks<'a> {
    output: &'a mut dyn Write,
    chunk: Vec<u8>,
}

impl Write for Chunks<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.chunk.is_empty() {
            frame::write(self.output, Kind::Pack, &(), &self.chunk)?;
            self.chunk.clear();
        }
        Ok(())
    }
}

/// Sends the pack. The inner error is a fault of the place.
pub(crate) fn send_pack(
    news: &[New],
    stores: &Stores,
    output: &mut dyn Write,
) -> io::Result<Result<(), String>> {
    let count = u32::try_from(news.len()).unwrap_or(u32::MAX);
    let mut pack = PackWriter::new(Chunks { output: &mut *output, chunk: Vec::new() }, count)?;
    for object in news {
        let data = match stores.read(object.id) {
            Ok(data) => data,
            Err(reason) => return Ok(Err(format!("the object {} {reason}", object.id))),
        };
        let size = u64::try_from(data.len()).unwrap_or(u64::MAX);
        pack.begin(object.kind, size)?;
        for piece in data.chunks(CHUNK_BYTES) {
            pack.data(piece)?;
        }
        pack.end(object.id, object.kind)?;
    }
    pack.finish()?;
    frame::write(output, Kind::PackEnd, &(), &[])?;
    Ok(Ok(()))
}
