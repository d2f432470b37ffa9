//! The environment variables of jobs: from an agent's settings, from the workspace's `.env`, and for git.

use std::collections::BTreeMap;
use std::path::Path;

use paddock_config::Environment;
use paddock_git::{
    IdentityQuestion, REPOSITORY_VARIABLES, Repository, configured_identity, settings_in_environment,
};
use paddock_model::settings::AgentSettings;
use paddock_runner::inherit::own_markers;

/// How an agent's environment differs from Paddock's own.
pub(in super::super) struct Variables {
    /// Variables to set, with values that may be written to the session's files.
    pub(in super::super) set: BTreeMap<String, String>,
    /// Variables to remove.
    pub(in super::super) unset: Vec<String>,
    /// Variables to set whose values may be secret: the keeper inherits them, and no file holds them.
    pub(in super::super) secrets: BTreeMap<String, String>,
}

impl Variables {
    /// Collects the variables from an agent's settings and the workspace's `.env`.
    pub(in super::super) fn for_agent(agent: &AgentSettings, environment: &Environment) -> Self {
        let (mut set, mut unset) = (BTreeMap::new(), git_variables());
        for (name, value) in &agent.env {
            // An empty value in the settings means "remove this variable".
            match value.is_empty() {
                true => unset.push(name.clone()),
                false => drop(set.insert(name.clone(), value.clone())),
            }
        }
        // Settings may set one of git's variables on purpose: they win over its removal.
        unset.retain(|name| !set.contains_key(name));
        let secrets = inherited(environment, &unset);
        Self { set, unset, secrets }
    }
}

/// Returns the variables by which a git program points its children to its own repository. Inherited from a
/// git hook that started Paddock, they would make a job's git work on the wrong repository.
pub(super) fn git_variables() -> Vec<String> {
    REPOSITORY_VARIABLES.map(str::to_owned).into()
}

/// Returns the variables from `.env` and the proxy settings that differ from Paddock's own environment.
fn inherited(environment: &Environment, unset: &[String]) -> BTreeMap<String, String> {
    // The runner removes these from Paddock's own environment. One that `.env` sets has to be passed on even
    // if Paddock's own environment holds the same value.
    let markers = own_markers();
    let wanted = environment.for_agents().into_iter().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
        let is_own = !markers.contains(&name) && std::env::var(&name).is_ok_and(|own| own == value);
        (!is_own && !unset.contains(&name)).then_some((name, value))
    });
    wanted.collect()
}

/// Returns git settings for a session, as `GIT_CONFIG_*` variables: the author of its commits, no signing
/// unless asked for, no garbage collection, and flushed objects.
pub(super) fn git_settings(sign: bool, identity: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut settings = vec![
        // One agent's commit must not start garbage collection while other agents work in the repository.
        ("gc.auto", "0"),
        ("maintenance.auto", "false"),
        // A landing is flushed, so the objects that it refers to have to be on disk as well.
        ("core.fsync", "committed,loose-object"),
        ("core.fsyncMethod", "batch"),
    ];
    // Signing may ask for a passphrase, and nobody is there to type it.
    if !sign {
        settings.extend([("commit.gpgSign", "false"), ("tag.gpgSign", "false")]);
    }
    settings.extend(identity.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    // The job inherits the settings that the user's own environment holds; these are numbered after them.
    let first = settings_in_environment();
    let count = first + settings.len();
    let mut set = BTreeMap::from([("GIT_CONFIG_COUNT".to_owned(), count.to_string())]);
    for (place, (key, value)) in (first..).zip(settings) {
        set.insert(format!("GIT_CONFIG_KEY_{place}"), key.to_owned());
        set.insert(format!("GIT_CONFIG_VALUE_{place}"), value.to_owned());
    }
    set
}

/// The place where an agent works.
pub(super) struct Worksite<'a> {
    pub(super) repository: &'a Repository,
    pub(super) git_dir: &'a Path,
    pub(super) path: &'a Path,
}

impl Worksite<'_> {
    /// Returns the author of the agent's commits, as git settings: exactly what git would find in the
    /// worktree by itself, since these settings override every file.
    ///
    /// They are passed on because some agents hide the user's own configuration file from the commands that
    /// they run. `Paddock` and `paddock@localhost` replace a name or an address that is set nowhere.
    pub(super) fn identity(&self, variables: &Variables) -> BTreeMap<String, String> {
        let Variables { set, unset, secrets } = variables;
        let question =
            IdentityQuestion { work_tree: self.path, git_dir: self.git_dir, unset, set: [secrets, set] };
        let mut found = configured_identity(&question).unwrap_or_else(|error| {
            tracing::warn!(worktree = %self.path.display(), %error, "cannot read the author that git would use here");
            self.known_to_library()
        });
        found.retain(|_, value| is_usable(value));
        found.entry("user.name".to_owned()).or_insert_with(|| "Paddock".to_owned());
        found
            .entry("user.email".to_owned())
            .or_insert_with(|| email_variable(variables).unwrap_or_else(|| "paddock@localhost".to_owned()));
        found
    }

    /// Returns the identity as libgit2 finds it, without the worktree's own configuration.
    fn known_to_library(&self) -> BTreeMap<String, String> {
        let known = self.repository.facts().ok().and_then(|facts| facts.user_identity);
        let pairs = known.map(|(name, email)| [("user.name", name), ("user.email", email)]);
        pairs.into_iter().flatten().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

/// Returns whether git accepts the value as a name or address. Git strips these characters at both ends and
/// refuses what is empty then.
fn is_usable(value: &str) -> bool {
    value.chars().any(|c| c > ' ' && !".,:;<>\"\\'".contains(c))
}

/// Returns the variable `EMAIL`, which git uses where no address is configured.
fn email_variable(variables: &Variables) -> Option<String> {
    let Variables { set, unset, secrets } = variables;
    let name = "EMAIL";
    let own = || std::env::var(name).ok().filter(|_| !unset.iter().any(|unset| unset == name));
    let found = set.get(name).or_else(|| secrets.get(name)).cloned().or_else(own);
    found.filter(|value| is_usable(value))
}
