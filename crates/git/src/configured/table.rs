//! The one list of configuration keys by which git, or git LFS, runs a program or is led to one.
//!
//! Each row says what runs, and what Paddock's own calls of git do about it. Sources: the git manual
//! (git-config, gitattributes, githooks, git-send-email, git-difftool) and the manual of git LFS
//! (git-lfs-config, git-lfs-extensions).

use super::key::Key;

/// What Paddock's own calls of git do about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// Never runs: each call overrides the key, or no call of Paddock's gets to it.
    Off,
    /// Runs if it is agreed to. Otherwise each call overrides it, and a commit with a file that needs it is
    /// not checked out.
    Agreed,
    /// Decides what git writes, and where. A change holds the project.
    Held,
    /// Used only to sign merges.
    Signing,
    /// Used only to push to a remote.
    Push,
    /// Shown only: it runs nothing under Paddock.
    Shown,
}

/// Which values of a key name a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runs {
    /// Every value.
    Every,
    /// No value: the key only leads git somewhere or changes what it writes.
    Nothing,
    /// Values that begin with `!`.
    Bang,
    /// Values that begin with `NAME::`, which is a program `git-remote-NAME`.
    Transport,
}

/// One row of the list.
#[derive(Debug)]
pub(super) struct Row {
    /// The key in lower case. A `*` stands for any text, dots included.
    pub(super) pattern: &'static str,
    /// What Paddock's calls do about it.
    pub(super) means: Means,
    pub(super) runs: Runs,
    /// What git does by it, and when.
    pub(super) does: &'static str,
}

const fn row(pattern: &'static str, means: Means, runs: Runs, does: &'static str) -> Row {
    Row { pattern, means, runs, does }
}

use Means::{Agreed, Held, Off, Push, Shown, Signing};
use Runs::{Bang, Every, Nothing, Transport};

