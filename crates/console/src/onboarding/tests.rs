//! Tests of the screen: its keys, its faults, its looks.

use super::*;
use crate::onboarding::Left;
use crate::testing::{dialog_alone, looks, press, type_in};
use paddock_config::propose::propose;

fn found() -> Found {
    let read = |name: &str| (name == "Cargo.toml").then(String::new);
    let proposal = propose(&read);
    Found {
        root: PathBuf::from("/home/ada/商店"),
        worktrees: PathBuf::from("/home/ada/商店-wt"),
        workspace: PathBuf::from("/home/ada/.local/share/paddock"),
        is_new_workspace: true,
        slug: "shop".to_owned(),
        branch: "main".to_owned(),
        gate: proposal.commands,
        gate_from: proposal.from.to_owned(),
        own_commands: Vec::new(),
    }
}

fn seen() -> Vec<AgentSeen> {
    let agent =
        |id: &str, version: Option<&str>| AgentSeen { id: id.into(), version: version.map(str::to_owned) };
    vec![agent("claude", Some("2.0.14")), agent("kimi", None)]
}

fn opened() -> (Model, Rc<RefCell<State>>) {
    let mut model = Model { size: (80, 24), ..Model::new(paddock_engine::ANSWERS, crate::actions::keymap()) };
    let state = Rc::new(RefCell::new(State::default()));
    model.open(Box::new(Questions::new(state.clone())));
    (model, state)
}

fn asking() -> (Model, Rc<RefCell<State>>) {
    let (model, state) = opened();
    state.borrow_mut().take(&model, News::Looked(Ok(found())));
    state.borrow_mut().take(&model, News::Agents(seen()));
    (model, state)
}

fn answered(state: &Rc<RefCell<State>>) -> Option<Answers> {
    state.borrow_mut().take_requests().into_iter().find_map(|request| match request {
        Request::Execute(answers) => Some(answers),
        Request::Look => None,
    })
}

#[test]
fn one_key_takes_every_proposal() {
    let (mut model, state) = asking();
    press(&mut model, "alt-enter");
    let answers = answered(&state).unwrap();
    assert_eq!((answers.branch.as_str(), answers.goal.as_str()), ("main", ""));
    assert_eq!(answers.gate, found().gate);
}

#[test]
fn answers_are_what_was_typed() {
    let (mut model, state) = asking();
    press(&mut model, "tab");
    type_in(&mut model, "\ncargo clippy\ncargo clippy");
    press(&mut model, "tab");
    type_in(&mut model, "发布第二版\nwith billing");
    press(&mut model, "tab enter");
    let answers = answered(&state).unwrap();
    let names: Vec<&str> = answers.gate.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["tests", "cargo-clippy", "cargo-clippy-2"]);
    assert_eq!((answers.goal.as_str(), answers.description.as_str()), ("发布第二版", "with billing"));
}

#[test]
fn a_proposed_command_that_stays_keeps_all_of_its_settings() {
    let (mut model, state) = opened();
    let proposed =
        GateCommand { isolated: true, min_tests: Some(3), ..GateCommand::new("tests", "make check", 7) };
    let found = Found { gate: vec![proposed.clone()], ..found() };
    state.borrow_mut().take(&model, News::Looked(Ok(found)));
    state.borrow_mut().take(&model, News::Agents(seen()));
    assert!(dialog_alone(&mut model, 120, 40).contains("also with"));
    press(&mut model, "tab");
    type_in(&mut model, "\nmake lint");
    press(&mut model, "alt-enter");
    let gate = answered(&state).unwrap().gate;
    assert_eq!((&gate[0], gate[1].isolated, gate[1].run.as_str()), (&proposed, false, "make lint"));
}

#[test]
fn a_fault_is_shown_in_place_and_what_was_typed_stays() {
    let (mut model, state) = asking();
    press(&mut model, "tab tab");
    type_in(&mut model, "Ship");
    press(&mut model, "alt-enter");
    assert!(answered(&state).is_some());
    let why = "workspace /home/bob/paddock works on this repository already";
    state.borrow_mut().take(&model, News::Executed(Err(why.into())));
    let shown = dialog_alone(&mut model, 80, 24);
    assert!(shown.contains("workspace /home/bob/paddock works on") && shown.contains("Ship"), "{shown}");
    press(&mut model, "alt-enter");
    assert!(answered(&state).is_some(), "it can be tried again");
}

#[test]
fn a_repository_that_cannot_be_managed_says_why_and_can_be_inspected_again() {
    let (mut model, state) = opened();
    let why = "/home/ada/shop has no commit yet: make one first";
    state.borrow_mut().take(&model, News::Looked(Err(why.into())));
    assert!(dialog_alone(&mut model, 80, 24).contains("has no commit yet"));
    press(&mut model, "r");
    assert!(matches!(state.borrow_mut().take_requests()[..], [Request::Look]));
    press(&mut model, "esc");
    assert!(model.dialogs.is_empty());
    assert_ne!(Left::Declined, Left::Done);
}

#[test]
fn onboarding_as_it_looks() {
    let (mut model, _) = opened();
    insta::assert_snapshot!("looking_80", dialog_alone(&mut model, 80, 24));
    let (mut model, _) = asking();
    for (columns, rows) in [(80, 24), (120, 40), (200, 50)] {
        insta::assert_snapshot!(format!("asking_{columns}"), dialog_alone(&mut model, columns, rows));
    }
    for (look, theme) in looks().into_iter().skip(1) {
        model.theme = theme;
        insta::assert_snapshot!(format!("asking_{look}"), dialog_alone(&mut model, 80, 24));
    }
    let (mut model, state) = opened();
    let own = Found {
        gate: Vec::new(),
        gate_from: String::new(),
        own_commands: vec![
            "gate tests: make check".to_owned(),
            "agent mine: mine --now {prompt_file}".to_owned(),
        ],
        ..found()
    };
    state.borrow_mut().take(&model, News::Looked(Ok(own)));
    state.borrow_mut().take(&model, News::Agents(Vec::new()));
    insta::assert_snapshot!("own_file_80", dialog_alone(&mut model, 80, 24));
}
