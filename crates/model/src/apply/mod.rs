//! Applying events: the only code that changes the state.
//!
//! [`State::apply`] is one match that names every fact, so that a new fact does not compile before somebody
//! decides what it changes. Longer changes are in the file of their subject: `objectives`, `operate`
//! (people's orders), `sessions`, `agents`, `projects`, `planning`, `queue` (entries, gate runs, landings),
//! `making` (merges), and `side_runs`.
//!
//! Nothing here decides anything or fails. An event that was recorded must be applied the same way for ever,
//! or a state folded from the log would differ from the stored rows.

mod agents;
mod evidence;
mod making;
mod objectives;
mod operate;
mod planning;
mod projects;
mod pulling;
mod queue;
mod sessions;
mod side_runs;

use self::evidence::NewComparison;
use self::making::{candidate_failed, discard_merges, drop_ahead, drop_entry, order_candidate};
use self::queue::members_or_entry;
use super::event::{Dropped, Event, Fact};
use super::evidence::KnownComparison;
use super::gate::Compared;
use super::ids::{ObjectiveKey, ProjectSlug, SessionId};
use super::objective::{Objective, Status, WorktreeStage};
use super::planning::Planning;
use super::project::Project;
use super::reason::ReasonCode;
use super::refs::RefsMoved;
use super::session::{Session, SessionStatus};
use super::side_runs::Guard;
use super::state::{EntityKey, State};
use super::train::Landing;

