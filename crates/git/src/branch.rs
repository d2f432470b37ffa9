//! Reading a whole branch commit by commit: secrets that its history would land, and the paths that only some
//! of its commits change.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;

use git2::{Commit, Oid};

use super::blob_stream::BlobFile;
use super::error::GitError;
use super::harvest::{COMMITS_MAX, facts_of, new_commits};
use super::objects::is_gitlink;
use super::repository::{Repository, object_id, oid};
use super::snapshot::{FOLDER, Snapshot};
use crate::secrets::{Found, SearchError, Work, search};
use paddock_model::facts::{SecretFact, UnsearchedFact};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;

/// Size up to which a file is searched, in bytes. Nobody writes a larger file by hand, and to read it would take
/// minutes.
const SEARCHED_BYTES_MAX: u64 = 4 << 30;
/// Work for the whole branch: about ten minutes. Ordinary text costs ten times its size.
const WORK_MAX: u64 = 128 << 30;
/// Maximum number of secrets, and of files that were not searched, that are reported.
const REPORTED_MAX: usize = 20;

/// Facts about the commits of a branch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BranchFacts {
    /// Secrets that any commit adds, even if a later commit removes them: the history lands, too.
    pub secrets: Vec<SecretFact>,
    /// Files that were not searched to their end, at most twenty.
    pub unsearched: Vec<UnsearchedFact>,
    /// Paths that no commit changes other than those of the given sessions.
    pub own_paths: Vec<RepoPath>,
}

/// Reads every commit of a branch that is not on the integration ref. `sessions` are ranges of commits; each
/// begins after its first commit and ends with its second. `own_paths` of the result are the paths that only
/// commits in these ranges change.
///
/// # Errors
/// Fails if the repository cannot be read.
pub fn read_branch(
    repository: &Repository,
    integration: &ObjectId,
    head: &ObjectId,
    sessions: &[(ObjectId, ObjectId)],
) -> Result<BranchFacts, GitError> {
    read_commits(repository, integration, head, sessions, COMMITS_MAX)
}

fn read_commits(
    repository: &Repository,
    integration: &ObjectId,
    head: &ObjectId,
    sessions: &[(ObjectId, ObjectId)],
    commits_max: usize,
) -> Result<BranchFacts, GitError> {
    let library = repository.library()?;
    let mut own = BTreeSet::new();
    for (from, to) in sessions {
        // A commit that was rewritten and garbage-collected is no part of the branch either.
        if library.find_commit(oid(from)?).is_ok() && library.find_commit(oid(to)?).is_ok() {
            own.extend(new_commits(&library, to, &[from, integration])?);
        }
    }
    let mut secrets = Secrets::new(repository, &library);
    let (mut by_own, mut by_others) = (BTreeSet::new(), BTreeSet::new());
    for (number, id) in new_commits(&library, head, &[integration])?.into_iter().enumerate() {
        if number >= commits_max {
            secrets.leave(&object_id(id)?, None);
            break;
        }
        let commit = library.find_commit(id)?;
        let facts = facts_of(&library, &commit, true)?;
        secrets.read(&commit, &facts.paths)?;
        let paths = if own.contains(&id) { &mut by_own } else { &mut by_others };
        paths.extend(facts.paths);
    }
    let own_paths = by_own.difference(&by_others).cloned().collect();
    Ok(BranchFacts { secrets: secrets.found, unsearched: secrets.unsearched, own_paths })
}

/// What the search of a file found.
#[derive(Clone)]
enum InFile {
    /// It was searched to its end.
    Searched(Rc<[Found]>),
    /// It is too large, or is not in the repository.
    NotSearched,
}

/// The search for secrets over the commits of a branch.
struct Secrets<'r> {
    repository: &'r Repository,
    library: &'r git2::Repository,
    /// Results by object and path, which some rules go by: most commits change few files.
    seen: BTreeMap<(Oid, RepoPath), InFile>,
    work: Work,
    reported_max: usize,
    searched_bytes_max: u64,
    found: Vec<SecretFact>,
    unsearched: Vec<UnsearchedFact>,
}

/// Returns the object of a path at which a tree has a file or a link, not a folder or a submodule.
fn file_at(tree: &Snapshot<'_>, path: &RepoPath) -> Option<Oid> {
    let is_file = |mode: i32| mode != FOLDER && !u32::try_from(mode).is_ok_and(is_gitlink);
    tree.entry(path).filter(|(_, mode)| is_file(*mode)).map(|(id, _)| id)
}

