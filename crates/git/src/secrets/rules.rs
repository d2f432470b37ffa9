//! The rules: read from the data files, and compiled when a text first has one of their keywords.

use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex_automata::meta::{Config, Regex};
use regex_automata::util::syntax;
use serde::Deserialize;

/// Paddock's own rules come first: where two rules match the same text, the first one names its kind.
const FILES: [&str; 2] = [include_str!("rules/own.json"), include_str!("rules/gitleaks.json")];

/// What errors call the allow-lists of all rules.
const ALL: &str = "allow-lists of all rules";

/// A fault in the data files or in a pattern. A build whose tests passed has none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the rules by which secrets are found cannot be read ({0}): this is a fault of this build of Paddock"
)]
pub(crate) struct RulesError(String);

/// A data file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Origin, for those who read the file.
    #[serde(rename = "source")]
    _source: String,
    /// Allow-lists of all rules of both files.
    allow: Vec<AllowData>,
    rules: Vec<RuleData>,
}

/// A rule of a data file: one that is used, or one that is left out with its reason.
#[derive(Deserialize)]
#[serde(untagged)]
enum RuleData {
    Off {
        #[serde(rename = "id")]
        _id: String,
        #[serde(rename = "off")]
        _reason: String,
    },
    Used(Spec),
}

/// What a rule looks for, as the data files say it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spec {
    /// Name of the rule within the data, for errors and tests.
    pub id: String,
    /// Kind of the secret, for people.
    pub kind: String,
    pattern: String,
    /// One of them occurs in every text that the rule is tried on, in upper or lower case. Without any, the
    /// rule is tried on every text.
    keywords: Vec<String>,
    /// Entropy that a secret must exceed, in bits a byte; 0 = any.
    #[serde(default)]
    pub entropy: f64,
    /// Group of the pattern that is the secret; without one, the first that is not empty, or the match.
    pub group: Option<usize>,
    path: Option<String>,
    /// Whether the rule goes by a name beside the value, and not by a form that the provider gives the value.
    #[serde(default)]
    pub near_name: bool,
    /// Whether the secret must have a digit and enough different characters.
    #[serde(default)]
    pub random: bool,
    /// Whether the secret must have letters of both cases, and a digit.
    #[serde(default)]
    pub mixed: bool,
    #[serde(default)]
    allow: Vec<AllowData>,
}

/// An allow-list of a data file.
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct AllowData {
    #[serde(default)]
    condition: Condition,
    #[serde(default)]
    target: Target,
    #[serde(default)]
    regexes: Vec<String>,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    stopwords: Vec<String>,
}

/// How the parts of an allow-list combine.
#[derive(Deserialize, Clone, Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Condition {
    /// One of the parts is enough.
    #[default]
    Or,
    /// Every part that the list has must hold.
    And,
}

/// Text that the patterns of an allow-list are tried on.
#[derive(Deserialize, Clone, Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Target {
    #[default]
    Secret,
    Match,
    Line,
}

/// A pattern that is compiled at its first use: most texts need a few of hundreds.
pub(super) struct Pattern {
    /// Rule that it is a part of, for errors.
    of: String,
    text: String,
    compiled: OnceLock<Result<Regex, RulesError>>,
}

impl Pattern {
    fn new(of: &str, text: String) -> Self {
        Self { of: of.to_owned(), text, compiled: OnceLock::new() }
    }

    /// Returns the compiled pattern. `\w`, `\d`, `\b` and the case of letters are ASCII's, as where the rules
    /// come from, and `.` is any byte of a line.
    pub(super) fn get(&self) -> Result<&Regex, RulesError> {
        let compile = || {
            Regex::builder()
                .configure(Config::new().utf8_empty(false))
                .syntax(syntax::Config::new().unicode(false).utf8(false))
                .build(&self.text)
                .map_err(|error| RulesError(format!("{}: {error}", self.of)))
        };
        self.compiled.get_or_init(compile).as_ref().map_err(Clone::clone)
    }
}

/// An allow-list: what it has is no secret.
pub(super) struct Allow {
    pub condition: Condition,
    pub target: Target,
    pub regexes: Vec<Pattern>,
    pub paths: Vec<Pattern>,
    /// In lower case.
    pub stopwords: Vec<String>,
}

