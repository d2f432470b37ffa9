//! Definitions of tests in a source file: their names, and a digest of their bodies.

mod body;
mod forms;

use sha2::{Digest as _, Sha256};

use crate::source_text::{Language, Source};
use body::{Range, is_layout};
use forms::{Ends, forms};

/// Digest of the body of a test.
pub(super) type Body = [u8; 32];

/// Most definitions that are read of a file.
const COUNT_MAX: usize = 5_000;
/// Most bytes of bodies that are read of a file: definitions lie in one another.
const BODIES_BYTES_MAX: usize = 4 << 20;

/// A test in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Definition {
    /// Name of the function, title, or name of the file.
    pub(super) name: String,
    /// Digest of everything but the name; spaces count only where they mean something.
    pub(super) body: Body,
}

/// Returns the tests that a file defines, in their order.
pub(super) fn definitions(path: &[u8], text: &[u8]) -> Vec<Definition> {
    let Some(language) = Language::from_file(path, text) else { return Vec::new() };
    let source = Source::new(language, text);
    let mut found: Vec<(usize, Definition)> = Vec::new();
    if let Some(name) = script_name(language, path) {
        let whole = Range { from: 0, to: source.code.len() };
        found.push((0, Definition { name, body: digest(language, &source.code, whole) }));
    }
    let mut left = BODIES_BYTES_MAX;
    for form in forms(language) {
        for captures in form.pattern.captures_iter(source.code.as_str()) {
            let Some(whole) = captures.get_match() else { continue };
            let name = (1..captures.group_len()).find_map(|group| captures.get_group(group));
            let keyword = whole.start() + leading_space(&source.code[whole.range()]);
            // A definition in a string is text.
            let is_code = source.bare.as_bytes().get(keyword) == source.code.as_bytes().get(keyword);
            let Some(name) = name.filter(|_| is_code && found.len() < COUNT_MAX && left > 0) else {
                continue;
            };
            // The kind of quotes around a title is no part of the body.
            let quote = source.code[name.end..].starts_with(['\'', '"', '`']);
            let from = name.end + usize::from(quote);
            let range = match form.ends {
                Ends::Block => body::block(&source.bare, from),
                Ends::Call => body::call(&source.bare, from),
                Ends::Indent => body::indented(&source.code, keyword, from),
                Ends::Line => body::line(&source.code, from),
            };
            left = left.saturating_sub(range.to - range.from);
            let body = digest(language, &source.code, range);
            found.push((name.start, Definition { name: source.code[name.range()].to_owned(), body }));
        }
    }
    found.sort_by_key(|(at, _)| *at);
    found.dedup_by(|(at, one), (before, other)| at == before && one.name == other.name);
    found.into_iter().map(|(_, definition)| definition).collect()
}

fn leading_space(text: &str) -> usize {
    text.len()
        - text.trim_start_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '#' | '@' | '[' | '_')).len()
}

/// Returns the name of a file that is a test as a whole, as runners of scripts name it.
fn script_name(language: Language, path: &[u8]) -> Option<String> {
    let path = String::from_utf8_lossy(path);
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_ascii_lowercase();
    let is_named = stem.starts_with("test") || stem.ends_with("test") || stem.ends_with("tests");
    let is_among = folder.split('/').any(|part| matches!(part, "t" | "test" | "tests"));
    let is_script = language == Language::Shell && !name.ends_with(".bats") && (is_named || is_among);
    (name.ends_with(".t") || is_script).then(|| name.to_owned())
}

