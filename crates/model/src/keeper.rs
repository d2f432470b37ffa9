//! Keepers that did not do their work, and what the supervisor did about it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a keeper did not do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeeperFault {
    /// A signal had stopped it.
    Stopped,
    /// A debugger held it.
    Traced,
    /// It gave no sign of life, although nothing showed that kept it from running.
    Silent,
    /// It waited in the kernel for something that no signal interrupts, such as a disk that does not answer.
    Hung,
    /// Its job was over its limit, or was asked to stop, and the keeper did not end it.
    Overdue,
}

impl fmt::Display for KeeperFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Stopped => "was stopped by a signal",
            Self::Traced => "was held by a debugger",
            Self::Silent => "gave no sign of life",
            Self::Hung => "hangs in the kernel, for example on a disk that does not answer",
            Self::Overdue => "did not end its job in time",
        })
    }
}

/// What the supervisor did about a keeper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeeperRemedy {
    /// Let it go on, with SIGCONT.
    Continued,
    /// Killed it and the processes of its job, so that the job is over.
    Killed,
    /// Nothing: a process in this state cannot be killed.
    Left,
}

impl fmt::Display for KeeperRemedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Continued => "Paddock let it go on",
            Self::Killed => "Paddock killed it and ended its job",
            Self::Left => "Paddock waits for it, since nothing can end it now",
        })
    }
}

/// A keeper that did not do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeeperTrouble {
    /// Process id of the keeper, for people to read.
    pub pid: i32,
    /// What was wrong.
    pub fault: KeeperFault,
    /// What the supervisor did.
    pub remedy: KeeperRemedy,
    /// How often this keeper was found with this fault, this time included.
    pub times: u32,
}

impl fmt::Display for KeeperTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = if self.times > 1 { format!(" ({} times)", self.times) } else { String::new() };
        write!(f, "the keeper (process {}) {}{times}; {}", self.pid, self.fault, self.remedy)
    }
}
