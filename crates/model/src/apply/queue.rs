//! Changes by events of the merge queue and of gate runs.

use super::evidence::forget_faults;
use super::making::{chain_made, link_of, set_ahead};
use crate::gate::{CommandResult, GateRun, Purpose, Start, Verdict};
use crate::ids::{EntryId, GateId, ObjectId, ObjectiveKey, ProjectSlug};
use crate::objective::Landed;
use crate::project::Project;
use crate::proof::{Member, Unproven};
use crate::settings::GateCommand;
use crate::slot_tuning::Company;
use crate::state::{EntityKey, State};
use crate::train::{Candidate, Entry, Link, Subject};
use crate::verdicts::{KnownVerdict, keep};

/// Number of latest gate runs that may have run at the same time as one that ended. More are never open
/// during one run.
const LATEST: usize = 64;

/// A landing, as its event describes it.
pub(super) struct Landing<'a> {
    pub(super) subject: &'a Subject,
    pub(super) candidate: &'a Candidate,
    pub(super) head: &'a ObjectId,
    pub(super) verified: bool,
    pub(super) gate: Option<GateId>,
}

impl State {
    pub(super) fn enqueue(
        &mut self,
        project: &ProjectSlug,
        entry: EntryId,
        (subject, head): (&Subject, &ObjectId),
        priority: i32,
        at_ms: i64,
    ) {
        let new = Entry::new(entry, subject.clone(), head.clone(), priority, at_ms);
        self.change(project, |p| {
            p.train.next_entry = p.train.next_entry.max(EntryId(entry.0 + 1));
            p.train.entries.push(new);
        });
        // The branch may have moved since the last harvest. The queued head is the one that was judged.
        if let Subject::Objective(id) = subject {
            let key = ObjectiveKey { project: project.clone(), id: id.clone() };
            if let Some(objective) = self.objective_mut(&key) {
                objective.head = Some(head.clone());
            }
        }
    }

    pub(super) fn candidate_made(
        &mut self,
        project: &ProjectSlug,
        entry: EntryId,
        (candidate, links): (&Candidate, &[Link]),
        separate: &[EntryId],
        ahead: bool,
    ) {
        // Older builds recorded no links: their candidates have a single entry.
        let links = match links.is_empty() {
            true => vec![link_of(entry, candidate)],
            false => links.to_vec(),
        };
        self.change(project, |p| match ahead {
            true => set_ahead(&mut p.train, entry, candidate),
            false => chain_made(&mut p.train, entry, candidate, links, separate),
        });
    }

    pub(super) fn plan_gate(
        &mut self,
        new: GateRun,
        (purpose, slot): (Purpose, u32),
        (terms, commands): (&str, &[GateCommand]),
    ) {
        let (gate, project) = (new.id, new.project.clone());
        self.counters.gate = self.counters.gate.max(gate.0);
        self.index.open_gates.insert(gate);
        self.touched.insert(EntityKey::Gate(gate));
        let new = GateRun {
            purpose: purpose.clone(),
            slot,
            terms: terms.to_owned(),
            commands: commands.to_vec(),
            ..new
        };
        self.gates.insert(gate, new);
        self.change(&project, |p| {
            // A run beyond the slots in use is a trial that measures whether one more is worthwhile.
            let is_trial = matches!(purpose, Purpose::Ahead { .. }) && slot > p.gate_slots();
            // The folder exists from now on, but no run has ended in it.
            p.gate_folders.entry(slot).or_default();
            if is_trial {
                p.slot_tuning.for_terms(terms).tries += 1;
            }
        });
        self.begin_checks(&project, &purpose, gate);
    }

    pub(super) fn end_gate(
        &mut self,
        project: &ProjectSlug,
        gate: GateId,
        (verdict, results): (Verdict, &[CommandResult]),
        at_ms: i64,
    ) {
        self.index.open_gates.remove(&gate);
        self.change_gate(gate, |g| {
            g.finished_ms = Some(at_ms);
            // A cancelled run may have been killed at any point, so its verdict means nothing.
            g.verdict = (!g.cancelled).then_some(verdict);
            g.results = results.to_vec();
        });
        self.settle_gate(project, gate, verdict, at_ms);
        self.time_gate(project, gate);
    }

