//! Routing of inputs to the modules that record them.

use super::commands;
use super::hangs;
use super::lifecycle;
use super::panics;
use super::plans;
use super::queue;
use super::scribe::Scribe;
use super::sessions;
use super::target;
use crate::decide::plans::phases;
use crate::decide::queue::compare;
use crate::decide::queue::disk_space;
use crate::decide::queue::folders;
use crate::decide::queue::gate_ends;
use crate::decide::queue::proofs;
use crate::decide::queue::publish;
use crate::decide::queue::pull;
use crate::decide::queue::push;
use crate::decide::queue::side_runs;
use crate::decide::sessions::budgets;
use crate::decide::sessions::harvest;
use crate::decide::sessions::keepers;
use crate::decide::target::bypass;
use crate::decide::target::retarget;
use crate::decide::target::watch;
use crate::input::Input;
use paddock_model::command::Reply;

/// Records an input. Returns the reply if it is a command.
pub(super) fn take(scribe: &mut Scribe<'_>, input: Input) -> Option<Reply> {
    match input {
        Input::Command(command) => return Some(commands::take(scribe, *command)),
        Input::Started { pid, version } => lifecycle::started(scribe, pid, version),
        Input::Stop(mode) => lifecycle::stop(scribe, mode),
        Input::Stopped(mode) => lifecycle::stopped(scribe, mode),
        Input::Tick => scribe.mark_all(),
        Input::DayBegan { since_ms } => budgets::day_began(scribe, since_ms),
        Input::ClockJumped { by_ms } => budgets::clock_jumped(scribe, by_ms),
        Input::ConfigRead { project, settings } => watch::config_read(scribe, &project, settings),
        Input::TargetKeyRead { project, key } => retarget::key_read(scribe, &project, key.as_ref()),
        Input::IntegrationMade { project, tip } => watch::integration_made(scribe, &project, tip),
        Input::RepositoryFailed { project, problem } => watch::look_failed(scribe, &project, problem),
        Input::RepositoryFine { project } => watch::repository_fine(scribe, &project),
        Input::AgreementCarried { project, carried } => watch::agreement_carried(scribe, project, carried),
        Input::TrustRead { project, trust } => watch::trust_read(scribe, &project, trust),
        Input::HoldSeen { project, code, text, clears } => {
            watch::hold_seen(scribe, &project, code, text, clears);
        }
        Input::TargetLooked { project, facts } => target::looked(scribe, &project, &facts),
        Input::BypassSeen { project, found } => bypass::seen(scribe, &project, found),
        Input::CollisionsSeen { project, collisions: seen } => watch::collisions_seen(scribe, &project, seen),
        Input::ExternalMoved { project, to, result } => target::moved(scribe, &project, &to, result),
        Input::TargetAdopted { project, result } => target::adopted(scribe, &project, result),
        Input::WorktreeAnswered { objective, epoch, result } => {
            sessions::worktree_answered(scribe, &objective, epoch, result);
        }
        Input::WorktreeRemoved { objective, late } => sessions::worktree_removed(scribe, &objective, late),
        Input::SessionStarted { session, pid } => sessions::started(scribe, session, pid),
        Input::CopiesMissed { project, missed } => sessions::set_up::note_missed(scribe, &project, missed),
        Input::SetUpDone { session } => sessions::set_up::done(scribe, session),
        Input::SessionAwake { session, awake_ms } => budgets::awake(scribe, session, awake_ms),
        Input::SessionRefused { session, problem } => sessions::refused(scribe, session, problem),
        Input::SessionKeeper { session, trouble } => keepers::of_session(scribe, session, trouble),
        Input::GateKeeper { gate, trouble } => keepers::of_gate(scribe, gate, trouble),
        Input::RefsMoved { project, sessions, refs, total } => {
            watch::refs_moved(scribe, project, sessions, refs, total);
        }
        Input::SessionExited { session, process } => sessions::exited(scribe, session, Some(process)),
        Input::SessionLost { session } => sessions::exited(scribe, session, None),
        Input::CommitsSeen { session, commits } => sessions::commits_seen(scribe, session, commits),
        Input::Panicked(what) => panics::panicked(scribe, what),
        Input::FileBlocked { project, path, what, doing } => {
            hangs::file_blocked(scribe, project, path, what, doing);
        }
        Input::WorkHangs { project, doing, seconds } => hangs::work_hangs(scribe, project, doing, seconds),
        Input::FilePutBack { path, was_replaced, kept } => {
            lifecycle::file_put_back(scribe, path, was_replaced, kept);
        }
        Input::NotifyFailed { project, run, problem } => watch::notify_failed(scribe, project, run, problem),
        Input::SessionReported { session, usage, waits } => budgets::reported(scribe, session, usage, waits),
        Input::HarvestWaits { session, problem } => harvest::waits(scribe, session, problem),
        Input::Harvested { session, facts } => harvest::harvested(scribe, session, facts),
        Input::CandidateAnswered { project, members, onto, ahead, answer } => {
            queue::candidate_answered(scribe, &project, &members, &onto, ahead, answer);
        }
        Input::BranchSeen { objective, head } => queue::branch_seen(scribe, &objective, &head),
        Input::ExternalSeen { project, commit, tree } => {
            target::external_seen(scribe, project, (commit, tree));
        }
        Input::TreePrepared { project, side_tree, result } => {
            side_runs::prepared(scribe, &project, side_tree, result);
        }
        Input::DiskSpaceSeen { project, free } => disk_space::seen(scribe, &project, &free),
        Input::GateFolderRemoved { project, slot, result } => {
            folders::removed(scribe, &project, slot, &result);
        }
        Input::PushAnswered { project, commit, result } => push::answered(scribe, &project, &commit, result),
        Input::RemoteFetched { project, tip, result } => pull::fetched(scribe, &project, &tip, result),
        Input::TargetForwarded { project, to, answer } => pull::forwarded(scribe, &project, &to, answer),
        Input::UpstreamSeen { project, upstream } => pull::upstream_seen(scribe, &project, upstream),
        Input::GateExited { gate, results, from_nothing } => {
            gate_ends::exited(scribe, gate, results, from_nothing);
        }
        Input::TestsCompared { project, wanted, result } => {
            compare::answered(scribe, &project, &wanted, result);
        }
        Input::ChecksRead { gate, failed } => phases::checks_read(scribe, gate, failed),
        Input::PlanRead { session, facts } => plans::read(scribe, session, facts),
        Input::LandingAnswered { project, entry, commit, answer } => {
            queue::landing_answered(scribe, &project, entry, &commit, answer);
        }
        Input::ProofWritten { project, commit, result } => proofs::written(scribe, &project, &commit, result),
        Input::PublishAnswered { project, to, answer } => publish::answered(scribe, &project, &to, answer),
    }
    None
}
