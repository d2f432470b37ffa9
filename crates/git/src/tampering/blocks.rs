//! In which block each line of a text stands.

use super::scan::{Language, Line};

/// The place of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Index of the line that opens the innermost block around this line.
    pub owner: Option<usize>,
    /// Index of the line with which the statement begins, and the bracket that is open; `None` if the line is
    /// the first of its statement.
    pub within: Option<(usize, char)>,
}

/// Returns the place of each line.
pub(super) fn places(language: Language, lines: &[Line]) -> Vec<Place> {
    match language.is_indented() {
        true => by_indent(lines),
        false => by_braces(language, lines),
    }
}

fn by_indent(lines: &[Line]) -> Vec<Place> {
    let mut brackets: Vec<(char, usize)> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut found: Vec<Place> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let place = match (brackets.last(), line.is_in_string) {
            (Some((bracket, start)), _) => Place {
                owner: found.get(*start).and_then(|place| place.owner),
                within: Some((*start, *bracket)),
            },
            (None, true) => {
                let start = open.last().copied().unwrap_or(0);
                Place { owner: found.get(start).and_then(|place| place.owner), within: Some((start, '"')) }
            }
            (None, false) => {
                while open.last().is_some_and(|top| lines[*top].indent >= line.indent) {
                    open.pop();
                }
                let owner = open.last().copied();
                open.push(at);
                Place { owner, within: None }
            }
        };
        let start = place.within.map_or(at, |(start, _)| start);
        found.push(place);
        track(&line.code, |c| match c {
            '(' | '[' | '{' => brackets.push((c, start)),
            ')' | ']' | '}' => drop(brackets.pop()),
            _ => {}
        });
    }
    found
}

fn by_braces(language: Language, lines: &[Line]) -> Vec<Place> {
    let mut open: Vec<(char, usize)> = Vec::new();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let owner = open.iter().rev().find(|(bracket, _)| *bracket == '{').map(|(_, at)| *at);
        let within = match open.last() {
            Some(('{', _)) | None => None,
            Some((bracket, start)) => Some((*start, *bracket)),
        };
        found.push(Place { owner, within });
        track(&line.code, |c| match c {
            '(' | '[' | '{' => open.push((c, at)),
            ')' | ']' | '}' => {
                let partner = match c {
                    ')' => '(',
                    ']' => '[',
                    _ => '{',
                };
                // The pattern of a `case` in a shell closes what it never opened.
                if open.last().is_some_and(|(bracket, _)| *bracket == partner) {
                    open.pop();
                }
            }
            _ => {}
        });
        if language == Language::Shell {
            shell_words(&line.code, at, &mut open);
        }
    }
    found
}

/// Follows the blocks of a shell that words open and close.
fn shell_words(code: &str, at: usize, open: &mut Vec<(char, usize)>) {
    for word in code.split(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|')) {
        match word {
            "if" | "case" | "do" => open.push(('{', at)),
            "fi" | "esac" | "done" => drop(open.pop_if(|(bracket, _)| *bracket == '{')),
            _ => {}
        }
    }
}

fn track(code: &str, take: impl FnMut(char)) {
    code.chars().for_each(take);
}

#[cfg(test)]
mod tests {
    use super::super::scan::scan;
    use super::*;

    fn owners(language: Language, text: &str) -> Vec<Option<usize>> {
        let lines = scan(language, text);
        places(language, &lines).into_iter().map(|place| place.owner).collect()
    }

    #[test]
    fn a_line_belongs_to_the_block_around_it() {
        let python = "class A:\n    def test(self):\n        x = [\n  1,\n        ]\n        assert x\n\n    y = 1\nz = 2\n";
        assert_eq!(
            owners(Language::Python, python),
            [None, Some(0), Some(1), Some(1), Some(1), Some(1), Some(0), None]
        );
        let script = "describe('a', () => {\n  it('b', () => {\n    x()\n  })\n})\ny()\n";
        assert_eq!(owners(Language::Script, script), [None, Some(0), Some(1), Some(1), Some(0), None]);
        let shell = "f() {\n  a\n}\nif b; then\n  c\nfi\nd\n";
        assert_eq!(owners(Language::Shell, shell), [None, Some(0), Some(0), None, Some(3), Some(3), None]);
    }

    #[test]
    fn a_line_within_brackets_continues_a_statement() {
        let lines = scan(Language::Python, "x = [\n    1,\n]\n");
        let found = places(Language::Python, &lines);
        assert_eq!(found[1].within, Some((0, '[')));
    }
}
