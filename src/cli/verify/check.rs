//! Compares what was recorded with the repository, commit by commit.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::history::{History, Landing};
use paddock_config::Workspace;
use paddock_git::{CommitRecord, GitError, Relation, Repository};
use paddock_model::evidence::ChangedTest;
use paddock_model::gate::VerdictCode;
use paddock_model::ids::ObjectId;
use paddock_model::proof::{Proof, ProvenCommand};
use paddock_report::evidence;
use paddock_report::text::rfc3339;
use paddock_runner::log::digest;

/// Origin of a commit on the integration ref.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// A landing with a gate that passed on its tree.
    Verified,
    /// A landing of a project without a gate.
    Unverified,
    /// A commit of the user's own.
    External,
    /// A landing that is not on the ref any more, because the user's rewritten branch was adopted.
    Lost,
    /// A landing on another branch, from before the project's target branch was set.
    Elsewhere,
    /// A commit that no event accounts for.
    Unknown,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unverified => "unverified",
            Self::External => "external",
            Self::Lost => "lost",
            Self::Elsewhere => "elsewhere",
            Self::Unknown => "unknown",
        }
    }
}

/// One commit and its faults.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    pub(super) commit: ObjectId,
    pub(super) kind: Kind,
    pub(super) objective: Option<String>,
    pub(super) summary: String,
    pub(super) at: String,
    #[serde(skip)]
    pub(super) at_ms: i64,
    pub(super) gate: Option<u64>,
    /// The gate's verdict on a commit of the user's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) verdict: Option<&'static str>,
    pub(super) tree: ObjectId,
    /// What the landing's proof says of the gate; `None` for other commits, and if it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) proof: Option<ProofRow>,
    pub(super) faults: Vec<String>,
}

/// What a proof says of the gate and of its tests.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ProofRow {
    /// Verdict and number of tests in words; `None` without a gate.
    pub(super) text: Option<String>,
    /// Commands of the gate, as the proof has them.
    pub(super) commands: Vec<ProvenCommand>,
    /// Test files that the landing changed, with the beginning of their diffs.
    pub(super) tests_changed: Vec<ChangedTest>,
    pub(super) more_tests_changed: u64,
    /// Tests by which the landing differs from its base, and changed test files, in words.
    pub(super) differences: Vec<String>,
}

impl ProofRow {
    fn new(proof: &Proof) -> Self {
        Self {
            text: evidence::proven(proof),
            commands: proof.gate.as_ref().map(|gate| gate.commands.clone()).unwrap_or_default(),
            tests_changed: proof.tests_changed.clone(),
            more_tests_changed: proof.more_tests_changed,
            differences: evidence::proven_differences(proof),
        }
    }
}

/// The check of one ref: the history that was recorded, and the repository to compare it with.
pub(super) struct Check<'c> {
    pub(super) workspace: &'c Workspace,
    pub(super) repository: &'c Repository,
    pub(super) history: &'c History,
}

