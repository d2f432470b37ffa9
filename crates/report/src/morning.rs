//! The morning report: what landed, what waits for a person, what was spent, and that no recorded work is
//! lost.

use std::collections::BTreeMap;

use serde::Serialize;

use super::evidence::{self, EvidenceStatus, evidence_status};
use super::status::{NeedStatus, RefsMovedStatus, need_status, refs_moved};
use super::status_text::moved_title;
use super::text::{counted, duration, harmless, rfc3339};
use paddock_model::answers::Answers;
use paddock_model::budget::used_since_ms;
use paddock_model::gate::{GateRun, VerdictCode};
use paddock_model::ids::ObjectId;
use paddock_model::needs::{Need, NeedKind};
use paddock_model::objective::{Objective, Status};
use paddock_model::project::Project;
use paddock_model::session::{ProcessEnd, Session, SessionStatus};
use paddock_model::state::State;
use paddock_model::usage::{Tokens, dollars, usd_of};

/// Lines of a changed test file's diff that the text shows, at most.
const DIFF_LINES_MAX: usize = 20;

/// The morning report on all projects.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Report {
    pub version: u32,
    pub since: String,
    pub until: String,
    pub projects: Vec<ProjectReport>,
}

/// The morning report on one project.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ProjectReport {
    pub slug: String,
    pub name: String,
    /// Landings whose exact tree passed the gate.
    pub landed: Vec<LandedReport>,
    /// Landings without a gate.
    pub landed_unverified: Vec<LandedReport>,
    /// Number of landings whose gate reported no tests: green by its exit status only.
    pub exit_status_only: usize,
    /// Gate runs whose work did not land for its tests, oldest first.
    pub tests_lost: Vec<TestsLost>,
    /// What waits for a person now.
    pub waiting: Vec<Waiting>,
    /// Recorded work that cannot be found in the repository. A healthy workspace has none.
    pub lost: Vec<String>,
    /// Refs and stash entries of the user that changed while sessions ran.
    pub refs_moved: RefsMovedStatus,
    pub spent: SpentReport,
    /// Number of sessions by status.
    pub sessions: BTreeMap<&'static str, u32>,
    /// Number of objectives that are not done and do not wait for a person.
    pub open: usize,
}

/// A landing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct LandedReport {
    pub objective: String,
    pub title: String,
    pub commit: String,
    pub at: String,
    pub published_at: Option<String>,
    /// Whether the landing's proof is written.
    pub proof: bool,
    /// The gate run with its tests; `None` without a gate, and for landings of earlier builds.
    pub evidence: Option<EvidenceStatus>,
}

/// A gate run whose work did not land, because tests were missing, skipped or failing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct TestsLost {
    /// What the run was about: `candidate`, `ahead` and so on.
    pub purpose: &'static str,
    #[serde(flatten)]
    pub evidence: EvidenceStatus,
}

/// Something that waits for a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Waiting {
    /// Objective that waits; `None` when the project itself or its queue waits.
    pub objective: Option<String>,
    pub title: String,
    pub code: String,
    pub text: String,
    pub since: String,
    pub clears: String,
    /// Kind of the subject, as in `status --json`.
    pub about: &'static str,
}

/// Usage of sessions; an unknown amount is null, never zero.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct SpentReport {
    pub sessions: u32,
    pub session_minutes: u64,
    pub tokens: Option<u64>,
    pub usd: Option<f64>,
    /// Number of sessions that ended without reporting their tokens; `usd_unknown` counts likewise.
    pub tokens_unknown: u32,
    pub usd_unknown: u32,
}

fn waits(state: &State, need: &Need) -> Waiting {
    let NeedStatus { code, text, since, clears, about, objective, .. } = need_status(need);
    let title = match &need.kind {
        NeedKind::Objective(key) => state.objective(key).map(|objective| objective.spec.title.clone()),
        _ => None,
    };
    Waiting { objective, title: title.unwrap_or_default(), code, text, since, clears, about }
}

