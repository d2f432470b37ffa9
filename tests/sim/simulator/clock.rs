//! Time: it passes, the machine sleeps, clocks are set, and days begin.

use paddock_engine::effect::Effect;
use paddock_engine::input::Input;
use paddock_model::budget::used_since_ms;

use super::sim::Sim;
use super::world::Job;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Twice the longest cooldown that an agent can name, with some days to spare.
pub(super) const WAIT_MAX_MS: i64 = 65 * DAY_MS;
/// Largest difference between two measurements of the same time.
const INTERVAL_MS: i64 = 3_000;
/// Poll interval of a supervisor without any input.
const POLL_MS: i64 = 20_000;

/// Lets some time pass, perhaps with a jump of the wall clock.
pub(super) fn pass(sim: &mut Sim) -> Result<(), String> {
    let step_ms = if sim.rng.percent(10) { HOUR_MS } else { 10_000 };
    let passed_ms = sim.rng.ms(step_ms);
    let is_wild = sim.kind.wild && !sim.quiet;
    let jumped_ms = match sim.rng.below(60) {
        _ if sim.quiet => 0,
        0..=2 => -sim.rng.ms(600_000),
        3..=5 => sim.rng.ms(600_000),
        6 if is_wild => -sim.rng.ms(400 * DAY_MS),
        7 if is_wild => sim.rng.ms(400 * DAY_MS),
        // The machine sleeps for hours.
        8..=11 if is_wild => sim.rng.ms(12 * HOUR_MS),
        // The user travels, or the clocks are changed.
        12 if is_wild => {
            sim.zone_ms = [0, HOUR_MS, -HOUR_MS, 9 * HOUR_MS][sim.rng.below(4)];
            0
        }
        _ => 0,
    };
    advance(sim, passed_ms, jumped_ms)
}

fn advance(sim: &mut Sim, passed_ms: i64, jumped_ms: i64) -> Result<(), String> {
    sim.say(|| format!("time   {passed_ms} ms pass, and the clock jumps by {jumped_ms} ms"));
    sim.world.awake_ms += passed_ms;
    sim.now_ms += passed_ms + jumped_ms;
    if jumped_ms.abs() >= 3_000 {
        sim.take(Input::ClockJumped { by_ms: jumped_ms })?;
    } else {
        sim.now_ms -= jumped_ms;
    }
    ask_keepers(sim)?;
    minutes_are_those_awake(sim)?;
    look_around(sim)
}

/// Reports the awake time of adopted sessions, which their keepers know.
fn ask_keepers(sim: &mut Sim) -> Result<(), String> {
    for session in std::mem::take(&mut sim.world.adopted) {
        let began_ms = sim.world.jobs.get(&session).and_then(|job| job.started_ms);
        let Some(began_ms) = began_ms else { continue };
        sim.take(Input::SessionAwake { session, awake_ms: sim.world.awake_ms - began_ms })?;
        // If that step was a kill, the job is not watched now: the next supervisor asks again.
        if let Some(job) = sim.world.jobs.get_mut(&session).filter(|job| job.watched) {
            job.misjudged = false;
        }
    }
    Ok(())
}

/// Does what a supervisor's poll does: looks at every repository and at the day, and lets the engine decide.
fn look_around(sim: &mut Sim) -> Result<(), String> {
    if sim.rng.percent(40) {
        let projects: Vec<_> = sim.world.repos.keys().cloned().collect();
        sim.pool.extend(projects.into_iter().map(|project| Effect::Look { project }));
    }
    let since_ms = (sim.now_ms + sim.zone_ms).div_euclid(DAY_MS) * DAY_MS - sim.zone_ms;
    if sim.state.counters().day_ms != since_ms {
        sim.take(Input::DayBegan { since_ms })?;
    }
    sim.take(Input::Tick)
}

/// Polls once more before a sleep until a timer. Returns whether that caused an event or an effect.
pub(super) fn looked_around(sim: &mut Sim) -> Result<bool, String> {
    let before = (sim.state.counters().seq, sim.pool.len());
    sim.world.awake_ms += POLL_MS;
    sim.now_ms += POLL_MS;
    sim.take(Input::Tick)?;
    Ok(before != (sim.state.counters().seq, sim.pool.len()))
}

/// Checks that sessions are charged only for time in which the machine was awake, in spite of clock jumps,
/// with and without a supervisor.
fn minutes_are_those_awake(sim: &Sim) -> Result<(), String> {
    for session in sim.state.open_sessions().filter(|session| session.process.is_none()) {
        // Without its keeper nothing knows how long the session was awake.
        let is_known = |job: &&Job| !job.misjudged && job.end != Some(None);
        let job = sim.world.jobs.get(&session.id).filter(is_known);
        let Some(began_ms) = job.and_then(|job| job.started_ms) else { continue };
        let used_ms = used_since_ms(session, i64::MIN, sim.now_ms);
        let awake_ms = sim.world.awake_ms - began_ms;
        if session.started_ms.is_some() && used_ms > awake_ms + INTERVAL_MS {
            let id = session.id;
            return Err(format!("minutes: session {id} used {used_ms} ms in {awake_ms} ms"));
        }
    }
    Ok(())
}
