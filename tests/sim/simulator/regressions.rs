//! Faults that the simulator found, each reproduced step by step without a seed.

use paddock_engine::decide::{next_timer, outstanding, step};
use paddock_engine::effect::Effect;
use paddock_engine::input::{Input, PublishAnswer};
use paddock_model::command::Command;
use paddock_model::facts::{Relation, TargetFacts};
use paddock_model::ids::ObjectId;
use paddock_model::reason::ReasonCode;

use super::setup;
use super::sim::{Kind, Sim, Size};
use crate::rng::Rng;

const PLAIN: Kind =
    Kind { calm: true, crashes: false, planner: false, wild: false, size: Size::Small, steps: 0 };

/// Makes a project with an integration ref; returns its tip.
fn begun() -> (Sim, ObjectId) {
    let mut sim = Sim::new(1, PLAIN, 0);
    let target = sim.world.repos[&setup::slug(0)].target.clone().unwrap();
    let settings = Box::new(setup::settings(&mut Rng::new(1), true));
    let repository = setup::repository(0, target.clone());
    give(
        &mut sim,
        Input::Command(Box::new(Command::ProjectAdd { project: setup::slug(0), settings, repository })),
    );
    give(&mut sim, Input::IntegrationMade { project: setup::slug(0), tip: Ok(target.clone()) });
    (sim, target)
}

fn give(sim: &mut Sim, input: Input) -> Vec<Effect> {
    step(&mut sim.state, &mut sim.memo, input, sim.now_ms).effects
}

fn other(digit: char) -> ObjectId {
    ObjectId::new(String::from(digit).repeat(40)).unwrap()
}

/// Reports the target branch at this commit, with these relations to the published commit and to the tip.
fn see(sim: &mut Sim, target: Option<ObjectId>, to_published: Relation, to_tip: Relation) -> Vec<Effect> {
    let integration = &sim.state.project(&setup::slug(0)).unwrap().integration;
    let (tip, published) = (integration.tip.clone(), integration.published.clone());
    let facts = TargetFacts { target, tip, published, to_tip, to_published };
    give(sim, Input::TargetLooked { project: setup::slug(0), facts })
}

fn command(sim: &mut Sim, command: Command) -> Vec<Effect> {
    give(sim, Input::Command(Box::new(command)))
}

#[test]
fn an_adoption_is_ordered_again_after_a_crash_and_applied_once() {
    let (mut sim, _) = begun();
    see(&mut sim, Some(other('a')), Relation::Diverged, Relation::Diverged);
    command(&mut sim, Command::QueueAdopt { project: setup::slug(0) });
    let is_adoption = |effect: &Effect| matches!(effect, Effect::AdoptTarget { .. });
    assert!(outstanding(&sim.state).iter().any(is_adoption));
    let adopted = Input::TargetAdopted { project: setup::slug(0), result: Ok((other('a'), Vec::new())) };
    give(&mut sim, adopted.clone());
    let moves = sim.state.project(&setup::slug(0)).unwrap().integration.moves;
    give(&mut sim, adopted);
    assert_eq!(sim.state.project(&setup::slug(0)).unwrap().integration.moves, moves);
    assert!(!outstanding(&sim.state).iter().any(is_adoption));
}

#[test]
fn after_republish_a_diverged_target_is_merged_instead_of_published_for_ever() {
    let (mut sim, target) = begun();
    see(&mut sim, Some(other('a')), Relation::Diverged, Relation::Diverged);
    command(&mut sim, Command::QueueRepublish { project: setup::slug(0) });
    let moved = Input::PublishAnswered { project: setup::slug(0), to: target, answer: PublishAnswer::Moved };
    give(&mut sim, moved);
    see(&mut sim, Some(other('a')), Relation::Same, Relation::Diverged);
    let train = &sim.state.project(&setup::slug(0)).unwrap().train;
    assert_eq!(train.entries.first().map(|entry| entry.head.clone()), Some(other('a')));
}

#[test]
fn nothing_is_published_or_landed_while_the_tip_moves_to_the_users_commits() {
    let (mut sim, _) = begun();
    let effects = see(&mut sim, Some(other('a')), Relation::Descendant, Relation::Descendant);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::MoveExternal { .. })));
    assert!(sim.state.project(&setup::slug(0)).unwrap().integration.is_moving_to_target());
    let moved = Input::ExternalMoved { project: setup::slug(0), to: other('a'), result: Ok(()) };
    let effects = give(&mut sim, moved);
    let look = Effect::Look { project: setup::slug(0) };
    assert!(effects.contains(&look), "no look at what was missed meanwhile: {effects:?}");
}

#[test]
fn the_target_is_looked_at_again_after_a_publication() {
    let (mut sim, target) = begun();
    let answered =
        Input::PublishAnswered { project: setup::slug(0), to: target, answer: PublishAnswer::Published };
    assert_eq!(give(&mut sim, answered), [Effect::Look { project: setup::slug(0) }]);
}

#[test]
fn a_target_that_was_rewritten_and_then_deleted_is_only_missing() {
    let (mut sim, _) = begun();
    see(&mut sim, Some(other('a')), Relation::Diverged, Relation::Diverged);
    see(&mut sim, None, Relation::Diverged, Relation::Diverged);
    let holds: Vec<ReasonCode> = sim.state.project(&setup::slug(0)).unwrap().holds.keys().copied().collect();
    assert_eq!(holds, [ReasonCode::TargetMissing]);
}

#[test]
fn a_timer_that_a_tick_has_served_does_not_fire_again() {
    let (mut sim, target) = begun();
    see(&mut sim, Some(other('a')), Relation::Diverged, Relation::Diverged);
    command(&mut sim, Command::QueueRepublish { project: setup::slug(0) });
    let moved = Input::PublishAnswered { project: setup::slug(0), to: target, answer: PublishAnswer::Moved };
    give(&mut sim, moved);
    let at_ms = next_timer(&sim.state, &sim.memo).unwrap();
    sim.now_ms = at_ms;
    give(&mut sim, Input::Tick);
    assert!(next_timer(&sim.state, &sim.memo).is_none_or(|next_ms| next_ms > at_ms));
}

#[test]
fn seeds_that_once_failed_hold_every_promise() {
    // Their faults: a landing without members, a cooldown and a proof after a clock was set back, a branch
    // deleted at the end, and a branch without work whose target was set back.
    for seed in [426, 701, 725, 3_272, 7_898, 106_571, 1_002_419, 1_006_884] {
        assert_eq!(super::play(&mut Sim::new(seed, super::TROUBLED, 0)), Ok(()), "seed {seed}");
    }
    let planned = Kind { planner: true, ..super::TROUBLED };
    for seed in [29, 2_520, 6_405, 10_830, 18_695, 1_022_595] {
        assert_eq!(super::play(&mut Sim::new(seed, planned, 0)), Ok(()), "seed {seed}");
    }
}
