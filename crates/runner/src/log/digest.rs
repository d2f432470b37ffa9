//! Digests of job output, which proofs of landings record.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::stretch::stretches;
use super::{LogReader, Stream};
use crate::files::read_json;
use crate::record::{EXIT_FILE, ExitRecord};
use crate::spec::is_gate_command;

/// Bytes read at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// Returns the SHA-256 of these bytes, in hexadecimal.
#[must_use]
pub fn of_bytes(bytes: &[u8]) -> String {
    in_hex(Sha256::new_with_prefix(bytes))
}

/// Returns the SHA-256 of the output of an ended job: the kept part of standard output, then of standard
/// error. Returns `None` if the job has not ended, or if its output is gone or cannot be read.
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

/// Returns the SHA-256 of the output of each stage of an ended job, in order: the kept part of standard
/// output, then of standard error. Returns `None` if the job has not ended, or if its output is gone or
/// cannot be read.
#[must_use]
pub fn of_stages(dir: &Path) -> Option<Vec<String>> {
    let record: ExitRecord = read_json(&dir.join(EXIT_FILE)).ok().flatten()?;
    // A proof records one digest for each command of the gate.
    let digest = |stretch: super::stretch::Stretch| {
        let mut hash = Sha256::new();
        stretch.read(dir, u64::MAX, |_, bytes| hash.update(bytes)).ok()?;
        Some(in_hex(hash))
    };
    let own = stretches(&record).into_iter().filter(|stretch| is_gate_command(&stretch.name));
    own.map(digest).collect()
}

fn in_hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