/// The list. The first row that matches a key counts.
pub(super) static TABLE: [Row; 88] = [
    // gitattributes: filters convert files on checkout, on add and whenever git compares them.
    row("filter.*.clean", Agreed, Every, "converts files that are added or compared"),
    row("filter.*.smudge", Agreed, Every, "converts files that are checked out"),
    row("filter.*.process", Agreed, Every, "converts files that are added or checked out"),
    row("filter.*.*", Agreed, Nothing, "says how a filter is used"),
    row("merge.*.driver", Agreed, Every, "merges files that both sides changed"),
    row("merge.*.*", Shown, Nothing, "says how a merge driver is used"),
    row("merge.default", Held, Nothing, "chooses the merge driver of files without a `merge` attribute"),
    row("merge.tool", Off, Nothing, "chooses the program of `git mergetool`"),
    row("merge.guitool", Off, Nothing, "chooses the program of `git mergetool --gui`"),
    row("diff.external", Off, Every, "shows differences"),
    row("diff.*.command", Off, Every, "shows differences of files"),
    row("diff.*.textconv", Off, Every, "makes files readable before differences are shown"),
    row("diff.*.*", Shown, Nothing, "says how differences of files are shown"),
    // git LFS reads git's configuration.
    row("lfs.customtransfer.*.path", Agreed, Every, "transfers LFS files"),
    row("lfs.customtransfer.*.args", Agreed, Every, "gives arguments to a program that transfers LFS files"),
    row("lfs.customtransfer.*", Shown, Nothing, "says how a program that transfers LFS files is used"),
    row("lfs.standalonetransferagent", Agreed, Every, "chooses the program that transfers LFS files"),
    row("lfs.*.standalonetransferagent", Agreed, Every, "chooses the program that transfers LFS files"),
    row("lfs.extension.*.clean", Agreed, Every, "converts LFS files that are added"),
    row("lfs.extension.*.smudge", Agreed, Every, "converts LFS files that are checked out"),
    row("lfs.extension.*", Shown, Nothing, "says how an LFS extension is used"),
    row("lfs.*", Shown, Nothing, "leads git LFS to a server, or chooses what it fetches"),
    // Hooks and watchers.
    row("core.hookspath", Off, Every, "names the folder of the hooks"),
    row("hook.*", Off, Every, "runs at an event, like a hook"),
    row("core.fsmonitor", Off, Every, "tells git which files changed"),
    row("init.templatedir", Shown, Nothing, "gives new repositories their hooks"),
    row("gc.recentobjectshook", Off, Every, "names objects that `git gc` keeps"),
    row("uploadpack.packobjectshook", Off, Every, "packs objects that others fetch"),
    row("core.alternaterefscommand", Off, Every, "lists the refs of a borrowed object store"),
    // Programs for people at a terminal.
    row("core.pager", Off, Every, "shows output at a terminal"),
    row("pager.*", Off, Every, "shows output at a terminal"),
    row("core.editor", Off, Every, "edits messages"),
    row("sequence.editor", Off, Every, "edits the list of a rebase"),
    row("core.askpass", Off, Every, "asks for passwords"),
    row("interactive.difffilter", Off, Every, "colours differences in `git add -p`"),
    row("alias.*", Off, Bang, "is a command of its own"),
    row("trailer.*.command", Off, Every, "gives the value of a trailer"),
    row("trailer.*.cmd", Off, Every, "gives the value of a trailer"),
    row("tar.*.command", Off, Every, "compresses archives"),
    row("difftool.*.cmd", Off, Every, "is run by `git difftool`"),
    row("difftool.*.path", Off, Every, "is run by `git difftool`"),
    row("mergetool.*.cmd", Off, Every, "is run by `git mergetool`"),
    row("mergetool.*.path", Off, Every, "is run by `git mergetool`"),
    row("guitool.*.cmd", Off, Every, "is run by `git gui`"),
    row("man.*.cmd", Off, Every, "shows manual pages"),
    row("man.*.path", Off, Every, "shows manual pages"),
    row("browser.*.cmd", Off, Every, "shows web pages"),
    row("browser.*.path", Off, Every, "shows web pages"),
    row("web.browser", Off, Nothing, "chooses the program that shows web pages"),
    row("help.browser", Off, Nothing, "chooses the program that shows web pages"),
    row("instaweb.httpd", Off, Every, "serves `git instaweb`"),
    row("instaweb.browser", Off, Every, "shows `git instaweb`"),
    row("imap.tunnel", Off, Every, "connects `git imap-send`"),
    row("sendemail.*cmd", Off, Every, "is run by `git send-email`"),
    row("sendemail.*smtpserver", Off, Every, "sends mail"),
    // Submodules: no call of Paddock's goes into one.
    row("submodule.*.update", Off, Bang, "updates a submodule"),
    row("submodule.*.url", Shown, Nothing, "leads git to the repository of a submodule"),
    // Signatures.
    row("gpg.program", Signing, Every, "signs and checks signatures"),
    row("gpg.*.program", Signing, Every, "signs and checks signatures"),
    row("gpg.ssh.defaultkeycommand", Signing, Every, "names the key to sign with"),
    row("gpg.*", Signing, Nothing, "says how signatures are made and checked"),
    row("user.signingkey", Shown, Nothing, "names the key to sign with"),
    row("commit.gpgsign", Shown, Nothing, "signs the commits of people and agents"),
    row("tag.gpgsign", Shown, Nothing, "signs tags"),
    row("push.gpgsign", Shown, Nothing, "signs pushes"),
    // The way to other repositories.
    row("core.sshcommand", Push, Every, "connects to other machines"),
    row("core.gitproxy", Push, Every, "connects to other machines"),
    row("credential.*", Push, Every, "gives names and passwords"),
    row("url.*", Push, Transport, "leads git to another URL"),
    row("remote.*.url", Push, Transport, "is where a remote lies"),
    row("remote.*.pushurl", Push, Transport, "is where a remote takes pushes"),
    row("remote.*.vcs", Push, Every, "chooses the program for a remote"),
    row("remote.*.receivepack", Push, Every, "is run on the remote's side of a push"),
    row("remote.*.proxy", Push, Nothing, "leads git to a remote through another machine"),
    row("remote.*.uploadpack", Off, Every, "is run on the remote's side of a fetch"),
    row("remote.*.promisor", Shown, Nothing, "fetches missing objects from a remote"),
    row("core.partialclone", Shown, Nothing, "fetches missing objects from a remote"),
    row("protocol.*", Shown, Nothing, "allows kinds of URLs, some of which are programs"),
    row("http.*", Shown, Nothing, "leads git through another machine"),
    // What leads to other configuration, attributes or files.
    row("include.path", Shown, Nothing, "reads another configuration file"),
    row("includeif.*", Shown, Nothing, "reads another configuration file, on a condition"),
    row("core.attributesfile", Held, Nothing, "chooses filters and merge drivers of files"),
    row("attr.tree", Held, Nothing, "chooses filters and merge drivers of files"),
    row("core.excludesfile", Shown, Nothing, "names files that git ignores"),
    row("core.worktree", Held, Nothing, "is the folder whose files git changes"),
    row("core.bare", Held, Nothing, "says whether a branch moves together with its files"),
    row("extensions.worktreeconfig", Shown, Nothing, "gives each worktree a configuration file"),
    row("extensions.*", Held, Nothing, "changes the format of the repository"),
];

impl Row {
    /// Returns the row for a key, or `None` if git runs nothing by it.
    #[must_use]
    pub(super) fn find(key: &Key) -> Option<&'static Self> {
        // Subsections keep their case for git, but not for git LFS.
        let key = key.bytes().to_ascii_lowercase();
        TABLE.iter().find(|row| matches(row.pattern.as_bytes(), &key))
    }

    /// Returns whether the key makes git read another configuration file.
    pub(super) fn includes(&self) -> bool {
        self.pattern == "include.path" || self.pattern == "includeif.*"
    }

    /// Returns whether git would run this value, or a program that it names.
    pub(super) fn runs(&self, key: &Key, value: &[u8]) -> bool {
        match self.runs {
            Every => true,
            Nothing => false,
            Bang => value.starts_with(b"!"),
            // `url.EXT::X.insteadOf` has the URL in the key.
            Transport => is_transport(value) || key.subsection("url").is_some_and(is_transport),
        }
    }
}

/// Returns whether a URL begins with `NAME::`.
fn is_transport(url: &[u8]) -> bool {
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let scheme = url.iter().take_while(|byte| is_scheme(byte)).count();
    scheme > 0 && url.get(scheme..).is_some_and(|rest| rest.starts_with(b"::"))
}

/// Matches a pattern in which each `*` stands for any text.
fn matches(pattern: &[u8], key: &[u8]) -> bool {
    match pattern.split_first() {
        None => key.is_empty(),
        Some((b'*', rest)) => (0..=key.len()).any(|at| matches(rest, key.get(at..).unwrap_or_default())),
        Some((byte, rest)) => {
            key.split_first().is_some_and(|(found, key)| found == byte && matches(rest, key))
        }
    }
}
