//! The keys that both the workspace's project file and the repository's own `.paddock/project.yaml` may give.

use sha2::{Digest, Sha256};

use super::agents::{AgentEntry, WorkerEntry, read_agents, read_workers};
use super::error::ConfigError;
use super::gate_commands::read_verify;
use super::reader::{Section, Sink};
use super::settings_table as keys;
use super::yaml;
use paddock_model::settings::GateCommand;

/// Name of the repository's own file in messages.
pub(super) const REPOSITORY_FILE: &str = ".paddock/project.yaml";

/// The shared keys of one file; `None` for keys that the file does not give.
#[derive(Debug, Clone, Default)]
pub(super) struct SharedPart {
    pub file: String,
    pub name: Option<String>,
    pub description: Option<String>,
    pub agents: Vec<AgentEntry>,
    pub workers: Vec<WorkerEntry>,
    pub verify: Option<Vec<GateCommand>>,
    pub context_files: Option<Vec<String>>,
}

impl SharedPart {
    /// Reads the shared keys of a file. `planner` is its section `planner`, which the caller reads other keys
    /// of.
    pub(crate) fn read(file: &Section<'_>, planner: &Section<'_>, shown: &str) -> Self {
        Self {
            file: shown.to_owned(),
            // An empty name counts as not given, so that the repository's name is used.
            name: file.given(&keys::NAME).filter(|name| !name.trim().is_empty()),
            description: file.given(&keys::DESCRIPTION),
            agents: read_agents(file).unwrap_or_default(),
            workers: read_workers(file).unwrap_or_default(),
            verify: read_verify(file),
            context_files: planner.given(&keys::CONTEXT_FILES),
        }
    }

    /// Reads `.paddock/project.yaml`. Fails with every fault; a key that is not shared is one.
    pub(crate) fn from_repository(bytes: &[u8]) -> Result<Self, Vec<ConfigError>> {
        let sink = Sink::new(REPOSITORY_FILE);
        let Some(node) = parse(bytes, &sink) else { return sink.finish(None::<Self>).map(|(part, _)| part) };
        let part = {
            let file = Section::new(&node, "", &sink);
            let planner = file.section(&keys::PLANNER);
            let part = Self::read(&file, &planner, REPOSITORY_FILE);
            planner.finish();
            file.finish();
            part
        };
        sink.finish(Some(part)).map(|(part, _)| part)
    }

    /// Returns the hash by which a person's agreement to this file's commands is recorded, or `None` if the
    /// file has no commands.
    ///
    /// The hash covers whole agents and not only their command lines, because an environment variable can run
    /// a program, too.
    pub(crate) fn agreement_hash(&self) -> Option<String> {
        let verify = self.verify.as_deref().unwrap_or_default();
        if verify.is_empty() && self.agents.is_empty() {
            return None;
        }
        let json = serde_json::to_vec(&(verify, &self.agents)).unwrap_or_default();
        Some(Sha256::digest(&json).iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Returns the hash by which a person's agreement to the commands of a repository's own file is recorded, or
/// `None` if the file has no commands or has faults.
#[must_use]
pub fn agreement_of(bytes: &[u8]) -> Option<String> {
    SharedPart::from_repository(bytes).ok()?.agreement_hash()
}

/// Parses bytes as YAML. Returns `None`, and adds a fault, if they are not UTF-8 or not YAML.
pub(super) fn parse(bytes: &[u8], sink: &Sink) -> Option<yaml::Node> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let place = super::error::Place::default();
        sink.add(place, "", "is not UTF-8 text".to_owned(), Some("save it as UTF-8".to_owned()));
        return None;
    };
    match yaml::parse(text) {
        Ok(node) => Some(node),
        Err(error) => {
            sink.add(error.place, "", format!("is not valid YAML: {}", error.message), None);
            None
        }
    }
}
