//! `paddock template`: lists and prints the templates of prompts.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::context::Context;
use super::exit_codes::{Exit, Failure, Outcome};
use super::output;
use paddock_agents::prompt::{self, EMBEDDED};
use paddock_report::text::{harmless, table};

#[derive(Debug, Subcommand)]
pub(super) enum Template {
    /// List the templates of prompts, built in and of this workspace
    #[command(after_help = "Examples:\n  paddock template list\n  paddock template list --json")]
    List(List),
    /// Print a template, as sessions of this workspace use it
    #[command(after_help = "Examples:
  paddock template show planner.md
  paddock template show session-worker.md --built-in
  paddock template show session-worker.md > templates/session-worker.md   # then edit it")]
    Show(Show),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Output as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Name of the template, as `list` shows it
    name: String,
    /// Print the built-in template, even if a file of this workspace replaces it
    #[arg(long)]
    built_in: bool,
}

#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    /// Whether Paddock has a template of this name.
    built_in: bool,
    /// The file of this workspace that is used; `None` for the built-in template.
    file: Option<String>,
}

impl Template {
    /// Without a workspace only the built-in templates are known.
    pub(super) fn execute(self, context: Option<&Context>) -> Outcome {
        match self {
            Self::List(list) => list.execute(context),
            Self::Show(show) => show.execute(context),
        }
    }
}

/// Returns the built-in templates and those of the workspace, by name. A workspace without the folder has none.
fn all(context: Option<&Context>) -> Vec<Listed> {
    let built_in = |name: &str| Listed { name: name.to_owned(), built_in: true, file: None };
    let mut found: BTreeMap<String, Listed> =
        EMBEDDED.iter().map(|(name, _)| ((*name).to_owned(), built_in(name))).collect();
    let folder = context.map(|context| context.workspace.templates());
    for entry in folder.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !name.ends_with(".md") || !entry.path().is_file() {
            continue;
        }
        let one = found.entry(name.clone()).or_insert(Listed { name, built_in: false, file: None });
        one.file = Some(entry.path().display().to_string());
    }
    found.into_values().collect()
}

impl List {
    fn execute(self, context: Option<&Context>) -> Outcome {
        let all = all(context);
        if self.json {
            output::json(&all)?;
            return Ok(Exit::Good);
        }
        let place = |one: &Listed| match (&one.file, one.built_in) {
            (None, _) => "built in".to_owned(),
            (Some(file), true) => format!("{}, instead of the built-in one", harmless(file)),
            (Some(file), false) => harmless(file),
        };
        let rows: Vec<Vec<String>> = all.iter().map(|one| vec![harmless(&one.name), place(one)]).collect();
        output::print(&table(&rows, 0))?;
        Ok(Exit::Good)
    }
}

impl Show {
    fn execute(self, context: Option<&Context>) -> Outcome {
        let all = all(context);
        let Some(one) = all.iter().find(|one| one.name == self.name) else {
            let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
            return Err(Failure::error(format!(
                "there is no template {:?}; there is: {}",
                self.name,
                names.join(", ")
            )));
        };
        let file = one.file.as_ref().filter(|_| !self.built_in);
        if file.is_none() && !one.built_in {
            return Err(Failure::error(format!("no template {} is built in", one.name)));
        }
        let folder = context.map(|context| context.workspace.templates());
        let text = prompt::load(folder.as_deref().filter(|_| file.is_some()), &one.name)
            .map_err(|error| Failure::error(error.to_string()))?;
        output::print(&text)?;
        // On standard error, so that the output can be written to a file.
        output::note(&match file {
            Some(file) => format!("# {}, which replaces the built-in template", harmless(file)),
            None => format!("# built in; a file templates/{} in a workspace replaces it", one.name),
        });
        Ok(Exit::Good)
    }
}
