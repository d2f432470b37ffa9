//! The file of names that is kept beside a gate run.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::report::Report;

/// Version of the format.
const VERSION: u32 = 1;
/// Most bytes of a file that are read: more than [`Report::to_bytes`] writes for the most names.
const BYTES_MAX: usize = 256 << 20;

/// Why a stored report cannot be read or written.
#[derive(Debug, Error)]
pub enum StoredError {
    /// The text is no report.
    #[error("the stored names of tests cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// A later version of Paddock wrote it.
    #[error("the stored names of tests have format {0}, and this version reads format {VERSION}")]
    Version(u32),
    /// The file is larger than any report.
    #[error("the file with the stored names of tests has {0} bytes, which is too large")]
    Size(usize),
}

#[derive(Serialize)]
struct Written<'r> {
    version: u32,
    report: &'r Report,
}

#[derive(Deserialize)]
struct Read {
    version: u32,
    report: Report,
}

impl Report {
    /// Returns the report as text to store: one JSON object.
    ///
    /// # Errors
    /// Fails only if memory is short: a report has nothing that JSON cannot hold.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StoredError> {
        Ok(serde_json::to_vec(&Written { version: VERSION, report: self })?)
    }

    /// Returns the report that [`Report::to_bytes`] wrote.
    ///
    /// # Errors
    /// Fails if the text is something else, too large, or of a later version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoredError> {
        if bytes.len() > BYTES_MAX {
            return Err(StoredError::Size(bytes.len()));
        }
        let read: Read = serde_json::from_slice(bytes)?;
        match read.version {
            VERSION => Ok(read.report),
            other => Err(StoredError::Version(other)),
        }
    }
}
