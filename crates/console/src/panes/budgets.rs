//! What sessions and days may use, and have used.

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
use paddock_model::usage::{Tokens, dollars};

/// From this share on it is said that a limit is near (SPEC 3.4).
const SOON: f64 = 0.8;
/// Bars are this short before words are cut.
const SHORT_BAR: u16 = 8;
/// The columns of a name.
const NAME: u16 = 9;

/// The pane.
pub(crate) struct Budgets;

/// One thing that is used up, against what may be used.
#[derive(Debug, Clone, PartialEq)]
struct Meter {
    name: &'static str,
    /// None: nobody has told.
    used: Option<f64>,
    /// None: no limit.
    limit: Option<f64>,
    /// Both in words.
    words: String,
}

impl Meter {
    fn share(&self) -> Option<f64> {
        let (used, limit) = (self.used?, self.limit?);
        (limit > 0.0).then_some(used / limit)
    }

    /// What is to be said of the limit, and how it looks.
    fn state(&self, theme: &Theme) -> (&'static str, Style) {
        match self.share() {
            Some(share) if share > 1.0 => ("over", theme.failed),
            Some(share) if share >= 1.0 => ("spent", theme.needs),
            Some(share) if share >= SOON => ("soon", theme.needs),
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
    format!("${usd:.2}")
}

/// Commits so far: what the supervisor counts while it runs, what was harvested afterwards.
fn commits(model: &Model, session: &Session) -> Option<f64> {
    let counted = model.facts.gauge_of_session("commits", session.id.0).and_then(serde_json::Value::as_f64);
    let harvested = session.harvest.as_ref().map(|harvest| f64::from(harvest.commits));
    let none = session.status.is_open().then_some(0.0);
    harvested.or(counted).or(none)
}

fn of_session(model: &Model, session: &Session) -> Vec<Meter> {
    let budget = &session.budget;
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

fn of_day(model: &Model) -> Vec<Meter> {
    let Some(project) = model.shown_project() else { return Vec::new() };
    let (spent, budget) = (model.digest.spent, &project.settings.budget);
    let minutes = budget.session_minutes.map(|most| most as f64);
    let tokens = spent.tokens.map(|tokens| tokens as f64);
    let hours = |minutes: f64| text::short_time((minutes * 60_000.0) as i64);
    let mut meters = vec![
        meter("today", spent.usd, budget.usd, money, ""),
        meter("", Some(spent.minutes as f64), minutes, hours, " of sessions"),
    ];
    if tokens.is_some_and(|tokens| tokens > 0.0) || budget.tokens.is_some() {
        meters.push(meter("", tokens, budget.tokens.map(|most| most as f64), count, " tokens"));
    }
    meters
}

/// Agents that are not used now: who, until when, why. None: only a person can change it.
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
    let unusable = model.shown_project().map(|project| &project.unusable_agents);
    found.extend(unusable.into_iter().flatten().map(|(id, why)| (id.clone(), None, why.clone())));
    found
}

fn shown(model: &Model) -> Option<&Session> {
    model.facts.state.session(model.default_target().session?)
}

/// The columns of the bars: the same for all, so that numbers stand below each other.
fn bar_columns(rows: &[Row], room: u16) -> u16 {
    let columns = |is_limited: bool| {
        let words = rows.iter().filter_map(|row| match row {
            Row::Meter(meter) if !is_limited || meter.share().is_some() => Some(text::width(&meter.words)),
            _ => None,
        });
        words.max().map(|widest| u16::try_from(widest).unwrap_or(room))
    };
    // Without any limit there is no bar, and nothing to stand behind it.
    let (Some(limited), Some(widest)) = (columns(true), columns(false)) else { return 0 };
    let all_fit = room.saturating_sub(widest + 3).max(SHORT_BAR);
    let bar = room.saturating_sub(limited + 2 + 5 + 2).min(24).min(all_fit);
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
    // Numbers stand in one column whether there is a bar or not.
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

fn rows(model: &Model, height: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = match shown(model) {
        Some(session) => of_session(model, session).into_iter().map(Row::Meter).collect(),
        None => vec![Row::Words("No session has worked on the selected objective yet.".to_owned())],
    };
    let resting = resting(model);
    let day = of_day(model);
    // The day in one line where there is no room for more.
    if rows.len() + resting.len() + day.len() > height {
        let words: Vec<String> = day.iter().map(|meter| meter.words.clone()).collect();
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
            let standing = if session.status.is_open() { "" } else { session.status.word() };
            format!("session {} {}", session.id, standing.replace('_', " ")).trim_end().to_owned()
        });
        Heading { left: left.unwrap_or_default(), right: String::new() }
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        if model.shown_project().is_none() {
            return teach(&["What sessions and days use will be here."], area, buf, theme);
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
                    let (said, style) = match until {
                        Some(until) => {
                            (format!("cooling until {} ({why})", text::clock(*until)), theme.plain)
                        }
                        None => (format!("out of use: {why}"), theme.needs),
                    };
                    let name = NAME.max(u16::try_from(text::width(id.as_str())).unwrap_or(NAME) + 1);
                    text::put(buf, area.x + 1, y, name.min(area.width / 2), id.as_str(), theme.dim);
                    let x = area.x + 1 + name.min(area.width / 2);
                    text::put(buf, x, y, area.right().saturating_sub(x + 1), &said, style);
                }
            }
        }
    }

    fn folded(&self, model: &Model, theme: &Theme) -> Option<Line<'static>> {
        let meters: Vec<Meter> = match shown(model) {
            Some(session) => of_session(model, session),
            None => of_day(model),
        };
        let mut spans = Vec::new();
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
