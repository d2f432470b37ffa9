//! `paddock init`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::context::Context;
use super::exit_codes::{Exit, Outcome};
use super::output;
use paddock_config::Workspace;
use paddock_git::is_tracked;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  paddock init\n  paddock init ~/work")]
pub(super) struct Init {
    /// Folder of the new workspace; default: --root, else the current folder
    dir: Option<PathBuf>,
}

impl Init {
    pub(super) fn execute(self, root: Option<&Path>) -> Outcome {
        // Never the workspace around the current folder: `init` creates, it does not look for one.
        let dir = self.dir.as_deref().or(root).unwrap_or(Path::new("."));
        let workspace = Workspace::init(&Context::absolute(dir)?, is_tracked)?;
        output::line(&format!("{} is a workspace", workspace.root().display()))?;
        output::note("next: `paddock project add PATH` registers a repository");
        Ok(Exit::Good)
    }
}