    /// Records the duration of a run in a folder where the gate has run before. The first run fills the
    /// folder's caches and takes longer.
    fn time_gate(&mut self, project: &ProjectSlug, gate: GateId) {
        let Some(run) = self.gates.get(&gate).cloned() else { return };
        let company = Company::new(&run, self.gates.values().rev().take(LATEST));
        self.change(project, |p| {
            let ended = p.gate_folders.entry(run.slot).or_default();
            if *ended > 0 {
                p.slot_tuning.record(&run, company);
            }
            // A cancelled run may have been stopped before it filled the caches.
            if run.verdict.is_some() {
                *ended = ended.saturating_add(1);
            }
        });
    }

    /// Keeps the verdict of a run that was not cancelled.
    ///
    /// That of a recheck is not kept: the landed tree is the base of what is queued, and a red run without
    /// caches next to green ones with them must neither pass for a flake nor decide about a branch.
    fn settle_gate(&mut self, project: &ProjectSlug, gate: GateId, verdict: Verdict, at_ms: i64) {
        // A phase's checks are other commands, and judge the phase rather than the tree.
        let counts = |run: &&GateRun| !run.cancelled && !matches!(run.purpose, Purpose::Phase { .. });
        let Some(run) = self.gates.get(&gate).filter(counts).cloned() else { return };
        self.end_side_run(&run, project, verdict, at_ms);
        if run.purpose == Purpose::Recheck {
            return;
        }
        self.remember_tests(project, &run);
        let has_crashed = run.results.iter().any(CommandResult::has_crashed);
        let (tree, terms) = (run.tree, run.terms);
        let may_be_passing = run.results.iter().any(CommandResult::may_be_passing);
        let has_tests = run.results.iter().any(|result| result.tests.is_some());
        let new = KnownVerdict {
            tree,
            terms,
            verdict,
            gate,
            at_ms,
            runs: 1,
            has_crashed,
            may_be_passing,
            has_tests,
        };
        self.change(project, |p| keep(&mut p.verdicts, new));
        if let (Purpose::Ahead { entry }, Verdict::Green) = (run.purpose, verdict) {
            self.change_entry(project, entry, |e| e.has_passed = true);
        }
    }

    pub(super) fn change_entry(
        &mut self,
        project: &ProjectSlug,
        entry: EntryId,
        change: impl FnOnce(&mut Entry),
    ) {
        self.change(project, |p| {
            if let Some(entry) = p.train.entries.iter_mut().find(|e| e.id == entry) {
                change(entry);
            }
        });
    }

    pub(super) fn change_gate(&mut self, gate: GateId, change: impl FnOnce(&mut GateRun)) {
        self.touched.insert(EntityKey::Gate(gate));
        if let Some(gate) = self.gates.get_mut(&gate) {
            change(gate);
        }
    }

