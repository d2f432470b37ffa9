//! What merge-queue and gate events change.

use super::making::{link_of, made, made_ahead};
use crate::gate::{CommandResult, GateRun, Purpose, Verdict};
use crate::ids::{EntryId, GateId, ObjectId, ObjectiveKey, ProjectSlug};
use crate::objective::Landed;
use crate::project::Project;
use crate::proof::{Member, Unproven};
use crate::settings::GateCommand;
use crate::slot_tuning::Company;
use crate::state::{EntityKey, State};
use crate::train::{Candidate, Entry, Link, Subject};
use crate::verdicts::{KnownVerdict, keep};

/// Runs that are looked through for those that ran beside another: more than ever are under way in that time.
const LATEST: usize = 64;

/// What landed, and how.
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
        // A branch that moved while it was queued is judged again, and pinned where it is now.
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
        let links = match links.is_empty() {
            true => vec![link_of(entry, candidate)],
            false => links.to_vec(),
        };
        self.change(project, |p| match ahead {
            true => made_ahead(&mut p.train, entry, candidate),
            false => made(&mut p.train, entry, candidate, links, separate),
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
            let is_trial = matches!(purpose, Purpose::Ahead { .. }) && slot > p.gate_slots();
            p.gate_folders.entry(slot).or_default();
            if is_trial {
                p.slot_tuning.under(terms).tries += 1;
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
            g.verdict = (!g.cancelled).then_some(verdict);
            g.results = results.to_vec();
        });
        self.settle_gate(project, gate, verdict, at_ms);
        self.time_gate(project, gate);
    }

    /// Takes in how long a run took, where the gate has run before: the first one fills its caches.
    fn time_gate(&mut self, project: &ProjectSlug, gate: GateId) {
        let Some(run) = self.gates.get(&gate).cloned() else { return };
        let company = Company::new(&run, self.gates.values().rev().take(LATEST));
        self.change(project, |p| {
            let ended = p.gate_folders.entry(run.slot).or_default();
            if *ended > 0 {
                p.slot_tuning.note(&run, company);
            }
            if run.verdict.is_some() {
                *ended = ended.saturating_add(1);
            }
        });
    }

    /// Keeps the verdict of a run that was not cancelled.
    fn settle_gate(&mut self, project: &ProjectSlug, gate: GateId, verdict: Verdict, at_ms: i64) {
        // What a phase's checks say is no verdict on a tree.
        let speaks = |run: &&GateRun| !run.cancelled && !matches!(run.purpose, Purpose::Phase { .. });
        let Some(run) = self.gates.get(&gate).filter(speaks).cloned() else { return };
        self.end_side_run(&run, project, verdict);
        let has_crashed = run.results.iter().any(CommandResult::has_crashed);
        let (tree, terms) = (run.tree, run.terms);
        let may_be_passing = run.results.iter().any(CommandResult::may_be_passing);
        let new = KnownVerdict { tree, terms, verdict, gate, at_ms, runs: 1, has_crashed, may_be_passing };
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
            unproven(p, member, candidate, gate, at_ms);
            // The gate passed with the user's commits beneath: what it said of them alone is outdated.
            if verified {
                p.external = None;
            }
        });
        let mut is_moved = false;
        self.change(project, |p| {
            if verified && let Some(found) = p.train.entry(entry) {
                let has_passed = found.has_passed;
                p.train.rates.note(has_passed, false);
            }
            p.train.take_landed(entry, &candidate.commit);
            if let Some(landing) = &mut p.train.landing {
                landing.members.retain(|id| *id != entry);
                p.train.landing = p.train.landing.take().filter(|landing| !landing.members.is_empty());
            }
            is_moved = p.integration.tip == candidate.commit;
            match subject {
                Subject::Objective(id) => {
                    let stays = |e: &&mut Entry| e.id < entry && !members.contains(&e.id);
                    p.train.entries.iter_mut().filter(stays).for_each(|older| older.overtaken += 1);
                    p.integration.unpublished.push(id.clone());
                }
                // The merge contains the user's commits: the target can move on to it by fast-forward.
                Subject::Target => {
                    p.integration.published = head.clone();
                    p.integration.external_refused = None;
                }
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
                objective.landed = Some(Landed { commit, at_ms, published_at_ms: None, verified });
            }
        }
    }
}

/// What a gate run is for; events of before purposes were recorded say it by an entry and a flag.
pub(super) fn purpose_of(purpose: Option<&Purpose>, entry: EntryId, on_base: bool) -> Purpose {
    purpose.cloned().unwrap_or_else(|| Purpose::of_old(entry, on_base))
}

/// A person lets the queue go on, and has mended something: what was not green is tried anew.
pub(super) fn release(project: &mut Project) {
    project.train.held = None;
    project.verdicts.retain(|known| known.verdict == Verdict::Green);
    for entry in &mut project.train.entries {
        entry.build_failures = 0;
        entry.problem = None;
        entry.not_before_ms = None;
        if let Some(guard) = entry.guard.as_mut().filter(|guard| !guard.settled) {
            (guard.red, guard.unclear) = (0, 0);
        }
    }
}

pub(super) fn members_or(members: &[EntryId], entry: EntryId) -> Vec<EntryId> {
    match members {
        [] => vec![entry],
        members => members.to_vec(),
    }
}

/// The members of a batch land in one commit, and have one proof.
fn unproven(project: &mut Project, member: Member, candidate: &Candidate, gate: Option<GateId>, at_ms: i64) {
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
        commit: commit.clone(),
        tree: tree.clone(),
        started_ms: at_ms,
        finished_ms: None,
        results: Vec::new(),
        verdict: None,
        cancelled: false,
    }
}