/// Returns the report on a project for the time from `since_ms` on. `lost` lists recorded work that the
/// caller could not find in the repository.
#[must_use]
pub fn project(
    state: &State,
    answers: &Answers,
    project: &Project,
    (since_ms, now_ms): (i64, i64),
    lost: Vec<String>,
) -> ProjectReport {
    let mut report = ProjectReport {
        slug: project.slug.to_string(),
        name: project.settings.name.clone(),
        landed: Vec::new(),
        landed_unverified: Vec::new(),
        exit_status_only: 0,
        tests_lost: tests_lost(state, project, since_ms),
        waiting: (answers.needs)(state, &project.slug).iter().map(|need| waits(state, need)).collect(),
        lost,
        refs_moved: refs_moved(project, since_ms),
        spent: SpentReport::default(),
        sessions: BTreeMap::new(),
        open: 0,
    };
    for objective in state.objectives_of(&project.slug) {
        add_objective(&mut report, state, project, objective, since_ms);
    }
    let of_project = |session: &&Session| session.objective.project == project.slug;
    // A session that began before the time counts if it ended after it; `used_since_ms` then takes only the
    // part after it.
    let ran = |session: &&Session| session.finished_ms.is_none_or(|ended| ended >= since_ms);
    for session in state.sessions().filter(of_project).filter(ran) {
        add_session(&mut report, session, since_ms, now_ms);
    }
    let spent = &mut report.spent;
    // No amount yet means zero only if every session reported its usage; otherwise the amount stays unknown.
    spent.tokens = spent.tokens.or((spent.tokens_unknown == 0).then_some(0));
    spent.usd = spent.usd.or((spent.usd_unknown == 0).then_some(0.0));
    report.landed.sort_by(|a, b| a.at.cmp(&b.at));
    report.landed_unverified.sort_by(|a, b| a.at.cmp(&b.at));
    report
}

/// Returns the runs whose tests kept their work from landing. Of runs on one tree only the last counts: the
/// others are its repeats.
fn tests_lost(state: &State, project: &Project, since_ms: i64) -> Vec<TestsLost> {
    let is_lost = |run: &&GateRun| {
        run.project == project.slug
            && run.finished_ms.is_some_and(|at| at >= since_ms)
            && run.compared.as_ref().is_some_and(|compared| !compared.outcome.may_land())
    };
    let found: Vec<&GateRun> = state.gates().filter(is_lost).collect();
    let mut last: BTreeMap<&ObjectId, &GateRun> = BTreeMap::new();
    for run in &found {
        last.insert(&run.tree, run);
    }
    let is_last = |run: &&&GateRun| last.get(&run.tree).is_some_and(|last| last.id == run.id);
    let shown = found
        .iter()
        .filter(is_last)
        .filter_map(|run| Some(TestsLost { purpose: run.purpose.word(), evidence: evidence_status(run)? }));
    shown.collect()
}

fn add_objective(
    report: &mut ProjectReport,
    state: &State,
    project: &Project,
    objective: &Objective,
    since_ms: i64,
) {
    match objective.status {
        Status::Todo | Status::Ready | Status::Active | Status::Review | Status::Queued => report.open += 1,
        Status::NeedsReview
        | Status::Paused
        | Status::Done
        | Status::Skipped
        | Status::Failed
        | Status::Cancelled => {}
    }
    let Some(landed) = objective.landed.as_ref().filter(|landed| landed.at_ms >= since_ms) else { return };
    // An objective can be done without a commit, if there was nothing to land.
    let Some(commit) = &landed.commit else { return };
    let run = landed.gate.and_then(|gate| state.gate(gate));
    report.exit_status_only +=
        usize::from(run.is_some_and(|run| run.code() == Some(VerdictCode::GreenExitOnly)));
    let line = LandedReport {
        objective: objective.key.id.to_string(),
        title: objective.spec.title.clone(),
        commit: commit.to_string(),
        at: rfc3339(landed.at_ms),
        published_at: landed.published_at_ms.map(rfc3339),
        // The project lists the landings whose proof is still due; every other landing has one.
        proof: !project.unproven.iter().any(|unproven| unproven.commit == *commit),
        evidence: run.and_then(evidence_status),
    };
    match landed.verified {
        true => report.landed.push(line),
        false => report.landed_unverified.push(line),
    }
}

fn add_session(report: &mut ProjectReport, session: &Session, since_ms: i64, now_ms: i64) {
    *report.sessions.entry(session.status.word()).or_default() += 1;
    let spent = &mut report.spent;
    spent.sessions += 1;
    spent.session_minutes += u64::try_from(used_since_ms(session, since_ms, now_ms) / 60_000).unwrap_or(0);
    let usage = &session.account.usage;
    let has_run = session.process.as_ref().is_some_and(ProcessEnd::has_run);
    // A running session may still report its usage, and one whose agent never ran used nothing: neither is
    // unknown.
    let is_over = matches!(session.status, SessionStatus::Ended(_)) && has_run;
    match usage.tokens.map(Tokens::total) {
        Some(tokens) => *spent.tokens.get_or_insert(0) += tokens,
        None => spent.tokens_unknown += u32::from(is_over),
    }
    match usage.usd_micros {
        Some(micros) => *spent.usd.get_or_insert(0.0) += dollars(micros),
        None => spent.usd_unknown += u32::from(is_over),
    }
}