impl Check<'_> {
    /// Returns a row for every first-parent commit since the start, newest first, then one for every other
    /// landing.
    ///
    /// Fails if the repository cannot be read.
    pub(super) fn rows(&self, tip: &ObjectId) -> Result<Vec<Row>, GitError> {
        let Some(start) = &self.history.start else { return Ok(Vec::new()) };
        let external = self.external()?;
        let mut rows = Vec::new();
        let mut seen = BTreeSet::new();
        for record in self.repository.first_parents(tip, start)? {
            seen.insert(record.commit.clone());
            rows.push(match (self.history.landings.get(&record.commit), external.get(&record.commit)) {
                (Some(landing), _) => self.landed(&record, landing)?,
                (None, Some(at_ms)) => self.external_row(&record, *at_ms),
                (None, None) => unknown(&record),
            });
        }
        for (commit, landing) in self.history.landings.iter().filter(|(commit, _)| !seen.contains(*commit)) {
            rows.push(self.off_first_parent(commit, landing, tip)?);
        }
        Ok(rows)
    }

    /// Makes the row of a commit of the user's own. Of commits that were adopted together only the newest has
    /// a verdict.
    fn external_row(&self, record: &CommitRecord, at_ms: i64) -> Row {
        let judged = self.history.judged.get(&record.commit);
        Row {
            gate: judged.and_then(|(_, gate)| gate.map(|gate| gate.0)),
            verdict: judged.map(|(verdict, _)| verdict.words()),
            ..row(record, Kind::External, at_ms)
        }
    }

    /// Returns the user's own commits, each with the time at which the integration ref moved onto it.
    fn external(&self) -> Result<BTreeMap<ObjectId, i64>, GitError> {
        let mut found = BTreeMap::new();
        for external in &self.history.external {
            // An error means that commits were rewritten since and are gone; then the ref does not have them
            // either.
            let commits = self.repository.commits_between(&external.from, &external.to).unwrap_or_default();
            found.extend(commits.into_iter().map(|commit| (commit, external.at_ms)));
        }
        Ok(found)
    }

    /// Makes the row of a landing that is not a first-parent commit of the ref: the user merged it into a
    /// branch, or adopted a branch without it.
    fn off_first_parent(
        &self,
        commit: &ObjectId,
        landing: &Landing,
        tip: &ObjectId,
    ) -> Result<Row, GitError> {
        let Ok(record) = self.repository.commit_record(commit) else {
            let mut row = gone(commit, landing);
            if !landing.may_be_elsewhere() {
                row.faults.push("the landing's commit is gone from the repository".to_owned());
            }
            return Ok(row);
        };
        // The user merged the landing: it is on the ref, but not as a first parent.
        let is_in = matches!(self.repository.relation(commit, tip)?, Relation::Same | Relation::Ancestor);
        if is_in {
            return self.landed(&record, landing);
        }
        let kind = if landing.retargeted_since { Kind::Elsewhere } else { Kind::Lost };
        let mut row = Row { objective: named(landing), ..row(&record, kind, landing.at_ms) };
        if !landing.may_be_elsewhere() {
            row.faults.push("the landing is not on the integration ref any more".to_owned());
        }
        Ok(row)
    }

    /// Makes the row of a landing that is on the ref, with every difference from its record.
    fn landed(&self, record: &CommitRecord, landing: &Landing) -> Result<Row, GitError> {
        let kind = if landing.gate.is_some() { Kind::Verified } else { Kind::Unverified };
        let mut row = Row {
            objective: named(landing),
            gate: landing.gate.map(|gate| gate.0),
            ..row(record, kind, landing.at_ms)
        };
        let tree = &landing.candidate.tree;
        let holds_members = self.holds_members(record, landing)?;
        let mut fault = |is_wrong: bool, text: String| {
            if is_wrong {
                row.faults.push(text);
            }
        };
        fault(
            record.tree != *tree,
            format!("the commit's tree is {}, but the tree that passed is {tree}", record.tree),
        );
        fault(
            !holds_members,
            "the commit's parents differ from the tip and the head that were recorded".to_owned(),
        );
        if kind == Kind::Verified {
            let trailer = record.verified_trailer.as_deref();
            let found = trailer.unwrap_or("missing");
            fault(
                trailer != Some(record.tree.as_str()),
                format!("the commit's trailer Paddock-Verified is {found}, not its tree"),
            );
        }
        let (proof, faults) = self.proof_of(record, landing)?;
        row.proof = proof.as_ref().map(ProofRow::new);
        row.faults.extend(faults);
        Ok(row)
    }

    /// Returns whether the commit merges the tip with the landing's one head, or with the merges of all its
    /// members.
    fn holds_members(&self, record: &CommitRecord, landing: &Landing) -> Result<bool, GitError> {
        let [first, second] = record.parents.as_slice() else { return Ok(false) };
        if *first != landing.candidate.onto {
            return Ok(false);
        }
        if landing.others.is_empty() {
            return Ok(*second == landing.head);
        }
        // The second parent of a batch is a chain of merges, one for each member, the last member's first.
        let mut merges = Vec::new();
        for merge in self.repository.first_parents(second, first)? {
            merges.extend(merge.parents.get(1).cloned());
        }
        merges.reverse();
        Ok(merges.iter().eq(landing.heads()))
    }

    /// Returns the landing's proof, which is a git note on its commit, and the proof's faults.
    fn proof_of(
        &self,
        record: &CommitRecord,
        landing: &Landing,
    ) -> Result<(Option<Proof>, Vec<String>), GitError> {
        let Some(note) = self.repository.note_of(&record.commit)? else {
            let fault = match landing.proof {
                Some(_) => "the commit's proof (a git note) was removed",
                None => "the commit's proof is not written yet; the next supervisor writes it",
            };
            return Ok((None, vec![fault.to_owned()]));
        };
        let mut faults = Vec::new();
        if landing.proof.as_ref().is_some_and(|sha256| *sha256 != digest::of_bytes(note.as_bytes())) {
            faults.push("the commit's proof (a git note) was changed after it was written".to_owned());
        }
        let Ok(proof) = serde_json::from_str::<Proof>(&note) else {
            faults.push("the commit's proof cannot be read".to_owned());
            return Ok((None, faults));
        };
        let is_same = proof.tree == record.tree
            && record.parents.first() == Some(&proof.base)
            && proof.heads.iter().eq(landing.heads());
        if !is_same {
            faults.push("the commit's proof names another tree, base or head".to_owned());
        }
        if proof.verified != landing.gate.is_some() {
            faults.push(format!(
                "the commit's proof says {}, but the landing was recorded as {}",
                verified(proof.verified),
                verified(landing.gate.is_some())
            ));
        }
        faults.extend(self.gate_faults(&proof, landing));
        Ok((Some(proof), faults))
    }

    /// Returns the faults of the gate's verdicts in a proof, and of the output that is kept of its run.
    fn gate_faults(&self, proof: &Proof, landing: &Landing) -> Vec<String> {
        let Some(number) = landing.gate else { return Vec::new() };
        let mut faults = Vec::new();
        let commands = proof.gate.as_ref().map(|gate| gate.commands.as_slice()).unwrap_or_default();
        let is_green = !commands.is_empty() && commands.iter().all(|command| is_passed(command.verdict));
        if !is_green || proof.gate.as_ref().map(|gate| gate.run) != Some(number.0) {
            faults.push(format!("the commit's proof does not show gate run {number} green"));
        }
        // A removed folder is no fault: the proof does not depend on the output that is kept.
        let dir = self.workspace.gate_dir(number);
        let (whole, logs) = (digest::of_folder(&dir), digest::of_stages(&dir).unwrap_or_default());
        for (command, log) in commands.iter().zip(&logs) {
            // Proofs of earlier builds hold the hash of the whole folder for every command.
            let is_known = |hash: &String| hash == log || whole.as_ref() == Some(hash);
            if command.log_sha256.as_ref().is_some_and(|hash| !is_known(hash)) {
                let name = &command.name;
                faults.push(format!(
                    "the output that is kept of gate run {number}, command {name}, differs from that in the proof"
                ));
            }
        }
        faults
    }
}

