//! Commits and tags: headers in their order, one a line.

use git2::ObjectType;

use super::{Link, id_of};

/// The headers that are left, and what they lack.
struct Headers<'a>(&'a [u8]);

impl<'a> Headers<'a> {
    /// Takes the next line if it has this name. Returns what follows the name.
    fn take(&mut self, name: &str) -> Result<Option<&'a [u8]>, String> {
        let Some(rest) = self.0.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b" ")) else {
            return Ok(None);
        };
        let end = memchr::memchr(b'\n', rest).ok_or_else(|| format!("has a `{name}` line without an end"))?;
        self.0 = &rest[end + 1..];
        Ok(Some(&rest[..end]))
    }

    fn need(&mut self, name: &str) -> Result<&'a [u8], String> {
        self.take(name)?.ok_or_else(|| format!("has no `{name}` line where one has to be"))
    }

    fn id(&mut self, name: &str) -> Result<git2::Oid, String> {
        id_of(self.need(name)?).ok_or_else(|| format!("has a `{name}` line that holds no object id"))
    }

    /// Checks that the headers are over, or go on with lines that git ignores.
    fn rest(self, names: &[&str]) -> Result<(), String> {
        let end = memchr::memmem::find(self.0, b"\n\n").map_or(self.0.len(), |end| end + 1);
        let headers = if self.0.starts_with(b"\n") { &[][..] } else { &self.0[..end] };
        for line in headers.split(|byte| *byte == b'\n') {
            if let Some(name) = names
                .iter()
                .find(|name| line.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b" ")))
            {
                return Err(format!("has a second `{name}` line, or one in the wrong place"));
            }
        }
        Ok(())
    }
}

/// Checks a commit.
pub(super) fn commit(data: &[u8], named: &mut dyn FnMut(Link<'_>)) -> Result<(), String> {
    no_nul(data)?;
    let mut headers = Headers(data);
    named(Link { id: headers.id("tree")?, kind: Some(ObjectType::Tree), name: &[] });
    while let Some(parent) = headers.take("parent")? {
        let id = id_of(parent).ok_or("has a `parent` line that holds no object id")?;
        named(Link { id, kind: Some(ObjectType::Commit), name: &[] });
    }
    person("author", headers.need("author")?)?;
    person("committer", headers.need("committer")?)?;
    headers.rest(&["tree", "parent", "author", "committer"])
}

/// Checks a tag.
pub(super) fn tag(data: &[u8], named: &mut dyn FnMut(Link<'_>)) -> Result<(), String> {
    no_nul(data)?;
    let mut headers = Headers(data);
    let id = headers.id("object")?;
    let kind = match headers.need("type")? {
        b"commit" => ObjectType::Commit,
        b"tree" => ObjectType::Tree,
        b"blob" => ObjectType::Blob,
        b"tag" => ObjectType::Tag,
        _ => return Err("has a `type` line that names no kind of object".to_owned()),
    };
    let name = std::str::from_utf8(headers.need("tag")?).unwrap_or_default();
    if !git2::Reference::is_valid_name(&format!("refs/tags/{name}")) {
        return Err("has a `tag` line that holds no name of a tag".to_owned());
    }
    // The first tags of git have no tagger.
    if let Some(tagger) = headers.take("tagger")? {
        person("tagger", tagger)?;
    }
    named(Link { id, kind: Some(kind), name: &[] });
    headers.rest(&["object", "type", "tag", "tagger"])
}

fn no_nul(data: &[u8]) -> Result<(), String> {
    match memchr::memchr(0, data) {
        None => Ok(()),
        Some(_) => Err("holds a NUL byte".to_owned()),
    }
}

/// Checks `Name <mail> 1700000000 +0100`.
fn person(name: &str, line: &[u8]) -> Result<(), String> {
    let fault = |what: &str| Err(format!("has an `{name}` line {what}"));
    let Some(open) = memchr::memchr2(b'<', b'>', line).filter(|at| line[*at] == b'<') else {
        return fault("without a mail address");
    };
    if open == 0 || line[open - 1] != b' ' {
        return fault("without a blank before the mail address");
    }
    let rest = &line[open + 1..];
    let Some(close) = memchr::memchr2(b'<', b'>', rest).filter(|at| rest[*at] == b'>') else {
        return fault("whose mail address does not end");
    };
    let Some(rest) = rest[close + 1..].strip_prefix(b" ") else {
        return fault("without a blank before the time");
    };
    let mut parts = rest.split(|byte| *byte == b' ');
    let (time, zone) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let is_number = !time.is_empty() && time.iter().all(u8::is_ascii_digit);
    let is_bounded = std::str::from_utf8(time).is_ok_and(|time| time.parse::<i64>().is_ok());
    if !is_number || !is_bounded || (time.len() > 1 && time[0] == b'0') {
        return fault("whose time is no number of seconds");
    }
    let digits = zone.strip_prefix(b"+").or_else(|| zone.strip_prefix(b"-")).unwrap_or_default();
    if digits.len() != 4 || !digits.iter().all(u8::is_ascii_digit) || parts.next().is_some() {
        return fault("whose time zone is none");
    }
    Ok(())
}