    pub(super) fn land(
        &mut self,
        project: &ProjectSlug,
        entry: EntryId,
        members: &[EntryId],
        landed: &Landing<'_>,
        at_ms: i64,
    ) {
        let Landing { subject, candidate, head, verified, gate } = *landed;
        self.change(project, |p| {
            let guard = p.train.entry(entry).and_then(|entry| entry.guard.clone());
            let member = Member { subject: subject.clone(), head: head.clone(), guard };
            add_unproven(p, member, candidate, gate, at_ms);
            // The gate passed with the user's commits in the tree, so its verdict on them alone is outdated.
            if verified {
                p.external = None;
            }
        });
        self.remember_landing(project, gate, candidate, subject, at_ms);
        let judged = gate.filter(|gate| self.has_evidence(*gate));
        let mut is_moved = false;
        self.change(project, |p| {
            // Without a gate every entry lands, which says nothing about failures.
            if verified && let Some(found) = p.train.entry(entry) {
                let has_passed = found.has_passed;
                p.train.rates.record(has_passed, false);
            }
            p.train.take_landed(entry, &candidate.commit);
            if let Some(landing) = &mut p.train.landing {
                landing.members.retain(|id| *id != entry);
                p.train.landing = p.train.landing.take().filter(|landing| !landing.members.is_empty());
            }
            // Each member of a batch records its landing, but the tip moves only once.
            is_moved = p.integration.tip == candidate.commit;
            match subject {
                Subject::Objective(id) => {
                    // Older entries that stay in the queue were overtaken. Members of the same batch were
                    // not.
                    let stays = |e: &&mut Entry| e.id < entry && !members.contains(&e.id);
                    p.train.entries.iter_mut().filter(stays).for_each(|older| older.overtaken += 1);
                    p.integration.unpublished.push(id.clone());
                }
                // The merge contains the user's commits, so the target branch can fast-forward to it.
                Subject::Target => {
                    p.integration.published = head.clone();
                    p.integration.external_refused = None;
                    p.target_landed(head);
                }
                Subject::Remote => p.remote_landed(),
            }
        });
        if !is_moved {
            self.move_tip(project, &candidate.commit, false, at_ms);
        }
        self.change(project, |p| p.planning.progressed());
        if let Subject::Objective(id) = subject {
            let key = ObjectiveKey { project: project.clone(), id: id.clone() };
            if let Some(objective) = self.objective_mut(&key) {
                let commit = Some(candidate.commit.clone());
                objective.landed =
                    Some(Landed { commit, at_ms, published_at_ms: None, verified, gate: judged });
            }
        }
    }
}

/// Returns the purpose of a gate run. Older builds recorded an entry and a flag instead.
pub(super) fn purpose_of(purpose: Option<&Purpose>, entry: EntryId, on_base: bool) -> Purpose {
    purpose.cloned().unwrap_or_else(|| Purpose::from_old_event(entry, on_base))
}

/// Releases a held queue: a person says that the cause is repaired, so failures are forgotten and what was
/// not green is tried again. Green verdicts stay.
pub(super) fn release(project: &mut Project) {
    project.train.held = None;
    project.recheck.reset_failures();
    project.verdicts.retain(|known| known.verdict == Verdict::Green);
    forget_faults(project);
    for entry in &mut project.train.entries {
        entry.build_failures = 0;
        entry.problem = None;
        entry.not_before_ms = None;
        if let Some(guard) = entry.guard.as_mut().filter(|guard| !guard.settled) {
            (guard.red, guard.unclear) = (0, 0);
        }
    }
}

pub(super) fn members_or_entry(members: &[EntryId], entry: EntryId) -> Vec<EntryId> {
    match members {
        [] => vec![entry],
        members => members.to_vec(),
    }
}

/// Records a landing whose proof is due. The members of a batch land in one commit and share one proof.
fn add_unproven(
    project: &mut Project,
    member: Member,
    candidate: &Candidate,
    gate: Option<GateId>,
    at_ms: i64,
) {
    match project.unproven.iter_mut().find(|landing| landing.commit == candidate.commit) {
        Some(landing) => landing.others.push(member),
        None => project.unproven.push(Unproven {
            commit: candidate.commit.clone(),
            tree: candidate.tree.clone(),
            base: candidate.onto.clone(),
            head: member.head,
            subject: member.subject,
            guard: member.guard,
            others: Vec::new(),
            gate,
            at_ms,
        }),
    }
}

pub(super) fn new_gate(
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
        start: Start::Kept,
        from_nothing: false,
        commit: commit.clone(),
        tree: tree.clone(),
        started_ms: at_ms,
        finished_ms: None,
        results: Vec::new(),
        verdict: None,
        cancelled: false,
        compared: None,
    }
}
