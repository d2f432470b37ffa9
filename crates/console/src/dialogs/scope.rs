//! The form that widens the scope of an objective.

use super::Dialog;
use super::form::{Fault, Field, Form, Values};
use crate::Model;
use crate::actions::order;
use crate::data::evidence;
use paddock_config::plan_file::scope_fault;
use paddock_model::finding::FindingCode;
use paddock_model::ids::ObjectiveKey;
use paddock_model::operate::Order;

const GLOBS: &str = "Globs";

/// Returns the first fault in a text of globs, separated by commas or line breaks.
#[must_use]
pub(crate) fn globs_fault(text: &str) -> Option<String> {
    let mut globs = text.split([',', '\n']).map(str::trim).filter(|glob| !glob.is_empty());
    globs.find_map(|glob| scope_fault(glob).map(|fault| format!("{glob}: {fault}")))
}

/// Returns the globs of such a text.
#[must_use]
pub(crate) fn globs_of(text: &str) -> Vec<String> {
    let globs = text.split([',', '\n']).map(str::trim).filter(|glob| !glob.is_empty());
    globs.map(str::to_owned).collect()
}

/// Returns the form for an objective. It proposes the paths that the last session changed outside the scope.
#[must_use]
pub(crate) fn open(model: &Model, objective: ObjectiveKey) -> Box<dyn Dialog> {
    let found = model.facts.state.objective(&objective);
    let mut quoted = Vec::new();
    let mut proposed = String::new();
    if let Some(one) = found {
        quoted.push(match one.spec.path_scope.is_empty() {
            true => "It has no scope: it may change every file already.".to_owned(),
            false => format!("It may change {}", one.spec.path_scope.join(", ")),
        });
        let findings = evidence::findings(&model.facts.state, one);
        if let Some(outside) = findings.iter().find(|finding| finding.code == FindingCode::OutOfScope) {
            quoted.push(evidence::finding_line(outside));
            // Exact paths, which the person may replace by wider
            // globs: a guessed glob could allow too much unnoticed.
            proposed = outside.paths.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        }
    }
    let title = format!("Let {} change more paths", objective.id);
    let draft = format!("scope {objective}");
    let send = move |_: &Model, values: &Values, _: usize| {
        let globs = globs_of(values.get(GLOBS));
        match globs.is_empty() {
            true => Err(Fault::new(GLOBS, "enter at least one glob, for example src/session/**")),
            false => Ok(vec![order(&objective, Order::Expand { globs }, "widen the scope of")]),
        }
    };
    let globs = Field::area(GLOBS, "one glob per line, for example src/session/**", 3, 10)
        .with(&proposed)
        .checked(|_, text| globs_fault(text));
    Form::new(model, title, draft, vec![globs], vec!["Widen"], send).quoting(quoted).boxed()
}