impl<'r> Secrets<'r> {
    fn new(repository: &'r Repository, library: &'r git2::Repository) -> Self {
        let (seen, work) = (BTreeMap::new(), Work(WORK_MAX));
        let (found, unsearched) = (Vec::new(), Vec::new());
        Self {
            repository,
            library,
            seen,
            work,
            reported_max: REPORTED_MAX,
            searched_bytes_max: SEARCHED_BYTES_MAX,
            found,
            unsearched,
        }
    }

    /// Searches what a commit adds. A secret that a parent holds at the same path came with that parent.
    fn read(&mut self, commit: &Commit<'_>, paths: &[RepoPath]) -> Result<(), GitError> {
        let id = object_id(commit.id())?;
        let tree = Snapshot::new(self.library, Some(commit.tree_id()));
        let mut suspects = Vec::new();
        for path in paths {
            let Some(blob) = file_at(&tree, path) else { continue };
            match self.in_file(blob, path)? {
                InFile::NotSearched => self.leave(&id, Some(path)),
                InFile::Searched(found) if found.is_empty() => {}
                InFile::Searched(found) => suspects.push((path.clone(), found)),
            }
        }
        if !suspects.is_empty() {
            self.keep_new(&id, commit, suspects)?;
        }
        self.beside_files(&id, commit, paths)
    }

    /// Reports the secrets that no parent holds at the same path.
    fn keep_new(
        &mut self,
        id: &ObjectId,
        commit: &Commit<'_>,
        suspects: Vec<(RepoPath, Rc<[Found]>)>,
    ) -> Result<(), GitError> {
        let paths: Vec<RepoPath> = suspects.iter().map(|(path, _)| path.clone()).collect();
        // Texts are compared, not lines: a secret that only moves within its file is not new.
        let mut old: BTreeMap<RepoPath, Vec<Rc<[Found]>>> = BTreeMap::new();
        for parent in commit.parents() {
            let tree = Snapshot::new(self.library, Some(parent.tree_id()));
            for path in &paths {
                let Some(blob) = file_at(&tree, path) else { continue };
                if let InFile::Searched(found) = self.in_file(blob, path)? {
                    old.entry(path.clone()).or_default().push(found);
                }
            }
        }
        for (path, found) in suspects {
            let before = old.get(&path).map(Vec::as_slice).unwrap_or_default();
            let is_old =
                |one: &&Found| before.iter().flat_map(|found| found.iter()).any(|b| b.text == one.text);
            for one in found.iter().filter(|one| !is_old(one)) {
                self.add(id, Some(path.clone()), one.kind, one.line);
            }
        }
        Ok(())
    }

    /// Searches the message, the names of people and the paths: they are pushed with the history, too.
    fn beside_files(
        &mut self,
        id: &ObjectId,
        commit: &Commit<'_>,
        paths: &[RepoPath],
    ) -> Result<(), GitError> {
        let names: Vec<&[u8]> = paths.iter().map(RepoPath::as_bytes).collect();
        let names = names.join(&b'\n');
        for text in [commit.message_raw_bytes(), commit.raw_header_bytes(), &names] {
            match search(text, b"", &mut self.work) {
                Ok(found) => {
                    // A path that holds a secret is not named: the finding would repeat the secret.
                    found.iter().for_each(|one| self.add(id, None, one.kind, one.line));
                }
                Err(SearchError::Spent) => self.leave(id, None),
                Err(error) => return Err(read_error(error)),
            }
        }
        Ok(())
    }

    fn add(&mut self, commit: &ObjectId, path: Option<RepoPath>, kind: &str, line: usize) {
        if self.found.len() < self.reported_max {
            let (commit, kind) = (commit.clone(), kind.to_owned());
            self.found.push(SecretFact { commit, path, kind, line: u32::try_from(line).unwrap_or(u32::MAX) });
        }
    }

    fn leave(&mut self, commit: &ObjectId, path: Option<&RepoPath>) {
        if self.unsearched.len() < self.reported_max {
            self.unsearched.push(UnsearchedFact { commit: commit.clone(), path: path.cloned() });
        }
    }

    fn in_file(&mut self, blob: Oid, path: &RepoPath) -> Result<InFile, GitError> {
        let key = (blob, path.clone());
        if let Some(known) = self.seen.get(&key) {
            return Ok(known.clone());
        }
        let file = BlobFile::find(self.repository, self.library, blob)?;
        let found = match file.filter(|file| file.bytes <= self.searched_bytes_max) {
            None => InFile::NotSearched,
            Some(file) => match search(file.open()?, path.as_bytes(), &mut self.work) {
                Ok(found) => InFile::Searched(found.into()),
                Err(SearchError::Spent) => InFile::NotSearched,
                Err(error) => return Err(read_error(error)),
            },
        };
        self.seen.insert(key, found.clone());
        Ok(found)
    }
}

