//! What a failed push or fetch means. Rejected refs have a machine-readable line (`--porcelain`); for the
//! rest, git, ssh and the remote offer nothing but their messages.

use super::RemoteFailure;
use paddock_model::side_runs::RemoteCause;

/// Most lines of the remote, or of git, that a failure shows.
const LINES_MAX: usize = 3;
/// Most characters of such a line.
const LINE_CHARS_MAX: usize = 200;

/// What was asked of a remote.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) remote: &'a str,
    pub(super) branch: &'a str,
    /// Whether the repository has a remote of this name.
    pub(super) is_known: bool,
}

/// Words in messages, by what they mean; the first that is found counts. Exact ones come first: ssh and
/// git close with a general line such as "Could not read from remote repository".
const WORDS: [(RemoteCause, &[&str]); 9] = [
    (
        RemoteCause::HostKey,
        &["Host key verification failed", "HOST IDENTIFICATION HAS CHANGED", "host key is known for"],
    ),
    (
        RemoteCause::UnknownHost,
        &[
            "Could not resolve host",
            "Name or service not known",
            "nodename nor servname",
            "Temporary failure in name resolution",
            "unable to look up",
        ],
    ),
    (
        RemoteCause::Certificate,
        &["SSL certificate", "certificate verif", "server certificate", "CAfile", "self-signed certificate"],
    ),
    (
        RemoteCause::Forbidden,
        &[
            "denied to",
            "error: 403",
            "not allowed to push",
            "not allowed to upload",
            "marked as read only",
            "read-only repository",
            "read-only access",
            "Write access to repository not granted",
            "insufficient permission",
            "insufficient scope",
        ],
    ),
    (
        RemoteCause::NoRepository,
        &[
            "Repository not found",
            "repository not found",
            "does not appear to be a git repository",
            "project you were looking for could not be found",
            "error: 404",
            "' not found",
            "Repository does not exist",
            "does not exist or you do not have",
            "no such repository",
        ],
    ),
    (
        RemoteCause::Authentication,
        &[
            "Permission denied (",
            "Permission denied, please try again",
            "Authentication failed",
            "could not read Username",
            "could not read Password",
            "terminal prompts disabled",
            "Invalid username or",
            "Too many authentication failures",
            "error: 401",
            "Support for password authentication was removed",
        ],
    ),
    (RemoteCause::NoBranch, &["couldn't find remote ref", "Couldn't find remote ref"]),
    (RemoteCause::Timeout, &["timed out", "Timeout", "timeout"]),
    (
        RemoteCause::Network,
        &[
            "Connection refused",
            "Connection reset",
            "Connection closed",
            "Network is unreachable",
            "No route to host",
            "Failed to connect",
            "Couldn't connect",
            "hung up unexpectedly",
            "early EOF",
            "RPC failed",
            "Broken pipe",
            "error: 50",
        ],
    ),
];

/// Lines that say nothing about the cause.
const GENERAL: [&str; 3] = [
    "fatal: Could not read from remote repository.",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
];

/// Reads the output and the messages of a call that failed.
pub(super) fn read(words: &[String; 2], asked: &Asked<'_>) -> RemoteFailure {
    let [stdout, stderr] = words;
    let refused = stdout.lines().find(|line| line.starts_with('!'));
    let found = refused.map(refusal);
    let cause = match found {
        Some(cause) => cause,
        None if !asked.is_known && !is_address(asked.remote) => Some(RemoteCause::NoRemote),
        None => WORDS
            .iter()
            .find(|(_, words)| words.iter().any(|word| stderr.contains(word)))
            .map(|(cause, _)| *cause),
    };
    let said = said(stderr, refused, cause);
    let text = match (sentence(cause, asked), said.is_empty()) {
        (Some(sentence), true) => sentence,
        (Some(sentence), false) => format!("{sentence}: {said}"),
        (None, true) => format!("git gave no reason ({})", asked.remote),
        (None, false) => said,
    };
    RemoteFailure { cause, text }
}

/// Returns whether a remote is written as its address: there need not be one of that name.
fn is_address(remote: &str) -> bool {
    remote.contains(['/', ':'])
}

