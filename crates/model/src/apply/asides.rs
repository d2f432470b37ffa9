//! What changes with gate runs beside the queue, and with pushes.

use crate::aside::{CanaryVerdict, Guard};
use crate::event::Fact;
use crate::gate::{GateRun, Purpose, Verdict};
use crate::ids::{ObjectiveKey, ProjectSlug};
use crate::path::RepoPath;
use crate::state::State;
use crate::train::{Entry, Subject};

impl State {
    /// Whether the fact was one of these.
    pub(super) fn apply_asides(&mut self, fact: &Fact, at_ms: i64) -> bool {
        match fact {
            Fact::CollisionsSeen { project, collisions } => {
                self.change(project, |p| p.collisions.clone_from(collisions));
            }
            Fact::GuardAsked { project, entry, paths } => {
                self.remember_guard(project, *entry, paths);
                self.change_guard(project, *entry, |e| e.guard = Some(Guard::new(paths.clone())));
            }
            Fact::GuardPassed { project, entry, gate } => self.change_guard(project, *entry, |e| {
                if let Some(guard) = &mut e.guard {
                    (guard.passed, guard.settled) = (Some(*gate), true);
                }
            }),
            Fact::GuardGivenUp { project, entry, why } => self.change_guard(project, *entry, |e| {
                if let Some(guard) = &mut e.guard {
                    (guard.settled, guard.given_up) = (true, Some(why.clone()));
                }
            }),
            Fact::CanaryAsked { project } => self.change(project, |p| p.canary.asked = true),
            Fact::CanaryJudged { project, gate, verdict, terms } => {
                let (verdict, gate, terms) = (*verdict, *gate, terms.clone());
                self.change(project, |p| {
                    p.canary.asked = false;
                    p.canary.judged = Some(CanaryVerdict { verdict, gate, terms, at_ms });
                });
            }
            Fact::ExternalJudged { project, commit, gate, verdict } => self.change(project, |p| {
                if let Some(external) = p.external.as_mut().filter(|external| external.commit == *commit) {
                    external.judged = Some((*verdict, *gate));
                }
            }),
            Fact::Pushed { project, commit, .. } => self.change(project, |p| {
                p.pushing.wait = None;
                p.pushing.due.take_if(|due| due == commit);
            }),
            Fact::PushWaits { project, wait, .. } => {
                self.change(project, |p| p.pushing.wait = Some(wait.clone()));
            }
            _ => return false,
        }
        true
    }

    /// A run beside the queue that was not cancelled has ended: failures count.
    pub(super) fn settle_aside(&mut self, run: &GateRun, project: &ProjectSlug, verdict: Verdict) {
        let Purpose::Tamper { entries } = &run.purpose else { return };
        for entry in entries {
            self.change_guard(project, *entry, |e| {
                if let Some(guard) = &mut e.guard {
                    guard.note(run.id, verdict);
                }
            });
        }
    }

    /// An objective that comes to the queue again with the same head is tried in the same way.
    fn remember_guard(&mut self, project: &ProjectSlug, entry: u64, paths: &[RepoPath]) {
        let found = self.project(project).and_then(|project| project.train.entry(entry));
        let Some((Subject::Objective(id), head)) = found.map(|e| (e.subject.clone(), e.head.clone())) else {
            return;
        };
        if let Some(objective) = self.objective_mut(&ObjectiveKey { project: project.clone(), id }) {
            objective.operated.guarded = Some((head, paths.to_vec()));
        }
    }

    fn change_guard(&mut self, project: &ProjectSlug, entry: u64, change: impl FnOnce(&mut Entry)) {
        self.change(project, |p| {
            if let Some(entry) = p.train.entries.iter_mut().find(|e| e.id == entry) {
                change(entry);
            }
        });
    }
}