fn digest(language: Language, code: &str, range: Range) -> Body {
    let mut hasher = Sha256::new();
    let text = code.get(range.from..range.to).unwrap_or_default();
    if is_layout(language) {
        let indent = |line: &str| line.len() - line.trim_start().len();
        // Relative to the least indented line, so that a test that moved into a class is the same.
        let lines = || text.lines().skip(1).filter(|line| !line.trim().is_empty());
        let least = lines().map(indent).min().unwrap_or(0);
        hasher.update(text.lines().next().unwrap_or_default().trim());
        for line in lines() {
            hasher.update("\n");
            hasher.update(line.trim_end().get(least..).unwrap_or_default());
        }
    } else {
        text.split_ascii_whitespace().for_each(|word| hasher.update(word));
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str, text: &str) -> Vec<String> {
        definitions(path.as_bytes(), text.as_bytes()).into_iter().map(|found| found.name).collect()
    }

    /// Path, text, and the names of the tests.
    const SAMPLES: &[(&str, &str, &str)] = &[
        (
            "a.py",
            "class TestA(TestCase):\n  def test_b(self): pass\n  async def test_c(self):\n    pass\n",
            "TestA test_b test_c",
        ),
        ("a.py", "def helper(): pass\ns = \"\"\"\ndef test_x(): pass\n\"\"\"\n# def test_y(): pass\n", ""),
        (
            "a.rs",
            "#[cfg(test)]\nmod tests {\n  #[test]\n  #[should_panic]\n  fn a() {}\n  #[tokio::test(flavor = \"x\")]\n  async fn b() {}\n  fn c() {}\n}",
            "a b",
        ),
        (
            "a.test.js",
            "describe('s', () => { it('a (x)', f); test.skip(\"b\", g); t.test(`c`, h) });\n/x/.test('no'); // it('d', f)\n",
            "s a (x) b c",
        ),
        (
            "a.spec.ts",
            "it.each([[1, 2], [3, 4]])('adds %i', (a) => {});\ntest.each`\n a | b\n`('t', f)",
            "adds %i t",
        ),
        (
            "a_test.go",
            "func TestA(t *testing.T) {\n\tt.Run(\"sub one\", f)\n}\nfunc helper() {}\nfunc (s *S) TestB() {}\n",
            "TestA sub one TestB",
        ),
        (
            "ATest.java",
            "@Test\npublic void a() throws X {}\n@Test(expected = X.class) @Tag(\"x\")\nvoid b() {}\n@ParameterizedTest\n@ValueSource(ints = {1, 2})\nvoid c(int x) {}\nvoid d() {}",
            "a b c",
        ),
        ("ATest.kt", "@Test\nfun `adds two`() {}\n@Test fun b() = run {}", "adds two b"),
        (
            "ATest.cs",
            "[Fact]\npublic async Task A() {}\n[Theory]\n[InlineData(1)]\npublic void B(int x) {}",
            "A B",
        ),
        (
            "a.cc",
            "TEST(Suite, Name) { }\nTEST_F(F, Other) {}\nTEST_CASE(\"title\", \"[x]\") {}",
            "Name Other title",
        ),
        (
            "CMakeLists.txt",
            "add_test(NAME one COMMAND a)\n# add_test(NAME no COMMAND a)\nadd_test(two b)",
            "one two",
        ),
        ("t/a.t", "subtest 'x' => sub { ok(1, 'y'); };\nis(a(), 1, \"z\");\n", "a.t x y z"),
        ("a.bats", "@test \"adds\" {\n  true\n}\n", "adds"),
        ("tests/run.sh", "test_a() {\n true\n}\n", "run.sh test_a"),
        (
            "a_spec.rb",
            "describe 'A' do\n  it 'adds' do\n    x\n  end\n  it(\"b\") { y }\nend\ndef test_c\nend",
            "A adds b test_c",
        ),
        (
            "ATest.php",
            "public function testA(): void {}\n#[Test]\npublic function b(): void {}\nit('d', fn() => 1);",
            "testA b d",
        ),
        ("notes.txt", "def test_a(): pass", ""),
    ];

    #[test]
    fn tests_are_found_in_every_language() {
        for (path, text, expected) in SAMPLES.iter().copied() {
            let mut found = names(path, text);
            found.sort();
            let mut expected: Vec<String> = match path {
                "a.test.js" => ["s", "a (x)", "b", "c"].map(str::to_owned).to_vec(),
                "a.spec.ts" => ["adds %i", "t"].map(str::to_owned).to_vec(),
                "a_test.go" => ["TestA", "sub one", "TestB"].map(str::to_owned).to_vec(),
                "ATest.kt" => ["adds two", "b"].map(str::to_owned).to_vec(),
                _ => expected.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            };
            expected.sort();
            assert_eq!(found, expected, "{path}: {text}");
        }
    }

    #[test]
    fn a_body_ignores_the_name_and_the_layout_but_not_the_code() {
        let body = |path: &str, text: &str| definitions(path.as_bytes(), text.as_bytes())[0].body;
        let rust = "#[test]\nfn a() {\n    assert_eq!(x(), \"}\");\n}\nfn b() {}\n";
        assert_eq!(body("a.rs", rust), body("a.rs", "#[test]\nfn c() { assert_eq!(x(), \"}\"); }"));
        assert_ne!(body("a.rs", rust), body("a.rs", "#[test]\nfn a() { assert_eq!(y(), \"}\"); }"));
        let python = "def test_a():\n    x()\n    # why\n\n    assert y\n\nz = 1\n";
        assert_eq!(body("a.py", python), body("a.py", "    def test_b():\n        x()\n        assert y\n"));
        assert_ne!(body("a.py", python), body("a.py", "def test_a():\n    x()\n"));
        assert_eq!(
            body("a.js", "it('a', () => { f(')') })"),
            body("a.js", "it(\"b\", () => {\n  f(')')\n})\ng()")
        );
    }

    #[test]
    fn hostile_text_ends() {
        let deep = "it('a', () => { ".repeat(50_000);
        assert!(definitions(b"a.js", deep.as_bytes()).len() <= COUNT_MAX);
        for path in
            ["a.py", "a.rs", "a.go", "a.java", "a.c", "CMakeLists.txt", "a.t", "a.sh", "a.rb", "a.php"]
        {
            for text in
                ["def test_", "#[test]", "@Test ", "TEST(", "add_test(", "it '", "<<A ", "\"\"\"", "'ä"]
            {
                drop(definitions(path.as_bytes(), text.repeat(2_000).as_bytes()));
            }
        }
    }
}
