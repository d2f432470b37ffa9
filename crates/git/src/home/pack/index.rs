//! The index of a pack, version 2: where each object is.

use sha1_checked::Digest as _;

use super::{Packed, plain_sha1};

/// Offsets from here on are in a table of their own.
const LARGE: u64 = 1 << 31;

/// Returns the index of a pack with this checksum. Sorts the objects.
pub(crate) fn index(objects: &mut [Packed], checksum: &[u8; 20]) -> Vec<u8> {
    objects.sort_unstable_by(|one, other| one.id.as_bytes().cmp(other.id.as_bytes()));
    let mut bytes = b"\xfftOc\x00\x00\x00\x02".to_vec();
    let mut at = 0_usize;
    for first in 0..=u8::MAX {
        at += objects[at..].iter().take_while(|one| one.id.as_bytes().first() == Some(&first)).count();
        bytes.extend(u32::try_from(at).unwrap_or(u32::MAX).to_be_bytes());
    }
    objects.iter().for_each(|one| bytes.extend(one.id.as_bytes()));
    objects.iter().for_each(|one| bytes.extend(one.crc.to_be_bytes()));
    let mut large = Vec::new();
    for one in objects.iter() {
        let short = match u32::try_from(one.offset) {
            Ok(short) if one.offset < LARGE => short,
            _ => {
                large.extend(one.offset.to_be_bytes());
                u32::try_from(large.len() / 8 - 1).unwrap_or(u32::MAX) | 0x8000_0000
            }
        };
        bytes.extend(short.to_be_bytes());
    }
    bytes.extend(large);
    bytes.extend(checksum);
    let mut hash = plain_sha1();
    hash.update(&bytes);
    let end: [u8; 20] = hash.finalize().into();
    bytes.extend(end);
    bytes
}
