//! `paddock queue`.

use clap::{Args, Subcommand};

use super::context::Context;
use super::exit::{Exit, Failure, Outcome};
use super::{output, status};
use crate::domain::command::Command;
use crate::domain::ids::ProjectSlug;
use crate::report::status::ProjectStatus;
use crate::report::text::{harmless, table};

#[derive(Debug, Subcommand)]
pub(super) enum Queue {
    /// What is on its way to landing, and what waits to be published
    #[command(after_help = "Examples:\n  paddock queue list\n  paddock queue list --json")]
    List(List),
    /// Hold the queue: nothing lands until it is released
    #[command(after_help = "Examples:\n  paddock queue hold\n  paddock --project web queue hold")]
    Hold,
    /// Let it go on
    #[command(after_help = "Examples:\n  paddock queue release")]
    Release,
    /// Take a rewritten target branch as it is
    #[command(after_help = "Examples:\n  paddock queue adopt")]
    Adopt,
    /// Bring landed work onto the target branch again
    #[command(after_help = "Examples:\n  paddock queue republish")]
    Republish,
    /// Publish what landed, now
    #[command(after_help = "Examples:\n  paddock queue publish")]
    Publish,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Queue {
    pub fn carry_out(self, context: &Context) -> Outcome {
        let make: fn(ProjectSlug) -> Command = match self {
            Self::List(list) => return list.carry_out(context),
            Self::Hold => |project| Command::QueueHold { project },
            Self::Release => |project| Command::QueueRelease { project },
            Self::Adopt => |project| Command::QueueAdopt { project },
            Self::Republish => |project| Command::QueueRepublish { project },
            Self::Publish => |project| Command::QueuePublish { project },
        };
        let project = context.project(&context.state()?, None)?;
        context.ask_and_say(make(project))?;
        Ok(Exit::Good)
    }
}

impl List {
    fn carry_out(self, context: &Context) -> Outcome {
        let document = status::build(context, &context.state()?, false);
        if self.json {
            let queues: Vec<_> = document
                .projects
                .iter()
                .map(|project| {
                    serde_json::json!({
                        "project": project.slug, "integration": project.integration,
                        "reasons": project.reasons, "queue": project.queue
                    })
                })
                .collect();
            output::json(&queues)?;
            return Ok(Exit::Good);
        }
        for project in &document.projects {
            print_queue(project)?;
        }
        Ok(Exit::Good)
    }
}

fn print_queue(project: &ProjectStatus) -> Result<(), Failure> {
    let mut text = format!("{}\n", project.slug);
    let row = |entry: &crate::report::status::QueueStatus| {
        let name = entry.objective.clone().unwrap_or_else(|| "(your own commits)".to_owned());
        vec![entry.position.to_string(), name, entry.state.to_owned(), entry.since.clone()]
    };
    let rows: Vec<Vec<String>> = project.queue.iter().map(row).collect();
    text.push_str(&if rows.is_empty() { "  nothing is queued\n".to_owned() } else { table(&rows, 2) });
    if project.integration.ahead > 0 {
        text.push_str(&format!("  landed, not published yet: {}\n", project.integration.ahead));
    }
    for reason in &project.reasons {
        let (what, clears) = (harmless(&reason.text), harmless(&reason.clears));
        text.push_str(&format!("  {}: {what}\n    → {clears}\n", reason.code));
    }
    for file in &project.integration.waiting_for {
        text.push_str(&format!("    {}\n", harmless(file)));
    }
    output::print(&text)
}
