//! When project files are read: before the first decision, after changes, and before a command that a person
//! gives after an edit, which means the newest file.

use std::time::{Duration, Instant};

use super::agreement::Known;
use super::error::SupervisorError;
use super::executor::ExecutorKey;
use super::kernel::Kernel;
use super::message::{Message, ReplyTo};
use super::projects;
use super::reading::Waiting;
use super::stamps::{Stamp, stamp};
use super::take_up::{known_repositories, note_in_index, unknown_files, written};
use paddock_engine::input::Input;
use paddock_model::command::Command;
use paddock_model::ids::ProjectSlug;

/// Longest wait of a command for its project's file. A repository on a disk that hangs must not keep a person
/// from pausing the project; the command then meets the settings that were read last.
const PATIENCE: Duration = Duration::from_secs(10);
/// Returns the project whose settings a command meets.
fn subject(command: &Command) -> Option<&ProjectSlug> {
    if let Command::Objective { objective, .. } = command {
        return Some(&objective.project);
    }
    command.project()
}

impl Kernel {
    /// Reads all project files on this thread and applies what they say, before the first decision.
    pub(super) fn read_project_files_first(&mut self) -> Result<(), SupervisorError> {
        for (slug, known) in Known::for_projects(&self.state, self.covered()) {
            let version = stamp(&self.world.workspace.project_file(&slug));
            projects::read_again(&self.world, &slug, &known);
            self.reading.read.insert(slug, version);
        }
        // `read_again` answers through the inbox; the answers have to be applied before the caller decides.
        while let Ok(message) = self.inbox.try_recv() {
            self.handle(message)?;
        }
        Ok(())
    }

    /// Orders a look at every project file, and at files that no project exists for yet.
    pub(super) fn read_project_files(&mut self) {
        // Also adds watches for projects that came since, and moves those whose repository moved.
        self.watch_projects();
        for slug in self.covered() {
            self.read_project_file(&slug);
        }
        self.take_up_written();
    }

    fn read_project_file(&self, slug: &ProjectSlug) {
        let Some(known) = Known::from_state(&self.state, slug) else { return };
        let (executor_key, slug) = (ExecutorKey::Counting(slug.clone()), slug.clone());
        self.spawn_look(executor_key, "reading the project file", move |world| {
            // Before the reading, so that an edit meanwhile counts as one.
            let version = stamp(&world.workspace.project_file(&slug));
            projects::read_again(world, &slug, &known);
            drop(world.inbox.send(Message::ProjectFileRead(slug, version)));
        });
    }

    fn take_up_written(&mut self) {
        if self.memo.is_passive || self.memo.stopping.is_some() {
            return;
        }
        for file in unknown_files(&self.world.workspace, &self.state) {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let Ok(slug) = ProjectSlug::new(stem).map_err(|error| {
                tracing::debug!(%error, file = %file.display(), "no name of a project");
            }) else {
                continue;
            };
            if !self.memo.covers(&slug) {
                continue;
            }
            let version = stamp(&file);
            let is_new = self.reading.refused.insert(file.clone(), version) != Some(version);
            let known = known_repositories(&self.state);
            self.spawn_look(ExecutorKey::Counting(slug), "taking up a project file", move |world| {
                match written(&world.workspace, &world.environment, &file, &known) {
                    Ok(found) => {
                        // Refused if a command has taken it up meanwhile.
                        let reply_to: ReplyTo = Box::new(|reply| {
                            if let Err(refusal) = reply {
                                tracing::debug!(%refusal, "a project file is not taken up");
                            }
                        });
                        drop(world.inbox.send(Message::Command(Box::new(found.command), reply_to)));
                    }
                    Err(error) if is_new => {
                        tracing::warn!(%error, file = %file.display(), "a project file is not taken up");
                    }
                    Err(_) => {}
                }
            });
        }
    }

    /// Handles a command, after the newest version of its project's file was read.
    pub(super) fn handle_command(
        &mut self,
        command: Box<Command>,
        reply_to: ReplyTo,
    ) -> Result<(), SupervisorError> {
        let project = subject(&command).filter(|slug| self.state.project(slug).is_some()).cloned();
        let Some(project) = project.filter(|slug| !self.memo.is_passive && self.memo.covers(slug)) else {
            return self.run_command(command, reply_to);
        };
        let version = stamp(&self.world.workspace.project_file(&project));
        let is_read = self.reading.read.get(&project) == Some(&version);
        // Behind one that waits, a command waits too: they keep their order.
        let waits_behind = self.reading.waiting.iter().any(|one| one.project == project);
        if is_read && !waits_behind {
            return self.run_command(command, reply_to);
        }
        if !waits_behind {
            self.read_project_file(&project);
        }
        self.reading.waiting.push(Waiting { project, command, reply_to, since: Instant::now() });
        Ok(())
    }

    /// Notes that a project's file was read, and runs the commands that waited for it.
    pub(super) fn project_file_read(
        &mut self,
        project: &ProjectSlug,
        version: Stamp,
    ) -> Result<(), SupervisorError> {
        self.reading.read.insert(project.clone(), version);
        let due = self.reading.due(|one| one.project == *project);
        due.into_iter().try_for_each(|one| self.run_command(one.command, one.reply_to))
    }

    /// Runs the commands that have waited for too long.
    pub(super) fn run_late_commands(&mut self) -> Result<(), SupervisorError> {
        let due = self.reading.due(|one| one.since.elapsed() >= PATIENCE);
        due.into_iter().try_for_each(|one| self.run_command(one.command, one.reply_to))
    }

    fn run_command(&mut self, command: Box<Command>, reply_to: ReplyTo) -> Result<(), SupervisorError> {
        // An agreement decides which commands a project has.
        let mut asks_again = None;
        if let Command::ProjectAdd { project, .. } | Command::ProjectTrust { project, .. } = &*command {
            asks_again = Some(project.clone());
        }
        let adds = matches!(*command, Command::ProjectAdd { .. });
        self.step(Input::Command(command), Some(reply_to))?;
        // The command may have added a project, whose repository has to be claimed before work starts there.
        self.take_claims()?;
        if let (true, Some(project)) = (adds, &asks_again) {
            // One of this name may have been read and removed before.
            self.reading.read.remove(project);
        }
        if let Some(project) = asks_again {
            self.read_project_file(&project);
        }
        if adds && !self.memo.is_passive {
            self.watch_projects();
            note_in_index(&self.world.workspace, &self.world.environment, &self.state);
        }
        Ok(())
    }
}
