//! Reading a pack that nobody vouches for: whole objects only, each within its limit, none twice.

use std::io::{self, BufRead};

use git2::{ObjectType, Oid};
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZFlush, MZStatus};
use sha1_checked::{Digest as _, Sha1};

use super::{object_hash, plain_sha1};
use crate::home::check::word;
use crate::home::limits::Limits;

/// Bytes of an object that are handed on at a time.
const PIECE_BYTES: usize = 64 << 10;

/// Why a pack is not taken.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The pack is wrong: a sentence's second half, whose subject is the pack.
    Pack(String),
    /// The pipe, or the file that is written, failed.
    Io(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn refuse<T>(reason: impl Into<String>) -> Result<T, Refused> {
    Err(Refused::Pack(reason.into()))
}

/// The bytes of the pack, counted and hashed as they are taken.
struct Source<'a> {
    input: &'a mut dyn BufRead,
    hash: Sha1,
    taken: u64,
}

impl Source<'_> {
    fn consume(&mut self, count: usize) -> Result<(), Refused> {
        let bytes = self.input.fill_buf()?;
        self.hash.update(bytes.get(..count).unwrap_or(bytes));
        self.taken += u64::try_from(count).unwrap_or(u64::MAX);
        self.input.consume(count);
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, Refused> {
        let Some(byte) = self.input.fill_buf()?.first().copied() else { return refuse("is cut off") };
        self.consume(1)?;
        Ok(byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refused> {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            *byte = self.byte()?;
        }
        Ok(bytes)
    }
}

/// Reads a pack object by object.
pub(crate) struct PackReader<'a> {
    source: Source<'a>,
    limits: Limits,
    /// Number of objects that are left.
    left: u32,
    /// Bytes of all objects so far, inflated.
    inflated: u64,
    inflate: Box<InflateState>,
    piece: Vec<u8>,
}

impl<'a> PackReader<'a> {
    /// Reads the beginning of a pack.
    ///
    /// # Errors
    /// If it is no pack of version 2, or has too many objects.
    pub(crate) fn new(input: &'a mut dyn BufRead, limits: Limits) -> Result<Self, Refused> {
        let mut source = Source { input, hash: plain_sha1(), taken: 0 };
        if source.array::<8>()? != *b"PACK\0\0\0\x02" {
            return refuse("is no pack of version 2");
        }
        let left = u32::from_be_bytes(source.array()?);
        if left > limits.objects {
            return refuse(format!("has {left} objects, and at most {} are taken", limits.objects));
        }
        let inflate = InflateState::new_boxed(DataFormat::Zlib);
        Ok(Self { source, limits, left, inflated: 0, inflate, piece: vec![0; PIECE_BYTES] })
    }

    /// Returns the number of objects that are left.
    pub(crate) fn left(&self) -> u32 {
        self.left
    }

    /// Reads the header of the next object: kind and size. `None` after the last one.
    ///
    /// # Errors
    /// If it is a delta, of an unknown kind, or too large.
    pub(crate) fn header(&mut self) -> Result<Option<(ObjectType, u64)>, Refused> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let first = self.source.byte()?;
        let kind = match first >> 4 & 7 {
            1 => ObjectType::Commit,
            2 => ObjectType::Tree,
            3 => ObjectType::Blob,
            4 => ObjectType::Tag,
            6 | 7 => return refuse("has a delta, and whole objects alone are taken"),
            other => return refuse(format!("has an object of the unknown kind {other}")),
        };
        let (mut size, mut shift, mut byte) = (u64::from(first & 0x0f), 4_u32, first);
        while byte & 0x80 != 0 {
            byte = self.source.byte()?;
            let part = u64::from(byte & 0x7f);
            // A size above any limit; shifted further its bits would be lost.
            if shift > 50 {
                return refuse("has an object whose size is no size");
            }
            size |= part << shift;
            shift += 7;
        }
        let max = if kind == ObjectType::Blob { self.limits.blob_bytes } else { self.limits.other_bytes };
        if size > max {
            return refuse(format!("has a {} of {size} bytes, and at most {max} are taken", word(kind)));
        }
        self.inflated = self.inflated.saturating_add(size);
        if self.inflated > self.limits.inflated_bytes {
            return refuse(format!("has more than {} bytes of content", self.limits.inflated_bytes));
        }
        Ok(Some((kind, size)))
    }

    /// Reads the object whose header was read, piece by piece. Returns its id.
    ///
    /// # Errors
    /// If its bytes are not compressed as they should be, or are more or fewer than its size says; or the
    /// error of `to`.
    pub(crate) fn object(
        &mut self,
        (kind, size): (ObjectType, u64),
        to: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<Oid, Refused> {
        self.inflate.reset(DataFormat::Zlib);
        let mut hash = object_hash(kind, size);
        let mut have = 0_u64;
        loop {
            let input = self.source.input.fill_buf()?;
            if input.is_empty() {
                return refuse("is cut off");
            }
            let step = inflate(&mut self.inflate, input, &mut self.piece, MZFlush::None);
            if self.source.taken + u64::try_from(step.bytes_consumed).unwrap_or(0) > self.limits.pack_bytes {
                return refuse(format!("has more than {} bytes", self.limits.pack_bytes));
            }
            self.source.consume(step.bytes_consumed)?;
            have += u64::try_from(step.bytes_written).unwrap_or(u64::MAX);
            if have > size {
                return refuse(format!("has a {} that is larger than it says", word(kind)));
            }
            let piece = &self.piece[..step.bytes_written];
            hash.update(piece);
            to(piece)?;
            match step.status {
                Ok(MZStatus::StreamEnd) => break,
                Ok(_) if step.bytes_consumed > 0 || step.bytes_written > 0 => {}
                _ => return refuse("has an object whose bytes cannot be inflated"),
            }
        }
        if have != size {
            return refuse(format!("has a {} that is smaller than it says", word(kind)));
        }
        let hash = hash.try_finalize();
        if hash.has_collision() {
            return refuse("has an object that was made to have the id of another");
        }
        Oid::from_bytes(hash.hash()).map_err(|error| Refused::Pack(error.message().to_owned()))
    }

    /// Reads the end of the pack.
    ///
    /// # Errors
    /// If its checksum is wrong, or something follows it.
    pub(crate) fn finish(mut self) -> Result<(), Refused> {
        let hash = std::mem::replace(&mut self.source.hash, plain_sha1());
        let wanted: [u8; 20] = hash.finalize().into();
        if self.source.array::<20>()? != wanted {
            return refuse("has a wrong checksum");
        }
        match self.source.input.fill_buf()?.is_empty() {
            true => Ok(()),
            false => refuse("goes on after its end"),
        }
    }
}
