//! The pane of budgets: what the shown session and the day have used, against their limits.

use paddock_model::ids::AgentId;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Heading, Pane, teach};
use crate::theme::Theme;
use crate::{Model, text};
use paddock_model::budget::used_since_ms;
use paddock_model::session::Session;
use paddock_model::usage::{Tokens, dollars, usd_of};

/// Share of a limit from which on the pane warns that the limit is near.
const NEAR_LIMIT: f64 = 0.8;
/// Columns to which bars are shortened before the words after them are cut.
const SHORT_BAR: u16 = 8;
/// Columns of a name.
const NAME: u16 = 9;

pub(crate) struct Budgets;

/// A used amount and its limit.
#[derive(Debug, Clone, PartialEq)]
struct Meter {
    name: &'static str,
    /// Used amount; `None` if no agent has reported it.
    used: Option<f64>,
    /// Limit; `None` without one.
    limit: Option<f64>,
    /// Amount and limit in words.
    words: String,
}

impl Meter {
    /// Returns the used share of the limit, `None` if either is unknown.
    fn share(&self) -> Option<f64> {
        let (used, limit) = (self.used?, self.limit?);
        (limit > 0.0).then_some(used / limit)
    }

    /// Returns a word about the limit, and its style.
    fn state(&self, theme: &Theme) -> (&'static str, Style) {
        match self.share() {
            Some(share) if share > 1.0 => ("over", theme.failed),
            Some(share) if share >= 1.0 => ("spent", theme.needs),
            Some(share) if share >= NEAR_LIMIT => ("soon", theme.needs),
            _ => ("", theme.working),
        }
    }
}

fn meter(
    name: &'static str,
    used: Option<f64>,
    limit: Option<f64>,
    show: impl Fn(f64) -> String,
    unit: &str,
) -> Meter {
    let words = match (used, limit) {
        // The amount shows the currency already.
        (Some(used), Some(limit)) => format!("{}/{}{unit}", show(used), show(limit).trim_start_matches('$')),
        (Some(used), None) => format!("{}{unit}, no limit", show(used)),
        (None, Some(limit)) => format!("unknown, of {}{unit}", show(limit)),
        (None, None) => "unknown".to_owned(),
    };
    Meter { name, used, limit, words }
}

fn count(number: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of things")]
    text::short_number(number.max(0.0) as u64)
}

fn money(usd: f64) -> String {
    usd_of(usd)
}

/// Returns the commits of a session: the harvested number after its end, the supervisor's count while it
/// runs.
fn commits(model: &Model, session: &Session) -> Option<f64> {
    let counted = model.facts.gauge_of_session("commits", session.id.0).and_then(serde_json::Value::as_f64);
    let harvested = session.harvest.as_ref().map(|harvest| f64::from(harvest.commits));
    // A running session without a count yet has no commits; for an ended one without a harvest the number is
    // unknown.
    let none = session.status.is_open().then_some(0.0);
    harvested.or(counted).or(none)
}

/// Returns the meters of a session.
fn session_meters(model: &Model, session: &Session) -> Vec<Meter> {
    let budget = &session.budget;
    // From the beginning of the session, over midnight.
    let minutes = used_since_ms(session, i64::MIN, model.now_ms) / 60_000;
    let usage = &session.account.usage;
    let tokens = usage.tokens.map(|tokens| Tokens::total(tokens) as f64);
    let max_tokens = budget.max_tokens.map(|most| most as f64);
    vec![
        meter("commits", commits(model, session), Some(f64::from(budget.max_commits)), count, ""),
        meter("time", Some(minutes as f64), Some(f64::from(budget.max_minutes)), count, " min"),
        meter("tokens", tokens, max_tokens, count, ""),
        meter("cost", usage.usd(), budget.max_usd_micros.map(dollars), money, ""),
    ]
}

