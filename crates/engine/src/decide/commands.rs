//! Routing of commands to the modules that answer them.

use super::lifecycle;
use super::operate;
use super::plans;
use super::projects;
use super::refusals::unknown_project;
use super::scribe::Scribe;
use crate::decide::plans::import;
use crate::decide::plans::objectives;
use crate::decide::queue::orders as queue_orders;
use crate::decide::queue::pull;
use crate::decide::queue::recheck;
use crate::decide::queue::side_runs;
use crate::decide::sessions::health;
use crate::decide::sessions::orders::{self as session_orders, More};
use crate::decide::target::retarget;
use paddock_model::command::{Answer, Command, Reply, StopMode};

pub(super) fn take(scribe: &mut Scribe<'_>, command: Command) -> Reply {
    // Checked here once, so that an unknown project is always the first fault reported.
    if let Some(project) = command.project().filter(|project| scribe.state.project(project).is_none()) {
        return Err(unknown_project(scribe, project));
    }
    match command {
        Command::ProjectAdd { project, settings, repository } => {
            projects::add(scribe, &project, settings, repository)
        }
        Command::ProjectEnable { project, enabled } => projects::enable(scribe, project, enabled),
        Command::ProjectPause { project, paused } => projects::pause(scribe, project, paused),
        Command::ProjectTrust { project, trust } => projects::trust(scribe, project, trust),
        Command::ProjectSetTarget { project, order } => retarget::set(scribe, &project, &order),
        Command::ProjectRemove { project } => projects::remove(scribe, &project),
        Command::ObjectivesAdd { project, objectives } => objectives::add(scribe, &project, objectives),
        Command::Objective { objective, order, by } => operate::take(scribe, &objective, order, &by),
        Command::Node { node, order } => plans::order_node(scribe, &node, order),
        Command::NodesImport { project, nodes } => import::take(scribe, &project, &nodes),
        Command::PlanNow { project } => plans::ask(scribe, &project),
        Command::PlanApply { project, plan } => plans::apply_written(scribe, &project, *plan),
        Command::PlanApprove { project } => plans::approve(scribe, &project),
        Command::PlanReject { project, note } => plans::reject(scribe, &project, &note),
        Command::SessionKill { session } => session_orders::kill(scribe, session),
        Command::SessionExtend { session, minutes, commits, tokens, usd_micros } => {
            session_orders::extend(scribe, session, &More { minutes, commits, tokens, usd_micros })
        }
        Command::AgentEnable { agent, enabled, by } => health::enable(scribe, &agent, enabled, by),
        Command::AgentMayPlan { project, agent, may_plan } => {
            plans::answer(scribe, &project, &agent, may_plan)
        }
        Command::AgentChecked { agent, check } => health::checked(scribe, &agent, check),
        Command::QueueHold { project } => queue_orders::hold(scribe, &project),
        Command::QueueRelease { project } => queue_orders::release_queue(scribe, &project),
        Command::QueueCanary { project } => side_runs::ask_canary(scribe, &project),
        Command::AskRecheck { project } => recheck::ask(scribe, &project),
        Command::RecheckDiffers { project, commit, problem } => {
            recheck::reported(scribe, &project, &commit, &problem)
        }
        Command::QueueAdopt { project } => queue_orders::adopt(scribe, &project),
        Command::QueueRepublish { project } => queue_orders::republish(scribe, &project),
        Command::QueuePublish { project } => queue_orders::publish(scribe, project),
        Command::QueuePull { project } => pull::ask(scribe, &project),
        Command::SupervisorStop { mode } => stop(scribe, mode),
    }
}

fn stop(scribe: &mut Scribe<'_>, mode: StopMode) -> Reply {
    lifecycle::stop(scribe, mode);
    let text = match mode {
        StopMode::Graceful => "stopping: sessions are asked to stop and harvested",
        StopMode::Now => "stopping now: sessions are killed and harvested",
        StopMode::Leave => "stopping: sessions continue under their keepers",
    };
    Ok(Answer::text(text))
}

#[cfg(test)]
mod tests {
    use paddock_model::command::Command;
    use paddock_model::hierarchy::{Level, NodeKey, NodeOrder};
    use paddock_model::ids::{NodeId, ProjectSlug};
    use paddock_model::state::State;

    use crate::decide::{Memo, step};
    use crate::input::Input;

    #[test]
    fn a_command_for_an_unknown_project_is_refused_for_that_before_anything_else() {
        let project = ProjectSlug::new("web").unwrap();
        let node = NodeKey { project: project.clone(), level: Level::Phase, id: NodeId::new("one").unwrap() };
        let commands = [
            Command::ProjectEnable { project: project.clone(), enabled: true },
            Command::ObjectivesAdd { project: project.clone(), objectives: Vec::new() },
            Command::Node { node, order: NodeOrder::Activate },
            Command::NodesImport { project: project.clone(), nodes: Vec::new() },
            Command::PlanApply { project: project.clone(), plan: Box::default() },
            Command::PlanReject { project: project.clone(), note: String::new() },
            Command::QueueRelease { project: project.clone() },
            Command::QueueCanary { project: project.clone() },
            Command::AskRecheck { project: project.clone() },
            Command::QueuePublish { project: project.clone() },
            Command::QueuePull { project: project.clone() },
        ];
        for command in commands {
            let asked = format!("{command:?}");
            let (mut state, mut memo) = (State::default(), Memo::passive());
            let decision = step(&mut state, &mut memo, Input::Command(Box::new(command)), 1);
            let refusal = decision.reply.unwrap().unwrap_err();
            assert!(refusal.text.starts_with("there is no project web; "), "{asked}: {refusal}");
            assert!(decision.events.is_empty() && decision.effects.is_empty(), "{asked}");
        }
    }
}
