//! No match on a closed list has a catch-all arm, so that the compiler names every place that a new variant
//! concerns.

use std::path::Path;

use syn::visit::{self, Visit};
use syn::{ExprMatch, ItemImpl, Pat, Type};

use super::sources::{enums_of, files_of, parse, root};
use syn::spanned::Spanned;

/// The closed lists: facts, effects, inputs, commands, and the states of objectives and sessions.
const CLOSED: [&str; 8] =
    ["Fact", "FactKind", "Effect", "Input", "Command", "Status", "SessionStatus", "SessionEnd"];

/// Returns whether a pattern is a catch-all.
fn is_catch_all(pattern: &Pat) -> bool {
    match pattern {
        Pat::Wild(_) => true,
        Pat::Ident(named) => named.subpat.is_none(),
        Pat::Paren(inner) => is_catch_all(&inner.pat),
        Pat::Or(or) => or.cases.iter().any(is_catch_all),
        _ => false,
    }
}

/// Collects catch-all arms in matches on closed lists: line and enum.
#[derive(Default)]
struct Open {
    found: Vec<(usize, String)>,
    /// The type that `Self` means inside the current `impl`.
    of: Option<String>,
}

impl<'ast> Visit<'ast> for Open {
    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let outer = self.of.take();
        if let Type::Path(path) = &*item.self_ty {
            self.of = path.path.segments.last().map(|segment| segment.ident.to_string());
        }
        visit::visit_item_impl(self, item);
        self.of = outer;
    }

    fn visit_expr_match(&mut self, found: &'ast ExprMatch) {
        let named = found.arms.iter().flat_map(|arm| enums_of(&arm.pat));
        let own = |name: String| if name == "Self" { self.of.clone().unwrap_or(name) } else { name };
        let closed = named.map(own).find(|name| CLOSED.contains(&name.as_str()));
        let rest = found.arms.iter().find(|arm| is_catch_all(&arm.pat) && arm.guard.is_none());
        if let (Some(name), Some(rest)) = (closed, rest) {
            self.found.push((rest.span().start().line, name));
        }
        visit::visit_expr_match(self, found);
    }
}

#[test]
fn no_match_on_a_closed_list_has_a_catch_all_arm() {
    let mut faults = Vec::new();
    let is_of_tests =
        |path: &Path| path.iter().any(|part| part == "tests" || part == "testing" || part == "tests.rs");
    for path in files_of(&["src", "crates"]).into_iter().filter(|path| !is_of_tests(path)) {
        let mut open = Open::default();
        open.visit_file(&parse(&path));
        let place = path.strip_prefix(root()).unwrap().display().to_string();
        faults.extend(open.found.iter().map(|(line, name)| format!("{place}:{line}: a match on {name}")));
    }
    let advice = "name every variant, so that a new one does not compile before it is decided on";
    assert!(faults.is_empty(), "{advice}:\n{}", faults.join("\n"));
}

#[test]
fn catch_all_arms_are_found() {
    let text = "fn f(s: Status) -> u8 { match s { Status::Done => 1, Status::Todo | Status::Ready => 2, _ => 3 } }\n\
                fn g(s: Fact) -> u8 { match &s { Fact::Landed { .. } => 1, other => h(other) } }\n\
                fn k(s: Status) -> u8 { match s { Status::Done => 1, Status::Todo => 2 } }\n\
                impl Status { fn n(self) -> u8 { match self { Self::Done => 1, _ => 2 } } }\n\
                fn m(s: Option<u8>) -> u8 { match s { Some(one) => one, _ => 2 } }";
    let mut open = Open::default();
    open.visit_file(&syn::parse_file(text).unwrap());
    assert_eq!(open.found, [(1, "Status".to_owned()), (2, "Fact".to_owned()), (4, "Status".to_owned())]);
}