/// Returns the meters of the day in the shown project.
fn day_meters(model: &Model) -> Vec<Meter> {
    let Some(project) = model.shown_project() else { return Vec::new() };
    let (spent, budget) = (model.digest.spent, &project.settings.budget);
    let minutes = budget.session_minutes.map(|most| most as f64);
    let tokens = spent.tokens.map(|tokens| tokens as f64);
    let hours = |minutes: f64| text::short_time((minutes * 60_000.0) as i64);
    let mut meters = vec![
        meter("today", spent.usd, budget.usd, money, ""),
        meter("", Some(spent.minutes as f64), minutes, hours, " of sessions"),
    ];
    // The row of tokens is left out while it would say nothing: without any reported, and without a limit.
    if tokens.is_some_and(|tokens| tokens > 0.0) || budget.tokens.is_some() {
        meters.push(meter("", tokens, budget.tokens.map(|most| most as f64), count, " tokens"));
    }
    meters
}

/// Returns the agents that are not used now: their id, the end of the cooldown (in Unix milliseconds; `None`
/// if only a person can free the agent), and the reason.
fn resting(model: &Model) -> Vec<(AgentId, Option<i64>, String)> {
    let agents = &model.facts.state.counters().agents;
    let mut found = Vec::new();
    for (id, health) in agents {
        if let Some(why) = health.out_of_use() {
            found.push((id.clone(), None, why));
        } else if let Some(cooldown) = health.cooling(model.now_ms) {
            found.push((id.clone(), Some(cooldown.until_ms), cooldown.failure.class.word().to_owned()));
        }
    }
    // Health is kept for the whole workspace, unusable agents for each project.
    let unusable = model.shown_project().map(|project| &project.unusable_agents);
    found.extend(unusable.into_iter().flatten().map(|(id, why)| (id.clone(), None, why.clone())));
    found
}

/// Returns the session whose budget is shown.
fn shown(model: &Model) -> Option<&Session> {
    model.facts.state.session(model.default_target().session?)
}

/// Returns the columns of the bars, 0 for none. All bars have the same width, so that the numbers after them
/// are aligned.
fn bar_columns(rows: &[Row], width: u16) -> u16 {
    let columns = |is_limited: bool| {
        let words = rows.iter().filter_map(|row| match row {
            Row::Meter(meter) if !is_limited || meter.share().is_some() => Some(text::width(&meter.words)),
            _ => None,
        });
        words.max().map(|widest| u16::try_from(widest).unwrap_or(width))
    };
    // Without any limit there is no bar.
    let (Some(limited), Some(widest)) = (columns(true), columns(false)) else { return 0 };
    // Words without a bar are aligned with the others and may be longer: the bars shrink for them, but not
    // below `SHORT_BAR`. The 5 columns are those of "spent".
    let all_fit = width.saturating_sub(widest + 3).max(SHORT_BAR);
    let bar = width.saturating_sub(limited + 2 + 5 + 2).min(24).min(all_fit);
    // A bar of fewer columns shows no useful share.
    if bar >= 4 { bar } else { 0 }
}

fn draw_meter(meter: &Meter, bar: u16, area: Rect, buf: &mut Buffer, theme: &Theme) {
    let (word, style) = meter.state(theme);
    let x = area.x + 1;
    text::put(buf, x, area.y, NAME, meter.name, theme.dim);
    let mut x = x + NAME;
    if let (Some(used), Some(limit)) = (meter.used, meter.limit) {
        let glyphs = &theme.glyphs;
        let shown = text::bar(used, limit, usize::from(bar), glyphs.bar_full, glyphs.bar_empty);
        text::put(buf, x, area.y, bar, &shown, style);
    }
    // Numbers are in one column, with a bar or without.
    if bar > 0 {
        x += bar + 2;
    }
    x += text::put(buf, x, area.y, area.right().saturating_sub(x + 1), &meter.words, theme.plain) + 2;
    text::put(buf, x, area.y, area.right().saturating_sub(x), word, style);
}

