//! The rows of the queue's pane, derived from the state.

use serde_json::Value;

use crate::{Model, text};
use paddock_model::gate::{GateRun, Purpose, Start, Verdict, VerdictCode};
use paddock_model::ids::{EntryId, GateId, ObjectiveId};
use paddock_model::project::Project;
use paddock_model::train::{Entry, Subject};
use paddock_report::evidence;

/// Newest gate runs that are searched, at most: rows are derived for every frame, and a workspace may have
/// thousands of runs.
const RECENT: usize = 200;

/// The progress of a gate run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Progress {
    /// Command that is running: `tests 2/2`.
    pub command: String,
    /// Milliseconds since the run began.
    pub elapsed_ms: i64,
    /// Duration of the last green run, in milliseconds; `None` if there was none.
    pub expected_ms: Option<i64>,
}

impl Progress {
    /// Returns an estimate between 0 and 1, `None` without an earlier run to compare with. The estimate never
    /// reaches 1, since a run that takes longer than the last one is not done.
    #[must_use]
    pub(crate) fn share(&self) -> Option<f64> {
        let expected = self.expected_ms.filter(|expected| *expected > 0)?;
        Some((self.elapsed_ms as f64 / expected as f64).clamp(0.0, 0.99))
    }

    /// Returns short words for narrow rows: `tests 1:52`.
    #[must_use]
    pub(crate) fn short_words(&self) -> String {
        let command = self.command.split(' ').next().unwrap_or_default();
        format!("{command} {}", text::running(self.elapsed_ms))
    }

    /// Returns the full words: `tests 2/2 1:52 of ~2:01`.
    #[must_use]
    pub(crate) fn words(&self) -> String {
        let elapsed = text::running(self.elapsed_ms);
        let of = self.expected_ms.map(|ms| format!(" of ~{}", text::running(ms))).unwrap_or_default();
        format!("{} {elapsed}{of}", self.command)
    }
}

/// The position of an entry in its batch, drawn as a part of a bracket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bracket {
    /// The entry is alone.
    None,
    /// The first of several entries that one gate run judges together.
    First,
    /// An entry between the first and the last.
    Middle,
    /// The last entry of the batch.
    Last,
}

/// One row of the pane.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// Objective of the entry; `None` for the user's own commits.
    pub objective: Option<ObjectiveId>,
    /// Name to show.
    pub name: String,
    /// State in one word: `waits`, `gate`, `lands`.
    pub state: &'static str,
    /// Progress of the entry's gate run, if one is open.
    pub progress: Option<Progress>,
    /// Reason of the state.
    pub detail: String,
    /// Position in a batch.
    pub bracket: Bracket,
    /// Open gate run on the entry, otherwise the last one.
    pub gate: Option<GateId>,
}

/// Returns the duration of the project's last green run of the whole gate, in milliseconds.
fn expected_ms(model: &Model, project: &Project) -> Option<i64> {
    // Runs of other purposes (phase checks, the canary) run other commands or on other trees, and runs without
    // caches take longer: their durations say nothing about the queue's next one.
    let is_comparable = |gate: &&GateRun| {
        gate.project == project.slug
            && gate.verdict == Some(Verdict::Green)
            && gate.start == Start::Kept
            && matches!(
                gate.purpose,
                Purpose::Candidate { .. } | Purpose::Base { .. } | Purpose::Ahead { .. }
            )
    };
    let last = model.facts.state.gates().rev().take(RECENT).find(is_comparable)?;
    let took: u64 = last.results.iter().map(|result| result.took_ms).sum();
    i64::try_from(took).ok()
}

/// Returns the progress of an open run.
#[must_use]
pub(crate) fn progress(model: &Model, project: &Project, gate: &GateRun) -> Progress {
    let gauge = model.facts.gauges.get(&("gate_progress".to_owned(), None, Some(gate.id.0)));
    let number = |name: &str| gauge.and_then(|value| value.get(name)).and_then(Value::as_u64);
    let named = gauge.and_then(|value| value.get("command")).and_then(Value::as_str);
    let command = match (named, number("index"), number("of")) {
        // With a single command a count would say nothing.
        (Some(name), Some(index), Some(of)) if of > 1 => format!("{name} {index}/{of}"),
        (Some(name), ..) => name.to_owned(),
        // The run has not reported its first command yet.
        (None, ..) => "starting".to_owned(),
    };
    Progress {
        command,
        elapsed_ms: (model.now_ms - gate.started_ms).max(0),
        expected_ms: expected_ms(model, project),
    }
}

