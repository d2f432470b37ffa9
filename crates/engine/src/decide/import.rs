//! Goals, milestones and phases as a document has them: what is there is changed, the rest is added, in the
//! document's order.

use super::scribe::Scribe;
use paddock_model::command::{Answer, Refusal, Reply};
use paddock_model::event::Fact;
use paddock_model::hierarchy::{Aim, AimKey, AimOrder, ImportedAim, Level, Stage};
use paddock_model::ids::{AimId, ProjectSlug};
use paddock_model::operate::By;

/// What an import came to.
#[derive(Default)]
struct Count {
    added: usize,
    changed: usize,
}

pub(super) fn take(scribe: &mut Scribe<'_>, project: &ProjectSlug, aims: &[ImportedAim]) -> Reply {
    check(project, aims)?;
    let mut count = Count::default();
    for level in [Level::Goal, Level::Milestone, Level::Phase] {
        for aim in aims.iter().filter(|aim| aim.level == level) {
            bring(scribe, project, aim, &mut count);
        }
        order(scribe, project, level, aims, &mut count);
    }
    begin(scribe, project, aims)?;
    scribe.mark(project);
    Ok(Answer::text(told(scribe, project, aims, &count)))
}

/// The reader has checked all of this, and says where; nobody else's list is half applied either.
fn check(project: &ProjectSlug, aims: &[ImportedAim]) -> Result<(), Refusal> {
    for (place, aim) in aims.iter().enumerate() {
        let name = AimKey { project: project.clone(), level: aim.level, id: aim.id.clone() };
        let is_twice = aims[..place].iter().any(|other| (other.level, &other.id) == (aim.level, &aim.id));
        let has_parent = match (aim.level.parent(), &aim.parent) {
            (None, None) => true,
            (Some(level), Some(id)) => aims[..place].iter().any(|a| (a.level, &a.id) == (level, id)),
            _ => false,
        };
        let problem = match () {
            () if is_twice => "is named twice",
            () if aim.title.trim().is_empty() => "has no title",
            () if !has_parent => "does not belong to one before it",
            () if aim.level != Level::Phase && !aim.checks.is_empty() => "has checks: only phases have",
            () => continue,
        };
        return Err(Refusal::new(format!("{} {} {problem}; nothing was imported", name.level, name.id)));
    }
    Ok(())
}

fn bring(scribe: &mut Scribe<'_>, slug: &ProjectSlug, new: &ImportedAim, count: &mut Count) {
    let aim = AimKey { project: slug.clone(), level: new.level, id: new.id.clone() };
    let project = slug.clone();
    let (title, description, parent) = (new.title.clone(), new.description.clone(), new.parent.clone());
    match scribe.state.aim(&aim) {
        None => {
            count.added += 1;
            scribe.record(Fact::AimAdded { project, aim: aim.clone(), title, description, parent });
        }
        Some(old) if (&old.title, &old.description, &old.parent) != (&title, &description, &parent) => {
            count.changed += 1;
            scribe.record(Fact::AimEdited { project, aim: aim.clone(), title, description, parent });
        }
        Some(_) => {}
    }
    if new.level == Level::Phase {
        super::phases::set_checks(scribe, slug, &new.id, new.checks.clone(), By::Human);
    }
}

fn order(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    level: Level,
    aims: &[ImportedAim],
    count: &mut Count,
) {
    let wanted: Vec<AimId> = aims.iter().filter(|aim| aim.level == level).map(|aim| aim.id.clone()).collect();
    let named = |aim: &&Aim| aim.key.level == level && wanted.contains(&aim.key.id);
    let mut now: Vec<&Aim> = scribe.state.aims_of(project).filter(named).collect();
    now.sort_by_key(|aim| aim.place());
    if now.iter().map(|aim| &aim.key.id).ne(&wanted) {
        count.changed += usize::from(count.added + count.changed == 0);
        scribe.record(Fact::AimsOrdered { project: project.clone(), level, order: wanted });
    }
}

/// When nothing is under way yet, work on the document's first goal begins.
fn begin(scribe: &mut Scribe<'_>, project: &ProjectSlug, aims: &[ImportedAim]) -> Result<(), Refusal> {
    let line = scribe.state.active_line(project);
    if line.phase.is_some() {
        return Ok(());
    }
    let goal = line.goal.map(|goal| goal.key.clone());
    let is_own = |key: &AimKey| aims.iter().any(|aim| aim.level == Level::Goal && aim.id == key.id);
    let first = aims.iter().filter(|aim| aim.level == Level::Goal).find_map(|aim| {
        let key = AimKey { project: project.clone(), level: Level::Goal, id: aim.id.clone() };
        scribe.state.aim(&key).filter(|aim| aim.stage == Stage::Planned).map(|aim| aim.key.clone())
    });
    // One that is active goes on with what was added to it; another one's turn it is not.
    match goal {
        Some(key) if is_own(&key) => super::hierarchy::go_on(scribe, &key),
        Some(_) => {}
        None => {
            if let Some(key) = first {
                super::hierarchy::take(scribe, &key, AimOrder::Activate)?;
            }
        }
    }
    Ok(())
}

fn told(scribe: &Scribe<'_>, project: &ProjectSlug, aims: &[ImportedAim], count: &Count) -> String {
    let of = |level: Level| aims.iter().filter(|aim| aim.level == level).count();
    let counted = |level: Level| match of(level) {
        1 => format!("1 {level}"),
        n => format!("{n} {level}s"),
    };
    let levels = [Level::Goal, Level::Milestone, Level::Phase].map(counted).join(", ");
    let mut text = format!("{levels}: {} added, {} changed", count.added, count.changed);
    let is_named = |aim: &Aim| aims.iter().any(|new| (new.level, &new.id) == (aim.key.level, &aim.key.id));
    let left: Vec<String> = scribe
        .state
        .aims_of(project)
        .filter(|aim| !is_named(aim) && aim.stage != Stage::Completed)
        .map(|aim| format!("{} {}", aim.key.level, aim.key.id))
        .take(10)
        .collect();
    if !left.is_empty() {
        text.push_str(&format!("; not in the document, and left as they are: {}", left.join(", ")));
    }
    if let Some(phase) = scribe.state.active_line(project).phase {
        text.push_str(&format!("; the active phase is {}", phase.key.id));
    }
    text
}
