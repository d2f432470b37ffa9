//! The forms in which languages define tests.

use std::sync::OnceLock;

use regex_automata::meta::Regex;

use crate::source_text::Language;

/// What ends a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// The end of the next block in braces.
    Block,
    /// The parenthesis that closes the call.
    Call,
    /// The next line that is not indented more.
    Indent,
    /// The end of the line.
    Line,
}

/// A form: the first group of the pattern that matches is the name.
pub(super) struct Form {
    pub(super) pattern: Regex,
    pub(super) ends: Ends,
}

/// A title in quotes.
const TITLE: &str = r#"(?:'((?:\\.|[^'\\\n])*)'|"((?:\\.|[^"\\\n])*)"|`((?:\\.|[^`\\])*)`)"#;

/// Attributes, modifiers and the type between an annotation and the name of its method.
const METHOD: &str = r"(?:\s*\([^()]*(?:\([^()]*\)[^()]*)*\))?(?:\s*@[\w.]+(?:\([^()]*\))?|\s*\[[^\]\n]*\])*\s+(?:[\w<>\[\],.?]+\s+)*?(?:`([^`\n]+)`|(\w+))\s*\(";

/// Returns the forms of a language. A pattern that cannot be compiled is left out; a test compiles all.
pub(super) fn forms(language: Language) -> &'static [Form] {
    static FORMS: OnceLock<Vec<(Language, Vec<Form>)>> = OnceLock::new();
    let all = FORMS.get_or_init(|| {
        let mut all: Vec<(Language, Vec<Form>)> = Vec::new();
        for (language, pattern, ends) in table() {
            let Ok(pattern) = Regex::new(&pattern) else { continue };
            let form = Form { pattern, ends };
            match all.iter_mut().find(|(other, _)| *other == language) {
                Some((_, forms)) => forms.push(form),
                None => all.push((language, vec![form])),
            }
        }
        all
    });
    all.iter().find(|(other, _)| *other == language).map_or(&[], |(_, forms)| forms)
}

fn table() -> Vec<(Language, String, Ends)> {
    use Language::{C, Cmake, Go, Java, JavaScript, Perl, Php, Python, Ruby, Rust, Shell};
    let calls = r"(?:^|[^.\w$]|\bt\.)[xf]?(?:it|test|specify|describe|context|suite|bench)(?:\.(?:only|skip|todo|concurrent|sequential|failing|serial|fails))*";
    vec![
        (Python, r"(?m)^[ \t]*(?:async[ \t]+)?def[ \t]+(test\w*)".to_owned(), Ends::Indent),
        (Python, r"(?m)^[ \t]*class[ \t]+(\w*Test\w*)".to_owned(), Ends::Indent),
        (Python, r"(?m)^[ \t]*class[ \t]+(\w+)[ \t]*\([^)\n]*TestCase".to_owned(), Ends::Indent),
        (
            Rust,
            r"#\[\s*(?:\w+\s*::\s*)*(?:test|rstest|test_case|wasm_bindgen_test|quickcheck|proptest)\b[^\n]*(?:\s*(?:#\[[^\n]*|\w+\([^)\n]*\),?|\)\]))*\s*(?:pub(?:\([^)]*\))?\s+)?(?:const\s+|async\s+|unsafe\s+)*fn\s+(\w+)".to_owned(),
            Ends::Block,
        ),
        (Rust, r"#\[(?:\w+::)*test\]\s*(?:async\s+)?fn\s+(\w+)".to_owned(), Ends::Block),
        (JavaScript, format!(r"(?m){calls}\s*\(\s*{TITLE}"), Ends::Call),
        (JavaScript, format!(r"(?m){calls}\.(?:each|for)\s*(?:\((?:[^()]|\([^()]*\))*\)|`[^`]*`)\s*\(\s*{TITLE}"), Ends::Call),
        (Go, r"(?m)^func[ \t]+(?:\([^)\n]*\)[ \t]*)?((?:Test|Benchmark|Fuzz|Example)\w*)\s*\(".to_owned(), Ends::Block),
        (Go, format!(r"\.Run\s*\(\s*{TITLE}"), Ends::Call),
        (Java, format!(r"@(?:Test|ParameterizedTest|RepeatedTest|TestFactory|TestTemplate)\b{METHOD}"), Ends::Block),
        (Java, format!(r"\[(?:Fact|Theory|Test|TestCase|TestMethod|DataTestMethod|SkippableFact)\b[^\]\n]*\]{METHOD}"), Ends::Block),
        (Java, format!(r#"\b(?:test|it|should|scenario|describe|context)\s*\(\s*{TITLE}"#), Ends::Call),
        (C, r"\b(?:TEST|TEST_F|TEST_P|TYPED_TEST|TYPED_TEST_P)\s*\(\s*\w+\s*,\s*(\w+)".to_owned(), Ends::Block),
        (C, format!(r"\b(?:TEST_CASE|SCENARIO|BOOST_AUTO_TEST_CASE|START_TEST|TEST_METHOD|TEST_CASE_METHOD)\s*\(\s*(?:\w+\s*,\s*)?(?:{TITLE}|(\w+)\s*\))"), Ends::Block),
        (Cmake, r#"(?i)\badd_test\s*\(\s*(?:NAME\s+)?"?([^\s")]+)"#.to_owned(), Ends::Call),
        (Perl, format!(r"\bsubtest\s*\(?\s*{TITLE}"), Ends::Block),
        (Perl, format!(r"(?m)\b(?:ok|is|isnt|like|unlike|cmp_ok|is_deeply|can_ok|isa_ok|pass|throws_ok|lives_ok)\b[^;\n]*,\s*{TITLE}\s*\)?\s*;"), Ends::Line),
        (Shell, format!(r"(?m)^[ \t]*@test[ \t]+{TITLE}"), Ends::Block),
        (Shell, r"(?m)^[ \t]*(?:function[ \t]+)?(test\w*)[ \t]*\(\)".to_owned(), Ends::Block),
        (Ruby, format!(r"(?m)^[ \t]*(?:RSpec\.)?[xf]?(?:it|specify|scenario|test|describe|context|feature|example)\b[ \t]*\(?[ \t]*{TITLE}"), Ends::Indent),
        (Ruby, r"(?m)^[ \t]*def[ \t]+(test_\w+[?!]?)".to_owned(), Ends::Indent),
        (Php, r"(?m)\bfunction\s+(test\w*)\s*\(".to_owned(), Ends::Block),
        (Php, r"#\[Test\b[^\n]*\s+(?:#\[[^\n]*\s+)*(?:\w+\s+)*function\s+(\w+)".to_owned(), Ends::Block),
        (Php, format!(r"(?m)^[ \t]*(?:it|test|describe)\s*\(\s*{TITLE}"), Ends::Call),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        for (_, pattern, _) in table() {
            assert!(Regex::new(&pattern).is_ok(), "{pattern}");
        }
    }
}