/// Returns the open run that judges an entry. Of several, the one with the fewest entries: it says most about
/// this one.
fn run_of<'m>(model: &'m Model, project: &Project, entry: &Entry) -> Option<&'m GateRun> {
    let open = model.facts.state.open_gates();
    let own = open.filter(|gate| {
        gate.project == project.slug && !gate.cancelled && gate.purpose.entries().contains(&entry.id)
    });
    own.min_by_key(|gate| gate.purpose.entries().len())
}

/// Returns the last finished run that judged an entry.
#[must_use]
pub(crate) fn last_run<'m>(model: &'m Model, project: &Project, entry: EntryId) -> Option<&'m GateRun> {
    let mut recent = model.facts.state.gates().rev().take(RECENT);
    recent.find(|gate| {
        gate.project == project.slug && gate.verdict.is_some() && gate.purpose.entries().contains(&entry)
    })
}

fn name(subject: &Subject) -> String {
    match subject {
        Subject::Objective(id) => id.to_string(),
        Subject::Target => "your own commits".to_owned(),
        Subject::Remote => "the commits of the remote".to_owned(),
    }
}

/// Returns why an entry waits. Of several reasons, the most specific one is shown.
fn wait_reason(model: &Model, project: &Project, entry: &Entry, first: bool) -> String {
    if let Some(until) = entry.not_before_ms.filter(|at| *at > model.now_ms) {
        return format!("tried again in {}", text::short_time(until - model.now_ms));
    }
    if entry.build_failures > 0 {
        return format!("could not be merged {} times", entry.build_failures);
    }
    let collides = |other: &&Entry| match (&entry.subject, &other.subject) {
        (Subject::Objective(one), Subject::Objective(other)) => project.do_collide(one, other),
        _ => false,
    };
    // Only conflicts with entries before it matter: those land first, and this one then no longer merges.
    let order = (model.answers.in_order)(&project.train);
    if let Some(other) = order.iter().copied().take_while(|other| other.id != entry.id).find(collides) {
        return format!("will conflict with {}", name(&other.subject));
    }
    if project.train.is_separate(entry.id) {
        return "does not merge with the entries before it".to_owned();
    }
    let place = if first { "next in line" } else { "for the entries before it" };
    let run = last_run(model, project, entry.id);
    match run.and_then(GateRun::code) {
        Some(VerdictCode::Red) => "red; finding the culprit".to_owned(),
        Some(VerdictCode::FewerTests) => run.map(lost_tests).unwrap_or_default(),
        Some(VerdictCode::NotEvaluated) => "not evaluated; the gate runs again".to_owned(),
        Some(VerdictCode::Green | VerdictCode::GreenExitOnly) | None => {
            // A run on the base says nothing about the entry's own tests.
            let own = run.filter(|run| !run.purpose.is_on_base() && run.compared.is_some());
            let verdict = own.and_then(|run| verdict_words(model, run));
            verdict.map_or_else(|| place.to_owned(), |words| format!("{words}; {place}"))
        }
    }
}

/// Returns the tests that a run lost, by the first difference: `fewer tests: - test_a did not run`.
fn lost_tests(run: &GateRun) -> String {
    let lost = evidence::differences(run).into_iter().find(|line| !line.contains("+ "));
    format!("fewer tests than before; {}", lost.unwrap_or_else(|| "a person decides".to_owned()))
}

/// Returns the verdict of a run and its tests: `green · 42 tests (41 before)`.
#[must_use]
pub(crate) fn verdict_words(model: &Model, run: &GateRun) -> Option<String> {
    let code = run.code()?;
    let dot = model.theme.glyphs.dot;
    let tests = evidence::totals(run).map(|tests| format!(" {dot} {tests}")).unwrap_or_default();
    Some(format!("{}{tests}", code.words()))
}

/// Returns the verdict by which the queue's landing lands.
fn landing_words(model: &Model, project: &Project) -> String {
    let gate = project.train.landing.as_ref().and_then(|landing| landing.gate);
    let run = gate.and_then(|gate| model.facts.state.gate(gate));
    run.and_then(|run| verdict_words(model, run)).unwrap_or_else(|| Verdict::Green.words().to_owned())
}

