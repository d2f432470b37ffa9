//! What merge-queue and gate events change.

use crate::domain::event::Fact;
use crate::domain::gate::{CommandResult, GateRun, Purpose, Verdict};
use crate::domain::ids::{GateId, ObjectId, ObjectiveKey, ProjectSlug};
use crate::domain::judge::{BaseVerdict, KnownVerdict, keep};
use crate::domain::objective::Landed;
use crate::domain::proof::Unproven;
use crate::domain::state::{EntityKey, State};
use crate::domain::train::{Candidate, Entry, Stage, Subject};

impl State {
    /// Whether the fact was one of the queue's.
    pub(super) fn apply_to_queue(&mut self, fact: &Fact, at_ms: i64) -> bool {
        match fact {
            Fact::EntryQueued { project, entry, subject, head, priority } => {
                let new = Entry::new(*entry, subject.clone(), head.clone(), *priority, at_ms);
                self.change(project, |p| {
                    p.train.next_entry = p.train.next_entry.max(entry + 1);
                    p.train.entries.push(new);
                });
                // A branch that moved while it was queued is judged again, and pinned where it is now.
                if let Subject::Objective(id) = subject {
                    let key = ObjectiveKey { project: project.clone(), id: id.clone() };
                    if let Some(objective) = self.objective_mut(&key) {
                        objective.head = Some(head.clone());
                    }
                }
            }
            Fact::CandidateOrdered { project, entry, onto } => {
                self.change_entry(project, *entry, |e| {
                    e.stage = Stage::Building { onto: onto.clone() };
                    e.trial = Default::default();
                });
            }
            Fact::CandidateMade { project, entry, candidate } => self.change_entry(project, *entry, |e| {
                // Failures still count: a merge that is made but cannot be landed must not go round for ever.
                e.stage = Stage::Built(candidate.clone());
                e.not_before_ms = None;
            }),
            Fact::CandidateFailed { project, entry, again_ms, .. } => {
                self.change_entry(project, *entry, |e| {
                    e.stage = Stage::Waiting;
                    e.build_failures += 1;
                    e.not_before_ms = Some(*again_ms);
                });
            }
            Fact::EntryReset { project, entry } => self.change_entry(project, *entry, |e| {
                e.stage = Stage::Waiting;
                e.not_before_ms = None;
            }),
            Fact::EntryDropped { project, entry, .. } => {
                self.change(project, |p| p.train.entries.retain(|e| e.id != *entry));
            }
            Fact::QueueHeld { project, reason } => {
                self.change(project, |p| p.train.held = Some(reason.clone()));
            }
            Fact::QueueReleased { project } => self.change(project, |p| {
                p.train.held = None;
                // Whoever lets it go on has mended something: what was not green is tried anew.
                p.verdicts.retain(|known| known.verdict == Verdict::Green);
                for entry in &mut p.train.entries {
                    entry.trial = Default::default();
                    entry.build_failures = 0;
                    entry.not_before_ms = None;
                }
            }),
            _ => return self.apply_to_gates(fact, at_ms) || self.apply_to_landings(fact, at_ms),
        }
        true
    }

    fn apply_to_gates(&mut self, fact: &Fact, at_ms: i64) -> bool {
        match fact {
            Fact::GatePlanned {
                project,
                gate,
                entry,
                commit,
                tree,
                on_base,
                terms,
                purpose,
                slot,
                commands,
            } => {
                let purpose = purpose.clone().unwrap_or_else(|| Purpose::of_old(*entry, *on_base));
                self.counters.gate = self.counters.gate.max(gate.0);
                self.index.open_gates.insert(*gate);
                self.touched.insert(EntityKey::Gate(*gate));
                let new = GateRun {
                    purpose: purpose.clone(),
                    slot: *slot,
                    terms: terms.clone(),
                    commands: commands.clone(),
                    ..new_gate(*gate, project, (commit, tree), at_ms)
                };
                self.gates.insert(*gate, new);
                self.begin_checks(project, &purpose, *gate);
                for entry in purpose.entries() {
                    self.change_entry(project, *entry, |e| {
                        if let Stage::Built(candidate) = &e.stage {
                            e.stage = Stage::Gating { candidate: candidate.clone(), gate: *gate };
                        }
                    });
                }
            }
            Fact::GateCancelled { project, gate } => {
                self.change_gate(*gate, |g| g.cancelled = true);
                self.cancel_checks(project, *gate);
            }
            Fact::GateEnded { project, gate, verdict, results } => {
                self.index.open_gates.remove(gate);
                self.change_gate(*gate, |g| {
                    g.finished_ms = Some(at_ms);
                    g.verdict = (!g.cancelled).then_some(*verdict);
                    g.results.clone_from(results);
                });
                self.settle_gate(project, *gate, *verdict, at_ms);
            }
            Fact::FlakeSeen { .. } => {}
            Fact::VerdictReused { project, entry, gate } => self.change_entry(project, *entry, |e| {
                if let Stage::Built(candidate) = &e.stage {
                    e.stage = Stage::Passed { candidate: candidate.clone(), gate: Some(*gate) };
                }
            }),
            _ => return false,
        }
        true
    }

