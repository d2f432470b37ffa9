//! How safe each fact has to be before anything follows from it.

use super::{Durability, Fact};

impl Fact {
    /// Returns how safe the event has to be: landings, and what a person was told is recorded, survive power loss;
    /// the rest, which a restart finds out again, survives a kill.
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
            | Fact::WorktreeRetired { .. }
            | Fact::ProjectAdded { .. }
            | Fact::ObjectiveAdded { .. }
            | Fact::ObjectiveEdited { .. }
            | Fact::ObjectiveApproved { .. }
            | Fact::NodeAdded { .. }
            | Fact::NodeEdited { .. }
            | Fact::PhaseChecksSet { .. }
            | Fact::PlanApplied { .. }
            | Fact::PlanRejected { .. } => Durability::Power,
            Fact::SupervisorStarted { .. }
            | Fact::SupervisorStopped { .. }
            | Fact::ProjectConfigured { .. }
            | Fact::ProjectEnabled { .. }
            | Fact::ProjectPaused { .. }
            | Fact::ProjectTrusted { .. }
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
            | Fact::NotifyFailed { .. }
            | Fact::EffectPanicked { .. }
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
            | Fact::EntryQueued { .. }
            | Fact::GuardAsked { .. }
            | Fact::GuardPassed { .. }
            | Fact::GuardGivenUp { .. }
            | Fact::CanaryAsked { .. }
            | Fact::CanaryJudged { .. }
            | Fact::ExternalJudged { .. }
            | Fact::QueueBypassed { .. }
            | Fact::BypassAccepted { .. }
            | Fact::Pushed { .. }
            | Fact::PushWaits { .. }
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
            | Fact::VerdictReused { .. }
            | Fact::ProofWritten { .. }
            | Fact::LandingAbandoned { .. } => Durability::Process,
        }
    }
}
