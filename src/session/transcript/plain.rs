//! Plain text: what an agent writes is what it says.

use super::{Format, Line, Reading, Setting, Stream};
use crate::domain::session::Exit;

/// Reads plain text.
#[derive(Debug, Default)]
pub(super) struct Plain {}

impl Format for Plain {
    fn push(&mut self, _: Stream, _: &[u8], _: &Setting, _: &mut Vec<Line>) {}

    fn reading(&self, _: Option<&Exit>, _: &Setting) -> Reading {
        Reading::default()
    }

    fn end(&mut self, _: &Setting, _: &mut Vec<Line>) {}
}
