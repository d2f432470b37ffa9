//! Deleting goals, milestones and phases, removing checks, and which goal begins when.

use paddock_engine::decide::Decision;
use paddock_engine::input::Input;
use paddock_model::command::{Command, Reply};
use paddock_model::event::Fact;
use paddock_model::hierarchy::{ImportedNode, Level, NodeKey, NodeOrder, Stage};
use paddock_model::ids::NodeId;
use paddock_model::operate::{Order, SpecEdit};
use paddock_model::plan::{CheckType, PhaseCheck, PlanDocument};

use crate::world::{World, key, slug};

const FILE: &str = "slug: web\nname: Web\nrepo_root: /r\nworktrees_root: /wt\ntarget_branch: main\nagents: [{id: scripted, planner: false}]\nplanner: {agent: none}\n";

fn node(level: Level, id: &str) -> NodeKey {
    NodeKey { project: slug(), level, id: NodeId::new(id).unwrap() }
}

fn check(command: &str) -> PhaseCheck {
    let (description, expected) = (format!("runs {command}"), String::new());
    PhaseCheck { description, check_type: CheckType::Shell, check_command: command.to_owned(), expected }
}

impl World {
    fn order_node(&mut self, level: Level, id: &str, order: NodeOrder) -> Decision {
        self.take(Input::Command(Box::new(Command::Node { node: node(level, id), order })))
    }

    fn say(&mut self, level: Level, id: &str, order: NodeOrder) -> String {
        text(self.order_node(level, id, order).reply.unwrap())
    }

    fn stage(&self, level: Level, id: &str) -> Option<Stage> {
        self.state.node(&node(level, id)).map(|node| node.stage)
    }

    /// Imports goals with a milestone and two phases each, named after the goal.
    fn import(&mut self, goals: &[&str]) {
        let new = |level, id: String, parent: Option<String>| ImportedNode {
            level,
            title: id.clone(),
            id: NodeId::new(id).unwrap(),
            description: String::new(),
            parent: parent.map(|id| NodeId::new(id).unwrap()),
            checks: Vec::new(),
        };
        let mut nodes = Vec::new();
        for goal in goals {
            let stone = format!("{goal}-m");
            nodes.push(new(Level::Goal, (*goal).to_owned(), None));
            nodes.push(new(Level::Milestone, stone.clone(), Some((*goal).to_owned())));
            nodes.push(new(Level::Phase, format!("{goal}-p"), Some(stone.clone())));
            nodes.push(new(Level::Phase, format!("{goal}-q"), Some(stone)));
        }
        self.command(Command::NodesImport { project: slug(), nodes });
    }

    /// Puts an objective into a phase.
    fn put_into(&mut self, id: &str, phase: &str) {
        let edit = Box::new(SpecEdit { phase: Some(phase.to_owned()), ..SpecEdit::default() });
        self.command(Command::Objective {
            objective: key(id),
            order: Order::Edit { edit },
            by: "ada".into(),
        });
    }

    fn apply_plan(&mut self, checks: &[&str]) {
        let phase_checks = checks.iter().map(|command| check(command)).collect();
        let plan = PlanDocument { reasoning: String::new(), phase_checks, objectives: Vec::new() };
        self.command(Command::PlanApply { project: slug(), plan: Box::new(plan) });
    }
}

fn text(reply: Reply) -> String {
    reply.map_or_else(|refusal| refusal.text, |answer| answer.text)
}

fn deleted(decision: &Decision) -> Vec<String> {
    let id = |event: &paddock_model::event::Event| match &event.fact {
        Fact::NodeDeleted { node, .. } => Some(node.id.to_string()),
        _ => None,
    };
    decision.events.iter().filter_map(id).collect()
}

fn add(title: &str) -> NodeOrder {
    NodeOrder::Add { title: title.into(), description: String::new(), parent: None }
}

