//! `paddock man`: prints or writes manual pages.

use std::path::PathBuf;

use clap::Args;

use super::exit_codes::{Exit, Failure, Outcome};
use super::output;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  paddock man | man -l -
  paddock man --dir ~/.local/share/man/man1")]
pub(super) struct Man {
    /// Folder to write a page for every command into, instead of printing one
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Man {
    /// Prints the page of this command line, or writes the pages of all commands. Fails if a page cannot be
    /// written.
    pub(super) fn execute(self, command: clap::Command) -> Outcome {
        // Without a folder only the main page, which can be piped into `man -l -`.
        let Some(dir) = self.dir else {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            output::print(&String::from_utf8_lossy(&page))?;
            return Ok(Exit::Good);
        };
        let failed = |error| Failure::error(format!("{}: {error}", dir.display()));
        std::fs::create_dir_all(&dir).map_err(failed)?;
        clap_mangen::generate_to(command, &dir).map_err(failed)?;
        output::line(&format!("wrote the pages to {}", dir.display()))?;
        Ok(Exit::Good)
    }
}
