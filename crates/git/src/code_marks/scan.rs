//! Applies the rules to one file.

use super::aliases::assignments;
use super::place::{is_entry, runs_on_load, test_modules};
use super::rule::{Compiled, Place, Reach};
use super::rules::rules;
use crate::source_text::{Language, Source};
use paddock_model::marks::MarkKind;

/// Most matches of one rule in a file that are looked at.
const MATCHES_MAX: usize = 10_000;

/// A file to scan.
pub(super) struct Scanned<'s> {
    pub(super) path: &'s str,
    pub(super) language: Language,
    pub(super) source: &'s Source,
    /// Whether the file begins with `#!`.
    pub(super) is_script: bool,
}

/// Lines that a rule matches, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) kind: MarkKind,
    pub(super) first: usize,
    pub(super) last: usize,
}

/// Returns what the rules match in a file.
pub(super) fn scan(file: &Scanned<'_>) -> Vec<Hit> {
    let code = &file.source.code;
    let lines: Vec<&str> = code.split('\n').collect();
    let starts: Vec<usize> = lines
        .iter()
        .scan(0, |at, line| {
            let start = *at;
            *at += line.len() + 1;
            Some(start)
        })
        .collect();
    let context = Context {
        file,
        lines,
        starts,
        is_entry: is_entry(file.path, file.language, code, file.is_script),
        test_modules: test_modules(file.language, file.source),
    };
    let mut found: Vec<Hit> = rules(file.language).iter().flat_map(|rule| context.apply(rule)).collect();
    for (from, to) in assignments(file.language, code) {
        let kind = MarkKind::ReplacesChecks;
        let (first, last) = context.lines_of(code, from, to);
        found.push(Hit { kind, first: first + 1, last: last + 1 });
    }
    found
}

struct Context<'s> {
    file: &'s Scanned<'s>,
    lines: Vec<&'s str>,
    /// Where each line begins.
    starts: Vec<usize>,
    is_entry: bool,
    test_modules: Vec<(usize, usize)>,
}

impl Context<'_> {
    fn apply(&self, rule: &Compiled) -> Vec<Hit> {
        if rule.rule.place != Place::Anywhere && self.is_entry {
            return Vec::new();
        }
        let source = self.file.source;
        let text = if rule.rule.is_bare { &source.bare } else { &source.code };
        let mut found = Vec::new();
        for matched in rule.pattern.find_iter(text.as_bytes()).take(MATCHES_MAX) {
            let (from, to) = (matched.start(), matched.end());
            // A pattern may begin with the end of the line before.
            let space =
                text.as_bytes()[from..to].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let (first, last) = (self.line_at(from + space), self.line_at(to.saturating_sub(1).max(from)));
            if self.counts(rule, from, first, last.max(first)) {
                // What follows an exit is only there to show that something follows.
                let last = if rule.rule.kind == MarkKind::LeavesEarly { first } else { last.max(first) };
                found.push(Hit { kind: rule.rule.kind, first: first + 1, last: last + 1 });
            }
        }
        found
    }

    fn counts(&self, rule: &Compiled, from: usize, first: usize, last: usize) -> bool {
        let code = self.file.source.code.as_bytes();
        let end = self.starts.get(last + 1).copied().unwrap_or(code.len());
        let around = &code[self.starts[first].min(end)..end];
        let has = |reach: Reach| match reach {
            Reach::Line => around,
            Reach::Before => first.checked_sub(1).map_or(&[][..], |line| self.lines[line].as_bytes()),
            Reach::Near => &code[from..code.len().min(from + Reach::NEAR_BYTES)],
            Reach::File => code,
        };
        if rule.with.as_ref().is_some_and(|(reach, pattern)| !pattern.is_match(has(*reach))) {
            return false;
        }
        if rule.without.iter().any(|(reach, pattern)| pattern.is_match(has(*reach))) {
            return false;
        }
        // Tests may ask for tests. What they replace or how they end concerns the gate.
        let is_free = matches!(
            rule.rule.kind,
            MarkKind::AsksForTests | MarkKind::PrintsSummary | MarkKind::TestTwin | MarkKind::IgnoresFailure
        );
        if is_free && self.test_modules.iter().any(|(start, end)| (*start..*end).contains(&from)) {
            return false;
        }
        rule.rule.place != Place::OnLoad || runs_on_load(&self.lines, first)
    }

    /// Returns the numbers of the first and the last line of a match, from 0.
    fn lines_of(&self, text: &str, from: usize, to: usize) -> (usize, usize) {
        // A pattern may begin with the end of the line before.
        let matched = text.as_bytes().get(from..to).unwrap_or_default();
        let space = matched.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let first = self.line_at(from + space);
        (first, self.line_at(to.saturating_sub(1).max(from)).max(first))
    }

    /// Returns the number of the line, from 0, in which a byte is.
    fn line_at(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte).saturating_sub(1)
    }
}
