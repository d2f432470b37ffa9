//! Changes by events about side runs of the gate.

use crate::gate::{GateRun, Purpose, Verdict};
use crate::ids::{EntryId, GateId, ObjectId, ObjectiveKey, ProjectSlug};
use crate::path::RepoPath;
use crate::side_runs::{CanaryVerdict, Guard, LandedTree};
use crate::state::State;
use crate::train::{Candidate, Subject};

impl State {
    /// Records the verdict of a side run that was not cancelled.
    pub(super) fn end_side_run(
        &mut self,
        run: &GateRun,
        project: &ProjectSlug,
        verdict: Verdict,
        at_ms: i64,
    ) {
        if run.purpose == Purpose::Recheck {
            self.change(project, |p| p.recheck.record(run, verdict, at_ms));
        }
        let Purpose::Tamper { entries } = &run.purpose else { return };
        for entry in entries {
            self.change_guard(project, *entry, |guard| guard.record(run.id, verdict));
        }
    }

    /// Remembers on the objective which tests its branch changed. If the same head is queued again, its guard
    /// is set up again.
    pub(super) fn remember_guard(&mut self, project: &ProjectSlug, entry: EntryId, paths: &[RepoPath]) {
        let found = self.project(project).and_then(|project| project.train.entry(entry));
        let Some((Subject::Objective(id), head)) = found.map(|e| (e.subject.clone(), e.head.clone())) else {
            return;
        };
        if let Some(objective) = self.objective_mut(&ObjectiveKey { project: project.clone(), id }) {
            objective.operated.guarded = Some((head, paths.to_vec()));
        }
    }

    pub(super) fn judge_canary(
        &mut self,
        project: &ProjectSlug,
        (gate, verdict): (Option<GateId>, Verdict),
        terms: &str,
        at_ms: i64,
    ) {
        self.change(project, |p| {
            p.canary.asked = false;
            p.canary.judged = Some(CanaryVerdict { verdict, gate, terms: terms.to_owned(), at_ms });
        });
    }

    /// Records the judgement on a landed commit from nothing. After red every known verdict is dropped, for the
    /// runs behind it had the caches that are void now.
    pub(super) fn judge_recheck(
        &mut self,
        project: &ProjectSlug,
        commit: &ObjectId,
        verdict: Verdict,
        at_ms: i64,
    ) {
        self.change(project, |p| {
            p.recheck.judge(commit, verdict, at_ms);
            if verdict == Verdict::Red {
                p.verdicts.clear();
            }
        });
    }

    /// Remembers a landing that passed the gate, for the next recheck.
    pub(super) fn remember_landing(
        &mut self,
        project: &ProjectSlug,
        gate: Option<GateId>,
        candidate: &Candidate,
        subject: &Subject,
        at_ms: i64,
    ) {
        let Some(run) = gate.and_then(|gate| self.gates.get(&gate)).cloned() else { return };
        let (commit, tree) = (candidate.commit.clone(), candidate.tree.clone());
        let landed = LandedTree { commit, tree, terms: run.terms.clone() };
        let id = match subject {
            Subject::Objective(id) => Some(id),
            Subject::Target | Subject::Remote => None,
        };
        self.change(project, |p| p.recheck.land(&run, &landed, id, at_ms));
    }

    pub(super) fn change_guard(
        &mut self,
        project: &ProjectSlug,
        entry: EntryId,
        change: impl FnOnce(&mut Guard),
    ) {
        self.change_entry(project, entry, |e| {
            if let Some(guard) = &mut e.guard {
                change(guard);
            }
        });
    }
}
