//! The variables of jobs: what an agent's settings give, what `.env` gives, and what git is to know.

use std::collections::BTreeMap;
use std::path::Path;

use paddock_config::Environment;
use paddock_git::{IdentityQuestion, REPOSITORY_VARIABLES, Repository, configured_identity};
use paddock_model::settings::AgentSettings;
use paddock_runner::inherit::own_markers;

/// Variables of an agent beyond Paddock's own environment.
pub(in super::super) struct Variables {
    /// Those whose values may be written down.
    pub(in super::super) set: BTreeMap<String, String>,
    /// Those that are removed.
    pub(in super::super) unset: Vec<String>,
    /// Those whose values travel by inheritance only.
    pub(in super::super) secrets: BTreeMap<String, String>,
}

impl Variables {
    /// What an agent's settings and the workspace's `.env` give.
    pub(in super::super) fn of_agent(agent: &AgentSettings, environment: &Environment) -> Self {
        let (mut set, mut unset) = (BTreeMap::new(), git_variables());
        for (name, value) in &agent.env {
            match value.is_empty() {
                true => unset.push(name.clone()),
                false => drop(set.insert(name.clone(), value.clone())),
            }
        }
        unset.retain(|name| !set.contains_key(name));
        let secrets = inherited(environment, &unset);
        Self { set, unset, secrets }
    }
}

/// Variables by which a calling git would lead a job's own git astray.
pub(super) fn git_variables() -> Vec<String> {
    REPOSITORY_VARIABLES.map(str::to_owned).into()
}

/// What `.env` and the proxy settings give the agent beyond Paddock's own environment: by inheritance only.
fn inherited(environment: &Environment, unset: &[String]) -> BTreeMap<String, String> {
    // Of Paddock's own these are not handed down: one that is given is given by `.env`.
    let markers = own_markers();
    let wanted = environment.for_agents().into_iter().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
        let is_own = !markers.contains(&name) && std::env::var(&name).is_ok_and(|own| own == value);
        (!is_own && !unset.contains(&name)).then_some((name, value))
    });
    wanted.collect()
}

/// Settings for a session's git, as variables: who its commits are by, no signing unless asked for, no collection
/// of garbage under running agents, and objects that are on disk before a landing refers to them.
pub(super) fn git_settings(sign: bool, identity: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut settings = vec![
        ("gc.auto", "0"),
        ("maintenance.auto", "false"),
        ("core.fsync", "committed,loose-object"),
        ("core.fsyncMethod", "batch"),
    ];
    if !sign {
        settings.extend([("commit.gpgSign", "false"), ("tag.gpgSign", "false")]);
    }
    settings.extend(identity.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    let mut set = BTreeMap::from([("GIT_CONFIG_COUNT".to_owned(), settings.len().to_string())]);
    for (place, (key, value)) in settings.into_iter().enumerate() {
        set.insert(format!("GIT_CONFIG_KEY_{place}"), key.to_owned());
        set.insert(format!("GIT_CONFIG_VALUE_{place}"), value.to_owned());
    }
    set
}

/// Where an agent works.
pub(super) struct Worksite<'a> {
    pub(super) repository: &'a Repository,
    pub(super) git_dir: &'a Path,
    pub(super) path: &'a Path,
}

impl Worksite<'_> {
    /// Who the agent's commits are by, as settings of git: exactly what git finds there by itself, since these
    /// settings are stronger than every file. They are handed on because some agents hide the user's own file from
    /// the commands that they run. `Paddock` and `paddock@localhost` stand in for what is set nowhere.
    pub(super) fn identity(&self, variables: &Variables) -> BTreeMap<String, String> {
        let Variables { set, unset, secrets } = variables;
        let question =
            IdentityQuestion { work_tree: self.path, git_dir: self.git_dir, unset, set: [secrets, set] };
        let mut found = configured_identity(&question).unwrap_or_else(|error| {
            tracing::warn!(worktree = %self.path.display(), %error, "git does not say whose commits these are");
            self.known_to_library()
        });
        found.retain(|_, value| is_usable(value));
        found.entry("user.name".to_owned()).or_insert_with(|| "Paddock".to_owned());
        found
            .entry("user.email".to_owned())
            .or_insert_with(|| email_variable(variables).unwrap_or_else(|| "paddock@localhost".to_owned()));
        found
    }

    /// The identity without the worktree's own configuration.
    fn known_to_library(&self) -> BTreeMap<String, String> {
        let known = self.repository.facts().ok().and_then(|facts| facts.user_identity);
        let pairs = known.map(|(name, email)| [("user.name", name), ("user.email", email)]);
        pairs.into_iter().flatten().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

/// Whether git takes it: it drops these characters at both ends, and refuses what is empty then.
fn is_usable(value: &str) -> bool {
    value.chars().any(|c| c > ' ' && !".,:;<>\"\\'".contains(c))
}

/// What git takes for an e-mail address where none is configured.
fn email_variable(variables: &Variables) -> Option<String> {
    let Variables { set, unset, secrets } = variables;
    let name = "EMAIL";
    let own = || std::env::var(name).ok().filter(|_| !unset.iter().any(|unset| unset == name));
    let found = set.get(name).or_else(|| secrets.get(name)).cloned().or_else(own);
    found.filter(|value| is_usable(value))
}
