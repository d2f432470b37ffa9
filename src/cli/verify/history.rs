//! The recorded history of an integration ref: its beginning, its landings, and the user's own commits.

use std::collections::BTreeMap;

use paddock_model::event::{Fact, FactKind};
use paddock_model::gate::Verdict;
use paddock_model::ids::{GateId, ObjectId, ObjectiveId, ProjectSlug};
use paddock_model::train::{Candidate, Subject};
use paddock_store::codec::from_stored;
use paddock_store::{EventQuery, Reader};

use super::super::exit_codes::Failure;

/// Number of events that are read at a time.
const PAGE: u32 = 1_000;
/// Event types that matter to an integration ref; the query skips the others, which are far more.
const KINDS: [FactKind; 8] = [
    FactKind::ProjectAdded,
    FactKind::IntegrationMade,
    FactKind::Landed,
    FactKind::ExternalAdopted,
    FactKind::ExternalJudged,
    FactKind::TargetAdopted,
    FactKind::TargetSet,
    FactKind::ProofWritten,
];

/// A landing, as recorded.
#[derive(Debug, Clone)]
pub(super) struct Landing {
    pub(super) at_ms: i64,
    pub(super) subject: Subject,
    pub(super) candidate: Candidate,
    pub(super) head: ObjectId,
    /// Other members of its batch, in order, with their heads.
    pub(super) others: Vec<(Subject, ObjectId)>,
    pub(super) gate: Option<GateId>,
    /// SHA-256 of its proof, once the proof is written.
    pub(super) proof: Option<String>,
    /// Whether a rewritten target branch was adopted since; it may lack the landing.
    pub(super) adopted_since: bool,
    /// Whether the project's target branch was changed since.
    pub(super) retargeted_since: bool,
}

/// A move of the integration ref onto the user's own commits.
#[derive(Debug, Clone)]
pub(super) struct External {
    pub(super) at_ms: i64,
    pub(super) from: ObjectId,
    pub(super) to: ObjectId,
}

/// The history of one project's integration ref.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    /// Commit that the integration ref began at.
    pub(super) start: Option<ObjectId>,
    /// Landings by commit.
    pub(super) landings: BTreeMap<ObjectId, Landing>,
    pub(super) external: Vec<External>,
    /// Verdict on commits of the user's own, and the gate run that gave it.
    pub(super) judged: BTreeMap<ObjectId, (Verdict, Option<GateId>)>,
    /// Commit that Paddock moved the ref to last.
    pub(super) tip: Option<ObjectId>,
}

impl History {
    /// Reads the history of a project from the log of events. Fails if an event cannot be read.
    pub(super) fn read(reader: &Reader, project: &ProjectSlug) -> Result<Self, Failure> {
        let mut history = Self::default();
        let mut since_seq = 0;
        loop {
            let query = EventQuery {
                since_seq: Some(since_seq),
                kinds: KINDS.iter().map(|kind| kind.stored().to_owned()).collect(),
                project: Some(project.to_string()),
                limit: Some(PAGE),
                ..EventQuery::default()
            };
            let page = reader.events(&query)?;
            for stored in &page {
                let event = from_stored(stored)?;
                history.apply(event.fact, event.at_ms);
            }
            match page.last() {
                Some(last) => since_seq = last.seq,
                None => return Ok(history),
            }
        }
    }

