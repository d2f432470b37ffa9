//! The configuration of an own place: what git needs, and those of the project's own settings that are
//! harmless or agreed to.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::configured::LocalSetting;
use super::super::error::GitError;
use super::super::repository::Repository;
use super::super::worktree::Upstream;

/// Settings that change how git writes files, shows and merges them, and run nothing.
const HARMLESS: [&str; 27] = [
    "core.abbrev",
    "core.autocrlf",
    "core.bigfilethreshold",
    "core.commentchar",
    "core.eol",
    "core.filemode",
    "core.ignorecase",
    "core.precomposeunicode",
    "core.protecthfs",
    "core.protectntfs",
    "core.quotepath",
    "core.safecrlf",
    "core.symlinks",
    "core.whitespace",
    "apply.whitespace",
    "commit.cleanup",
    "commit.verbose",
    "diff.algorithm",
    "diff.renames",
    "i18n.commitencoding",
    "i18n.logoutputencoding",
    "merge.conflictstyle",
    "merge.renames",
    "pull.rebase",
    "rebase.autosquash",
    "rebase.autostash",
    "rerere.enabled",
];
/// Sections whose settings name people.
const PEOPLE: [&str; 3] = ["user.", "author.", "committer."];

/// Names and values by section and subsection.
type Sections = BTreeMap<(String, Option<Vec<u8>>), Vec<(String, Vec<u8>)>>;

/// Returns the text of a place's configuration.
pub(super) fn text(repository: &Repository, upstream: &Upstream) -> Result<Vec<u8>, GitError> {
    let mut sections = Sections::new();
    let mut add = |section: &str, subsection: Option<&[u8]>, name: &str, value: &[u8]| {
        let key = (section.to_owned(), subsection.map(<[u8]>::to_vec));
        sections.entry(key).or_default().push((name.to_owned(), value.to_vec()));
    };
    for (name, value) in [
        ("repositoryformatversion", "0"),
        ("filemode", "true"),
        ("bare", "false"),
        ("logallrefupdates", "true"),
    ] {
        add("core", None, name, value.as_bytes());
    }
    // The project's come later in a section, and the last value counts.
    for LocalSetting { section, subsection, name, value, is_agreed } in repository.local_settings()? {
        let key = format!("{section}.{name}");
        let is_harmless = subsection.is_none()
            && (HARMLESS.contains(&key.as_str()) || PEOPLE.iter().any(|people| key.starts_with(people)));
        if is_harmless || is_agreed {
            add(&section, subsection.as_deref(), &name, &value);
        }
    }
    // One agent's commit must not start garbage collection while it works.
    add("gc", None, "auto", b"0");
    add("maintenance", None, "auto", b"false");
    add("push", None, "default", b"current");
    add("remote", Some(b"origin"), "url", path_bytes(&upstream.origin));
    add("remote", Some(b"origin"), "fetch", b"+refs/heads/*:refs/remotes/origin/*");
    // Prompts name the integration ref.
    add("remote", Some(b"origin"), "fetch", b"+refs/heads/*:refs/paddock/integration/*");
    let mut text = Vec::new();
    for ((section, subsection), settings) in &sections {
        text.extend(header(section, subsection.as_deref()));
        for (name, value) in settings {
            text.extend(format!("\t{name} = ").into_bytes());
            text.extend(quoted(value));
            text.push(b'\n');
        }
    }
    Ok(text)
}

fn path_bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

fn header(section: &str, subsection: Option<&[u8]>) -> Vec<u8> {
    let mut header = format!("[{section}").into_bytes();
    if let Some(subsection) = subsection {
        header.extend(b" \"");
        for byte in subsection {
            if matches!(byte, b'"' | b'\\') {
                header.push(b'\\');
            }
            header.push(*byte);
        }
        header.push(b'"');
    }
    header.extend(b"]\n");
    header
}

/// Returns a value as git's configuration writes it.
fn quoted(value: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for byte in value {
        match byte {
            b'"' | b'\\' => quoted.extend([b'\\', *byte]),
            b'\n' => quoted.extend(b"\\n"),
            b'\t' => quoted.extend(b"\\t"),
            0x08 => quoted.extend(b"\\b"),
            other => quoted.push(*other),
        }
    }
    quoted.push(b'"');
    quoted
}
