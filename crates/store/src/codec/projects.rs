//! A project as three rows: its settings, its merge queue, and the rest. The three change at different times,
//! and a row that did not change is not written.

use std::collections::BTreeMap;

use serde_json::Value;

use super::CodecError;
use super::rows::text;
use crate::{EntityKind, Row};
use paddock_model::ids::ProjectSlug;
use paddock_model::project::Project;

/// Returns the rows of a project. If the project is gone, the rows delete what it had.
pub(super) fn rows(slug: &ProjectSlug, project: Option<&Project>) -> Result<[Row; 3], serde_json::Error> {
    let row = |kind, body| Row { kind, key: slug.to_string(), body };
    Ok([
        row(EntityKind::Project, text(project)?),
        row(EntityKind::ProjectSettings, text(project.map(|project| &project.settings))?),
        row(EntityKind::ProjectQueue, text(project.map(Project::queue_row).as_ref())?),
    ])
}

/// Assembles the projects from their rows. In a database that is not migrated yet (schema 1), one row holds
/// the whole project.
pub(super) fn assemble(
    rows: &BTreeMap<EntityKind, Vec<(String, String)>>,
) -> Result<Vec<Project>, CodecError> {
    let rows_of = |kind| rows.get(&kind).into_iter().flatten();
    let find = |kind, key: &str| rows_of(kind).find(|(own, _)| own == key).map(|(_, body)| body);
    let project = |(key, body): &(String, String)| {
        let shape = |source| CodecError::Shape { what: format!("the row of {key}"), source };
        let mut whole: serde_json::Map<String, Value> = serde_json::from_str(body).map_err(shape)?;
        if let Some(settings) = find(EntityKind::ProjectSettings, key) {
            whole.insert("settings".to_owned(), serde_json::from_str(settings).map_err(shape)?);
        }
        if let Some(queue) = find(EntityKind::ProjectQueue, key) {
            let queue: serde_json::Map<String, Value> = serde_json::from_str(queue).map_err(shape)?;
            // The queue's row holds fields of the project itself.
            whole.extend(queue);
        }
        serde_json::from_value(Value::Object(whole)).map_err(shape)
    };
    rows_of(EntityKind::Project).map(project).collect()
}
