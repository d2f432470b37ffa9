//! Other systems (macOS) do not say what a thread waits for: long work is named, and its pipe is not.

use std::path::PathBuf;

pub(super) fn thread_id() -> Option<i32> {
    None
}

pub(super) fn pipes_awaited_here() -> Vec<(i32, PathBuf)> {
    Vec::new()
}

pub(super) fn pipe_awaited_by(_pid: i32) -> Option<PathBuf> {
    None
}

pub(super) fn prepare() {}

pub(super) fn opens_here() -> Vec<(i32, String)> {
    Vec::new()
}

pub(super) fn open_again(_thread: i32) {}