/// Returns the usage in words.
fn spent(spent: &SpentReport) -> String {
    let mut parts = vec![format!("{} sessions, {} min", spent.sessions, spent.session_minutes)];
    let unknown = |count: u32| if count == 0 { String::new() } else { format!(" (unknown of {count})") };
    parts.push(match spent.tokens {
        Some(tokens) => format!("{tokens} tokens{}", unknown(spent.tokens_unknown)),
        None => "tokens unknown".to_owned(),
    });
    parts.push(match spent.usd {
        Some(usd) => format!("{}{}", usd_of(usd), unknown(spent.usd_unknown)),
        None => "cost unknown".to_owned(),
    });
    parts.join(", ")
}

/// An entry of the report, with lines below it.
struct Item {
    text: String,
    below: Vec<String>,
}

/// Returns how many landings are green by an exit status only, in words.
fn exit_only(project: &ProjectReport) -> String {
    match project.exit_status_only {
        0 => String::new(),
        count => {
            format!(" ({count} by exit status only: `paddock doctor` says how the gate can report more)")
        }
    }
}

/// Returns the lines below a landing: the tests that differ, and the changed test files with their diffs.
fn evidence_lines(found: &EvidenceStatus) -> Vec<String> {
    let mut lines = found.differences.clone();
    for file in &found.tests_changed {
        lines.push(evidence::changed(file));
        let diff: Vec<&str> = file.diff.lines().collect();
        lines.extend(diff.iter().take(DIFF_LINES_MAX).map(|line| format!("  {line}")));
        if diff.len() > DIFF_LINES_MAX {
            lines.push(format!(
                "  … {} more; `report --json` has them",
                counted(diff.len() - DIFF_LINES_MAX, "line")
            ));
        }
    }
    if found.more_tests_changed > 0 {
        let count = usize::try_from(found.more_tests_changed).unwrap_or(usize::MAX);
        lines.push(format!("changed {}", counted(count, "more test file")));
    }
    lines
}

/// Renders the report for people, as Markdown or as plain text.
#[must_use]
pub fn text(report: &Report, markdown: bool, now_ms: i64) -> String {
    let mut all = Sheet { text: String::new(), markdown };
    all.head(1, &format!("Paddock from {} to {}", report.since, report.until));
    for project in &report.projects {
        add_project(&mut all, project, now_ms);
    }
    all.text
}

/// The text of a report while it is written.
struct Sheet {
    text: String,
    markdown: bool,
}

impl Sheet {
    fn head(&mut self, level: usize, text: &str) {
        self.text.push_str(&match self.markdown {
            true => format!("{} {text}\n\n", "#".repeat(level)),
            false => format!("{text}\n"),
        });
    }

    fn section(&mut self, title: &str, items: Vec<Item>) {
        match self.markdown {
            true => self.head(3, title),
            false => self.head(3, &format!("  {title}")),
        }
        let is_listed = !items.is_empty();
        for Item { text, below } in items {
            let shown = harmless(&text);
            self.text.push_str(&match self.markdown {
                true => format!("- {shown}\n"),
                false => format!("    {shown}\n"),
            });
            below.iter().for_each(|line| self.below(line));
        }
        self.text.push_str(if is_listed && self.markdown { "\n" } else { "" });
    }

    /// Adds a line below an item. Lines of a diff keep their blanks: in Markdown they are code.
    fn below(&mut self, line: &str) {
        let shown = harmless(line);
        self.text.push_str(&match self.markdown {
            true => format!("  - `{}`\n", shown.replace('`', "'")),
            false => format!("        {shown}\n"),
        });
    }
}

