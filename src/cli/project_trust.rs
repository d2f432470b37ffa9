//! `paddock project trust`: shows what changed since the last agreement, asks, and records the new one.

use clap::Args;

use super::context::Context;
use super::exit_codes::{Exit, Failure, Outcome};
use super::project_add::own_commands;
use super::{git_config, output, project_target, repository};
use paddock_git::Listed;
use paddock_model::command::Command;
use paddock_model::facts::TrustRecord;
use paddock_model::project::Project;
use paddock_model::settings::ProjectSettings;
use paddock_report::text::harmless;
use paddock_supervisor::{AGREEMENT, agreed, read_project, with_agreement};

#[derive(Debug, Args)]
pub(super) struct TrustArgs {
    /// Project slug; default: --project, else the only project
    slug: Option<String>,
    /// Agree without being asked
    #[arg(long)]
    yes: bool,
}

impl TrustArgs {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        let state = context.state()?;
        let slug = context.project(&state, self.slug.as_deref())?;
        let Some(project) = state.project(&slug) else { return Ok(Exit::Good) };
        let other = project_target::named_otherwise(context, project);
        let recorded = project.settings.target_branch.clone();
        let root = project.settings.repo_root.as_ref();
        // The agreement covers the commands in `.paddock/project.yaml` on the branch that work lands on from
        // now on.
        let branch = other.clone().unwrap_or(recorded.clone());
        let named = Some(&branch).filter(|branch| !branch.is_empty()).map(String::as_str);
        let found = repository::inspect_any(root, named)?;
        let mut changes = Vec::new();
        if other.is_some() {
            changes.push(format!("the target branch: {} -> {}", harmless(&recorded), harmless(&branch)));
        }
        changes.extend(configuration(&project.trust, &found.facts.trust, &found.configured));
        // A project file with faults does not stop the trust of the repository: it holds the project by
        // itself, with a message of its own.
        let file = context.workspace.project_file(&slug);
        let read = |agreed: Option<&str>| {
            let read = read_project(&context.workspace, &context.environment, &file, agreed, &branch);
            read.ok().map(|read| read.project)
        };
        let agreement = read(None).and_then(|project| project.agreement);
        if agreement.as_deref() != agreed(&project.trust) {
            let now = agreement.as_deref().and_then(|hash| read(Some(hash)));
            changes.extend(commands(project, now.as_ref().map(|project| &project.settings)));
        }
        self.show_and_ask(&changes)?;
        let trust = with_agreement(found.facts.trust, agreement.as_deref());
        // The new target comes first because it may be refused. Trust must not be recorded if the rest fails.
        if other.is_some() {
            project_target::set(context, &state, project, &branch, false)?;
        }
        context.ask_and_say(Command::ProjectTrust { project: slug, trust })?;
        Ok(Exit::Good)
    }

    /// Shows the changes and asks about them. Fails if the person does not agree.
    fn show_and_ask(&self, changes: &[String]) -> Result<(), Failure> {
        if changes.is_empty() {
            output::note("nothing has changed since the last agreement");
            return Ok(());
        }
        output::note("changed since the last agreement:");
        for change in changes {
            output::note(&format!("  {change}"));
        }
        if self.yes {
            return Ok(());
        }
        match output::confirm("agree to all of this?")? {
            Some(false) => Err(Failure::error("nothing is agreed to; the project stays as it is")),
            // A script that calls this command agrees by calling it.
            Some(true) => Ok(()),
            None => {
                output::note("agreed to as shown: standard input is no terminal to ask at");
                Ok(())
            }
        }
    }
}

/// Returns a line for each entry of git's configuration that differs from what is agreed to: what it is now,
/// and what it does. The values before are not known, as only their hashes are kept.
fn configuration(before: &TrustRecord, now: &TrustRecord, listed: &[Listed]) -> Vec<String> {
    let value = |record: &TrustRecord, name: &str| {
        record.entries.iter().find(|(known, _)| known == name).map(|(_, hash)| hash.clone())
    };
    // The commands of the repository's own file are compared by what they run.
    let names = before.changes(now).into_iter().filter(|name| name != AGREEMENT);
    let mut lines = Vec::new();
    for name in names {
        let word = match (value(before, &name), value(now, &name)) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        };
        let shown: Vec<&Listed> = listed.iter().filter(|entry| entry.name == name).collect();
        lines.push(format!("{word}: {}", harmless(&name)));
        lines.extend(shown.into_iter().map(|entry| format!("    now {}", git_config::described(entry))));
    }
    lines
}

/// Returns the commands that run now and those that would: `-` goes, `+` comes, the others stay.
fn commands(project: &Project, now: Option<&ProjectSettings>) -> Vec<String> {
    let before = own_commands(&project.settings);
    let now = now.map(own_commands).unwrap_or_default();
    let mut lines = vec!["commands, with those of the repository's .paddock/project.yaml:".to_owned()];
    lines.extend(before.iter().filter(|line| !now.contains(line)).map(|line| format!("  - {line}")));
    lines.extend(now.iter().map(|line| match before.contains(line) {
        true => format!("    {line}"),
        false => format!("  + {line}"),
    }));
    lines
}