    /// Keeps the verdict of a run that was not cancelled, and lets its entry go on from it.
    fn settle_gate(&mut self, project: &ProjectSlug, gate: GateId, verdict: Verdict, at_ms: i64) {
        // What a phase's checks say is no verdict on a tree.
        let speaks = |run: &&GateRun| !run.cancelled && !matches!(run.purpose, Purpose::Phase { .. });
        let Some(run) = self.gates.get(&gate).filter(speaks).cloned() else { return };
        let (tree, terms) = (run.tree.clone(), run.terms.clone());
        self.change(project, |p| keep(&mut p.verdicts, KnownVerdict { tree, terms, verdict, gate, at_ms }));
        for entry in run.purpose.entries() {
            self.change_entry(project, *entry, |e| match run.purpose {
                Purpose::Base { .. } => settle_base(e, BaseVerdict { verdict, gate }),
                _ => settle_entry(e, gate, verdict, &run.results),
            });
        }
    }

    fn apply_to_landings(&mut self, fact: &Fact, at_ms: i64) -> bool {
        match fact {
            Fact::LandingIntended { project, entry, candidate, gate } => {
                self.change_entry(project, *entry, |e| {
                    e.stage = Stage::Landing { candidate: candidate.clone(), gate: *gate };
                });
            }
            Fact::Landed { project, entry, subject, candidate, head, verified, gate } => {
                let landing = unproven(subject, candidate, head, *gate, at_ms);
                self.change(project, |p| p.unproven.push(landing));
                self.land(project, *entry, subject, candidate, (head, *verified), at_ms);
            }
            Fact::ProofWritten { project, commit, .. } => {
                self.change(project, |p| p.unproven.retain(|landing| landing.commit != *commit));
            }
            Fact::LandingAbandoned { project, entry, .. } => {
                self.change_entry(project, *entry, |e| e.stage = Stage::Waiting);
            }
            _ => return false,
        }
        true
    }

    fn change_entry(&mut self, project: &ProjectSlug, entry: u64, change: impl FnOnce(&mut Entry)) {
        self.change(project, |p| {
            if let Some(entry) = p.train.entries.iter_mut().find(|e| e.id == entry) {
                change(entry);
            }
        });
    }

    fn change_gate(&mut self, gate: GateId, change: impl FnOnce(&mut GateRun)) {
        self.touched.insert(EntityKey::Gate(gate));
        if let Some(gate) = self.gates.get_mut(&gate) {
            change(gate);
        }
    }

    fn land(
        &mut self,
        project: &ProjectSlug,
        entry: u64,
        subject: &Subject,
        candidate: &Candidate,
        (head, verified): (&ObjectId, bool),
        at_ms: i64,
    ) {
        self.change(project, |p| {
            p.train.entries.retain(|e| e.id != entry);
            for older in p.train.entries.iter_mut().filter(|e| e.id < entry) {
                older.overtaken += 1;
            }
            match subject {
                Subject::Objective(id) => p.integration.unpublished.push(id.clone()),
                // The merge contains the user's commits: the target can move on to it by fast-forward.
                Subject::Target => {
                    p.integration.published = head.clone();
                    p.integration.external_refused = None;
                }
            }
        });
        self.move_tip(project, &candidate.commit, false, at_ms);
        self.change(project, |p| p.planning.forgive());
        if let Subject::Objective(id) = subject {
            let key = ObjectiveKey { project: project.clone(), id: id.clone() };
            if let Some(objective) = self.objective_mut(&key) {
                let commit = Some(candidate.commit.clone());
                objective.landed = Some(Landed { commit, at_ms, published_at_ms: None, verified });
            }
        }
    }
}

fn unproven(
    subject: &Subject,
    candidate: &Candidate,
    head: &ObjectId,
    gate: Option<GateId>,
    at_ms: i64,
) -> Unproven {
    Unproven {
        commit: candidate.commit.clone(),
        tree: candidate.tree.clone(),
        base: candidate.onto.clone(),
        head: head.clone(),
        subject: subject.clone(),
        gate,
        at_ms,
    }
}

fn new_gate(
    id: GateId,
    project: &ProjectSlug,
    (commit, tree): (&ObjectId, &ObjectId),
    at_ms: i64,
) -> GateRun {
    GateRun {
        id,
        project: project.clone(),
        purpose: Purpose::default(),
        slot: 1,
        commands: Vec::new(),
        terms: String::new(),
        commit: commit.clone(),
        tree: tree.clone(),
        started_ms: at_ms,
        finished_ms: None,
        results: Vec::new(),
        verdict: None,
        cancelled: false,
    }
}

/// Green may land; what follows from anything else is judged by the next plan.
fn settle_entry(entry: &mut Entry, gate: GateId, verdict: Verdict, results: &[CommandResult]) {
    let Stage::Gating { candidate, gate: own } = &entry.stage else { return };
    if *own != gate {
        return;
    }
    let candidate = candidate.clone();
    entry.trial.note(gate, verdict, results);
    entry.stage = match verdict {
        Verdict::Green => Stage::Passed { candidate, gate: Some(gate) },
        Verdict::Red | Verdict::NotEvaluated => Stage::Built(candidate),
    };
}

fn settle_base(entry: &mut Entry, base: BaseVerdict) {
    if let Stage::Gating { candidate, gate } = &entry.stage
        && *gate == base.gate
    {
        entry.stage = Stage::Built(candidate.clone());
        entry.trial.base = Some(base);
    }
}
