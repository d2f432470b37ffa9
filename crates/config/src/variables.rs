//! Every environment variable that Paddock reads or sets, in one table: docs/configuration.md is made from
//! it, a test compares it with the sources, and `config validate` checks the values.

use super::environment::Environment;
use super::error::{ConfigError, Place, Severity};

/// Who gives a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// People set it for Paddock, in the environment or in the workspace's `.env`.
    Setting,
    /// The system or the terminal sets it; Paddock reads it as other programs do.
    Surroundings,
    /// Paddock sets it for the programs that it starts.
    Given,
    /// Only builds for tests read it.
    Tests,
}

/// One variable.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Name of the variable.
    pub name: &'static str,
    /// Who gives it.
    pub role: Role,
    /// Its default, in words; empty for variables that are not settings.
    pub default: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

const fn row(name: &'static str, role: Role, default: &'static str, meaning: &'static str) -> Variable {
    Variable { name, role, default, meaning }
}

use Role::{Given, Setting, Surroundings, Tests};

/// The table.
pub const TABLE: &[Variable] = &[
    row(
        "PADDOCK_ROOT",
        Setting,
        "the nearest workspace around the current folder, else the one that has the repository around the current \
         folder as a project, else the user's own",
        "The workspace; `--root` takes precedence. Not read from `.env`.",
    ),
    row(
        "PADDOCK_PROJECT",
        Setting,
        "all enabled projects, or the only one",
        "The project that commands mean; `--project` takes precedence.",
    ),
    row(
        "PADDOCK_DB",
        Setting,
        "`runtime/paddock.db`",
        "The database's file, relative to the workspace. All commands of a workspace must see the same value, so `.env` \
         is the place for it.",
    ),
    row(
        "PADDOCK_PROXY",
        Setting,
        "none",
        "The proxy of agents, as `SCHEME://[USER:PASSWORD@]HOST[:PORT]`. Paddock gives it to them as \
         HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, in upper and lower case, each only where it is not set already. Gates get none of it.",
    ),
    row(
        "PADDOCK_NO_PROXY",
        Setting,
        "`localhost,127.0.0.1,::1` where PADDOCK_PROXY is set",
        "Hosts that are reached without the proxy, separated by commas. Given as NO_PROXY and no_proxy where those are \
         not set already.",
    ),
    row(
        "PADDOCK_POLL_SECONDS",
        Setting,
        "20",
        "The maximum time between two looks at everything when nothing happens, in seconds from 1; `--poll-seconds` takes \
         precedence.",
    ),
    row(
        "PADDOCK_PLANNER_COOLDOWN",
        Setting,
        "300",
        "The minimum time between planner runs of a project, in seconds from 0; `--planner-cooldown` takes precedence.",
    ),
    row(
        "PADDOCK_LOG_LEVEL",
        Setting,
        "`info`",
        "What Paddock's own log in `runtime/logs` holds: `off`, `error`, `warn`, `info`, `debug` or `trace`, also by part: \
         `info,paddock_git=debug`.",
    ),
    row(
        "PADDOCK_ASCII",
        Setting,
        "unset",
        "The console draws with ASCII characters alone if this is not empty.",
    ),
    row("NO_COLOR", Surroundings, "", "The console uses no colours if this is not empty."),
    row(
        "TERM",
        Surroundings,
        "",
        "With `dumb` the console uses neither colours nor characters beyond ASCII.",
    ),
    row("VISUAL", Surroundings, "", "The editor that the console opens; else that of EDITOR, else `vi`."),
    row("PAGER", Surroundings, "", "The pager that the console opens; else `less -R`."),
    row("USER", Surroundings, "", "The name that is recorded with orders; else that of LOGNAME."),
    row(
        "XDG_DATA_HOME",
        Surroundings,
        "",
        "The folder of the user's own workspace, of the index of repositories and of the slots: `paddock` in it, else in \
         `~/.local/share`.",
    ),
    row(
        "XDG_CONFIG_HOME",
        Surroundings,
        "",
        "The folder with `paddock/keys.yaml` and `paddock/theme.yaml`; else `~/.config`.",
    ),
    row(
        "XDG_RUNTIME_DIR",
        Surroundings,
        "",
        "The folder of the socket, where the workspace's path is too long for one.",
    ),
    row(
        "TMPDIR",
        Surroundings,
        "",
        "The folder for the temporary files of sessions and gate runs, in `paddock-UID` there; else `/tmp`. Also read from \
         `.env`.",
    ),
    row("PADDOCK_SESSION", Given, "", "To agents: the number of the session."),
    row("PADDOCK_SESSION_KIND", Given, "", "To agents: the kind of the session."),
    row("PADDOCK_OBJECTIVE", Given, "", "To agents: the id of the objective."),
    row("PADDOCK_WORKTREE", Given, "", "To agents: the folder that they work in."),
    row("PADDOCK_PROMPT_FILE", Given, "", "To agents: the file that holds the prompt."),
    row("PADDOCK_GATE", Given, "", "To gate commands: the number of the gate run."),
    row(
        "PADDOCK_SLOT",
        Given,
        "",
        "To agents, set-ups and gate commands: a small number, from 0, that no other session and gate run of this user has \
         at the same time.",
    ),
    row(
        "PADDOCK_PORT_BASE",
        Given,
        "",
        "To the same: the first of the ports that belong to the slot (`ports`). Nothing listened at any of them when the \
         job began. Unset if the slot has no ports below 65536.",
    ),
    row(
        "TMPDIR",
        Given,
        "",
        "To the same: a private folder of the slot, empty at the start and removed at the end.",
    ),
    row(
        "XDG_RUNTIME_DIR",
        Given,
        "",
        "To the same: another such folder, with a path that is short enough for sockets.",
    ),
    row(
        "COMPOSE_PROJECT_NAME",
        Given,
        "",
        "To the same: `paddock-PROJECT-SLOT`, so that the containers of two jobs have different names.",
    ),
    row(
        "DBUS_SESSION_BUS_ADDRESS",
        Given,
        "",
        "To the same, only if it is unset and Paddock's own XDG_RUNTIME_DIR holds the socket `bus`: that socket, which \
         programs would no longer find.",
    ),
    row("PADDOCK_EVENT", Given, "", "To `notify` commands: the type of the event."),
    row(
        "PADDOCK_JOB_NONCE",
        Given,
        "",
        "To all of these: the mark by which Paddock finds their processes again.",
    ),
    row("PADDOCK_FAIL_POINT", Tests, "", "Names a place to stop at."),
    row("PADDOCK_TROUBLE", Tests, "", "Names a place to panic or to hang at."),
    row("PADDOCK_HISTORY", Tests, "", "Names a repository to search."),
    row("PADDOCK_WRITE_DOCS", Tests, "", "Has generated documents written instead of compared."),
    row("PADDOCK_WRITE_READINGS", Tests, "", "Has readings of recordings written instead of compared."),
];