#[test]
fn the_second_goal_says_when_it_begins_and_begins_when_the_first_is_complete() {
    let mut world = World::new(FILE);
    world.say(Level::Goal, "first", add("First"));
    let said = world.say(Level::Goal, "second", add("Second"));
    assert_eq!(
        said,
        "added goal second; it begins by itself after goal first, which is active; `paddock goal activate second` \
         begins it now"
    );
    assert_eq!(world.stage(Level::Goal, "second"), Some(Stage::Planned));
    let said = world.say(Level::Goal, "first", NodeOrder::Complete);
    assert_eq!(said, "goal first is completed; goal second is active now");
    assert_eq!(world.stage(Level::Goal, "second"), Some(Stage::Active));
    // Goals of a document follow each other, too, with what is below them.
    let mut world = World::new(FILE);
    world.import(&["a", "b"]);
    world.order_node(Level::Phase, "a-p", NodeOrder::Complete);
    assert_eq!(world.stage(Level::Phase, "b-p"), Some(Stage::Planned));
    world.order_node(Level::Phase, "a-q", NodeOrder::Complete);
    assert_eq!(world.stage(Level::Goal, "a"), Some(Stage::Completed));
    assert_eq!(world.stage(Level::Phase, "b-p"), Some(Stage::Active));
    // A goal that was not active ends without beginning another one.
    world.say(Level::Goal, "c", add("C"));
    world.say(Level::Goal, "d", add("D"));
    assert_eq!(world.say(Level::Goal, "d", NodeOrder::Complete), "goal d is completed");
    assert_eq!(world.stage(Level::Goal, "c"), Some(Stage::Planned));
}

#[test]
fn deleting_takes_what_is_below_and_leaves_objectives_and_history() {
    let mut world = World::new(FILE);
    world.import(&["a", "b"]);
    world.add("one", "src/**", &[]);
    let phase = |world: &World| world.state.objective(&key("one")).unwrap().spec.phase.clone();
    world.put_into("one", "a-p");
    assert_eq!(phase(&world).as_deref(), Some("a-p"));
    // Work in progress keeps its phase.
    world.worktree("one");
    let refused = world.order_node(Level::Goal, "a", NodeOrder::Delete);
    assert!(deleted(&refused).is_empty());
    let said = text(refused.reply.unwrap());
    assert!(
        said.contains("one of the phase a-p is in progress") && said.contains("objective cancel one"),
        "{said}"
    );
    // Another phase of the goal can go.
    assert_eq!(world.say(Level::Phase, "a-q", NodeOrder::Delete), "phase a-q is deleted");
    // A goal that is not under way goes with everything below it; the active one stays active.
    let decision = world.order_node(Level::Goal, "b", NodeOrder::Delete);
    assert_eq!(deleted(&decision), ["b-q", "b-p", "b-m", "b"]);
    assert_eq!(world.stage(Level::Goal, "a"), Some(Stage::Active));
    assert!(
        text(world.order_node(Level::Goal, "b", NodeOrder::Delete).reply.unwrap())
            .contains("there is no goal b")
    );
}

#[test]
fn the_next_one_begins_when_the_active_one_is_deleted_and_its_objectives_stay() {
    let mut world = World::new(FILE);
    world.import(&["a", "b"]);
    world.add("one", "src/**", &[]);
    world.command(Command::ProjectPause { project: slug(), paused: true });
    world.add("two", "src/**", &["one"]);
    world.put_into("two", "a-p");
    let said = world.say(Level::Phase, "a-p", NodeOrder::Delete);
    assert_eq!(said, "phase a-p is deleted; 1 objective stays, without a phase; phase a-q is active now");
    assert_eq!(world.state.objective(&key("two")).unwrap().spec.phase, None);
    let said = world.say(Level::Goal, "a", NodeOrder::Delete);
    assert_eq!(said, "goal a is deleted, with milestone a-m, phase a-q; goal b is active now");
    assert_eq!(world.stage(Level::Phase, "b-p"), Some(Stage::Active));
}

#[test]
fn an_empty_plan_of_a_person_ends_the_phase() {
    let mut world = World::new(FILE);
    world.import(&["a"]);
    world.apply_plan(&[]);
    assert_eq!(world.stage(Level::Phase, "a-p"), Some(Stage::Completed));
    assert_eq!(world.stage(Level::Phase, "a-q"), Some(Stage::Active));
}

#[test]
fn a_check_can_be_removed_whether_a_person_or_the_planner_wrote_it() {
    let mut world = World::new(FILE);
    world.import(&["a"]);
    world.apply_plan(&["true", "false"]);
    let checks = |world: &World| world.state.node(&node(Level::Phase, "a-p")).unwrap().progress.all_checks();
    assert_eq!(checks(&world).len(), 2);
    let said = world.say(Level::Phase, "a-p", NodeOrder::RemoveCheck { check: check("false") });
    assert_eq!(said, "the check \"runs false\" of phase a-p is removed; 1 check is left");
    assert_eq!(checks(&world), [check("true")]);
    let said = world.say(Level::Phase, "a-p", NodeOrder::RemoveCheck { check: check("false") });
    assert!(said.contains("has no such check; `paddock phase show a-p` lists its checks"), "{said}");
}
