//! What people ask of goals, milestones and phases.

use super::scribe::Scribe;
use paddock_model::command::{Answer, Refusal, Reply};
use paddock_model::event::Fact;
use paddock_model::hierarchy::{Aim, AimKey, AimOrder, Level, Stage};
use paddock_model::ids::{AimId, ProjectSlug, free_id};

pub(super) fn take(scribe: &mut Scribe<'_>, key: &AimKey, order: AimOrder) -> Reply {
    let (level, id) = (key.level, &key.id);
    let found = scribe.state.aim(key).cloned();
    let text = match (order, found) {
        (AimOrder::Add { .. }, Some(_)) => {
            return Err(Refusal::new(format!("{level} {id} exists already; choose another --id")));
        }
        (AimOrder::Add { title, description, parent }, None) => add(scribe, key, title, description, parent)?,
        (AimOrder::Edit { .. } | AimOrder::Activate | AimOrder::Complete, None) => {
            return Err(unknown(scribe, key));
        }
        (AimOrder::Edit { title, description, parent }, Some(aim)) => {
            let parent = checked_parent(scribe, key, parent)?.or(aim.parent);
            let title = checked_title(title.unwrap_or(aim.title))?;
            let description = description.unwrap_or(aim.description);
            let (project, aim) = (key.project.clone(), key.clone());
            scribe.record(Fact::AimEdited { project, aim, title, description, parent });
            format!("{level} {id} is changed")
        }
        (AimOrder::Activate, Some(aim)) if aim.stage == Stage::Active => {
            return Err(Refusal::new(format!("{level} {id} is active already")));
        }
        (AimOrder::Activate, Some(aim)) => {
            activate(scribe, &aim);
            format!("{level} {id} is active")
        }
        (AimOrder::Complete, Some(aim)) if aim.stage == Stage::Completed => {
            return Err(Refusal::new(format!("{level} {id} is completed already")));
        }
        (AimOrder::Complete, Some(_)) => {
            complete(scribe, key);
            format!("{level} {id} is completed")
        }
    };
    scribe.mark(&key.project);
    Ok(Answer::text(text))
}

/// Whether there is such a phase.
pub(super) fn check_phase(scribe: &Scribe<'_>, project: &ProjectSlug, phase: &str) -> Result<(), Refusal> {
    let id = AimId::new(phase).map_err(|error| Refusal::new(format!("phase: {error}")))?;
    let key = AimKey { project: project.clone(), level: Level::Phase, id };
    match scribe.state.aim(&key) {
        Some(_) => Ok(()),
        None => Err(unknown(scribe, &key)),
    }
}

fn unknown(scribe: &Scribe<'_>, key: &AimKey) -> Refusal {
    let of_level = scribe.state.aims_of(&key.project).filter(|aim| aim.key.level == key.level);
    let known: Vec<&str> = of_level.map(|aim| aim.key.id.as_str()).collect();
    let (level, id) = (key.level, &key.id);
    match known.is_empty() {
        true => Refusal::new(format!("there is no {level} {id}; `paddock {level} add TITLE` adds one")),
        false => Refusal::new(format!("there is no {level} {id}; there is: {}", known.join(", "))),
    }
}

fn add(
    scribe: &mut Scribe<'_>,
    key: &AimKey,
    title: String,
    description: String,
    parent: Option<AimId>,
) -> Result<String, Refusal> {
    let title = checked_title(title)?;
    let parent = checked_parent(scribe, key, parent)?.or_else(|| {
        let level = key.level.parent()?;
        let mut all = scribe.state.aims_of(&key.project);
        all.find(|aim| aim.key.level == level && aim.stage == Stage::Active).map(|aim| aim.key.id.clone())
    });
    let (project, aim) = (key.project.clone(), key.clone());
    scribe.record(Fact::AimAdded { project, aim, title, description, parent });
    let is_first = !scribe
        .state
        .aims_of(&key.project)
        .any(|aim| aim.key.level == key.level && aim.stage == Stage::Active);
    let Some(added) = scribe.state.aim(key).cloned() else { return Ok(String::new()) };
    let above = parent_of(scribe, &added);
    let (level, id) = (key.level, &key.id);
    if is_first && above.is_none_or(|above| above.stage == Stage::Active) {
        move_to(scribe, key, Stage::Active);
        descend(scribe, key);
        return Ok(format!("added {level} {id}; it is the active one"));
    }
    Ok(format!("added {level} {id}; `paddock {level} activate {id}` makes it the active one"))
}

/// A goal or a milestone that nobody divided gets one milestone and one phase that are all of it, so that it can be
/// planned and completed like any other.
pub(super) fn take_whole(scribe: &mut Scribe<'_>, project: &ProjectSlug) {
    // A goal, then its milestone.
    for _ in [Level::Goal, Level::Milestone] {
        let Some(above) = scribe.state.undivided(project).cloned() else { return };
        let level = match above.key.level {
            Level::Goal => Level::Milestone,
            Level::Milestone | Level::Phase => Level::Phase,
        };
        let key = |id| AimKey { project: project.clone(), level, id };
        let is_taken = |id: &str| AimId::new(id).is_ok_and(|id| scribe.state.aim(&key(id)).is_some());
        let Ok(id) = AimId::new(free_id(above.key.id.as_str(), level.word(), is_taken)) else { return };
        let (aim, title, parent) = (key(id), above.title.clone(), Some(above.key.id.clone()));
        let description = String::new();
        scribe.record(Fact::AimAdded { project: project.clone(), aim, title, description, parent });
        descend(scribe, &above.key);
    }
}

