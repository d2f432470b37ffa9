//! How safely each fact must be stored before Paddock acts on it.

use super::{Durability, Fact};

impl Fact {
    /// Returns how safely the event must be stored before Paddock acts on it.
    ///
    /// Flushing to disk is slow, so only two kinds of events wait for it: moves of refs, whose intent must be
    /// on disk before git changes anything, and what people add, decide and approve. A restart finds out the
    /// rest again, from the repository and from the keepers' records.
    #[must_use]
    pub fn durability(&self) -> Durability {
        match self {
            Fact::LandingIntended { .. }
            | Fact::Landed { .. }
            | Fact::ExternalIntended { .. }
            | Fact::ExternalAdopted { .. }
            | Fact::AdoptionIntended { .. }
            | Fact::TargetAdopted { .. }
            | Fact::TargetSet { .. }
            // Removing a worktree deletes files, so the intent must be on disk first.
            | Fact::WorktreeRetired { .. }
            | Fact::ProjectAdded { .. }
            | Fact::AgentMayPlan { .. }
            | Fact::ObjectiveAdded { .. }
            | Fact::ObjectiveEdited { .. }
            | Fact::ObjectiveApproved { .. }
            | Fact::NodeAdded { .. }
            | Fact::NodeEdited { .. }
            | Fact::NodeDeleted { .. }
            | Fact::PhaseCheckRemoved { .. }
            | Fact::PhaseChecksSet { .. }
            | Fact::PlanApplied { .. }
            | Fact::PlanRejected { .. } => Durability::Power,
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
            | Fact::IntegrationMade { .. }
            | Fact::TargetSeen { .. }
            | Fact::ExternalAbandoned { .. }
            | Fact::ExternalRefused { .. }
            | Fact::AdoptionAbandoned { .. }
            | Fact::RepublishAsked { .. }
            | Fact::Published { .. }
            | Fact::PublicationWaits { .. }
            | Fact::PublicationFreed { .. }
            | Fact::CollisionsSeen { .. }
            | Fact::ObjectiveDeleted { .. }
            | Fact::ScopeWidened { .. }
            | Fact::HumanNote { .. }
            | Fact::PauseAsked { .. }
            | Fact::NodeMoved { .. }
            | Fact::NodesOrdered { .. }
            | Fact::PhaseChecksPassed { .. }
            | Fact::PhaseChecksFailed { .. }
            | Fact::PhaseChecksLost { .. }
            | Fact::PlanAsked { .. }
            | Fact::PlanMade { .. }
            | Fact::PlanRefused { .. }
            | Fact::PlanMissed { .. }
            | Fact::PlannerHeld { .. }
            | Fact::PlannerReleased { .. }
            | Fact::ObjectiveMoved { .. }
            | Fact::WorktreeOrdered { .. }
            | Fact::WorktreeMade { .. }
            | Fact::WorktreeFailed { .. }
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
            | Fact::ExternalJudged { .. }
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
            | Fact::ProofWritten { .. }
            | Fact::LandingAbandoned { .. } => Durability::Process,
        }
    }
}