fn row(model: &Model, project: &Project, entry: &Entry, first: bool) -> Row {
    let objective = match &entry.subject {
        Subject::Objective(id) => Some(id.clone()),
        Subject::Target | Subject::Remote => None,
    };
    let run = run_of(model, project, entry);
    let mut row = Row {
        objective,
        name: name(&entry.subject),
        state: "waits",
        progress: None,
        detail: String::new(),
        bracket: Bracket::None,
        gate: run.or_else(|| last_run(model, project, entry.id)).map(|run| run.id),
    };
    if let Some(run) = run {
        (row.state, row.progress) = ("gate", Some(progress(model, project, run)));
        row.detail = match &run.purpose {
            Purpose::Base { .. } => "on the base, to find the culprit".to_owned(),
            Purpose::Ahead { .. } => "ahead of its turn".to_owned(),
            Purpose::Tamper { .. } => "with the original tests".to_owned(),
            _ => String::new(),
        };
        return row;
    }
    let train = &project.train;
    let is_building =
        train.chain.as_ref().is_some_and(|chain| chain.is_building && chain.asked.contains(&entry.id));
    (row.state, row.detail) = match (train.is_landing(entry.id), is_building) {
        // A project without a gate lands, too: no verdict may be claimed there.
        (true, _) if train.landing.as_ref().is_some_and(|landing| landing.gate.is_none()) => {
            ("lands", "no gate".to_owned())
        }
        (true, _) => ("lands", format!("the gate is {}", landing_words(model, project))),
        (false, true) => ("merge", "its merge is being made".to_owned()),
        (false, false) if train.held.is_some() => ("held", "until the queue is released".to_owned()),
        (false, false) => ("waits", wait_reason(model, project, entry, first)),
    };
    row
}

/// Returns a row for each entry, in landing order.
#[must_use]
pub(super) fn rows(model: &Model, project: &Project) -> Vec<Row> {
    let order = (model.answers.in_order)(&project.train);
    let mut rows: Vec<Row> =
        order.iter().enumerate().map(|(at, entry)| row(model, project, entry, at == 0)).collect();
    // Collected before the loop, which clears the progress of later rows.
    let gates: Vec<Option<GateId>> =
        rows.iter().map(|row| row.gate.filter(|_| row.progress.is_some())).collect();
    let batches: Vec<Option<u64>> = order.iter().map(|entry| project.train.batch_of(entry.id)).collect();
    for (at, row) in rows.iter_mut().enumerate() {
        let up = at.checked_sub(1);
        // Entries of one batch are adjacent: they are in landing order.
        let same = |other: Option<&Option<u64>>| batches[at].is_some() && other == Some(&batches[at]);
        let (before, after) = (same(up.and_then(|up| batches.get(up))), same(batches.get(at + 1)));
        row.bracket = match (before, after) {
            (false, true) => Bracket::First,
            (true, true) => Bracket::Middle,
            (true, false) => Bracket::Last,
            (false, false) => Bracket::None,
        };
        // The progress of a run is shown once, at the first of its entries.
        if gates[at].is_some() && up.is_some_and(|up| gates[up] == gates[at]) {
            (row.detail, row.progress) = ("in the same batch".to_owned(), None);
        }
    }
    rows
}

/// Returns the open runs of the project that judge no entry: phase checks, the canary, the recheck, the
/// user's own commits.
#[must_use]
pub(crate) fn other_runs(model: &Model, project: &Project) -> Vec<(GateId, String)> {
    let open = model.facts.state.open_gates().filter(|gate| gate.project == project.slug && !gate.cancelled);
    let others = open.filter(|gate| gate.purpose.entries().is_empty());
    let words = |gate: &GateRun| {
        let what = match &gate.purpose {
            Purpose::Phase { phase } => format!("checks of phase {phase}"),
            Purpose::Canary => "a gate run on an emptied tree".to_owned(),
            Purpose::Recheck => "a gate run on landed work from nothing".to_owned(),
            _ => "the gate on your own commits".to_owned(),
        };
        (gate.id, format!("{what}: {}", progress(model, project, gate).words()))
    };
    others.map(words).collect()
}
