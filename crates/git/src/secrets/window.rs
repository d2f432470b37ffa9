//! The search of a text in windows: memory is bounded whatever the text's size, and time follows its size.

use std::io::{self, Read};

use regex_automata::Input;

use super::Found;
use super::judge::{Match, any_matches, is_secret};
use super::rules::{RuleSet, RulesError, rules};
use super::wide::{Form, readings};

/// Bytes that are searched at once.
const WINDOW: usize = 256 << 10;
/// Bytes that the next window has again: at least the longest match, in UTF-16, with what must follow it. The
/// longest pattern of bounded length has 13,000 characters; of a longer key this much is enough to know it.
const OVERLAP: usize = 32 << 10;
/// Bytes before the first place of a later window: what a pattern looks at before a match.
const LOOK_BACK: usize = 1 << 10;
/// Maximum number of findings in one text. One finding already sends a branch back.
const FOUND_MAX: usize = 20;

/// Reasons why a text was not searched to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SearchError {
    /// The text cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The rules cannot be read.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The allowed work is spent.
    #[error("the search takes too much work")]
    Spent,
}

/// Work that a search may still do: bytes that patterns are tried on, once for each pattern. A text that has
/// the keywords of every rule costs a hundred times as much as another of its size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work(pub u64);

impl Work {
    fn spend(&mut self, bytes: usize) -> Result<(), SearchError> {
        self.0 = self.0.checked_sub(bytes as u64).ok_or(SearchError::Spent)?;
        Ok(())
    }
}

/// Returns the secrets of a text, in order, at most twenty. `path` is the path of its file, empty for a
/// message.
///
/// # Errors
/// Fails if the text cannot be read to its end, or if the search would take more than the allowed work.
pub(crate) fn search(mut text: impl Read, path: &[u8], work: &mut Work) -> Result<Vec<Found>, SearchError> {
    let set = rules()?;
    let is_quiet = any_matches(&set.quiet_paths, path)?;
    let mut search = Search { set, path, is_quiet, found: Vec::new() };
    // Bytes of the window, its first place to report, and the number of lines before the window.
    let (mut window, mut first, mut lines) = (Vec::new(), 0, 0);
    let mut form = None;
    loop {
        let missing = WINDOW.saturating_sub(window.len());
        (&mut text).take(missing as u64).read_to_end(&mut window)?;
        let is_last = window.len() < WINDOW;
        let form = *form.get_or_insert_with(|| Form::recognized(&window));
        let last = if is_last { window.len() } else { WINDOW - OVERLAP };
        let place = Place { first, last, lines, form };
        search.bytes(&window, &place, work)?;
        if is_last || search.found.len() >= FOUND_MAX {
            break;
        }
        let done = last - LOOK_BACK;
        lines += form.lines(&window[..done]);
        window.drain(..done);
        first = LOOK_BACK;
    }
    search.found.truncate(FOUND_MAX);
    Ok(search.found)
}

/// Where a window stands.
struct Place {
    /// First place whose matches count; earlier ones counted in the window before.
    first: usize,
    /// Place after the last one whose matches count; later ones count in the next window.
    last: usize,
    /// Line ends before the window.
    lines: usize,
    form: Form,
}

/// A match that counts.
struct Hit {
    /// Place in the window.
    at: usize,
    kind: &'static str,
    text: Vec<u8>,
}

struct Search<'p> {
    set: &'static RuleSet,
    path: &'p [u8],
    /// Whether rules that go by a name leave the path out.
    is_quiet: bool,
    found: Vec<Found>,
}

impl Search<'_> {
    /// Searches a window as bytes and as UTF-16.
    fn bytes(&mut self, window: &[u8], place: &Place, work: &mut Work) -> Result<(), SearchError> {
        let counts = |at: usize| (place.first..place.last).contains(&at);
        let mut hits = self.text(window, &counts, work)?;
        for reading in readings(window) {
            let wide = self.text(&reading.text, &|at| counts(reading.place(at)), work)?;
            hits.extend(wide.into_iter().map(|hit| Hit { at: reading.place(hit.at), ..hit }));
        }
        hits.sort_by_key(|hit| hit.at);
        hits.dedup_by_key(|hit| hit.at);
        let free = FOUND_MAX.saturating_sub(self.found.len());
        for Hit { at, kind, text } in hits.into_iter().take(free) {
            let line = place.lines + place.form.lines(&window[..at]) + 1;
            self.found.push(Found { kind, text, line });
        }
        Ok(())
    }

    /// Returns the matches of all rules in a text that `counts` has.
    fn text(
        &self,
        text: &[u8],
        counts: &dyn Fn(usize) -> bool,
        work: &mut Work,
    ) -> Result<Vec<Hit>, SearchError> {
        work.spend(text.len())?;
        let mut hits: Vec<(usize, Hit)> = Vec::new();
        for rule in self.due(text)? {
            let rule = &self.set.rules[rule];
            work.spend(text.len())?;
            let regex = rule.pattern.get()?;
            let mut captures = regex.create_captures();
            let mut at = 0;
            let mut of_rule = 0;
            while at <= text.len() && of_rule < FOUND_MAX {
                regex.search_captures(&Input::new(text).range(at..), &mut captures);
                let Some(end) = captures.get_match().map(|found| found.end().max(found.start() + 1)) else {
                    break;
                };
                at = end;
                let Some(found) = Match::new(text, &captures, rule.spec.group) else { continue };
                let (start, end) = found.secret;
                // What an earlier rule has found is one secret, and has one kind.
                let is_known = hits.iter().any(|(known, hit)| hit.at < end && start < *known);
                if is_known || !counts(start) || !is_secret(self.set, rule, &found, self.path)? {
                    continue;
                }
                of_rule += 1;
                hits.push((end, Hit { at: start, kind: &rule.spec.kind, text: found.secret().to_vec() }));
            }
        }
        Ok(hits.into_iter().map(|(_, hit)| hit).collect())
    }

    /// Returns the rules to try on a text, in their order: those of its keywords.
    fn due(&self, text: &[u8]) -> Result<Vec<usize>, SearchError> {
        let mut is_due = vec![false; self.set.rules.len()];
        let mut seen = vec![false; self.set.rules_of.len()];
        self.set.always.iter().for_each(|rule| is_due[*rule] = true);
        for word in self.set.keywords.find_overlapping_iter(text) {
            let word = word.pattern().as_usize();
            if !std::mem::replace(&mut seen[word], true) {
                self.set.rules_of[word].iter().for_each(|rule| is_due[*rule] = true);
            }
        }
        let mut due = Vec::new();
        for (index, rule) in self.set.rules.iter().enumerate() {
            let is_left_out = !is_due[index] || (self.is_quiet && rule.spec.near_name);
            if !is_left_out && rule.path.as_ref().map_or(Ok(true), |path| self.is_path(path))? {
                due.push(index);
            }
        }
        Ok(due)
    }

    fn is_path(&self, path: &super::rules::Pattern) -> Result<bool, RulesError> {
        Ok(path.get()?.is_match(self.path))
    }
}
