//! Later.

use clap::Args;

use super::exit::{Exit, Outcome};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  paddock demo")]
pub(super) struct Demo {}

impl Demo {
    pub fn carry_out(self) -> Outcome {
        Ok(Exit::Good)
    }
}
