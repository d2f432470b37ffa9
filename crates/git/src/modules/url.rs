//! Urls of submodules that are relative to the project's own remote.

use crate::error::GitError;

/// Returns the url that git clones a submodule from. One that begins with `./` or `../` is relative to the
/// url of the project's `origin`; empty if the project has none.
///
/// # Errors
/// Fails if the project's configuration cannot be read.
pub(crate) fn absolute_url(library: &git2::Repository, url: &str) -> Result<String, GitError> {
    if !is_relative(url) {
        return Ok(url.to_owned());
    }
    let origin = library.config()?.get_string("remote.origin.url").unwrap_or_default();
    Ok(joined(&origin, url).unwrap_or_default())
}

fn is_relative(url: &str) -> bool {
    url.starts_with("./") || url.starts_with("../")
}

/// Applies a relative url to the url of a remote.
fn joined(origin: &str, url: &str) -> Option<String> {
    let (mut base, mut rest) = (origin.trim_end_matches('/'), url);
    // A path in the place of a url would be relative to the checkout.
    if base.is_empty() || is_relative(base) {
        return None;
    }
    let mut separator = '/';
    loop {
        if let Some(further) = rest.strip_prefix("../") {
            let at = base.rfind('/').or_else(|| base.rfind(':'))?;
            separator = if base.as_bytes().get(at) == Some(&b':') { ':' } else { '/' };
            (base, rest) = (base.get(..at)?, further);
        } else if let Some(further) = rest.strip_prefix("./") {
            rest = further;
        } else {
            return Some(format!("{base}{separator}{rest}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_urls_are_joined_as_git_joins_them() {
        for (origin, url, joined_url) in [
            ("https://example.org/a/b.git", "../c.git", Some("https://example.org/a/c.git")),
            ("https://example.org/a/b.git/", "../../c.git", Some("https://example.org/c.git")),
            ("git@example.org:a/b.git", "../c.git", Some("git@example.org:a/c.git")),
            ("git@example.org:b.git", "../c.git", Some("git@example.org:c.git")),
            ("/srv/b", "./c", Some("/srv/b/c")),
            ("", "../c", None),
            ("../b", "../c", None),
        ] {
            assert_eq!(joined(origin, url).as_deref(), joined_url, "{origin} {url}");
        }
    }
}
