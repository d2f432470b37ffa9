//! The environment: the process's own, the workspace's `.env`, and what agents and gates get of it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::dotenv;
use super::error::ConfigError;
use paddock_model::ids::{Person, ProjectSlug};
use paddock_model::markers::markers_among;

/// A variable that holds something it cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {value:?}: {right}")]
pub struct EnvironmentError {
    /// The variable.
    pub name: &'static str,
    /// What it holds.
    pub value: String,
    /// What it may hold.
    pub right: String,
}

/// All variables of a process.
pub(crate) type Variables = BTreeMap<OsString, OsString>;

/// Paddock's own variables over those of the workspace's `.env`.
///
/// A value, since changing a process's real environment is unsafe once it has threads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    real: Variables,
    file: BTreeMap<String, String>,
}

/// Characters of a user's name that are kept: no real one is longer.
const PERSON_CHARS_MAX: usize = 64;

/// The proxy variables of agents; each has a twin in lower case.
const PROXY_NAMES: [&str; 3] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
const NO_PROXY_DEFAULT: &str = "localhost,127.0.0.1,::1";

impl Environment {
    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self { real: std::env::vars_os().collect(), file: BTreeMap::new() }
    }

    /// An environment of these variables.
    pub fn from_variables<K: Into<OsString>, V: Into<OsString>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let real = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { real, file: BTreeMap::new() }
    }

    /// The same with `WORKSPACE/.env` read under it; the real environment wins. No file is no error.
    ///
    /// # Errors
    /// Every line that is not an assignment, or the file itself when it cannot be read.
    pub fn with_file_of(mut self, root: &Path) -> Result<Self, Vec<ConfigError>> {
        self.file = dotenv::read(&root.join(".env"), ".env")?;
        Ok(self)
    }

    /// The value of a variable; none when it is unset, empty or not text.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let real = self.real.get(OsStr::new(name)).map(|value| value.to_str().unwrap_or_default());
        real.or_else(|| self.file.get(name).map(String::as_str)).filter(|value| !value.is_empty())
    }

    /// The value of a variable as a path, whatever its bytes; none when it is unset or empty.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<&Path> {
        let real = self.real.get(OsStr::new(name)).map(OsString::as_os_str);
        let value = real.or_else(|| self.file.get(name).map(OsStr::new));
        value.filter(|value| !value.is_empty()).map(Path::new)
    }

    /// Returns who gives an order, for the record: the name that the system has for the user.
    #[must_use]
    pub fn person(&self) -> Person {
        let named = ["USER", "LOGNAME"].iter().filter_map(|name| self.real.get(OsStr::new(name))?.to_str());
        let clean =
            |name: &str| name.chars().filter(|c| !c.is_control()).take(PERSON_CHARS_MAX).collect::<String>();
        named.map(clean).find(|name| !name.trim().is_empty()).map_or_else(|| "a person".into(), Person::from)
    }

    /// Everything an agent gets: Paddock's own variables, `.env`, and the proxy where unset. A marker of an agent's
    /// shell comes from `.env` alone: a person wrote that file.
    #[must_use]
    pub fn for_agents(&self) -> Variables {
        let mut all: Variables = self.file.iter().map(|(k, v)| (k.into(), v.into())).collect();
        all.extend(self.unmarked());
        let mut fill = |name: &str, value: &str| {
            for name in [name.to_owned(), name.to_lowercase()] {
                all.entry(name.into()).or_insert_with(|| value.into());
            }
        };
        let proxy = self.get("PADDOCK_PROXY");
        for name in PROXY_NAMES {
            proxy.into_iter().for_each(|proxy| fill(name, proxy));
        }
        let none = self.get("PADDOCK_NO_PROXY").or(proxy.map(|_| NO_PROXY_DEFAULT));
        none.into_iter().for_each(|none| fill("NO_PROXY", none));
        all
    }

    /// Paddock's own variables without those by which an agent marks its shells, should it run in one.
    fn unmarked(&self) -> Variables {
        let markers = markers_among(self.real.keys().filter_map(|name| name.to_str().map(str::to_owned)));
        let is_kept = |name: &OsString| !markers.iter().any(|marker| OsStr::new(marker) == name);
        self.real.iter().filter(|(name, _)| is_kept(name)).map(|(k, v)| (k.clone(), v.clone())).collect()
    }

    /// PADDOCK_POLL_SECONDS: the longest a cycle waits when nothing happens, in seconds.
    ///
    /// # Errors
    /// When it is no whole number from 1.
    pub fn poll_seconds(&self) -> Result<u64, EnvironmentError> {
        self.seconds("PADDOCK_POLL_SECONDS", 20, 1)
    }

    /// PADDOCK_PLANNER_COOLDOWN: the least time between planner runs of a project, in seconds.
    ///
    /// # Errors
    /// When it is no whole number from 0.
    pub fn planner_cooldown_seconds(&self) -> Result<u64, EnvironmentError> {
        self.seconds("PADDOCK_PLANNER_COOLDOWN", 300, 0)
    }

    /// PADDOCK_LOG_LEVEL: the filter of Paddock's own log.
    #[must_use]
    pub fn log_level(&self) -> &str {
        self.get("PADDOCK_LOG_LEVEL").unwrap_or("info")
    }

    /// PADDOCK_PROJECT: the project that commands mean when they name none; none = all enabled ones.
    ///
    /// # Errors
    /// When it is no slug.
    pub fn project(&self) -> Result<Option<ProjectSlug>, EnvironmentError> {
        let name = "PADDOCK_PROJECT";
        let Some(value) = self.get(name) else { return Ok(None) };
        let error = |right: String| EnvironmentError { name, value: value.to_owned(), right };
        ProjectSlug::new(value).map(Some).map_err(|fault| error(fault.to_string()))
    }

    fn seconds(&self, name: &'static str, default: u64, least: u64) -> Result<u64, EnvironmentError> {
        let Some(value) = self.get(name) else { return Ok(default) };
        let right = format!("it must be a whole number of seconds from {least}, for example {default}");
        let error = EnvironmentError { name, value: value.to_owned(), right };
        // A year is beyond any use and far below what a deadline can hold.
        let allowed = least..=31_536_000;
        value.trim().parse().ok().filter(|seconds| allowed.contains(seconds)).ok_or(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gives_an_order_is_named_as_the_system_names_them() {
        let of = |variables: &[(&str, &str)]| Environment::from_variables(variables.iter().copied()).person();
        assert_eq!(of(&[("USER", "ada"), ("LOGNAME", "root")]), "ada");
        assert_eq!(of(&[("USER", " "), ("LOGNAME", "艾达\u{1b}[2J")]), "艾达[2J");
        assert_eq!(of(&[]), "a person");
    }
}
