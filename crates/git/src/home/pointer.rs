//! Pointers of git LFS: the small files that git keeps in the place of large ones.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// First line of a pointer. Earlier versions of git LFS wrote another address.
const VERSIONS: [&str; 2] =
    ["version https://git-lfs.github.com/spec/v1", "version https://hawser.github.com/spec/v1"];

/// The file that a pointer stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Pointer {
    /// SHA-256 of its content.
    pub(crate) sha256: [u8; 32],
    /// Its bytes.
    pub(crate) size: u64,
}

impl Pointer {
    /// Parses the text of a pointer.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let mut lines = text.lines();
        let version = lines.next()?;
        if !VERSIONS.contains(&version) {
            return None;
        }
        let (mut sha256, mut size) = (None, None);
        for line in lines {
            match line.split_once(' ')? {
                ("oid", value) => sha256 = Some(parse_hex(value.strip_prefix("sha256:")?)?),
                ("size", value) => size = Some(value.parse().ok()?),
                // Extensions, which stand before both.
                _ => {}
            }
        }
        Some(Self { sha256: sha256?, size: size? })
    }

    /// Returns where git LFS keeps the file below a git directory.
    pub(crate) fn file_below(&self, git_dir: &Path) -> PathBuf {
        let name = self.to_string();
        let (one, two) = (name.get(..2).unwrap_or_default(), name.get(2..4).unwrap_or_default());
        git_dir.join("lfs/objects").join(one).join(two).join(&name)
    }
}

/// The hash in lower case, by which git LFS names the file.
impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sha256.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let is_hex =
        text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2).filter(|_| is_hex)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_pointers_are_ones() {
        let hash = "0123456789abcdef".repeat(4);
        let pointer = |version: &str, oid: &str, rest: &str| format!("version {version}\noid {oid}\n{rest}");
        let (spec, oid) = ("https://git-lfs.github.com/spec/v1", format!("sha256:{hash}"));
        let good = Pointer::parse(pointer(spec, &oid, "size 12\n").as_bytes()).unwrap();
        assert_eq!((good.size, good.to_string()), (12, hash.clone()));
        assert_eq!(
            good.file_below(Path::new("/r/.git")),
            Path::new(&format!("/r/.git/lfs/objects/01/23/{hash}"))
        );
        for bad in [
            pointer("https://example.org", &oid, "size 12\n"),
            pointer(spec, &hash, "size 12\n"),
            pointer(spec, &oid.to_uppercase(), "size 12\n"),
            pointer(spec, &oid[..70], "size 12\n"),
            pointer(spec, &oid, "size -1\n"),
            pointer(spec, &oid, "size 99999999999999999999\n"),
            pointer(spec, &oid, ""),
            pointer(spec, &oid, "size 12\nnonsense\n"),
        ] {
            assert_eq!(Pointer::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