/// Levels of the log, from silent to all.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
/// Schemes of proxies that programs know.
const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// What is wrong with a value, and what is right.
type Wrong = (String, String);

/// Returns the faults of the values of Paddock's own variables, each at its place in `.env`, or in the
/// environment.
#[must_use]
pub fn faults(environment: &Environment) -> Vec<ConfigError> {
    type Check = fn(&str) -> Option<Wrong>;
    let checks: [(&str, Check); 3] =
        [("PADDOCK_LOG_LEVEL", log_level), ("PADDOCK_PROXY", proxy), ("PADDOCK_NO_PROXY", no_proxy)];
    let mut found: Vec<(&str, Wrong)> =
        checks.into_iter().filter_map(|(name, check)| Some((name, check(environment.get(name)?)?))).collect();
    let seconds = [environment.poll_seconds(), environment.planner_cooldown_seconds()];
    for error in seconds.into_iter().filter_map(Result::err) {
        found.push((error.name, (format!("is {:?}", error.value), error.right)));
    }
    if let Err(error) = environment.project() {
        found.push((error.name, (format!("is {:?}", error.value), error.right)));
    }
    found.into_iter().map(|(name, (what, right))| fault(environment, name, &what, right)).collect()
}

/// Makes a fault about a variable, at its place.
#[must_use]
pub fn fault(environment: &Environment, name: &str, what: &str, right: String) -> ConfigError {
    let line = environment.line_of(name);
    ConfigError {
        file: if line.is_some() { ".env" } else { "environment" }.to_owned(),
        place: line.map_or_else(Place::default, |line| Place { line, column: 1 }),
        key: name.to_owned(),
        problem: format!("`{name}` {what}"),
        right: Some(right),
        severity: Severity::Error,
    }
}

/// Checks the filter of the log. A word that is no level would be taken for a part of the program whose
/// everything is logged, and nothing else.
fn log_level(value: &str) -> Option<Wrong> {
    let is_level = |word: &str| {
        LEVELS.contains(&word.to_lowercase().as_str()) || word.parse::<u8>().is_ok_and(|level| level <= 5)
    };
    let is_part = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "_:-[]{}=\"".contains(c))
    };
    let wrong = value.split(',').map(str::trim).find(|one| match one.rsplit_once('=') {
        Some((part, level)) => !is_part(part) || !is_level(level),
        None => !is_level(one) && !one.starts_with("paddock") && !one.contains("::"),
    })?;
    let words: Vec<&str> = LEVELS.to_vec();
    let right = match super::error::nearest(wrong, &words) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("use one of {}, or parts like `info,paddock_git=debug`", LEVELS.join(", ")),
    };
    Some((format!("holds {wrong:?}, which is no level"), right))
}

