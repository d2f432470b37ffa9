//! Digests of output, for proofs.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::stretch::stretches;
use super::{LogReader, Stream};
use crate::files::read_json;
use crate::record::{EXIT_FILE, ExitRecord};

/// Bytes read at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// SHA-256 of these bytes, in hexadecimal.
#[must_use]
pub fn of_bytes(bytes: &[u8]) -> String {
    in_hex(Sha256::new_with_prefix(bytes))
}

/// SHA-256 of the output of a job that is over: standard output as far as it was kept, then standard error.
/// None when it cannot be read, or is gone.
#[must_use]
pub fn of_folder(dir: &Path) -> Option<String> {
    let mut hash = Sha256::new();
    dir.join("exit.json").exists().then_some(())?;
    for stream in Stream::ALL {
        let reader = LogReader::open(dir, stream);
        let mut offset = 0;
        loop {
            let chunk = reader.read_at(offset, CHUNK_BYTES).ok()?;
            if chunk.bytes.is_empty() {
                break;
            }
            hash.update(&chunk.bytes);
            offset = chunk.next_offset();
        }
    }
    Some(in_hex(hash))
}

/// SHA-256 of what each stage of a job that is over wrote, in their order: standard output as far as it was kept,
/// then standard error. None when it cannot be read, or is gone.
#[must_use]
pub fn of_stages(dir: &Path) -> Option<Vec<String>> {
    let record: ExitRecord = read_json(&dir.join(EXIT_FILE)).ok().flatten()?;
    let digest = |stretch: super::stretch::Stretch| {
        let mut hash = Sha256::new();
        stretch.read(dir, u64::MAX, |_, bytes| hash.update(bytes)).ok()?;
        Some(in_hex(hash))
    };
    // What set the worktree up is none of the gate's commands.
    let own = stretches(&record).into_iter().filter(|stretch| stretch.name != "worktree.setup");
    own.map(digest).collect()
}

fn in_hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
