//! Gate worktrees to remove: those of slots that are no longer used and, while the disk is low, all that no
//! run is in. A gate worktree is made anew when its slot is used again.

use crate::decide::scribe::Scribe;
use crate::effect::Effect;
use crate::input::Problem;
use paddock_model::event::Fact;
use paddock_model::ids::ProjectSlug;
use paddock_model::project::Project;
use paddock_model::reason::ReasonCode;
use paddock_model::state::State;

pub(in crate::decide) fn run(scribe: &mut Scribe<'_>) {
    if scribe.is_quiet() {
        return;
    }
    for slug in scribe.marked() {
        let Some(project) = scribe.state.project(&slug).filter(|project| project.is_workable()) else {
            continue;
        };
        for slot in unneeded(scribe.state, project) {
            // The entry stays when the removal fails, so that this supervisor does not try at every input.
            // The next supervisor tries again.
            if scribe.memo.emptying.insert((slug.clone(), slot)) {
                scribe.order(Effect::RemoveGateFolder { project: slug.clone(), slot });
            }
        }
    }
}

fn unneeded(state: &State, project: &Project) -> Vec<u32> {
    // A trial uses one more slot.
    let used = project.gate_slots() + u32::from(project.trial_ms().is_some());
    let is_low = project.holds.contains_key(&ReasonCode::DiskLow);
    let is_open = |slot: u32| is_taken(state, &project.slug, slot);
    let slots = project.gate_folders.keys().copied();
    slots.filter(|slot| (*slot > used || is_low) && !is_open(*slot)).collect()
}

fn is_taken(state: &State, slug: &ProjectSlug, slot: u32) -> bool {
    state.open_gates().any(|run| run.project == *slug && run.slot == slot)
}

pub(in crate::decide) fn removed(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    slot: u32,
    result: &Result<(), Problem>,
) {
    let is_known = scribe.state.project(slug).is_some_and(|project| project.gate_folders.contains_key(&slot));
    if result.is_err() || !is_known {
        return;
    }
    scribe.memo.emptying.remove(&(slug.clone(), slot));
    // A run that was planned in the meantime makes the folder again.
    if !is_taken(scribe.state, slug, slot) {
        scribe.record(Fact::GateFolderRemoved { project: slug.clone(), slot });
    }
}