/// Returns why a ref was rejected, from its line: `!`, the refs, and the reason in brackets.
fn refusal(line: &str) -> Option<RemoteCause> {
    let reason = line.rsplit('\t').next().unwrap_or_default();
    let has = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    match () {
        () if has(&["(fetch first)", "(non-fast-forward)", "(stale info)", "(needs force)"]) => {
            Some(RemoteCause::Ahead)
        }
        () if has(&["checked out"]) => Some(RemoteCause::CheckedOut),
        // Somebody pushes at this moment. The next try finds what they pushed.
        () if has(&["cannot lock ref", "failed to update ref", "failed to lock"]) => None,
        () if reason.contains("remote rejected") => Some(RemoteCause::Declined),
        () => None,
    }
}

/// Returns the first lines of the remote, or else the last ones of git, that say why.
fn said(stderr: &str, refused: Option<&str>, cause: Option<RemoteCause>) -> String {
    // Nothing that a remote says adds to this.
    if matches!(cause, Some(RemoteCause::Ahead | RemoteCause::NoRemote)) {
        return String::new();
    }
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let remote: Vec<&str> = lines()
        .filter_map(|line| line.strip_prefix("remote:"))
        .map(str::trim)
        .filter(|line| line.chars().any(char::is_alphanumeric))
        .take(LINES_MAX)
        .collect();
    let reason = refused.and_then(|line| line.rsplit('\t').next());
    let is_reason = |line: &&str| {
        let is_noise =
            ["hint:", "To ", "remote:", "error: failed to push", "Warning: Permanently added", "@@@"];
        !is_noise.iter().any(|noise| line.starts_with(noise))
    };
    let mut own: Vec<&str> = lines().filter(is_reason).collect();
    // ssh and git close with these whatever happened.
    let exact: Vec<&str> = own.iter().copied().filter(|line| !GENERAL.contains(line)).collect();
    if !exact.is_empty() {
        own = exact;
    }
    let own = &own[own.len().saturating_sub(LINES_MAX)..];
    let chosen: Vec<&str> = match (remote.is_empty(), reason) {
        (false, reason) => reason.into_iter().chain(remote).collect(),
        (true, Some(reason)) => vec![reason],
        (true, None) => own.to_vec(),
    };
    let cut = |line: &&str| line.chars().take(LINE_CHARS_MAX).collect::<String>();
    chosen.iter().map(cut).collect::<Vec<_>>().join("; ")
}

