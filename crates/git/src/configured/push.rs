//! Which changes of the configuration can act on a push to one remote.

use super::super::error::GitError;
use super::super::repository::Repository;
use super::files::Entry;
use super::key::Key;
use super::record::Judged;
use super::switch::split_name;

impl Repository {
    /// Returns the names of the changed entries that can act on a push to a remote: those of the remote
    /// itself, and of the others those that its URLs lead to.
    ///
    /// # Errors
    /// [`GitError::ConfigUnreadable`] names a file that cannot be read.
    pub fn acting_on_push(&self, judged: &Judged, remote: &str) -> Result<Vec<String>, GitError> {
        let names = judged.for_push(remote);
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let entries = self.entries()?;
        Ok(names.into_iter().filter(|name| acts(name, remote, &entries)).map(str::to_owned).collect())
    }
}

impl Repository {
    /// Returns the names of the remotes that the configuration of any level gives a URL, sorted.
    ///
    /// # Errors
    /// [`GitError::ConfigUnreadable`] names a file that cannot be read.
    pub fn remotes(&self) -> Result<Vec<String>, GitError> {
        let is_url = |entry: &&Entry| matches!(entry.key.last(), b"url" | b"pushurl");
        let entries = self.entries()?;
        let names = entries.iter().filter(is_url).filter_map(|entry| entry.key.subsection("remote"));
        let mut names: Vec<String> = names.map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }
}

/// Returns whether a changed entry can act on a push to the remote, as the configuration is now.
fn acts(name: &str, remote: &str, entries: &[Entry]) -> bool {
    let Some((_, key)) = split_name(name) else { return true };
    let written = urls(remote, entries);
    // Of a remote without a URL nothing is known. A value that is gone may have led anywhere.
    if written.is_empty() || !entries.iter().any(|entry| entry.key == key) {
        return true;
    }
    if key.subsection("url").is_some() {
        let mut values = entries.iter().filter(|entry| entry.key == key);
        return values.any(|entry| written.iter().any(|url| url.starts_with(&entry.value)));
    }
    let leads_to = rewritten(&written, entries);
    if key.is("core.sshcommand") {
        return leads_to.iter().any(|url| is_ssh(url));
    }
    if key.is("core.gitproxy") {
        return leads_to.iter().any(|url| url.starts_with(b"git://"));
    }
    if key.bytes().starts_with(b"credential.") {
        // git asks for passwords of HTTP and of nothing else; a key with a URL is for that host alone.
        let host = key.subsection("credential").map(|url| host_of(url).to_owned());
        return leads_to.iter().filter(|url| url.starts_with(b"http")).any(|url| {
            host.as_ref().is_none_or(|host| host.contains(&b'*') || host_of(url).ends_with(host.as_slice()))
        });
    }
    true
}

/// Returns the URLs of a remote as they are written.
fn urls(remote: &str, entries: &[Entry]) -> Vec<Vec<u8>> {
    let is_url = |key: &Key| {
        key.subsection("remote") == Some(remote.as_bytes()) && matches!(key.last(), b"url" | b"pushurl")
    };
    entries.iter().filter(|entry| is_url(&entry.key)).map(|entry| entry.value.clone()).collect()
}

/// Returns some URLs, and every URL that `url.BASE.insteadOf` makes of them.
fn rewritten(urls: &[Vec<u8>], entries: &[Entry]) -> Vec<Vec<u8>> {
    let mut all = urls.to_vec();
    for entry in entries {
        let Some(base) = entry.key.subsection("url") else { continue };
        let rests = urls.iter().filter_map(|url| url.strip_prefix(entry.value.as_slice()));
        all.extend(rests.map(|rest| [base, rest].concat()));
    }
    all
}

/// Returns whether git connects by ssh: `ssh://`, `git+ssh://`, or `HOST:PATH`.
fn is_ssh(url: &[u8]) -> bool {
    let text = String::from_utf8_lossy(url);
    match text.split_once("://") {
        Some((scheme, _)) => scheme.contains("ssh"),
        None => text.split('/').next().is_some_and(|first| first.contains(':')),
    }
}

/// Returns the host of a URL without name, password and port.
fn host_of(url: &[u8]) -> &[u8] {
    let at = url.windows(3).position(|found| found == b"://").map_or(0, |at| at + 3);
    let rest = url.get(at..).unwrap_or_default();
    let rest = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
    let rest = rest.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
    rest.split(|byte| *byte == b':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::files::Level;
    use super::*;

    fn entry(key: &str, value: &str) -> Entry {
        Entry {
            level: Level::Local,
            origin: PathBuf::from("config"),
            is_conditional: false,
            key: Key::new(key.as_bytes().to_vec()),
            value: value.as_bytes().to_vec(),
        }
    }

    #[test]
    fn only_what_a_remotes_urls_lead_to_acts_on_a_push() {
        let https = entry("remote.origin.url", "https://git.example/shop");
        let ssh = entry("remote.origin.url", "git@git.example:shop");
        let path = entry("remote.origin.url", "/srv/shop.git");
        let short = entry("url.ssh://git.example/.insteadof", "https://git.example/");
        for (changed, remote, is_acting) in [
            (entry("core.sshcommand", "ssh -v"), &https, false),
            (entry("core.sshcommand", "ssh -v"), &path, false),
            (entry("core.sshcommand", "ssh -v"), &ssh, true),
            (entry("credential.helper", "store"), &https, true),
            (entry("credential.helper", "store"), &ssh, false),
            (entry("credential.https://git.example.helper", "store"), &https, true),
            (entry("credential.https://other.example.helper", "store"), &https, false),
            (entry("url.ext::sh -c x.insteadof", "https://git."), &https, true),
            (entry("url.ext::sh -c x.insteadof", "https://other."), &https, false),
            (entry("core.gitproxy", "x"), &https, false),
            (entry("remote.origin.receivepack", "x"), &https, true),
        ] {
            let name = format!("config {}", String::from_utf8_lossy(changed.key.bytes()));
            let found = acts(&name, "origin", &[remote.clone(), changed.clone()]);
            assert_eq!(found, is_acting, "{changed:?} {remote:?}");
        }
        let led = [https.clone(), short, entry("core.sshcommand", "ssh -v")];
        assert!(acts("config core.sshcommand", "origin", &led));
        assert!(acts("config core.sshcommand", "origin", &[https]), "a command that is gone");
        assert!(acts("config core.sshcommand", "nowhere", &led));
    }
}