fn add_project(all: &mut Sheet, project: &ProjectReport, now_ms: i64) {
    let plain = |text: String| Item { text, below: Vec::new() };
    let waits = |wait: &Waiting| {
        let who = wait.objective.clone().unwrap_or_else(|| "project".to_owned());
        // The report holds times as text, so that its JSON needs no second form.
        let since = wait.since.parse::<jiff::Timestamp>().map_or(now_ms, jiff::Timestamp::as_millisecond);
        let since = duration((now_ms - since).max(0));
        plain(format!("{who}: {} (for {since}); {}", wait.text, wait.clears))
    };
    all.head(2, &harmless(&format!("{} ({})", project.slug, project.name)));
    let verified = &project.landed;
    let title = format!("landed, verified: {}{}", verified.len(), exit_only(project));
    // The members of a batch landed by one run, whose tests are shown once.
    let is_first = |at: usize| at == 0 || verified[at - 1].commit != verified[at].commit;
    let items = verified.iter().enumerate().map(|(at, line)| landed_item(line, is_first(at)));
    all.section(&title, items.collect());
    let unverified = &project.landed_unverified;
    let title = format!("landed, unverified: {}", unverified.len());
    all.section(&title, unverified.iter().map(|line| landed_item(line, true)).collect());
    if !project.tests_lost.is_empty() {
        let lost = |lost: &TestsLost| Item {
            text: format!("gate run {}, {}: {}", lost.evidence.run, lost.purpose, lost.evidence.text),
            below: evidence_lines(&lost.evidence),
        };
        let title = format!("not landed for their tests: {}", project.tests_lost.len());
        all.section(&title, project.tests_lost.iter().map(lost).collect());
    }
    let title = format!("waiting for you: {}", project.waiting.len());
    all.section(&title, project.waiting.iter().map(waits).collect());
    let title = format!("lost: {}", project.lost.len());
    all.section(&title, project.lost.iter().cloned().map(plain).collect());
    if let Some(title) = moved_title(&project.refs_moved) {
        all.section(&title, project.refs_moved.names.iter().cloned().map(plain).collect());
    }
    all.section(&format!("still open: {}", project.open), Vec::new());
    all.section(&format!("spent: {}", spent(&project.spent)), Vec::new());
}

fn landed_item(line: &LandedReport, has_tests: bool) -> Item {
    // Ten digits are unambiguous in most repositories; `report --json` has all of them.
    let commit: String = line.commit.chars().take(10).collect();
    let published = if line.published_at.is_some() { "" } else { ", not published" };
    let proof = if line.proof { "" } else { ", proof not written yet" };
    let tests = line.evidence.as_ref().map(|found| format!("; {}", found.text)).unwrap_or_default();
    Item {
        text: format!("{} {commit}  {}{published}{proof}{tests}", line.objective, line.title),
        below: line.evidence.as_ref().filter(|_| has_tests).map(evidence_lines).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::tests::{Sample, named, untold};
    use serde_json::json;

    fn report_of(sample: &Sample) -> Report {
        let answers = evidence::tests::answers();
        let web = sample.state.projects().next().unwrap();
        let one = project(&sample.state, &answers, web, (0, 2_000_000_000_000), Vec::new());
        Report { version: 1, since: "then".to_owned(), until: "now".to_owned(), projects: vec![one] }
    }

    #[test]
    fn the_report_says_of_each_landing_which_tests_ran_and_what_was_done_to_them() {
        let mut sample = Sample::new();
        sample.ran(2, &named(42));
        sample.compared(2, &named(42), json!({"added": 1, "added_names": ["test_b"]}), "kept");
        sample.landed(2);
        let report = report_of(&sample);
        let shown = text(&report, false, 0);
        for line in [
            "  landed, verified: 1\n",
            "Rotate tokens, not published, proof not written yet; green, 42 tests, 1 skipped (41 before)\n",
            "        + test_b\n",
            "        changed tests/a.py (+1 -3)\n",
            "          -def test_a():\n",
            "        changed 2 more test files\n",
        ] {
            assert!(shown.contains(line), "{line}{shown}");
        }
        assert!(text(&report, true, 0).contains("  - `  -def test_a():`\n"));
        let json = serde_json::to_value(&report).unwrap();
        let landed = &json["projects"][0]["landed"][0]["evidence"];
        assert_eq!(landed["commands"][1]["added_names"], json!(["test_b"]));
        assert_eq!(landed["tests_changed"][0]["path"], "tests/a.py");
    }

    #[test]
    fn landings_by_exit_status_only_and_runs_that_lost_tests_are_counted_and_named() {
        let mut sample = Sample::new();
        let gone =
            json!({"gone": [{"how": "skipped", "file": "tests/a.py", "count": 1, "names": ["test_a"]}]});
        for run in [2, 3] {
            sample.ran(run, &named(40));
            sample.compared(run, &named(40), gone.clone(), "fewer_tests");
        }
        sample.ran(4, &untold());
        sample.landed(4);
        let report = report_of(&sample);
        assert_eq!((report.projects[0].exit_status_only, report.projects[0].tests_lost.len()), (1, 1));
        let shown = text(&report, false, 0);
        for line in [
            "  landed, verified: 1 (1 by exit status only: `paddock doctor` says how the gate can report more)\n",
            "  not landed for their tests: 1\n",
            "    gate run 3, candidate: fewer tests than before, 40 tests, 1 skipped (41 before)\n",
            "        - test_a skipped, in tests/a.py\n",
            "; green, exit status only\n",
        ] {
            assert!(shown.contains(line), "{line}{shown}");
        }
    }
}