impl State {
    /// Folds one event into the state.
    ///
    /// An event about an entity that does not exist is ignored: the answer of an effect may arrive after its
    /// project or objective was removed.
    pub fn apply(&mut self, event: &Event) {
        self.counters.seq = event.seq;
        self.touched.insert(EntityKey::Counters);
        let at_ms = event.at_ms;
        match &event.fact {
            // Records for people, by which nothing is decided.
            Fact::SupervisorStarted { .. }
            | Fact::SupervisorStopped { .. }
            | Fact::FilePutBack { .. }
            | Fact::NotifyFailed { .. }
            | Fact::EffectPanicked { .. }
            | Fact::FileBlocked { .. }
            | Fact::WorkHangs { .. }
            | Fact::BudgetExhausted { .. } => {}
            // Both are consequences of verdicts that are known already; the next plan of the queue reads
            // those by tree.
            Fact::FlakeSeen { .. } | Fact::VerdictReused { .. } => {}
            Fact::TestsCompared { project, gate, bases, base_tree, entries, comparison, outcome } => {
                let known = KnownComparison {
                    tree: base_tree.clone(),
                    base_tree: base_tree.clone(),
                    terms: String::new(),
                    gate: *gate,
                    bases: bases.clone(),
                    entries: entries.clone(),
                    outcome: *outcome,
                    faults: 0,
                };
                let comparison = (**comparison).clone();
                let compared = Compared { bases: bases.clone(), comparison, outcome: *outcome };
                self.compare_tests(project, NewComparison { compared, known });
            }

            // Agents, and the user's day.
            Fact::AgentCooled { agent, project, session, cooldown } => {
                self.cool_agent(agent, (project.as_ref(), *session), cooldown, at_ms);
            }
            Fact::AgentLocked { agent, project, session, failure } => {
                self.lock_agent(agent, (project.as_ref(), *session), failure, at_ms);
            }
            Fact::AgentFreed { agent, .. } => self.health_mut(agent).free(),
            Fact::AgentEnabled { agent, enabled, by } => self.enable_agent(agent, *enabled, by, at_ms),
            Fact::AgentChecked { agent, check } => self.check_agent(agent, check, at_ms),
            Fact::DayBegan { since_ms, carried } => self.begin_day(*since_ms, carried),
            Fact::ClockJumped { by_ms } => self.clock_jumped(*by_ms),
            Fact::SessionSlept { session, by_ms, .. } => {
                self.change_session(*session, |s| s.jumped_ms = s.jumped_ms.saturating_add(*by_ms));
            }
            Fact::KeeperStopped { session: Some(session), trouble, .. } => {
                self.change_session(*session, |s| s.trouble = Some(*trouble));
            }
            Fact::KeeperStopped { .. } => {}
            Fact::RefsMoved { project, refs, total, .. } => {
                if let Some(moved) = RefsMoved::new(at_ms, *total, refs) {
                    self.change(project, |p| p.note_moved(moved));
                }
            }

            // Projects.
            Fact::ProjectAdded { project, settings, repository, agents_may_plan } => {
                self.add_project(project, settings, repository, at_ms);
                self.change(project, |p| p.planning.consent.is_general = *agents_may_plan);
            }
            Fact::AgentMayPlan { project, agent, may_plan } => self.change(project, |p| {
                p.planning.consent.answers.insert(agent.clone(), *may_plan);
            }),
            Fact::ProjectConfigured { project, settings } => self.change(project, |p| {
                // New settings may repair whatever kept agents and planner from working.
                p.settings = (**settings).clone();
                p.reset_agents();
                p.planning.reset_failures();
            }),
            Fact::ProjectEnabled { project, enabled } => self.change(project, |p| p.enabled = *enabled),
            Fact::ProjectPaused { project, paused } => self.change(project, |p| {
                (p.paused, p.paused_ms) = (*paused, paused.then_some(at_ms));
            }),
            Fact::ProjectTrusted { project, trust, .. } => self.change(project, |p| p.trust = trust.clone()),
            Fact::ConfigSwitchedOff { project, entries } => {
                self.change(project, |p| p.switched_off.clone_from(entries));
            }
            Fact::ProjectRemoved { project } => self.forget_project(project),
            Fact::ProjectHeld { project, reason } => {
                // One hold per code: a newer reason replaces the older one.
                self.change(project, |p| drop(p.holds.insert(reason.code, reason.clone())));
            }
            Fact::ProjectReleased { project, code } => self.change(project, |p| {
                p.holds.remove(code);
                if *code == ReasonCode::SetupFailing {
                    p.set_ups.trouble = None;
                }
            }),
            Fact::CopiesMissed { project, entries } => {
                self.change(project, |p| p.set_ups.missed.clone_from(entries));
            }
            Fact::SetUpLeft { project, paths } => {
                self.change(project, |p| p.set_ups.left.clone_from(paths));
            }
            Fact::AgentUnusable { project, agent, problem } => {
                self.change(project, |p| p.mark_unusable(agent, problem, at_ms));
            }
            Fact::AgentsReset { project } => self.change(project, Project::reset_agents),
            Fact::CollisionsSeen { project, collisions } => {
                self.change(project, |p| p.collisions.clone_from(collisions));
            }

            // The integration ref and the target branch.
            Fact::IntegrationMade { project, tip } => self.change(project, |p| {
                p.integration.is_made = true;
                p.integration.is_reset = false;
                p.integration.tip = tip.clone();
            }),
            Fact::TargetSeen { project, target } => {
                self.change(project, |p| p.integration.target = target.clone());
            }
            // While the tip is about to move, nothing lands or is published (`is_moving_to_target`).
            Fact::ExternalIntended { project, to, .. } => {
                self.change(project, |p| p.integration.adopting = Some(to.clone()));
            }
            Fact::ExternalAdopted { project, to, .. } => self.adopt_external(project, to, at_ms),
            Fact::ExternalAbandoned { project, .. } => {
                self.change(project, |p| p.integration.adopting = None);
            }
            Fact::ExternalRefused { project, target } => {
                self.change(project, |p| p.integration.external_refused = Some(target.clone()));
            }
            Fact::AdoptionIntended { project, .. } => {
                self.change(project, |p| p.integration.taking_target = true);
            }
            Fact::AdoptionAbandoned { project, .. } => {
                self.change(project, |p| p.integration.taking_target = false);
            }
            Fact::TargetAdopted { project, to, lost, .. } => {
                self.lose_landings(project, lost);
                // The bypass notice is about commits that are now accepted as the base.
                self.change(project, |p| p.bypassed = None);
                self.move_tip(project, to, true, at_ms);
                self.follow_moved_target(project, to);
            }
            Fact::TargetSet { project, branch, tip, published, lost, .. } => {
                self.set_target(project, branch, (tip, published), lost, at_ms);
            }
            Fact::QueueBypassed { project, found } => self.record_bypass(project, found, at_ms),
            Fact::BypassAccepted { project } => self.change(project, |p| {
                p.bypassed.iter_mut().for_each(|known| known.accepted = true);
            }),
            Fact::RepublishAsked { project, published } => self.change(project, |p| {
                p.integration.published = published.clone();
                p.integration.external_refused = None;
            }),
            Fact::Published { project, to } => {
                self.publish(project, to, at_ms);
                self.change(project, |p| {
                    if p.settings.land.push.is_some() {
                        p.pushing.due = Some(to.clone());
                    }
                });
            }
            Fact::PublicationWaits { project, wait } => {
                self.change(project, |p| p.integration.waits = Some(wait.clone()));
            }
            Fact::PublicationFreed { project } => self.change(project, |p| {
                p.integration.waits = None;
                p.integration.external_refused = None;
            }),
            Fact::Pushed { project, commit, .. } => self.change(project, |p| {
                (p.pushing.wait, p.pushing.pull) = (None, None);
                // What was published while the push ran is still due.
                p.pushing.due.take_if(|due| due == commit);
            }),
            Fact::PushWaits { project, wait, .. } => {
                self.change(project, |p| p.pushing.wait = Some(wait.clone()));
            }
            Fact::PullAsked { project, round } => self.ask_pull(project, *round, at_ms),
            Fact::RemoteFetched { project, fetched, relation } => {
                self.remote_fetched(project, fetched, *relation);
            }
            Fact::PullFailed { project, failure } => self.fail_pull(project, failure),
            Fact::UpstreamSeen { project, upstream } => {
                self.change(project, |p| p.upstream.clone_from(upstream));
            }

            // Objectives.
            Fact::ObjectiveAdded { objective, spec } => self.add_objective(objective, spec, event),
            Fact::ObjectiveEdited { objective, spec } => self.edit(objective, (**spec).clone()),
            Fact::ObjectiveDeleted { objective } => self.forget_objective(objective),
            Fact::ObjectiveMoved { objective, from, to, cause, reason, next } => {
                self.set_status(objective, *to, at_ms);
                self.follow_move(objective, (*from, *to, *cause), reason.as_ref(), next.as_ref(), at_ms);
            }
            Fact::ScopeWidened { objective, globs, by } => self.widen_scope(objective, globs, *by),
            Fact::HumanNote { objective, note, .. } => self.keep_note(objective, note),
            Fact::ObjectiveApproved { objective, approval } => self.keep_approval(objective, approval),
            Fact::PauseAsked { objective, asked } => {
                if let Some(found) = self.objective_mut(objective) {
                    found.operated.pause_asked = *asked;
                }
            }
            Fact::WorktreeOrdered { objective, path, branch, base, epoch } => {
                self.order_worktree(objective, (path, branch), base, *epoch);
            }
            Fact::WorktreeMade { objective } => self.set_worktree(objective, WorktreeStage::Ready, 0),
            Fact::WorktreeFailed { objective, again_ms, .. } => {
                self.set_worktree(objective, WorktreeStage::Broken, 1);
                if let Some(found) = self.objective_mut(objective) {
                    found.next.not_before_ms = Some(*again_ms);
                }
            }
            Fact::WorktreeRetired { objective } => self.set_worktree(objective, WorktreeStage::Removing, 0),
            Fact::WorktreeRemoved { objective } => {
                if let Some(found) = self.objective_mut(objective) {
                    found.worktree = None;
                }
            }

            // The hierarchy.
            Fact::NodeAdded { node, title, description, parent, .. } => {
                self.add_node(node, (title, description), parent.as_ref(), event);
            }
            Fact::NodeEdited { node, title, description, parent, .. } => self.change_node(node, |found| {
                found.title.clone_from(title);
                found.description.clone_from(description);
                found.parent.clone_from(parent);
            }),
            Fact::NodeMoved { node, to, .. } => {
                self.change_node(node, |found| (found.stage, found.since_ms) = (*to, at_ms));
                self.stage_moved(node, *to);
            }
            Fact::NodeDeleted { node, .. } => self.forget_node(node),
            Fact::PhaseCheckRemoved { node, check, .. } => self.remove_check(node, check),
            Fact::NodesOrdered { project, level, order } => self.order_nodes(project, *level, order),

            // Planner runs, plans and the checks of phases.
            Fact::PlanAsked { project } => self.ask_plan(project),
            Fact::PlanMade { project, session, phase, plan, warnings, waits } => {
                let waiting = waits.then(|| planning::waiting(*session, phase, plan, warnings, at_ms));
                self.plan_made(project, waiting);
            }
            Fact::PlanRefused { project, faults, .. } => self.plan_refused(project, faults),
            Fact::PlanMissed { project, counts, .. } => {
                self.plan(project, |planning| planning.failures += u32::from(*counts));
            }
            Fact::PlanApplied { project, session, phase, objectives, belief } => {
                self.plan_applied(project, session.is_some(), phase.as_ref(), (objectives, belief.as_ref()));
            }
            Fact::PlanRejected { project, note, .. } => self.plan_rejected(project, note),
            Fact::PlannerHeld { project, reason } => self.plan(project, |planning| {
                // Whatever was due before, a person decides first.
                planning.stuck = Some(reason.clone());
                (planning.is_asked, planning.repair_due) = (false, false);
            }),
            Fact::PlannerReleased { project } => self.plan(project, Planning::reset_failures),
            Fact::PhaseChecksSet { node, checks, by, .. } => self.set_checks(node, checks, *by),
            Fact::PhaseChecksPassed { node, .. } => self.progress_of(node, |progress| {
                (progress.checking, progress.failed) = (None, None);
                (progress.lost, progress.vain) = (0, 0);
            }),
            Fact::PhaseChecksFailed { node, gate, failed, .. } => {
                self.checks_failed(node, *gate, failed, at_ms);
            }
            Fact::PhaseChecksLost { node, .. } => self.progress_of(node, |progress| {
                progress.checking = None;
                progress.lost += 1;
            }),

            // Sessions.
            Fact::SessionPlanned { objective, plan } => self.plan_session(objective, plan, at_ms),
            Fact::SessionStarted { session, pid, .. } => self.change_session(*session, |s| {
                (s.started_ms, s.pid) = (Some(at_ms), Some(*pid));
                // A session that was asked to stop before its agent started keeps stopping.
                if s.status == SessionStatus::Starting {
                    s.status = SessionStatus::Running;
                }
            }),
            Fact::SessionStopping { session, stop, .. } => self.change_session(*session, |s| {
                s.status = SessionStatus::Stopping;
                s.stop = Some(*stop);
            }),
            Fact::SessionExtended { session, budget, .. } => {
                self.change_session(*session, |s| s.budget = *budget);
            }
            Fact::SessionUsed { session, usage, .. } => self.change_session(*session, |s| {
                s.account.usage.clone_from(usage);
                s.usage_ms = at_ms;
            }),
            Fact::SessionExited { session, process, .. } => {
                self.change_session(*session, |s| {
                    s.status = SessionStatus::Harvesting;
                    s.process.clone_from(process);
                    s.finished_ms = Some(at_ms);
                });
                self.note_set_up(*session, at_ms);
            }
            Fact::SessionHarvested { objective, session, end, harvest, problem, account, .. } => {
                // Stored before `record_success` reads the failure from it.
                self.change_session(*session, |s| s.account.clone_from(account));
                self.end_planning(&objective.project, *session, at_ms);
                self.harvest_session(objective, *session, *end, harvest.as_ref());
                self.record_success(*session, *end, at_ms);
                if let Some(found) = self.objective_mut(objective) {
                    found.operated.unjudged = problem.is_some();
                }
            }

            // The merge queue.
            Fact::EntryQueued { project, entry, subject, head, priority } => {
                self.enqueue(project, *entry, (subject, head), *priority, at_ms);
            }
            // Older builds recorded no `members`: `entry` is then the only one.
            Fact::CandidateOrdered { project, entry, onto, members, ahead } => {
                let order = members_or_entry(members, *entry);
                self.change(project, |p| order_candidate(&mut p.train, order, onto, *ahead));
            }
            Fact::CandidateMade { project, entry, candidate, links, separate, ahead } => {
                self.candidate_made(project, *entry, (candidate, links), separate, *ahead);
            }
            Fact::CandidateFailed { project, entry, problem, again_ms, ahead } => {
                self.change(project, |p| match ahead {
                    true => drop_ahead(&mut p.train, *entry),
                    false => candidate_failed(&mut p.train, *entry, problem, *again_ms),
                });
            }
            Fact::EntryReset { project, entry } => {
                self.change(project, |p| discard_merges(&mut p.train, *entry));
            }
            Fact::EntryDropped { project, entry, why, .. } => {
                self.change(project, |p| drop_entry(p, *entry, *why == Dropped::Red));
            }
            Fact::QueueHeld { project, reason } => {
                self.change(project, |p| p.train.held = Some(reason.clone()));
            }
            Fact::QueueReleased { project } => self.change(project, queue::release),

            // Gate runs.
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
                start,
            } => {
                let purpose = queue::purpose_of(purpose.as_ref(), *entry, *on_base);
                let mut new = queue::new_gate(*gate, project, (commit, tree), at_ms);
                new.start = *start;
                self.plan_gate(new, (purpose, *slot), (terms, commands));
            }
            Fact::GateCancelled { project, gate } => {
                self.change_gate(*gate, |g| g.cancelled = true);
                self.cancel_checks(project, *gate);
            }
            Fact::GateEnded { project, gate, verdict, results, from_nothing } => {
                self.change_gate(*gate, |g| g.from_nothing = *from_nothing);
                self.end_gate(project, *gate, (*verdict, results), at_ms);
            }
            Fact::SlotsMeasured { project, terms, found } => {
                self.change(project, |p| p.slot_tuning.for_terms(terms).found = Some(*found));
            }
            Fact::GateFolderRemoved { project, slot } => {
                self.change(project, |p| {
                    p.gate_folders.remove(slot);
                });
            }
            Fact::MarksFound { objective, head, marks } => self.keep_marks(objective, head, marks),
            Fact::GuardAsked { project, entry, paths } => {
                self.remember_guard(project, *entry, paths);
                self.change_entry(project, *entry, |e| e.guard = Some(Guard::new(paths.clone())));
            }
            Fact::GuardPassed { project, entry, gate } => self.change_guard(project, *entry, |guard| {
                (guard.passed, guard.settled) = (Some(*gate), true);
            }),
            Fact::GuardGivenUp { project, entry, why } => self.change_guard(project, *entry, |guard| {
                (guard.settled, guard.given_up) = (true, Some(why.clone()));
            }),
            Fact::CanaryAsked { project } => self.change(project, |p| p.canary.asked = true),
            Fact::CanaryJudged { project, gate, verdict, terms } => {
                self.judge_canary(project, (*gate, *verdict), terms, at_ms);
            }
            Fact::RecheckAsked { project } => self.change(project, |p| {
                (p.recheck.asked, p.recheck.not_before_ms) = (true, None);
            }),
            Fact::RecheckJudged { project, commit, verdict, .. } => {
                self.judge_recheck(project, commit, *verdict, at_ms);
            }
            Fact::ExternalJudged { project, commit, gate, verdict } => self.change(project, |p| {
                if let Some(external) = p.external.as_mut().filter(|external| external.commit == *commit) {
                    external.judged = Some((*verdict, *gate));
                }
            }),

            // Landings.
            Fact::LandingIntended { project, entry, candidate, gate, members } => {
                let members = members_or_entry(members, *entry);
                let landing = Landing { candidate: candidate.clone(), members, gate: *gate };
                self.change(project, |p| p.train.landing = Some(landing));
            }
            Fact::Landed { project, entry, subject, candidate, head, verified, gate, members } => {
                let landed = queue::Landing { subject, candidate, head, verified: *verified, gate: *gate };
                self.land(project, *entry, &members_or_entry(members, *entry), &landed, at_ms);
            }
            Fact::ProofWritten { project, commit, .. } => {
                self.change(project, |p| p.unproven.retain(|landing| landing.commit != *commit));
            }
            // The chain is made again: the tip is elsewhere, or a check found fault with the merge.
            Fact::LandingAbandoned { project, .. } => self.change(project, |p| {
                p.train.landing = None;
                p.train.chain = None;
            }),
        }
    }

    // Every mutable access marks the entity as touched, so that no change can miss its stored row.
    pub(super) fn project_mut(&mut self, slug: &ProjectSlug) -> Option<&mut Project> {
        self.touched.insert(EntityKey::Project(slug.clone()));
        self.projects.get_mut(slug)
    }

    pub(super) fn objective_mut(&mut self, key: &ObjectiveKey) -> Option<&mut Objective> {
        self.touched.insert(EntityKey::Objective(key.clone()));
        self.objectives.get_mut(key)
    }

    pub(super) fn session_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.touched.insert(EntityKey::Session(id));
        self.sessions.get_mut(&id)
    }

    /// Moves an objective to a state, and updates the index with it.
    pub(super) fn set_status(&mut self, key: &ObjectiveKey, status: Status, at_ms: i64) {
        let Some(objective) = self.objective_mut(key) else { return };
        let before = std::mem::replace(&mut objective.status, status);
        objective.since_ms = at_ms;
        let project = key.project.clone();
        if let Some(ids) = self.index.by_status.get_mut(&(project.clone(), before)) {
            ids.remove(&key.id);
        }
        self.index.by_status.entry((project, status)).or_default().insert(key.id.clone());
    }
}