fn read_error(error: SearchError) -> GitError {
    match error {
        SearchError::Io(source) => GitError::Io { path: PathBuf::from("git"), source },
        SearchError::Rules(_) | SearchError::Spent => GitError::Unexpected(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::path::Path;
    use std::process::Command;

    use super::*;

    /// A repository and the commits that are made in it.
    struct Branch {
        folder: tempfile::TempDir,
        library: git2::Repository,
        commits: Vec<Oid>,
    }

    impl Branch {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let library = git2::Repository::init(folder.path()).unwrap();
            let mut branch = Self { folder, library, commits: Vec::new() };
            branch.commit(&[("begin.txt", b"Begin")], "Ada");
            branch
        }

        /// Commits files with these contents.
        fn commit(&mut self, files: &[(&str, &[u8])], author: &str) -> ObjectId {
            let library = &self.library;
            let parents: Vec<Commit<'_>> =
                self.commits.last().map(|id| library.find_commit(*id).unwrap()).into_iter().collect();
            let before = match parents.first() {
                Some(parent) => parent.tree().unwrap(),
                None => library.find_tree(library.treebuilder(None).unwrap().write().unwrap()).unwrap(),
            };
            let mut update = git2::build::TreeUpdateBuilder::new();
            for (path, content) in files {
                update.upsert(*path, library.blob(content).unwrap(), git2::FileMode::Blob);
            }
            let tree = library.find_tree(update.create_updated(library, &before).unwrap()).unwrap();
            let by = git2::Signature::now(author, "ada@localhost").unwrap();
            let parents: Vec<&Commit<'_>> = parents.iter().collect();
            let id = library.commit(Some("HEAD"), &by, &by, "Work", &tree, &parents).unwrap();
            self.commits.push(id);
            object_id(id).unwrap()
        }

        fn open(&self) -> Repository {
            Repository::open(self.folder.path()).unwrap()
        }

        fn facts(&self) -> BranchFacts {
            let id = |id: Option<&Oid>| object_id(*id.unwrap()).unwrap();
            read_branch(&self.open(), &id(self.commits.first()), &id(self.commits.last()), &[]).unwrap()
        }

        fn git(&self, arguments: &[&str]) {
            let status = Command::new("git").arg("-C").arg(self.folder.path()).args(arguments).output();
            assert!(status.unwrap().status.success());
        }
    }

    /// Makes a token up, so that no source file contains one.
    fn token() -> String {
        ["gh", "p_", &(0..36).map(|n| char::from(b"aB3dE5gH7jK9"[n * 5 % 12])).collect::<String>()].concat()
    }

    /// A text of nine megabytes, which is read by stream, with a token at its end.
    fn large() -> Vec<u8> {
        let line = b"0123456789 abcdefghij 0123456789 abcdefghij 0123456789 abcdefgh\n";
        [line.repeat((9 << 20) / 64), token().into_bytes()].concat()
    }

    #[test]
    fn a_secret_at_the_end_of_a_large_file_is_found_loose_and_packed() {
        let mut branch = Branch::new();
        let text = large();
        let commit = branch.commit(&[("data/large.csv", &text)], "Ada");
        let path = Some(RepoPath::new("data/large.csv"));
        let line = u32::try_from((9 << 20) / 64 + 1).unwrap();
        let wanted = [SecretFact { commit, path, kind: "GitHub token".to_owned(), line }];
        assert_eq!(branch.facts().secrets, wanted);
        branch.git(&["gc", "-q"]);
        let repository = branch.open();
        let library = repository.library().unwrap();
        let blob = Oid::hash_object(git2::ObjectType::Blob, &text);
        let file = BlobFile::find(&repository, &library, blob.unwrap()).unwrap().unwrap();
        let mut read = Vec::new();
        file.open().unwrap().read_to_end(&mut read).unwrap();
        assert!(read == text, "{} bytes of {}", read.len(), text.len());
    }

    #[test]
    fn secrets_in_names_of_people_and_files_are_found() {
        let mut branch = Branch::new();
        let secret = token();
        branch.commit(&[("a.txt", b"1")], &secret);
        branch.commit(&[("a.txt", b"2"), (&format!("keys/{secret}"), b"3")], "Ada");
        let secrets = branch.facts().secrets;
        assert_eq!(secrets.len(), 3, "author, committer and path: {secrets:?}");
        assert!(!format!("{secrets:?}").contains(&secret), "no fact repeats a secret");
    }

    #[test]
    fn a_secret_that_moves_within_its_file_is_not_new() {
        let mut branch = Branch::new();
        let secret = token();
        branch.commit(&[("begin.txt", secret.as_bytes())], "Ada");
        branch.commits.remove(0);
        branch.commit(&[("begin.txt", format!("a line\n{secret}").as_bytes())], "Ada");
        assert_eq!(branch.facts(), BranchFacts::default());
        branch.commit(&[("other.txt", secret.as_bytes())], "Ada");
        assert_eq!(branch.facts().secrets.len(), 1, "at another path it is");
    }

    #[test]
    fn commits_beyond_the_limit_are_said_not_to_be_searched() {
        let mut branch = Branch::new();
        branch.commit(&[("a.txt", b"1")], "Ada");
        let second = branch.commit(&[("a.txt", token().as_bytes())], "Ada");
        branch.commit(&[("a.txt", b"3")], "Ada");
        let id = |at: usize| object_id(branch.commits[at]).unwrap();
        let facts = read_commits(&branch.open(), &id(0), &id(3), &[], 1).unwrap();
        assert_eq!(facts.unsearched, [UnsearchedFact { commit: second, path: None }]);
    }

    #[test]
    fn what_cannot_be_searched_to_its_end_is_said() {
        let mut branch = Branch::new();
        let commit = branch.commit(&[("large.bin", &[b'x'; 5_000]), ("small.txt", b"text")], "Ada");
        let repository = branch.open();
        let library = repository.library().unwrap();
        let head = library.find_commit(branch.commits[1]).unwrap();
        let paths = ["large.bin", "small.txt"].map(RepoPath::new);
        let mut too_large = Secrets { searched_bytes_max: 4_000, ..Secrets::new(&repository, &library) };
        too_large.read(&head, &paths).unwrap();
        let mut too_much = Secrets { work: Work(8_000), ..Secrets::new(&repository, &library) };
        too_much.read(&head, &paths).unwrap();
        let left = |path: Option<&RepoPath>| UnsearchedFact { commit: commit.clone(), path: path.cloned() };
        assert_eq!(too_large.unsearched, [left(Some(&paths[0]))]);
        // The message, the names and the paths still fit.
        assert_eq!(too_much.unsearched, [left(Some(&paths[0]))]);
        // A partial clone, or a damaged repository.
        let blob = Oid::hash_object(git2::ObjectType::Blob, b"text").unwrap().to_string();
        let objects = branch.folder.path().join(".git/objects");
        std::fs::remove_file(objects.join(&blob[..2]).join(&blob[2..])).unwrap();
        let mut missing = Secrets::new(&repository, &library);
        missing.read(&head, &paths).unwrap();
        assert_eq!(missing.unsearched, [left(Some(&paths[1]))]);
        let mut no_work = Secrets { work: Work(0), ..Secrets::new(&repository, &library) };
        no_work.read(&head, &[]).unwrap();
        assert_eq!(no_work.unsearched, [left(None), left(None)], "message and names");
    }

    /// Prints what a harvest would find in every commit of a history: kind, commit, path and line, never the
    /// secret.
    #[test]
    #[ignore = "measures false alarms: PADDOCK_HISTORY=FOLDER cargo test --release -p paddock-git --lib \
                false_alarms -- --ignored --nocapture"]
    fn false_alarms_of_a_history() {
        let folder = std::env::var_os("PADDOCK_HISTORY").expect("PADDOCK_HISTORY names a repository");
        let repository = Repository::open(Path::new(&folder)).unwrap();
        let library = repository.library().unwrap();
        let head = object_id(library.head().unwrap().peel_to_commit().unwrap().id()).unwrap();
        let mut secrets = Secrets::new(&repository, &library);
        (secrets.reported_max, secrets.work) = (usize::MAX, Work(u64::MAX));
        let commits = new_commits(&library, &head, &[]).unwrap();
        for id in &commits {
            let commit = library.find_commit(*id).unwrap();
            let facts = facts_of(&library, &commit, true).unwrap();
            secrets.read(&commit, &facts.paths).unwrap();
        }
        for SecretFact { commit, path, kind, line } in &secrets.found {
            let path = path.as_ref().map_or("(message)".to_owned(), ToString::to_string);
            println!("{kind}\t{}\t{path}\t{line}", commit.short());
        }
        println!("{} commits, {} findings", commits.len(), secrets.found.len());
    }
}
