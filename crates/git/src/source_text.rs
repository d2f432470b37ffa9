//! Rough reading of source text in many languages: which bytes are comments, which are strings.
//!
//! Nothing here parses a language. A text that is read wrongly costs a hint that is missing or superfluous,
//! never a decision alone.

mod language;
mod scanner;

pub(crate) use language::Language;

/// A source text without its comments. Offsets and lines are those of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// The text with spaces in place of comments.
    pub(crate) code: String,
    /// The code with spaces in place of what strings hold.
    pub(crate) bare: String,
}

impl Source {
    /// Reads a text in any encoding; bytes that are not UTF-8 are replaced.
    pub(crate) fn new(language: Language, text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let (mut code, mut bare) = (text.as_bytes().to_vec(), text.as_bytes().to_vec());
        for span in scanner::spans(language, text.as_bytes()) {
            let is_comment = span.is_comment;
            let blank = |bytes: &mut Vec<u8>| {
                let part = bytes.get_mut(span.from..span.to).unwrap_or_default();
                part.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
            };
            blank(&mut bare);
            if is_comment {
                blank(&mut code);
            }
        }
        let owned = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: owned(code), bare: owned(bare) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare(language: Language, text: &str) -> String {
        let source = Source::new(language, text.as_bytes());
        assert_eq!((source.code.len(), source.bare.len()), (text.len(), text.len()), "{text}");
        source.bare
    }

    #[test]
    fn comments_and_strings_are_blanked_and_code_is_kept() {
        for (language, text, expected) in [
            (Language::Python, "a = 'x' # y\n", "a = ' '    \n"),
            (Language::Python, "\"\"\"doc\n# d\"\"\"\nb\n", "   ".to_owned().as_str()),
            (Language::Rust, "let a: &'a str = \"b\"; // c", "let a: &'a str = \" \";     "),
            (Language::Rust, "r#\"a\"b\"# + 'x'", "r#\"   \"# + ' '"),
            (Language::JavaScript, "a = /\"/.test(b) // c", "a = / /.test(b)     "),
            (Language::JavaScript, "x = `a\nb`; /* d\n*/ e", "x = ` \n `;     \n   e"),
            (Language::Shell, "echo $# a#b # c", "echo $# a#b    "),
            (Language::Shell, "cat <<E\nit's\nE\necho 'a'", "cat <<E\nit's\nE\necho ' '"),
            (Language::Perl, "a;\n=pod\n'x\n=cut\nb", "a;\n    \n  \n    \nb"),
        ] {
            let found = bare(language, text);
            match text.starts_with("\"\"\"") {
                true => assert!(!found.contains("doc") && found.ends_with("\nb\n"), "{found:?}"),
                false => assert_eq!(found, expected, "{text:?}"),
            }
        }
    }

    #[test]
    fn any_bytes_can_be_read() {
        let parts: [&[u8]; 12] = [
            b"'",
            b"\"",
            b"\\",
            b"/*",
            b"r#\"",
            b"\"\"\"",
            b"#",
            b"//",
            b"\xff\xc3",
            "ä".as_bytes(),
            b"<<E\n",
            b"`\n/",
        ];
        let mut state = 7_usize;
        for language in Language::ALL {
            for _ in 0..300 {
                let mut text = Vec::new();
                for _ in 0..20 {
                    state =
                        state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    text.extend_from_slice(parts[(state >> 33) % parts.len()]);
                }
                let source = Source::new(*language, &text);
                assert_eq!(source.code.len(), source.bare.len());
            }
        }
    }
}
