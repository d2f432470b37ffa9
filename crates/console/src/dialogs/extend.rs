//! The form that extends a session's limits.

use super::Dialog;
use super::form::{Fault, Field, Form, Values};
use crate::Model;
use crate::msg::Effect;
use paddock_model::budget::used_since_ms;
use paddock_model::command::Command;
use paddock_model::ids::SessionId;
use paddock_model::session::SessionBudget;

const MINUTES: &str = "More minutes";
const COMMITS: &str = "More commits";
const TOKENS: &str = "More tokens";
const USD: &str = "More dollars";

/// Builds the command from the fields. Fails if a value is invalid or all are zero.
fn command(session: SessionId, values: &Values) -> Result<Command, Fault> {
    let minutes = values.number(MINUTES, 0)?.unwrap_or(0);
    let commits = values.number(COMMITS, 0)?.unwrap_or(0);
    let tokens = values.number(TOKENS, 0)?.unwrap_or(0);
    let usd = values.get(USD).trim_start_matches('$');
    let usd_micros = match usd.is_empty() {
        true => Some(0),
        false => usd.parse().ok().and_then(paddock_model::usage::micros),
    };
    let usd_micros = usd_micros.ok_or_else(|| Fault::new(USD, "enter an amount, for example 2.50"))?;
    if (minutes, commits, tokens, usd_micros) == (0, 0, 0, 0) {
        return Err(Fault::new(MINUTES, "enter at least one amount"));
    }
    Ok(Command::SessionExtend { session, minutes, commits, tokens, usd_micros })
}

/// Returns the form for a session.
#[must_use]
pub(crate) fn open(model: &Model, session: SessionId) -> Box<dyn Dialog> {
    let found = model.facts.state.session(session);
    let used = found.map(|one| {
        let minutes = used_since_ms(one, i64::MIN, model.now_ms) / 60_000;
        // Commits are recorded when a session is harvested; until then only the gauge counts them.
        let commits = model.facts.gauge_of_session("commits", session.0).and_then(serde_json::Value::as_u64);
        let commits = commits.map(|count| format!("{count} of ")).unwrap_or_default();
        let budget = &one.budget;
        format!(
            "{} by {}: {minutes} of {} minutes, {commits}{} commits",
            one.kind, one.agent, budget.max_minutes, budget.max_commits
        )
    });
    let send = move |_: &Model, values: &Values, _: usize| {
        Ok(vec![Effect::ask(command(session, values)?, format!("extend session {session}"))])
    };
    let on = found.map(|one| format!(" on {}", one.objective.id)).unwrap_or_default();
    let mut fields = vec![Field::line(MINUTES, "none").with("15"), Field::line(COMMITS, "none")];
    // A session without a limit of tokens or dollars cannot get more of them.
    let has = |limit: fn(&SessionBudget) -> bool| found.is_some_and(|one| limit(&one.budget));
    if has(|budget| budget.max_tokens.is_some()) {
        fields.push(Field::line(TOKENS, "none"));
    }
    if has(|budget| budget.max_usd_micros.is_some()) {
        fields.push(Field::line(USD, "none, for example 2.50"));
    }
    let title = format!("Extend session {session}{on}");
    Form::new(model, title, format!("extend {session}"), fields, vec!["Extend"], send)
        .quoting(used.into_iter().collect())
        .boxed()
}
