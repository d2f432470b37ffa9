//! The bytes of a pack that comes in frames.

use std::io::{self, BufRead, Read};

use super::fault::{Named, shown};
use super::frame::{self, Frame, Kind};
use super::talk::Reported;

fn named_fault(frame: &Frame) -> io::Error {
    frame
        .header::<Reported>()
        .map_or_else(|error| error, |reported| io::Error::other(Named(shown(&reported.reason))))
}

/// Returns the error for a pipe that ends too early.
fn cut_off() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}

/// The bytes of a pack, out of the frames that hold them.
pub(crate) struct PackStream<'a> {
    input: &'a mut dyn BufRead,
    /// Bytes that are left of the frame.
    left: u64,
    is_over: bool,
}

impl<'a> PackStream<'a> {
    /// Reads a pack from its frame with this many bytes on; none are left if the frame is still to come.
    pub(crate) fn new(input: &'a mut dyn BufRead, left: u64) -> Self {
        Self { input, left, is_over: false }
    }

    /// Goes on to the next frame of the pack that has bytes.
    fn advance(&mut self) -> io::Result<()> {
        while self.left == 0 && !self.is_over {
            let frame: Option<Frame> = frame::read(self.input)?;
            match frame.as_ref().map(|frame| (frame.kind, frame.length)) {
                None => return Err(cut_off()),
                Some((Kind::Pack, length)) => self.left = length,
                Some((Kind::PackEnd, 0)) => self.is_over = true,
                Some((Kind::Alive, 0)) => {}
                Some((Kind::Fault, 0)) => return Err(frame.map_or_else(cut_off, |frame| named_fault(&frame))),
                Some(_) => return Err(frame::malformed("a frame inside a pack")),
            }
        }
        Ok(())
    }
}

impl Read for PackStream<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let have = self.fill_buf()?;
        let count = have.len().min(bytes.len());
        bytes[..count].copy_from_slice(&have[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for PackStream<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.advance()?;
        if self.is_over {
            return Ok(&[]);
        }
        let have = self.input.fill_buf()?;
        if have.is_empty() {
            return Err(cut_off());
        }
        let count = usize::try_from(self.left).unwrap_or(usize::MAX).min(have.len());
        Ok(&have[..count])
    }

    fn consume(&mut self, count: usize) {
        self.left = self.left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
        self.input.consume(count);
    }
}