/// Checks a proxy. The value is not shown: it may hold a password.
fn proxy(value: &str) -> Option<Wrong> {
    let right = || Some("write it like `http://proxy.example:8080`".to_owned());
    let say = |what: &str| right().map(|right| (what.to_owned(), right));
    if value.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return say("holds a blank or a control character");
    }
    let Some((scheme, rest)) = value.split_once("://") else {
        return say("has no scheme, such as `http://`");
    };
    if !SCHEMES.contains(&scheme.to_lowercase().as_str()) {
        return Some((
            format!("has the unknown scheme {:?}", scheme.chars().take(20).collect::<String>()),
            format!("use one of {}", SCHEMES.join(", ")),
        ));
    }
    let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    // An address of IPv6 holds colons of its own.
    let (host, port) = match place.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() {
        return say("names no host");
    }
    match port {
        Some(port) if !port.parse::<u16>().is_ok_and(|port| port > 0) => {
            say("has a port that is no number from 1 to 65535")
        }
        _ => None,
    }
}

/// Checks the hosts that are reached without the proxy.
fn no_proxy(value: &str) -> Option<Wrong> {
    let wrong =
        value.split(',').find(|host| host.contains("://") || host.trim().contains(char::is_whitespace))?;
    let shown: String = wrong.trim().chars().take(60).collect();
    let right = "write names and addresses separated by commas, like `localhost,.example.com,10.0.0.0/8`";
    Some((format!("holds {shown:?}, which is no host"), right.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, value: &str) -> Option<String> {
        let found = faults(&Environment::from_variables([(name, value)]));
        assert!(found.len() <= 1, "{found:?}");
        found.first().map(ToString::to_string)
    }

    #[test]
    fn values_that_mean_nothing_are_named_with_what_is_right() {
        for (name, value, words) in [
            ("PADDOCK_LOG_LEVEL", "verbose", "use one of off, error"),
            ("PADDOCK_LOG_LEVEL", "debugg", "did you mean `debug`?"),
            ("PADDOCK_LOG_LEVEL", "info,paddock_git=lots", "holds \"paddock_git=lots\""),
            ("PADDOCK_LOG_LEVEL", ",,", "holds \"\""),
            ("PADDOCK_PROXY", "proxy.example:8080", "no scheme"),
            ("PADDOCK_PROXY", "htp://proxy.example", "unknown scheme \"htp\""),
            ("PADDOCK_PROXY", "http://", "names no host"),
            ("PADDOCK_PROXY", "http://user:secret@proxy:port", "a port"),
            ("PADDOCK_PROXY", "http://pro xy", "a blank"),
            ("PADDOCK_NO_PROXY", "http://localhost", "no host"),
            ("PADDOCK_NO_PROXY", "localhost 127.0.0.1", "no host"),
            ("PADDOCK_POLL_SECONDS", "often", "a whole number of seconds"),
            ("PADDOCK_PLANNER_COOLDOWN", "-1", "a whole number of seconds"),
            ("PADDOCK_PROJECT", "a b", "`PADDOCK_PROJECT` is \"a b\""),
        ] {
            let text = said(name, value).unwrap_or_else(|| panic!("{name}={value}"));
            assert!(text.starts_with(&format!("environment: `{name}`")) && text.contains(words), "{text}");
            assert!(!text.contains("secret"), "{text}");
        }
    }

    #[test]
    fn values_that_mean_something_are_good() {
        for (name, value) in [
            ("PADDOCK_LOG_LEVEL", "DEBUG"),
            ("PADDOCK_LOG_LEVEL", "warn,paddock_git=debug,paddock_runner::keeper=trace"),
            ("PADDOCK_LOG_LEVEL", "paddock_git"),
            ("PADDOCK_PROXY", "http://proxy.example:8080"),
            ("PADDOCK_PROXY", "socks5h://user:p%40ss@[::1]:1080/"),
            ("PADDOCK_NO_PROXY", "localhost, 127.0.0.1,::1,.example.com,10.0.0.0/8,*"),
            ("PADDOCK_POLL_SECONDS", "20"),
        ] {
            assert_eq!(said(name, value), None, "{name}={value}");
        }
    }

    #[test]
    fn a_fault_in_the_workspaces_file_has_its_line() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".env"), "# keys\nA=1\nexport PADDOCK_LOG_LEVEL=garbage\n")
            .unwrap();
        let found = faults(&Environment::default().with_file_of(folder.path()).unwrap());
        assert!(found[0].to_string().starts_with(".env:3:1: `PADDOCK_LOG_LEVEL` holds"), "{found:?}");
    }
}
