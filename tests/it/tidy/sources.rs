//! The Rust files of the project, and their functions and patterns.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{ExprMatch, ImplItemFn, ItemFn, Pat, TraitItemFn};

/// Enums whose matches route: events, effects, inputs and commands. The arms of such a match are a table that
/// is read line by line, so they do not count for a function's length.
pub(super) const ROUTED: [&str; 5] = ["Fact", "FactKind", "Effect", "Input", "Command"];

/// The root of the source tree.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push(path);
        }
    }
}

/// Returns the Rust files of the source tree below these folders.
pub(super) fn files_of(folders: &[&str]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in folders {
        collect(&root().join(folder), &mut files);
    }
    files.sort();
    files
}

/// Returns every Rust file of the project.
pub(super) fn all_files() -> Vec<PathBuf> {
    files_of(&["src", "crates", "tests", "benches"])
}

/// Returns the syntax of a file.
pub(super) fn parse(path: &Path) -> syn::File {
    syn::parse_file(&fs::read_to_string(path).unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns whether a line holds only a comment. Such lines count for no limit, so that nobody saves on
/// reasons.
pub(super) fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// A function and its length.
pub(super) struct Function {
    /// Its name.
    pub(super) name: String,
    /// The line that it begins in, from 1.
    pub(super) line: usize,
    /// Its lines, from `fn` to its closing brace, without comments and without the arms of matches that
    /// route.
    pub(super) lines: usize,
}

/// Returns the functions of a file with this text.
pub(super) fn functions(file: &syn::File, text: &str) -> Vec<Function> {
    struct Seen<'t> {
        text: Vec<&'t str>,
        found: Vec<Function>,
    }
    impl Seen<'_> {
        fn note(&mut self, name: &syn::Ident, from: Span, block: &syn::Block) {
            let mut arms =
                RoutingArms { comments: self.text.iter().map(|line| is_comment(line)).collect(), lines: 0 };
            arms.visit_block(block);
            let lines = arms.count(from, block.span()) - arms.lines;
            self.found.push(Function { name: name.to_string(), line: from.start().line, lines });
        }
    }
    impl<'ast> Visit<'ast> for Seen<'_> {
        fn visit_item_fn(&mut self, item: &'ast ItemFn) {
            self.note(&item.sig.ident, item.sig.fn_token.span, &item.block);
            visit::visit_item_fn(self, item);
        }
        fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
            self.note(&item.sig.ident, item.sig.fn_token.span, &item.block);
            visit::visit_impl_item_fn(self, item);
        }
        fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
            if let Some(block) = &item.default {
                self.note(&item.sig.ident, item.sig.fn_token.span, block);
            }
            visit::visit_trait_item_fn(self, item);
        }
    }
    let mut seen = Seen { text: text.lines().collect(), found: Vec::new() };
    seen.visit_file(file);
    seen.found
}

/// Counts the lines of the arms of matches that route.
struct RoutingArms {
    /// Which lines of the file are comments.
    comments: Vec<bool>,
    lines: usize,
}

impl RoutingArms {
    /// Returns how many lines there are between two places, without comments.
    fn count(&self, from: Span, to: Span) -> usize {
        let lines = &self.comments[from.start().line - 1..to.end().line];
        lines.iter().filter(|is_comment| !**is_comment).count()
    }
}

impl<'ast> Visit<'ast> for RoutingArms {
    fn visit_expr_match(&mut self, found: &'ast ExprMatch) {
        let enums: Vec<String> = found.arms.iter().flat_map(|arm| enums_of(&arm.pat)).collect();
        match enums.iter().any(|name| ROUTED.contains(&name.as_str())) {
            true => {
                self.lines += found.arms.iter().map(|arm| self.count(arm.span(), arm.span())).sum::<usize>();
            }
            false => visit::visit_expr_match(self, found),
        }
    }
}

/// Returns the names of the enums whose variants a pattern names at its top: `Fact` for `Fact::Landed { ..
/// }`.
pub(super) fn enums_of(pattern: &Pat) -> Vec<String> {
    let path = match pattern {
        Pat::Or(or) => return or.cases.iter().flat_map(enums_of).collect(),
        Pat::Paren(inner) => return enums_of(&inner.pat),
        Pat::Reference(inner) => return enums_of(&inner.pat),
        Pat::Ident(named) => return named.subpat.iter().flat_map(|(_, inner)| enums_of(inner)).collect(),
        Pat::Struct(one) => &one.path,
        Pat::TupleStruct(one) => &one.path,
        Pat::Path(one) => &one.path,
        _ => return Vec::new(),
    };
    let mut segments = path.segments.iter().rev().skip(1);
    segments.next().map(|segment| segment.ident.to_string()).into_iter().collect()
}
