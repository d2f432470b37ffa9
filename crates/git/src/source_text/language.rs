//! Languages of source files, by their names and first lines.

/// A language, as far as its comments and strings differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// Python.
    Python,
    /// Rust.
    Rust,
    /// JavaScript and TypeScript.
    JavaScript,
    /// Go.
    Go,
    /// Java, Kotlin, Scala, Groovy, C#, Swift and Dart.
    Java,
    /// C and C++.
    C,
    /// POSIX shells and bats.
    Shell,
    /// Perl.
    Perl,
    /// Ruby and Elixir.
    Ruby,
    /// PHP.
    Php,
    /// `CMake`.
    Cmake,
    /// Make.
    Make,
    /// YAML, TOML and ini files.
    Settings,
    /// JSON.
    Json,
}

impl Language {
    #[cfg(test)]
    pub(crate) const ALL: &[Self] = &[
        Self::Python,
        Self::Rust,
        Self::JavaScript,
        Self::Go,
        Self::Java,
        Self::C,
        Self::Shell,
        Self::Perl,
        Self::Ruby,
        Self::Php,
        Self::Cmake,
        Self::Make,
        Self::Settings,
        Self::Json,
    ];

    /// Returns the language of a file with this path and text; `None` if it is in no language known here.
    pub(crate) fn from_file(path: &[u8], text: &[u8]) -> Option<Self> {
        let path = String::from_utf8_lossy(path);
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_make = ["makefile", "gnumakefile", "bsdmakefile", "justfile"];
        match name.to_ascii_lowercase().as_str() {
            "cmakelists.txt" => return Some(Self::Cmake),
            "rakefile" | "gemfile" | "guardfile" => return Some(Self::Ruby),
            "jenkinsfile" => return Some(Self::Java),
            "dockerfile" | "containerfile" => return Some(Self::Shell),
            other if is_make.contains(&other) => return Some(Self::Make),
            _ => {}
        }
        // The first line shows a script without an ending.
        let Some((_, ending)) = name.rsplit_once('.') else { return Self::from_first_line(text) };
        Some(match ending.to_ascii_lowercase().as_str() {
            "py" | "pyi" | "pyw" | "pth" => Self::Python,
            "rs" => Self::Rust,
            "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" | "vue" | "svelte" => {
                Self::JavaScript
            }
            "go" => Self::Go,
            "java" | "kt" | "kts" | "scala" | "groovy" | "gradle" | "cs" | "swift" | "dart" => Self::Java,
            "c" | "cc" | "cpp" | "cxx" | "h" | "hh" | "hpp" | "hxx" | "inc" | "m" | "mm" => Self::C,
            "sh" | "bash" | "zsh" | "ksh" | "bats" => Self::Shell,
            "pl" | "pm" | "t" | "psgi" => Self::Perl,
            "rb" | "rake" | "gemspec" | "ex" | "exs" => Self::Ruby,
            "php" | "phpt" | "inc.php" => Self::Php,
            "cmake" => Self::Cmake,
            "mk" | "mak" => Self::Make,
            "yml" | "yaml" | "toml" | "ini" | "cfg" => Self::Settings,
            "json" => Self::Json,
            _ => return Self::from_first_line(text),
        })
    }

    fn from_first_line(text: &[u8]) -> Option<Self> {
        let first = text.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
        let first = String::from_utf8_lossy(first);
        let mut words = first.split(['/', ' ', '\t']);
        words.find_map(|word| match word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.') {
            "python" => Some(Self::Python),
            "node" | "deno" | "bun" => Some(Self::JavaScript),
            "sh" | "bash" | "dash" | "zsh" | "ksh" | "bats" => Some(Self::Shell),
            "perl" => Some(Self::Perl),
            "ruby" => Some(Self::Ruby),
            "php" => Some(Self::Php),
            "make" => Some(Self::Make),
            _ => None,
        })
    }

    /// Returns whether `#` begins a comment.
    pub(super) fn has_hash_comments(self) -> bool {
        matches!(
            self,
            Self::Python
                | Self::Shell
                | Self::Perl
                | Self::Ruby
                | Self::Php
                | Self::Cmake
                | Self::Make
                | Self::Settings
        )
    }

    /// Returns whether `//` and `/*` begin comments.
    pub(super) fn has_slash_comments(self) -> bool {
        matches!(self, Self::Rust | Self::JavaScript | Self::Go | Self::Java | Self::C | Self::Php)
    }
}