enum Row {
    Meter(Meter),
    Resting(AgentId, Option<i64>, String),
    Words(String),
}

/// Returns the rows of the pane.
fn rows(model: &Model, height: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = match shown(model) {
        Some(session) => session_meters(model, session).into_iter().map(Row::Meter).collect(),
        // The day is shown even without a session.
        None => vec![Row::Words("No session has worked on the selected objective yet.".to_owned())],
    };
    let resting = resting(model);
    let day = day_meters(model);
    // If not all rows fit, the meters of the day are joined into one: the session's are the ones being
    // watched.
    if rows.len() + resting.len() + day.len() > height {
        let words: Vec<String> = day.iter().map(|meter| meter.words.clone()).collect();
        // Without an amount the row has no bar: one bar could not be right for several meters.
        let first = day.first().map_or(("today", None, None), |meter| (meter.name, None, meter.limit));
        rows.push(Row::Meter(Meter {
            name: first.0,
            used: first.1,
            limit: first.2,
            words: words.join("  "),
        }));
    } else {
        rows.extend(day.into_iter().map(Row::Meter));
    }
    rows.extend(resting.into_iter().map(|(id, until, why)| Row::Resting(id, until, why)));
    rows
}

impl Pane for Budgets {
    fn name(&self) -> &'static str {
        "Budget"
    }

    fn heading(&self, model: &Model) -> Heading {
        let left = shown(model).map(|session| {
            // A running session needs no word; how one has ended is worth saying.
            let standing = if session.status.is_open() { "" } else { session.status.word() };
            format!("session {} {}", session.id, standing.replace('_', " ")).trim_end().to_owned()
        });
        Heading { left: left.unwrap_or_default(), right: String::new() }
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        if model.shown_project().is_none() {
            return teach(&["The usage of sessions and days will appear here."], area, buf, theme);
        }
        let rows = rows(model, usize::from(area.height));
        let bar = bar_columns(&rows, area.width.saturating_sub(NAME + 2));
        for (y, row) in (area.y..area.bottom()).zip(&rows) {
            let place = Rect { y, height: 1, ..area };
            match row {
                Row::Meter(meter) => draw_meter(meter, bar, place, buf, theme),
                Row::Words(words) => {
                    text::put(buf, area.x + 1, y, area.width.saturating_sub(2), words, theme.dim);
                }
                Row::Resting(id, until, why) => {
                    let (words, style) = match until {
                        Some(until) => {
                            (format!("cooling until {} ({why})", text::clock(*until)), theme.plain)
                        }
                        None => (format!("out of use: {why}"), theme.needs),
                    };
                    // Ids of agents may be longer than the names of meters, but not at the cost of the
                    // reason.
                    let name = NAME.max(u16::try_from(text::width(id.as_str())).unwrap_or(NAME) + 1);
                    text::put(buf, area.x + 1, y, name.min(area.width / 2), id.as_str(), theme.dim);
                    let x = area.x + 1 + name.min(area.width / 2);
                    text::put(buf, x, y, area.right().saturating_sub(x + 1), &words, style);
                }
            }
        }
    }

    fn folded(&self, model: &Model, theme: &Theme) -> Option<Line<'static>> {
        let meters: Vec<Meter> = match shown(model) {
            Some(session) => session_meters(model, session),
            None => day_meters(model),
        };
        let mut spans = Vec::new();
        // In one line, unknown amounts would push known ones out.
        for meter in meters.iter().filter(|meter| meter.used.is_some()) {
            let (word, style) = meter.state(theme);
            spans.push(Span::styled(format!("{} ", meter.name), theme.dim));
            spans.push(Span::raw(meter.words.clone()));
            spans.push(Span::styled(format!(" {word} "), style));
        }
        Some(Line::from(spans))
    }

    fn hints(&self, _model: &Model) -> Vec<&'static str> {
        vec!["extend", "log", "kill"]
    }
}
