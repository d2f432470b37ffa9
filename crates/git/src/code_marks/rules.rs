//! The rules of each language.

mod compiled;
mod javascript;
mod python;
mod scripts;
mod text;

use std::sync::OnceLock;

use super::rule::{Compiled, Rule};
use crate::source_text::Language;

/// Returns the rules for a language.
pub(super) fn rules(language: Language) -> &'static [Compiled] {
    static ALL: [OnceLock<Vec<Compiled>>; 14] = [const { OnceLock::new() }; 14];
    match ALL.get(language as usize) {
        Some(known) => known.get_or_init(|| written(language).filter_map(Compiled::new).collect()),
        None => &[],
    }
}

fn written(language: Language) -> impl Iterator<Item = Rule> {
    let own: &[&[Rule]] = match language {
        Language::Python => &[python::ASKS, python::LEAVES, python::REPLACES],
        Language::JavaScript => &[javascript::ASKS, javascript::LEAVES, javascript::REPLACES],
        Language::Rust => &[compiled::RUST],
        Language::Go => &[compiled::GO],
        Language::Java => &[compiled::JAVA],
        Language::C => &[compiled::C],
        Language::Shell => &[scripts::SHELL, scripts::COMMANDS],
        Language::Perl => &[scripts::PERL],
        Language::Ruby => &[scripts::RUBY],
        Language::Php => &[scripts::PHP],
        Language::Make => &[scripts::MAKE, scripts::COMMANDS],
        Language::Json => &[scripts::LISTED],
        Language::Cmake | Language::Settings => &[scripts::COMMANDS],
    };
    let is_code = !matches!(language, Language::Cmake | Language::Json | Language::Settings);
    let shared: &[&[Rule]] =
        if is_code { &[text::ANYWHERE, text::VARIABLES, text::SUMMARIES] } else { &[text::ANYWHERE] };
    own.iter().chain(shared).flat_map(|rules| rules.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles() {
        for (number, language) in Language::ALL.iter().enumerate() {
            assert_eq!(*language as usize, number);
            assert_eq!(rules(*language).len(), written(*language).count(), "{language:?}");
        }
    }
}
