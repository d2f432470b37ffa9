//! New objectives: the checks that they must pass, and adding them.

use crate::decide::plans::hierarchy::check_phase;
use crate::decide::refusals::unknown_project;
use crate::decide::scribe::Scribe;
use crate::decide::wording::counted;
use crate::graph::Graph;
use paddock_model::command::{Answer, Refusal, Reply};
use paddock_model::event::Fact;
use paddock_model::ids::{ObjectiveId, ObjectiveKey, ProjectSlug};
use paddock_model::objective::ObjectiveSpec;
use paddock_model::project::Project;
use paddock_model::scope::Globs;

pub(in crate::decide) fn add(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    objectives: Vec<(ObjectiveId, ObjectiveSpec)>,
) -> Reply {
    let Some(project) = scribe.state.project(slug) else { return Err(unknown_project(scribe, slug)) };
    // Everything is checked before anything is recorded.
    check_objectives(scribe, project, &objectives)?;
    scribe.mark(slug);
    let mut added = Vec::new();
    for (id, spec) in objectives {
        let objective = ObjectiveKey { project: slug.clone(), id };
        added.push(objective.clone());
        scribe.record(Fact::ObjectiveAdded { objective, spec: Box::new(spec) });
    }
    let names: Vec<String> = added.iter().map(|key| key.id.to_string()).collect();
    let text = format!("added {} to {slug}: {}", counted(added.len()), names.join(", "));
    Ok(Answer { text, objectives: added })
}

/// Fails if any of these objectives cannot be added to a project. They are added all together or not at all,
/// since they may depend on each other.
pub(in crate::decide) fn check_objectives(
    scribe: &Scribe<'_>,
    project: &Project,
    new: &[(ObjectiveId, ObjectiveSpec)],
) -> Result<(), Refusal> {
    if new.is_empty() {
        return Err(Refusal::new("no objective was given"));
    }
    for (id, spec) in new {
        let key = ObjectiveKey { project: project.slug.clone(), id: id.clone() };
        let is_twice = new.iter().filter(|(other, _)| other == id).count() > 1;
        if is_twice || scribe.state.objective(&key).is_some() {
            return Err(Refusal::new(format!("objective {id} exists already; choose another id")));
        }
        check_spec(scribe, project, id, spec)?;
    }
    check_graph(scribe, project, new)
}

/// Fails if an objective's worker, phase or scope does not fit the project. The graph of dependencies is
/// checked separately, for all new objectives together.
pub(in crate::decide) fn check_spec(
    scribe: &Scribe<'_>,
    project: &Project,
    id: &ObjectiveId,
    spec: &ObjectiveSpec,
) -> Result<(), Refusal> {
    if id.is_planner() {
        return Err(Refusal::new(format!("no objective can be called {id}: the id belongs to the planner")));
    }
    // The check of the graph would find this cycle as well; the message is clearer here.
    if spec.depends_on.contains(id) {
        return Err(Refusal::new(format!("objective {id} depends on itself: {id} -> {id}")));
    }
    if project.settings.worker(&spec.worker).is_none() {
        let known: Vec<&str> = project.settings.workers.iter().map(|worker| worker.id.as_str()).collect();
        let text = format!(
            "objective {id}: there is no worker {}; there is: {}{}",
            spec.worker,
            known.join(", "),
            project.settings_note()
        );
        return Err(Refusal::new(text));
    }
    if let Some(phase) = &spec.phase {
        check_phase(scribe, &project.slug, phase)?;
    }
    Globs::new(&spec.path_scope).map_err(|error| Refusal::new(format!("objective {id}: {error}")))?;
    Ok(())
}

fn check_graph(
    scribe: &Scribe<'_>,
    project: &Project,
    new: &[(ObjectiveId, ObjectiveSpec)],
) -> Result<(), Refusal> {
    // New objectives may depend on existing ones and on each other, so the graph is built of both.
    let existing = scribe.state.objectives_of(&project.slug);
    let nodes = existing.map(|o| (o.key.id.clone(), o.spec.depends_on.clone()));
    let added = new.iter().map(|(id, spec)| (id.clone(), spec.depends_on.clone()));
    let graph = Graph::from_edges(nodes.chain(added));
    if let Some(unknown) = graph.unknown_dependencies().first() {
        let text =
            format!("objective {} depends on {}, which does not exist", unknown.node, unknown.dependency);
        return Err(Refusal::new(text));
    }
    match graph.find_cycle() {
        Some(cycle) => Err(Refusal::new(format!("the dependencies form a cycle: {cycle}"))),
        None => Ok(()),
    }
}
