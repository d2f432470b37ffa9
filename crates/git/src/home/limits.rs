//! Every limit of what may come home from a place: what exceeds one is refused and named.

use std::time::Duration;

/// Limits that a caller may set. The default is what Paddock uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one pack, as they come over the pipe.
    pub pack_bytes: u64,
    /// Bytes of all objects of one pack, inflated.
    pub inflated_bytes: u64,
    /// Bytes of one blob, inflated.
    pub blob_bytes: u64,
    /// Bytes of one commit, tag or tree, inflated.
    pub other_bytes: u64,
    /// Bytes of one file of git LFS.
    pub lfs_file_bytes: u64,
    /// Bytes of all files of git LFS that one bring takes.
    pub lfs_bytes: u64,
    /// Number of objects of one pack.
    pub objects: u32,
    /// How long a helper may stay silent before it counts as hanging.
    pub silence: Duration,
    /// How long a helper may take for one answer.
    pub answer: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pack_bytes: 2 << 30,
            inflated_bytes: 16 << 30,
            blob_bytes: 512 << 20,
            other_bytes: 64 << 20,
            lfs_file_bytes: 8 << 30,
            lfs_bytes: 32 << 30,
            objects: 1_000_000,
            silence: Duration::from_secs(60),
            answer: Duration::from_secs(30 * 60),
        }
    }
}

/// Largest header of a frame, in bytes.
pub(crate) const HEADER_BYTES_MAX: usize = 64 << 10;
/// Bytes of a pack that one frame holds.
pub(crate) const CHUNK_BYTES: usize = 256 << 10;
/// Number of refs that a place may have. One of 100,000 refs is an attack or a mistake.
pub(crate) const REFS_MAX: usize = 20_000;
/// Longest name of a ref that is read, in bytes. File systems allow 255 for each of its parts.
pub(crate) const REF_NAME_BYTES_MAX: usize = 1024;
/// Largest file of one ref, in bytes.
pub(crate) const LOOSE_REF_BYTES_MAX: u64 = 4096;
/// Largest `packed-refs`, in bytes.
pub(crate) const PACKED_REFS_BYTES_MAX: u64 = 16 << 20;
/// Largest reflog of the stash, in bytes: tens of thousands of entries.
pub(crate) const STASH_LOG_BYTES_MAX: u64 = 8 << 20;
/// Number of entries of the stash that come home.
pub(crate) const STASHES_MAX: usize = 10_000;
/// Largest index of a place, in bytes.
pub(crate) const INDEX_BYTES_MAX: u64 = 256 << 20;
/// Largest answer that lists something (refs, names), in bytes.
pub(crate) const LIST_BYTES_MAX: u64 = 32 << 20;
/// Deepest nesting of folders in a tree.
pub(crate) const DEPTH_MAX: usize = 4096;
/// Number of things that could not come home and are recorded by name.
pub(crate) const LEFT_MAX: usize = 1000;
/// Largest file with the ends of a shallow clone, in bytes.
pub(crate) const SHALLOW_BYTES_MAX: u64 = 1 << 20;
/// Largest blob that may be a pointer of git LFS, in bytes.
pub(crate) const POINTER_BYTES_MAX: u64 = 1024;