/// Says what happened; `None` where the messages alone can.
fn sentence(cause: Option<RemoteCause>, asked: &Asked<'_>) -> Option<String> {
    let Asked { remote, branch, .. } = asked;
    Some(match cause? {
        RemoteCause::Ahead => format!("{remote}/{branch} holds commits that {branch} lacks"),
        RemoteCause::Declined => format!("{remote} declined it by a rule or hook of its own"),
        RemoteCause::CheckedOut => format!("{branch} is checked out in the repository of {remote}"),
        RemoteCause::Authentication => format!("{remote} did not accept your credentials"),
        RemoteCause::Forbidden => format!("{remote} knows you, but you may not do this there"),
        RemoteCause::HostKey => format!("the ssh host key of {remote} is unknown or has changed"),
        RemoteCause::Certificate => format!("the certificate of {remote} is not accepted"),
        RemoteCause::UnknownHost => format!("the host of {remote} is unknown"),
        RemoteCause::NoRepository => format!("there is no repository at the address of {remote}"),
        RemoteCause::NoRemote => format!("the repository has no remote {remote}"),
        RemoteCause::NoBranch => format!("{remote} has no branch {branch}"),
        RemoteCause::Timeout => format!("{remote} did not answer in time"),
        RemoteCause::Network => format!("{remote} cannot be reached"),
        RemoteCause::Untrusted => format!("git configuration that nobody agreed to leads to {remote}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use RemoteCause as C;

    const ASKED: Asked<'_> = Asked { remote: "origin", branch: "main", is_known: true };

    fn failure(stdout: &str, stderr: &str) -> RemoteFailure {
        read(&[stdout.to_owned(), stderr.to_owned()], &ASKED)
    }

    #[test]
    fn a_message_of_ssh_http_or_git_is_named_by_its_cause() {
        let general = "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct \
                       access rights\nand the repository exists.\n";
        let samples = [
            ("git@github.com: Permission denied (publickey).\n", C::Authentication),
            ("Host key verification failed.\n", C::HostKey),
            ("@@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n", C::HostKey),
            ("ssh: Could not resolve hostname git.nowhere: Name or service not known\n", C::UnknownHost),
            ("fatal: unable to access 'https://g.x/': Could not resolve host: g.x\n", C::UnknownHost),
            ("ssh: connect to host g.x port 22: Connection refused\n", C::Network),
            ("ssh: connect to host g.x port 22: Connection timed out\n", C::Timeout),
            ("kex_exchange_identification: Connection closed by remote host\n", C::Network),
            ("ERROR: Repository not found.\n", C::NoRepository),
            ("fatal: '/srv/gone.git' does not appear to be a git repository\n", C::NoRepository),
            (
                "remote: Repository not found.\nfatal: repository 'https://g.x/a/' not found\n",
                C::NoRepository,
            ),
            ("ERROR: Permission to a/b.git denied to ada.\n", C::Forbidden),
            (
                "remote: Permission to a/b.git denied to ada.\nfatal: unable to access 'https://g.x/': The \
              requested URL returned error: 403\n",
                C::Forbidden,
            ),
            (
                "fatal: could not read Username for 'https://g.x': terminal prompts disabled\n",
                C::Authentication,
            ),
            (
                "remote: Invalid username or token.\nfatal: Authentication failed for 'https://g.x'\n",
                C::Authentication,
            ),
            (
                "fatal: unable to access 'https://g.x/': SSL certificate problem: self-signed\n",
                C::Certificate,
            ),
            ("fatal: couldn't find remote ref refs/heads/main\n", C::NoBranch),
        ];
        for (stderr, cause) in samples {
            let found = failure("", &format!("{stderr}{general}"));
            assert_eq!(found.cause, Some(cause), "{stderr}");
            assert!(found.text.contains("origin"), "{}", found.text);
        }
    }

    #[test]
    fn a_rejected_ref_is_ahead_or_declined_and_the_remote_s_own_first_lines_are_shown() {
        let ahead = "To /x\n!\tabc:refs/heads/main\t[rejected] (fetch first)\nDone\n";
        let found = failure(ahead, "error: failed to push some refs to '/x'\n");
        assert_eq!(found.cause, Some(C::Ahead));
        assert_eq!(found.text, "origin/main holds commits that main lacks");
        let declined = "!\tabc:refs/heads/main\t[remote rejected] (protected branch hook declined)\n";
        let said = "remote: error: GH006: Protected branch update failed for refs/heads/main.        \nremote: \n\
                    remote: - Changes must be made through a pull request.        \nTo github.com:a/b.git\n\
                    error: failed to push some refs to 'github.com:a/b.git'\n";
        let found = failure(declined, said);
        assert_eq!(found.cause, Some(C::Declined));
        for words in ["declined it by a rule", "GH006", "through a pull request"] {
            assert!(found.text.contains(words), "{}", found.text);
        }
        let out = "!\tabc:refs/heads/main\t[remote rejected] (branch is currently checked out)\n";
        assert_eq!(failure(out, "").cause, Some(C::CheckedOut));
        // Somebody pushes at the same moment: nothing for a person to do.
        let racing = "!\tabc:refs/heads/main\t[remote rejected] (cannot lock ref 'refs/heads/main')\n";
        let found = failure(racing, "");
        assert!(found.cause.is_none() && found.text.contains("cannot lock ref"), "{found:?}");
    }

    #[test]
    fn an_unknown_failure_shows_git_s_own_last_lines() {
        let stderr = "one\ntwo\nhint: no\nfatal: the moon is in the way\n";
        let found = failure("", stderr);
        assert_eq!((found.cause, found.text.as_str()), (None, "one; two; fatal: the moon is in the way"));
        assert_eq!(failure("", "").text, "git gave no reason (origin)");
    }

    #[test]
    fn a_remote_that_is_not_set_up_is_named_as_such() {
        let stderr = "fatal: 'upstream' does not appear to be a git repository\n";
        let asked = Asked { remote: "upstream", is_known: false, ..ASKED };
        let found = read(&[String::new(), stderr.to_owned()], &asked);
        assert_eq!(found.cause, Some(C::NoRemote));
        assert_eq!(found.text, "the repository has no remote upstream");
    }
}
