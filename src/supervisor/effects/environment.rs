//! The variables of jobs: what an agent's settings give, what `.env` gives, and what git is to know.

use std::collections::BTreeMap;

use crate::config::Environment;
use crate::domain::settings::AgentSettings;
use crate::git::Repository;
use crate::runner::inherit::own_markers;

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
pub(in super::super) fn git_variables() -> Vec<String> {
    let names = ["DIR", "WORK_TREE", "INDEX_FILE", "COMMON_DIR", "OBJECT_DIRECTORY", "NAMESPACE", "PREFIX"];
    names.iter().map(|name| format!("GIT_{name}")).collect()
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

/// An identity, no signing unless asked for, no collection of garbage under running agents, and objects that
/// are on disk before a landing refers to them.
pub(super) fn git_settings(sign: bool, repository: &Repository) -> BTreeMap<String, String> {
    let mut settings = vec![
        ("gc.auto", "0"),
        ("maintenance.auto", "false"),
        ("core.fsync", "committed,loose-object"),
        ("core.fsyncMethod", "batch"),
    ];
    if !sign {
        settings.extend([("commit.gpgSign", "false"), ("tag.gpgSign", "false")]);
    }
    if repository.facts().is_ok_and(|facts| facts.user_identity.is_none()) {
        settings.extend([("user.name", "Paddock"), ("user.email", "paddock@localhost")]);
    }
    let mut set = BTreeMap::from([("GIT_CONFIG_COUNT".to_owned(), settings.len().to_string())]);
    for (place, (key, value)) in settings.into_iter().enumerate() {
        set.insert(format!("GIT_CONFIG_KEY_{place}"), key.to_owned());
        set.insert(format!("GIT_CONFIG_VALUE_{place}"), value.to_owned());
    }
    set
}
