//! How safe each fact has to be before anything follows from it.

use super::{Durability, Fact};

impl Fact {
    /// Returns how safe the event has to be: landings, and what a person was told is recorded, survive power loss;
    /// the rest, which a restart finds out again, survives a kill.
    #[must_use]
    pub fn durability(&self) -> Durability {
        match self {
            Self::LandingIntended { .. }
            | Self::Landed { .. }
            | Self::ExternalIntended { .. }
            | Self::ExternalAdopted { .. }
            | Self::AdoptionIntended { .. }
            | Self::TargetAdopted { .. }
            | Self::TargetSet { .. }
            | Self::WorktreeRetired { .. }
            | Self::ProjectAdded { .. }
            | Self::ObjectiveAdded { .. }
            | Self::ObjectiveEdited { .. }
            | Self::ObjectiveApproved { .. }
            | Self::AimAdded { .. }
            | Self::AimEdited { .. }
            | Self::PhaseChecksSet { .. }
            | Self::PlanApplied { .. }
            | Self::PlanRejected { .. } => Durability::Power,
            Self::SupervisorStarted { .. }
            | Self::SupervisorStopped { .. }
            | Self::ProjectConfigured { .. }
            | Self::ProjectEnabled { .. }
            | Self::ProjectPaused { .. }
            | Self::ProjectTrusted { .. }
            | Self::ProjectRemoved { .. }
            | Self::ProjectHeld { .. }
            | Self::ProjectReleased { .. }
            | Self::AgentUnusable { .. }
            | Self::AgentsReset { .. }
            | Self::AgentCooled { .. }
            | Self::AgentLocked { .. }
            | Self::AgentFreed { .. }
            | Self::AgentEnabled { .. }
            | Self::AgentChecked { .. }
            | Self::DayBegan { .. }
            | Self::ClockJumped { .. }
            | Self::SessionSlept { .. }
            | Self::NotifyFailed { .. }
            | Self::EffectPanicked { .. }
            | Self::BudgetExhausted { .. }
            | Self::IntegrationMade { .. }
            | Self::TargetSeen { .. }
            | Self::ExternalAbandoned { .. }
            | Self::ExternalRefused { .. }
            | Self::AdoptionAbandoned { .. }
            | Self::RepublishAsked { .. }
            | Self::Published { .. }
            | Self::PublicationWaits { .. }
            | Self::PublicationFreed { .. }
            | Self::CollisionsSeen { .. }
            | Self::ObjectiveDeleted { .. }
            | Self::ScopeWidened { .. }
            | Self::HumanNote { .. }
            | Self::PauseAsked { .. }
            | Self::AimMoved { .. }
            | Self::AimsOrdered { .. }
            | Self::PhaseChecksPassed { .. }
            | Self::PhaseChecksFailed { .. }
            | Self::PhaseChecksLost { .. }
            | Self::PlanAsked { .. }
            | Self::PlanMade { .. }
            | Self::PlanRefused { .. }
            | Self::PlanMissed { .. }
            | Self::PlannerHeld { .. }
            | Self::PlannerReleased { .. }
            | Self::ObjectiveMoved { .. }
            | Self::WorktreeOrdered { .. }
            | Self::WorktreeMade { .. }
            | Self::WorktreeFailed { .. }
            | Self::WorktreeRemoved { .. }
            | Self::SessionPlanned { .. }
            | Self::SessionStarted { .. }
            | Self::SessionStopping { .. }
            | Self::SessionExtended { .. }
            | Self::SessionUsed { .. }
            | Self::SessionExited { .. }
            | Self::SessionHarvested { .. }
            | Self::EntryQueued { .. }
            | Self::GuardAsked { .. }
            | Self::GuardPassed { .. }
            | Self::GuardGivenUp { .. }
            | Self::CanaryAsked { .. }
            | Self::CanaryJudged { .. }
            | Self::ExternalJudged { .. }
            | Self::QueueBypassed { .. }
            | Self::BypassAccepted { .. }
            | Self::Pushed { .. }
            | Self::PushWaits { .. }
            | Self::CandidateOrdered { .. }
            | Self::CandidateMade { .. }
            | Self::CandidateFailed { .. }
            | Self::EntryReset { .. }
            | Self::EntryDropped { .. }
            | Self::QueueHeld { .. }
            | Self::QueueReleased { .. }
            | Self::GatePlanned { .. }
            | Self::GateCancelled { .. }
            | Self::GateEnded { .. }
            | Self::SlotsMeasured { .. }
            | Self::GateFolderRemoved { .. }
            | Self::FlakeSeen { .. }
            | Self::VerdictReused { .. }
            | Self::ProofWritten { .. }
            | Self::LandingAbandoned { .. } => Durability::Process,
        }
    }
}
