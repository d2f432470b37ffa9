//! The operating system: files, locks, processes and process trees, panics, and the moments at which tests
//! kill the process.
//!
//! - [`beneath`]: reads and writes below a folder that somebody else can write to.
//! - [`files`]: atomic writes, and files and folders closed to other users.
//! - [`temporary`]: the user's own folder among the system's temporary files.
//! - [`clear`]: removes whatever a program left.
//! - [`disk`]: the free space of file systems.
//! - [`plain`]: reads that never wait for a named pipe.
//! - [`hangs`]: names work that takes long, and frees what waits for a named pipe.
//! - [`locks`]: file locks that the kernel releases however their holder dies.
//! - [`processes`]: processes by identity (id and start time), never by id alone.
//! - [`process_tree`]: finds and kills everything that a job started.
//! - [`open_files`]: the limit of open files.
//! - [`panics`]: catches panics, so that they can be reported.
//! - [`fail_points`]: lets tests kill the process between an intent and its record.
//!
//! Depends on no other crate of Paddock. Linux is the main platform. macOS is supported with weaker means,
//! and the places say what they lack.

pub mod beneath;
pub mod clear;
pub mod disk;
pub(crate) mod error;
pub mod fail_points;
pub mod files;
pub mod hangs;
pub mod locks;
pub mod open_files;
pub mod panics;
pub mod plain;
pub mod process_tree;
pub mod processes;
pub mod temporary;

pub use error::FileError;
