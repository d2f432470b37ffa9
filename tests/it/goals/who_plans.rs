//! Which agent plans, and what is said where none may.

use paddock_config::{example, schema};
use paddock_engine::ANSWERS;
use paddock_engine::input::Input;
use paddock_model::command::Command;
use paddock_model::event::{Event, Fact};
use paddock_model::hierarchy::{Level, NodeKey, NodeOrder};
use paddock_model::ids::NodeId;
use paddock_model::needs::Need;
use paddock_model::planning::{PlanningConsent, planners};
use paddock_model::reason::ReasonCode;
use paddock_model::session::SessionKind;
use paddock_report::agents::{agents, note_planners, of_projects};

use crate::world::{World, slug};

const HEAD: &str = "slug: web\nname: Web\nrepo_root: /r\nworktrees_root: /wt\ntarget_branch: main\n";
const OWN: &str =
    "agents: [{id: own, command_template: own-cli}, {id: second, command_template: other-cli}]\n";

fn world(settings: &str) -> World {
    let mut world = World::new(&format!("{HEAD}{settings}"));
    world.memo.planner_cooldown_ms = Some(0);
    world
}

fn node(level: Level, id: &str) -> NodeKey {
    NodeKey { project: slug(), level, id: NodeId::new(id).unwrap() }
}

impl World {
    fn who_plans(&self) -> Vec<String> {
        planners(self.state.project(&slug()).unwrap()).iter().map(ToString::to_string).collect()
    }

    fn add_goal(&mut self) -> String {
        let order = NodeOrder::Add { title: "A shop".into(), description: String::new(), parent: None };
        let command = Command::Node { node: node(Level::Goal, "shop"), order };
        self.take(Input::Command(Box::new(command))).reply.unwrap().unwrap().text
    }

    fn needs_of_plans(&self) -> Vec<Need> {
        (ANSWERS.needs)(&self.state, &slug())
    }

    /// Returns whether a planner's session starts once the authors of the goal had time to divide it.
    fn plans_by_itself(&mut self) -> bool {
        self.now_ms += 60_000;
        self.take(Input::Tick);
        self.state.sessions().any(|session| session.kind == SessionKind::Planner)
    }

    /// Makes the project one that an earlier build has taken up: its event does not say who may plan.
    fn taken_up_by_an_earlier_build(mut self) -> Self {
        let project = self.state.project(&slug()).unwrap();
        let settings = Box::new(project.settings.clone());
        let repository = paddock_model::facts::RepositoryFacts {
            root: "/r".into(),
            common_dir: project.common_dir.clone(),
            bare: false,
            target: project.integration.tip.clone(),
            trust: project.trust.clone(),
        };
        let fact = Fact::ProjectAdded { project: slug(), settings, repository, agents_may_plan: false };
        let tip = Fact::IntegrationMade { project: slug(), tip: crate::world::commit('1') };
        for fact in [fact, tip] {
            self.state.apply(&Event { seq: self.state.counters().seq + 1, at_ms: self.now_ms, fact });
        }
        self
    }
}

#[test]
fn the_first_agent_of_the_workers_plans_unless_the_settings_say_otherwise() {
    let expect = |settings: &str, who: &[&str]| {
        assert_eq!(world(settings).who_plans(), who, "{settings}");
    };
    expect(OWN, &["own", "second"]);
    expect("agents: [{id: own, command_template: x, planner: false}]\n", &[]);
    expect("agents: [{id: own, command_template: x, planner: true}]\n", &["own"]);
    expect("agents: [{id: own, command_template: x, enabled: false}]\n", &[]);
    expect(&format!("{OWN}planner: {{agent: auto}}\n"), &["own", "second"]);
    expect(&format!("{OWN}planner: {{agent: second}}\n"), &["second", "own"]);
    expect(&format!("{OWN}planner: {{agent: none}}\n"), &[]);
    expect(&format!("{OWN}session_defaults: {{planner_agent: second}}\n"), &["second", "own"]);
    expect(&format!("{OWN}session_defaults: {{planner_agent: null}}\n"), &["own", "second"]);
    expect(&format!("{OWN}planner: {{agent: none}}\nsession_defaults: {{planner_agent: null}}\n"), &[]);
    expect(&format!("{OWN}workers: [{{id: implementer, agents: [second]}}]\n"), &["second", "own"]);
}

