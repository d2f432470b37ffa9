//! Compares two versions of a test file by their structure. Lines that were added are harmless only if the
//! earlier lines keep their places, and if nothing that was added changes what the earlier lines do.

use std::collections::BTreeSet;

use paddock_model::tamper::How;

use super::additions;
use super::blocks::{Place, places};
use super::found::Found;
use super::muting;
use super::pairs::Pairs;
use super::scan::{Language, Line, names, scan};
use super::skips::{Weight, checks, skipped};

/// Two versions of a test file.
pub(super) struct View {
    pub language: Language,
    pub old: Vec<Line>,
    pub new: Vec<Line>,
    pub pairs: Pairs,
    /// Place of each new line.
    pub places: Vec<Place>,
    /// Names that the earlier version uses.
    pub used: BTreeSet<String>,
}

impl View {
    /// Returns the new lines that the earlier version does not have, with their indices.
    pub(super) fn added(&self) -> impl Iterator<Item = (usize, &Line)> {
        self.new.iter().enumerate().filter(|(at, _)| self.pairs.is_added(*at))
    }

    /// Returns whether the block around a new line is new, too.
    pub(super) fn is_in_new_block(&self, at: usize) -> bool {
        let mut owner = self.places[at].owner;
        while let Some(header) = owner {
            if self.pairs.is_added(header) {
                return true;
            }
            owner = self.places[header].owner;
        }
        false
    }

    /// Returns whether a mark at this line concerns a new test alone: it stands in a new block, or above a new
    /// definition. Marks that select tests concern the others.
    fn is_of_new_test(&self, at: usize, mark: &str) -> bool {
        let is_test = |line: &Line| checks(self.language, line);
        if mark.contains("only") || self.pairs.removed.iter().any(|old| is_test(&self.old[*old])) {
            return false;
        }
        let is_mark = |line: &Line| line.code.starts_with('@') || line.code.starts_with("#[");
        if is_mark(&self.new[at]) {
            let mut below = (at + 1..self.new.len()).filter(|later| self.places[*later].within.is_none());
            let target = below.find(|later| !is_mark(&self.new[*later]));
            return target.is_some_and(|target| self.pairs.is_added(target));
        }
        self.is_in_new_block(at) || (self.new[at].code.starts_with(mark) && self.opens_new_block(at))
    }

    /// Returns whether a new line opens a block in which no earlier line stands.
    fn opens_new_block(&self, at: usize) -> bool {
        let mut within = (0..self.new.len()).filter(|later| self.places[*later].owner == Some(at)).peekable();
        within.peek().is_some() && within.all(|later| self.pairs.is_added(later))
    }

    /// Returns whether an earlier line follows a new line in the same block.
    pub(super) fn is_followed(&self, at: usize) -> bool {
        let owner = self.places[at].owner;
        let is_within = |later: usize| {
            let mut place = self.places[later].owner;
            loop {
                match (place, owner) {
                    (one, other) if one == other => return true,
                    (None, _) => return false,
                    (Some(header), _) => place = self.places[header].owner,
                }
            }
        };
        let is_old = |later: &usize| !self.pairs.is_added(*later) && !is_closer(&self.new[*later].code);
        (at + 1..self.new.len()).take_while(|later| is_within(*later)).any(|later| is_old(&later))
    }

    /// Returns whether the earlier script ends at the first command that fails.
    pub(super) fn stops_at_failures(&self) -> bool {
        let is_set = |line: &Line| {
            let rest = line.code.strip_prefix("set -");
            rest.is_some_and(|flags| flags.split_whitespace().next().is_some_and(|flags| flags.contains('e')))
                || line.text.starts_with("#!") && line.text.ends_with("-e")
        };
        self.old.iter().any(is_set)
    }
}

/// Returns whether a line only closes what others opened.
pub(super) fn is_closer(code: &str) -> bool {
    let is_sign = |c: char| matches!(c, ')' | '}' | ']' | ';' | ',');
    code.chars().all(|c| is_sign(c) || c.is_whitespace())
        || ["end", "fi", "done", "esac", "pass"].contains(&code)
}

/// Returns what a change did to the tests of a file that still exists, or `None` if it took nothing away.
pub(super) fn compare(language: Language, before: &str, after: &str) -> Option<Found> {
    let is_encoded_anew = before.starts_with('\u{feff}') != after.starts_with('\u{feff}')
        || (language == Language::Shell && !before.contains('\r') && after.contains('\r'));
    let (old, new) = (scan(language, before), scan(language, after));
    let Some(pairs) = Pairs::new(&old, &new) else { return Some(Found::whole(How::Changed)) };
    if let Some(found) = built_never(before, after) {
        return Some(found);
    }
    let places = places(language, &new);
    let used = old.iter().flat_map(|line| names(&line.code)).map(str::to_owned).collect();
    let view = View { language, old, new, pairs, places, used };
    let concerns_old = |at: usize, mark: &str| view.pairs.is_added(at) && !view.is_of_new_test(at, mark);
    if let Some((mark, line)) = skipped(language, &view.old, &view.new, concerns_old) {
        return Some(Found::at(How::Skipped(mark.to_owned()), line));
    }
    if let Some(found) = muting::muted(&view) {
        return Some(found);
    }
    let removed = || view.pairs.removed.iter().map(|at| &view.old[*at]);
    let first = removed().find(|line| checks(language, line)).or_else(|| removed().next());
    let (was, is) = (Weight::new(language, &view.old), Weight::new(language, &view.new));
    match first {
        Some(line) if is.is_less_than(was) => {
            return Some(Found::at(How::Fewer(was.lines(), is.lines()), line));
        }
        Some(line) => return Some(Found::at(How::Changed, line)),
        None if is_encoded_anew => return Some(Found::whole(How::Changed)),
        None => {}
    }
    match language.has_blocks() {
        true => additions::doubtful(&view).map(|line| Found::at(How::Changed, line)),
        false => None,
    }
}

/// Constraints in comments that leave a file out of every build.
fn built_never(before: &str, after: &str) -> Option<Found> {
    let marks = ["//go:build", "// +build"];
    let mark = marks.iter().find(|mark| after.matches(**mark).count() > before.matches(**mark).count())?;
    let (at, line) = after.lines().enumerate().find(|(_, line)| line.contains(mark))?;
    Some(Found::text(How::Skipped((*mark).to_owned()), u32::try_from(at + 1).unwrap_or(u32::MAX), line))
}