impl Allow {
    fn new(of: &str, data: AllowData) -> Self {
        let patterns = |texts: Vec<String>| texts.into_iter().map(|text| Pattern::new(of, text)).collect();
        Self {
            condition: data.condition,
            target: data.target,
            regexes: patterns(data.regexes),
            paths: patterns(data.paths),
            stopwords: data.stopwords.iter().map(|word| word.to_ascii_lowercase()).collect(),
        }
    }
}

/// A rule that is used.
pub(super) struct Rule {
    pub spec: Spec,
    pub pattern: Pattern,
    /// The only paths that the rule is tried on, if it names any.
    pub path: Option<Pattern>,
    pub allow: Vec<Allow>,
}

/// All rules that are used, and what they share.
pub(super) struct RuleSet {
    pub rules: Vec<Rule>,
    /// Allow-lists of every rule.
    pub allow: Vec<Allow>,
    /// Paths whose files hold no values that people write: only rules with [`Spec::near_name`] leave them
    /// out. An agent chooses the path of what it commits, and a token with a provider's form is one anywhere.
    pub quiet_paths: Vec<Pattern>,
    /// Finds the keywords of all rules at once.
    pub keywords: AhoCorasick,
    /// Rules of each keyword, by its number in `keywords`.
    pub rules_of: Vec<Vec<usize>>,
    /// Rules without a keyword.
    pub always: Vec<usize>,
}

impl RuleSet {
    fn load() -> Result<Self, RulesError> {
        let fault = |error: &dyn std::fmt::Display| RulesError(error.to_string());
        let (mut rules, mut allow, mut quiet_paths) = (Vec::new(), Vec::new(), Vec::new());
        for text in FILES {
            let file: File = serde_json::from_str(text).map_err(|error| fault(&error))?;
            for mut data in file.allow {
                quiet_paths
                    .extend(std::mem::take(&mut data.paths).into_iter().map(|path| Pattern::new(ALL, path)));
                allow.push(Allow::new(ALL, data));
            }
            rules.extend(file.rules.into_iter().filter_map(|data| match data {
                RuleData::Off { .. } => None,
                RuleData::Used(spec) => Some(Rule {
                    pattern: Pattern::new(&spec.id, spec.pattern.clone()),
                    path: spec.path.clone().map(|path| Pattern::new(&spec.id, path)),
                    allow: spec.allow.iter().map(|list| Allow::new(&spec.id, list.clone())).collect(),
                    spec,
                }),
            }));
        }
        let (mut words, mut rules_of): (Vec<String>, Vec<Vec<usize>>) = (Vec::new(), Vec::new());
        let mut always = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            if rule.spec.keywords.is_empty() {
                always.push(index);
            }
            for word in rule.spec.keywords.iter().map(|word| word.to_ascii_lowercase()) {
                match words.iter().position(|known| *known == word) {
                    Some(known) => rules_of[known].push(index),
                    None => {
                        words.push(word);
                        rules_of.push(vec![index]);
                    }
                }
            }
        }
        let keywords = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&words)
            .map_err(|error| fault(&error))?;
        Ok(Self { rules, allow, quiet_paths, keywords, rules_of, always })
    }
}

/// Returns the rules; the first call reads them.
pub(super) fn rules() -> Result<&'static RuleSet, RulesError> {
    static RULES: LazyLock<Result<RuleSet, RulesError>> = LazyLock::new(RuleSet::load);
    RULES.as_ref().map_err(Clone::clone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_with_the_features_that_ship() {
        let set = rules().unwrap();
        let lists = set.rules.iter().flat_map(|rule| &rule.allow).chain(&set.allow);
        let of_lists = lists.flat_map(|list| list.regexes.iter().chain(&list.paths));
        let of_rules = set.rules.iter().flat_map(|rule| std::iter::once(&rule.pattern).chain(&rule.path));
        for pattern in of_lists.chain(of_rules).chain(&set.quiet_paths) {
            assert!(pattern.get().is_ok(), "{:?}", pattern.get().err());
        }
        assert!(set.rules.len() > 200, "{} rules", set.rules.len());
    }

    #[test]
    fn each_rule_has_a_name_for_people_and_a_group_that_its_pattern_has() {
        for rule in &rules().unwrap().rules {
            let spec = &rule.spec;
            assert!(!spec.kind.is_empty() && !spec.kind.contains('_'), "{}", spec.id);
            let groups = rule.pattern.get().unwrap().group_info().group_len(regex_automata::PatternID::ZERO);
            assert!(spec.group.is_none_or(|group| group < groups), "{}", spec.id);
        }
    }
}