#[test]
fn a_goal_with_a_title_is_enough_for_an_agent_of_ones_own() {
    let mut world = world(OWN);
    assert_eq!(world.add_goal(), "added goal shop; it is the active one");
    assert!(world.plans_by_itself() && world.needs_of_plans().is_empty());
}

#[test]
fn where_nobody_may_plan_the_answer_and_a_need_say_how_to_change_it() {
    for (settings, remedy) in [
        (
            "agents: [{id: own, command_template: x, planner: false}]\n",
            "remove `planner: false` of the agent own",
        ),
        ("agents: [{id: own, command_template: x, enabled: false}]\n", "write `enabled: true`"),
        ("planner: {agent: none}\n", "write `planner: {agent: auto}` in projects/web.yaml"),
        ("", "add one of your own to `agents` in projects/web.yaml"),
    ] {
        let mut world = world(settings);
        let said = world.add_goal();
        let needs = world.needs_of_plans();
        assert!(said.contains(remedy) && !world.plans_by_itself(), "{settings}: {said}");
        assert!(needs.len() == 1 && needs[0].reason.clears.contains(remedy), "{settings}: {needs:?}");
        assert_eq!(needs[0].reason.code, ReasonCode::NothingPlanned);
    }
}

#[test]
fn a_project_of_an_earlier_build_asks_before_an_agent_of_ones_own_plans() {
    let old = || world(OWN).taken_up_by_an_earlier_build();
    let answer =
        |agent: &str, may_plan| Command::AgentMayPlan { project: slug(), agent: agent.into(), may_plan };
    let mut asked = old();
    assert!(asked.needs_of_plans().is_empty(), "nothing is to be planned yet");
    asked.add_goal();
    let needs = asked.needs_of_plans();
    assert!(needs.len() == 1 && needs[0].reason.code == ReasonCode::MayPlan, "{needs:?}");
    assert!(needs[0].reason.clears.contains("paddock --project web agent planner own"), "{needs:?}");
    assert!(!asked.plans_by_itself());
    asked.command(answer("own", true));
    assert!(asked.needs_of_plans().is_empty() && asked.who_plans() == ["own"]);
    assert!(asked.plans_by_itself());

    let mut refused = old();
    refused.add_goal();
    refused.command(answer("own", false));
    assert_eq!(
        refused.needs_of_plans()[0].reason.code,
        ReasonCode::MayPlan,
        "the second agent is asked about"
    );
    refused.command(answer("second", false));
    assert_eq!(refused.needs_of_plans()[0].reason.code, ReasonCode::NothingPlanned);
    assert!(!refused.plans_by_itself());

    // An agent with `planner` in the file, or one that is built in as a planner, is not asked about.
    for settings in ["agents: [{id: own, command_template: x, planner: true}]\n", "agents: [{id: claude}]\n"]
    {
        let mut clear = world(settings).taken_up_by_an_earlier_build();
        clear.add_goal();
        assert!(clear.needs_of_plans().is_empty() && clear.plans_by_itself(), "{settings}");
    }
}

#[test]
fn schema_example_and_agent_list_say_what_the_planner_does() {
    let properties = schema::project_file(&["landed"])["properties"].clone();
    let of_agent = properties["agents"]["items"]["properties"]["planner"]["description"].to_string();
    assert!(of_agent.contains("Default: true."), "{of_agent}");
    let choice = properties["planner"]["properties"]["agent"]["description"].to_string();
    assert!(
        choice.contains("unless it says `planner: false`") && choice.contains("Default: auto."),
        "{choice}"
    );
    let example = example::text();
    assert!(example.contains("\n  agent: auto\n") && example.contains("planner: true"), "{example}");
    // The list says what `planners` decides, for projects of this build and of earlier ones.
    for world in [world(OWN), world(OWN).taken_up_by_an_earlier_build()] {
        let project = world.state.project(&slug()).unwrap();
        let all = || [(&project.slug, &project.settings)].into_iter();
        let mut list = agents(&world.state, of_projects(all(), Vec::new), 0, &|_| true);
        note_planners(&mut list, &world.state, all());
        let who = world.who_plans();
        for agent in list.iter().filter(|agent| ["own", "second"].contains(&agent.id.as_str())) {
            let is_planner = who.iter().any(|id| *id == agent.id.as_str());
            assert_eq!(
                (agent.planner, !agent.plans_for.is_empty()),
                (is_planner, is_planner),
                "{}",
                agent.id
            );
        }
    }
    assert_ne!(PlanningConsent::default(), world(OWN).state.project(&slug()).unwrap().planning.consent);
}