    fn apply(&mut self, fact: Fact, at_ms: i64) {
        match fact {
            // A project that was removed and added again has a new integration ref.
            Fact::ProjectAdded { .. } => *self = Self::default(),
            // The target branch was renamed: a ref of another name is made at the same commit.
            Fact::IntegrationMade { tip, .. } if self.tip.as_ref() == Some(&tip) && self.start.is_some() => {}
            Fact::IntegrationMade { tip, .. } => {
                self.start = Some(tip.clone());
                self.tip = Some(tip);
            }
            Fact::Landed { subject, candidate, head, gate, .. } => {
                let (commit, onto) = (candidate.commit.clone(), candidate.onto.clone());
                self.tip = Some(commit.clone());
                // The members of a batch are recorded one by one, all with the batch's commit.
                if subject.is_of_people() {
                    self.external.push(External { at_ms, from: onto, to: head.clone() });
                }
                if let Some(landing) = self.landings.get_mut(&commit) {
                    landing.others.push((subject, head));
                    return;
                }
                let landing = Landing {
                    at_ms,
                    subject,
                    candidate,
                    head,
                    others: Vec::new(),
                    gate,
                    proof: None,
                    adopted_since: false,
                    retargeted_since: false,
                };
                self.landings.insert(commit, landing);
            }
            Fact::ExternalAdopted { from, to, .. } => {
                self.tip = Some(to.clone());
                self.external.push(External { at_ms, from, to });
            }
            Fact::ExternalJudged { commit, gate, verdict, .. } => {
                self.judged.insert(commit, (verdict, gate));
            }
            Fact::TargetAdopted { from, to, .. } => {
                self.landings.values_mut().for_each(|landing| landing.adopted_since = true);
                self.tip = Some(to.clone());
                self.external.push(External { at_ms, from, to });
            }
            // Landings on the former target branch may be missing from the new one without a fault.
            Fact::TargetSet { .. } => {
                self.landings.values_mut().for_each(|landing| landing.retargeted_since = true);
            }
            Fact::ProofWritten { commit, sha256, .. } => {
                if let Some(landing) = self.landings.get_mut(&commit) {
                    landing.proof = Some(sha256);
                }
            }
            // No other event moves the integration ref or changes a landing. Each is named, so that a new
            // event must be considered here.
            Fact::SupervisorStarted { .. }
            | Fact::SupervisorStopped { .. }
            | Fact::FilePutBack { .. }
            | Fact::ProjectConfigured { .. }
            | Fact::ProjectEnabled { .. }
            | Fact::ProjectPaused { .. }
            | Fact::ProjectTrusted { .. }
            | Fact::ConfigSwitchedOff { .. }
            | Fact::SetUpLeft { .. }
            | Fact::CopiesMissed { .. }
            | Fact::ProjectRemoved { .. }
            | Fact::ProjectHeld { .. }
            | Fact::ProjectReleased { .. }
            | Fact::AgentUnusable { .. }
            | Fact::AgentsReset { .. }
            | Fact::AgentCooled { .. }
            | Fact::AgentLocked { .. }
            | Fact::AgentFreed { .. }
            | Fact::AgentEnabled { .. }
            | Fact::AgentMayPlan { .. }
            | Fact::AgentChecked { .. }
            | Fact::DayBegan { .. }
            | Fact::ClockJumped { .. }
            | Fact::SessionSlept { .. }
            | Fact::KeeperStopped { .. }
            | Fact::NotifyFailed { .. }
            | Fact::EffectPanicked { .. }
            | Fact::FileBlocked { .. }
            | Fact::WorkHangs { .. }
            | Fact::BudgetExhausted { .. }
            | Fact::TargetSeen { .. }
            | Fact::ExternalIntended { .. }
            | Fact::ExternalAbandoned { .. }
            | Fact::ExternalRefused { .. }
            | Fact::AdoptionIntended { .. }
            | Fact::AdoptionAbandoned { .. }
            | Fact::RepublishAsked { .. }
            | Fact::Published { .. }
            | Fact::PublicationWaits { .. }
            | Fact::CollisionsSeen { .. }
            | Fact::PublicationFreed { .. }
            | Fact::ObjectiveAdded { .. }
            | Fact::ObjectiveEdited { .. }
            | Fact::ObjectiveDeleted { .. }
            | Fact::ScopeWidened { .. }
            | Fact::HumanNote { .. }
            | Fact::ObjectiveApproved { .. }
            | Fact::PauseAsked { .. }
            | Fact::NodeAdded { .. }
            | Fact::NodeEdited { .. }
            | Fact::NodeDeleted { .. }
            | Fact::PhaseCheckRemoved { .. }
            | Fact::NodeMoved { .. }
            | Fact::NodesOrdered { .. }
            | Fact::PhaseChecksSet { .. }
            | Fact::PhaseChecksPassed { .. }
            | Fact::PhaseChecksFailed { .. }
            | Fact::PhaseChecksLost { .. }
            | Fact::PlanAsked { .. }
            | Fact::PlanMade { .. }
            | Fact::PlanRefused { .. }
            | Fact::PlanMissed { .. }
            | Fact::PlanApplied { .. }
            | Fact::PlanRejected { .. }
            | Fact::PlannerHeld { .. }
            | Fact::PlannerReleased { .. }
            | Fact::ObjectiveMoved { .. }
            | Fact::WorktreeOrdered { .. }
            | Fact::WorktreeMade { .. }
            | Fact::WorktreeFailed { .. }
            | Fact::WorktreeRetired { .. }
            | Fact::WorktreeRemoved { .. }
            | Fact::SessionPlanned { .. }
            | Fact::SessionStarted { .. }
            | Fact::SessionStopping { .. }
            | Fact::SessionExtended { .. }
            | Fact::SessionUsed { .. }
            | Fact::SessionExited { .. }
            | Fact::SessionHarvested { .. }
            | Fact::MarksFound { .. }
            | Fact::EntryQueued { .. }
            | Fact::GuardAsked { .. }
            | Fact::GuardPassed { .. }
            | Fact::GuardGivenUp { .. }
            | Fact::CanaryAsked { .. }
            | Fact::CanaryJudged { .. }
            | Fact::RecheckAsked { .. }
            | Fact::RecheckJudged { .. }
            | Fact::QueueBypassed { .. }
            | Fact::BypassAccepted { .. }
            | Fact::RefsMoved { .. }
            | Fact::Pushed { .. }
            | Fact::PushWaits { .. }
            | Fact::PullAsked { .. }
            | Fact::RemoteFetched { .. }
            | Fact::PullFailed { .. }
            | Fact::UpstreamSeen { .. }
            | Fact::CandidateOrdered { .. }
            | Fact::CandidateMade { .. }
            | Fact::CandidateFailed { .. }
            | Fact::EntryReset { .. }
            | Fact::EntryDropped { .. }
            | Fact::QueueHeld { .. }
            | Fact::QueueReleased { .. }
            | Fact::GatePlanned { .. }
            | Fact::GateCancelled { .. }
            | Fact::GateEnded { .. }
            | Fact::SlotsMeasured { .. }
            | Fact::GateFolderRemoved { .. }
            | Fact::FlakeSeen { .. }
            | Fact::TestsCompared { .. }
            | Fact::VerdictReused { .. }
            | Fact::LandingIntended { .. }
            | Fact::LandingAbandoned { .. } => {}
        }
    }
}

impl Landing {
    /// Returns whether the landing may be missing from the integration ref without a fault.
    pub(super) fn may_be_elsewhere(&self) -> bool {
        self.adopted_since || self.retargeted_since
    }

    /// Returns the objectives that landed, in order.
    pub(super) fn objectives(&self) -> impl Iterator<Item = &ObjectiveId> {
        let subjects = [&self.subject].into_iter().chain(self.others.iter().map(|(subject, _)| subject));
        subjects.filter_map(|subject| match subject {
            Subject::Objective(id) => Some(id),
            Subject::Target | Subject::Remote => None,
        })
    }

    /// Returns the merged heads, in order.
    pub(super) fn heads(&self) -> impl Iterator<Item = &ObjectId> {
        [&self.head].into_iter().chain(self.others.iter().map(|(_, head)| head))
    }
}