/// Returns whether a command passed, as its exit status and its settings say.
fn is_passed(verdict: VerdictCode) -> bool {
    matches!(verdict, VerdictCode::Green | VerdictCode::GreenExitOnly)
}

fn verified(is_verified: bool) -> &'static str {
    if is_verified { "verified" } else { "unverified" }
}

fn named(landing: &Landing) -> Option<String> {
    let names: Vec<String> = landing.objectives().map(ToString::to_string).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn row(record: &CommitRecord, kind: Kind, at_ms: i64) -> Row {
    Row {
        commit: record.commit.clone(),
        kind,
        objective: None,
        summary: record.summary.clone(),
        at: rfc3339(at_ms),
        at_ms,
        gate: None,
        verdict: None,
        tree: record.tree.clone(),
        proof: None,
        faults: Vec::new(),
    }
}

/// Makes the row of a commit that no event accounts for. `--since` never hides it, since a commit's own time
/// can be set to anything.
fn unknown(record: &CommitRecord) -> Row {
    let fault = "no record names this commit, neither as a landing nor as a commit of yours".to_owned();
    let row = row(record, Kind::Unknown, record.time_s.saturating_mul(1_000));
    Row { at_ms: i64::MAX, faults: vec![fault], ..row }
}

fn gone(commit: &ObjectId, landing: &Landing) -> Row {
    Row {
        commit: commit.clone(),
        kind: Kind::Lost,
        objective: named(landing),
        summary: String::new(),
        at: rfc3339(landing.at_ms),
        at_ms: landing.at_ms,
        gate: landing.gate.map(|gate| gate.0),
        verdict: None,
        tree: landing.candidate.tree.clone(),
        proof: None,
        faults: Vec::new(),
    }
}
