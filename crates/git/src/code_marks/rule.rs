//! A rule: a pattern, where it counts, and what it must occur with.

use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use paddock_model::marks::MarkKind;

/// Where a match counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Everywhere.
    Anywhere,
    /// Not in programs that people start: they may end.
    OutsideEntries,
    /// Only in code that runs when the file is loaded, or in a hook, and not in programs that people start.
    OnLoad,
}

/// How far from a match its companion may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// In the same lines.
    Line,
    /// At most [`Reach::NEAR_BYTES`] behind the beginning.
    Near,
    /// In the line before.
    Before,
    /// In the same file.
    File,
}

impl Reach {
    /// How far [`Reach::Near`] reaches.
    pub(super) const NEAR_BYTES: usize = 300;
}

/// A rule as it is written down.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) kind: MarkKind,
    pub(super) pattern: &'static str,
    /// Whether what strings hold is left out.
    pub(super) is_bare: bool,
    pub(super) place: Place,
    pub(super) with: Option<(Reach, &'static str)>,
    pub(super) without: &'static [(Reach, &'static str)],
}

impl Rule {
    pub(super) const fn new(kind: MarkKind, pattern: &'static str) -> Self {
        Self { kind, pattern, is_bare: false, place: Place::Anywhere, with: None, without: &[] }
    }

    /// Leaves out what strings hold.
    pub(super) const fn bare(mut self) -> Self {
        self.is_bare = true;
        self
    }

    pub(super) const fn outside_entries(mut self) -> Self {
        self.place = Place::OutsideEntries;
        self
    }

    pub(super) const fn on_load(mut self) -> Self {
        self.place = Place::OnLoad;
        self
    }

    /// Demands another pattern, too.
    pub(super) const fn with(mut self, reach: Reach, pattern: &'static str) -> Self {
        self.with = Some((reach, pattern));
        self
    }

    /// Leaves out matches with one of these patterns.
    pub(super) const fn without(mut self, patterns: &'static [(Reach, &'static str)]) -> Self {
        self.without = patterns;
        self
    }
}

/// A rule that is ready to use.
pub(super) struct Compiled {
    pub(super) rule: Rule,
    pub(super) pattern: Regex,
    pub(super) with: Option<(Reach, Regex)>,
    pub(super) without: Vec<(Reach, Regex)>,
}

impl Compiled {
    /// Compiles a rule. Returns `None` if a pattern is faulty; a test compiles all.
    pub(super) fn new(rule: Rule) -> Option<Self> {
        let with = match rule.with {
            Some((reach, pattern)) => Some((reach, compile(pattern)?)),
            None => None,
        };
        let without = rule.without.iter().map(|(reach, pattern)| Some((*reach, compile(pattern)?)));
        let without = without.collect::<Option<Vec<_>>>()?;
        Some(Self { rule, pattern: compile(rule.pattern)?, with, without })
    }
}

/// Compiles a pattern for bytes, in which `^` and `$` stand for the ends of lines.
pub(super) fn compile(pattern: &str) -> Option<Regex> {
    let syntax = syntax::Config::new().unicode(false).utf8(false).multi_line(true);
    Regex::builder().syntax(syntax).build(pattern).ok()
}