fn checked_title(title: String) -> Result<String, Refusal> {
    match title.trim() {
        "" => Err(Refusal::new("the title is empty: say in one line what is to be reached")),
        _ => Ok(title),
    }
}

fn checked_parent(
    scribe: &Scribe<'_>,
    key: &AimKey,
    parent: Option<AimId>,
) -> Result<Option<AimId>, Refusal> {
    let Some(parent) = parent else { return Ok(None) };
    let Some(level) = key.level.parent() else {
        return Err(Refusal::new("a goal belongs to nothing else"));
    };
    let above = AimKey { project: key.project.clone(), level, id: parent };
    match scribe.state.aim(&above) {
        Some(_) => Ok(Some(above.id)),
        None => Err(unknown(scribe, &above)),
    }
}

fn parent_of(scribe: &Scribe<'_>, aim: &Aim) -> Option<Aim> {
    let (level, id) = (aim.key.level.parent()?, aim.parent.clone()?);
    scribe.state.aim(&AimKey { project: aim.key.project.clone(), level, id }).cloned()
}

/// One of each level is active at a time; what an active one belongs to is active with it, and the first planned
/// one below it becomes active too.
fn activate(scribe: &mut Scribe<'_>, aim: &Aim) {
    let mut next = Some(aim.clone());
    while let Some(aim) = next {
        for other in active_siblings(scribe, &aim) {
            set_aside(scribe, &other);
        }
        if aim.stage != Stage::Active {
            move_to(scribe, &aim.key, Stage::Active);
        }
        next = parent_of(scribe, &aim);
    }
    descend(scribe, &aim.key);
}

fn active_siblings(scribe: &Scribe<'_>, aim: &Aim) -> Vec<AimKey> {
    let is_sibling = |other: &&Aim| {
        other.key.level == aim.key.level && other.stage == Stage::Active && other.key != aim.key
    };
    scribe.state.aims_of(&aim.key.project).filter(is_sibling).map(|other| other.key.clone()).collect()
}

/// It and what is active below it wait for their turn again.
fn set_aside(scribe: &mut Scribe<'_>, key: &AimKey) {
    for below in children(scribe, key) {
        if below.stage == Stage::Active {
            set_aside(scribe, &below.key);
        }
    }
    move_to(scribe, key, Stage::Planned);
}

/// What belongs to an aim, in its order.
fn children(scribe: &Scribe<'_>, key: &AimKey) -> Vec<Aim> {
    let is_below =
        |other: &&Aim| other.key.level.parent() == Some(key.level) && other.parent.as_ref() == Some(&key.id);
    let mut found: Vec<Aim> = scribe.state.aims_of(&key.project).filter(is_below).cloned().collect();
    found.sort_by_key(Aim::place);
    found
}

/// An active aim goes on with what was added to it meanwhile.
pub(super) fn go_on(scribe: &mut Scribe<'_>, key: &AimKey) {
    let active = children(scribe, key).into_iter().find(|aim| aim.stage == Stage::Active);
    match active {
        Some(below) => go_on(scribe, &below.key),
        None => descend(scribe, key),
    }
}

/// Makes the first planned one below an active aim active, and so on, unless one of them is.
fn descend(scribe: &mut Scribe<'_>, key: &AimKey) {
    let below = children(scribe, key);
    if below.iter().any(|aim| aim.stage == Stage::Active) {
        return;
    }
    if let Some(first) = below.iter().find(|aim| aim.stage == Stage::Planned) {
        for other in active_siblings(scribe, first) {
            set_aside(scribe, &other);
        }
        move_to(scribe, &first.key, Stage::Active);
        descend(scribe, &first.key);
    }
}

/// An aim is reached: whatever is active in it is too, and if its turn it was, the next one's comes: phase, then
/// milestone, then goal. The next goal is begun by people.
pub(super) fn complete(scribe: &mut Scribe<'_>, key: &AimKey) {
    let Some(aim) = scribe.state.aim(key).cloned() else { return };
    for below in children(scribe, key) {
        if below.stage == Stage::Active {
            complete_below(scribe, &below.key);
        }
    }
    move_to(scribe, key, Stage::Completed);
    if aim.stage == Stage::Active {
        advance(scribe, &aim);
    }
}

fn complete_below(scribe: &mut Scribe<'_>, key: &AimKey) {
    for below in children(scribe, key) {
        if below.stage == Stage::Active {
            complete_below(scribe, &below.key);
        }
    }
    move_to(scribe, key, Stage::Completed);
}

fn advance(scribe: &mut Scribe<'_>, done: &Aim) {
    let Some(above) = parent_of(scribe, done).filter(|above| above.stage == Stage::Active) else { return };
    let siblings = children(scribe, &above.key);
    if let Some(next) = siblings.iter().find(|aim| aim.stage == Stage::Planned) {
        move_to(scribe, &next.key, Stage::Active);
        descend(scribe, &next.key);
    } else if siblings.iter().all(|aim| aim.stage == Stage::Completed) {
        complete(scribe, &above.key);
    }
}

fn move_to(scribe: &mut Scribe<'_>, key: &AimKey, to: Stage) {
    let (project, aim, level) = (key.project.clone(), key.clone(), key.level);
    scribe.record(Fact::AimMoved { project, aim, level, to });
}
