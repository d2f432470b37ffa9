//! Files depend on each other in one direction.
//!
//! A file depends on another if it names something that the other defines, in a `use` or by its path. An item
//! behind a `pub use` counts for the file that defines it. `mod` and `pub use` themselves are no dependency.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Item, ItemUse, UseTree, Visibility};

use super::sources::{files_of, parse, root};

/// Largest number of files that may need each other: a pair, and the file that they share.
const CYCLE_FILES_MAX: usize = 3;

/// A module, by its path from the root of its crate.
type Module = Vec<String>;

/// The names of other files' items in one file.
#[derive(Default)]
struct Names {
    /// Each name that a `use` or `pub use` imports, with the path as written.
    imported: BTreeMap<String, Vec<String>>,
    /// Paths that the file itself uses.
    needed: Vec<Vec<String>>,
}

impl Names {
    fn read(path: &Path) -> Self {
        let mut names = Self::default();
        names.visit_file(&parse(path));
        names
    }

    fn take(&mut self, tree: &UseTree, before: &[String], is_reexport: bool) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        let (name, path) = match tree {
            UseTree::Path(path) => return self.take(&path.tree, &with(&path.ident), is_reexport),
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.take(tree, before, is_reexport));
            }
            UseTree::Name(name) if name.ident == "self" => {
                (before.last().cloned().unwrap_or_default(), before.to_vec())
            }
            UseTree::Name(name) => (name.ident.to_string(), with(&name.ident)),
            UseTree::Rename(rename) => (rename.rename.to_string(), with(&rename.ident)),
            UseTree::Glob(_) => ("*".to_owned(), before.to_vec()),
        };
        if !is_reexport {
            self.needed.push(path.clone());
        }
        self.imported.insert(name, path);
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_test = |list: &syn::MetaList| list.tokens.to_string().starts_with("test");
        attribute.path().is_ident("cfg") && attribute.meta.require_list().is_ok_and(is_test)
    })
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(one) => &one.attrs,
            Item::Use(one) => &one.attrs,
            Item::Fn(one) => &one.attrs,
            Item::Impl(one) => &one.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.take(&item.tree, &[], !matches!(item.vis, Visibility::Inherited));
    }

    /// Skipped: a path in `pub(in path)` is no dependency.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.needed.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }
}

/// The files of one crate.
struct Crate(BTreeMap<Module, Names>);

impl Crate {
    fn read(source: &Path) -> Self {
        let is_of_tests = |module: &Module| {
            module
                .iter()
                .any(|name| ["tests", "testing"].contains(&name.as_str()) || name.ends_with("_tests"))
        };
        let files = files_of(&[source.to_str().unwrap()]).into_iter();
        let named = files.map(|path| (module_of(&path, source), path));
        Self(
            named
                .filter(|(module, _)| !is_of_tests(module))
                .map(|(m, path)| (m, Names::read(&path)))
                .collect(),
        )
    }

    /// Returns the module that defines the item that `path` names when read in the module `from`. `None` if
    /// the item belongs to another crate.
    fn definer(&self, from: &Module, path: &[String], depth: usize) -> Option<Module> {
        let (first, mut rest) = path.split_first()?;
        let mut module = match first.as_str() {
            "crate" => Module::new(),
            "self" => from.clone(),
            "super" => from[..from.len().checked_sub(1)?].to_vec(),
            name => {
                let child = [from.as_slice(), &[name.to_owned()]].concat();
                let imported = self.0[from].imported.get(name).filter(|target| target.as_slice() != path);
                match imported {
                    _ if self.0.contains_key(&child) => child,
                    // The depth ends chains of imports that lead back to themselves.
                    Some(target) if depth < 8 => {
                        return self.definer(from, &[target, rest].concat(), depth + 1);
                    }
                    _ => return None,
                }
            }
        };
        while let Some((next, after)) = rest.split_first() {
            let below = match next.as_str() {
                "super" => module[..module.len().checked_sub(1)?].to_vec(),
                name => [module.as_slice(), &[name.to_owned()]].concat(),
            };
            if !self.0.contains_key(&below) {
                break;
            }
            (module, rest) = (below, after);
        }
        let names = self.0.get(&module)?;
        let reexported = rest.first().and_then(|name| names.imported.get(name));
        match reexported {
            Some(target) if depth < 8 && module != *from => {
                self.definer(&module, &[target, &rest[1..]].concat(), depth + 1)
            }
            _ => Some(module),
        }
    }

    fn needs(&self) -> BTreeMap<&Module, BTreeSet<Module>> {
        let of = |(module, names): (&'_ Module, &Names)| {
            let found = names.needed.iter().filter_map(|path| self.definer(module, path, 0));
            found.filter(|other| other != module).collect()
        };
        self.0.iter().map(|(module, names)| (module, of((module, names)))).collect()
    }

    /// Returns the sets of files that all need each other, directly or through others.
    fn cycles(&self) -> Vec<BTreeSet<Module>> {
        let needs = self.needs();
        let reached = |from: &Module| {
            let (mut seen, mut due) = (BTreeSet::new(), vec![from.clone()]);
            while let Some(module) = due.pop() {
                due.extend(needs[&module].iter().filter(|next| seen.insert((*next).clone())).cloned());
            }
            seen
        };
        let reach: BTreeMap<&Module, BTreeSet<Module>> =
            self.0.keys().map(|one| (one, reached(one))).collect();
        let with = |one: &Module| -> BTreeSet<Module> {
            reach[one].iter().filter(|other| reach[*other].contains(one)).cloned().collect()
        };
        let all: BTreeSet<BTreeSet<Module>> = self.0.keys().map(with).collect();
        all.into_iter().filter(|cycle| cycle.len() > 1).collect()
    }
}

/// Returns the module that a file is.
fn module_of(path: &Path, source: &Path) -> Module {
    let path = path.strip_prefix(root().join(source)).unwrap().with_extension("");
    let mut names: Module = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if names.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        names.pop();
    }
    names
}

fn sources() -> Vec<PathBuf> {
    let crates = fs::read_dir(root().join("crates")).unwrap();
    let mut sources: Vec<PathBuf> =
        crates.map(|one| Path::new("crates").join(one.unwrap().file_name()).join("src")).collect();
    sources.push(PathBuf::from("src"));
    sources
}

#[test]
fn no_more_than_three_files_need_each_other() {
    let mut faults = Vec::new();
    for source in sources() {
        for cycle in Crate::read(&source).cycles() {
            if cycle.len() > CYCLE_FILES_MAX {
                let names: Vec<String> = cycle.iter().map(|module| module.join("/")).collect();
                faults.push(format!("{}: {}", source.display(), names.join(", ")));
            }
        }
    }
    assert!(faults.is_empty(), "these files depend on each other in a circle:\n{}", faults.join("\n"));
}

#[test]
fn a_circle_of_files_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("lib.rs", "mod a; mod b; mod c; mod d; pub use a::One;");
    write("a.rs", "use crate::b::two; pub struct One;");
    write("b.rs", "pub fn two() { super::c::three() }");
    write("c.rs", "use super::One; pub fn three() {}");
    write("d.rs", "use crate::One; use std::fmt; #[cfg(test)] mod tests { use crate::c::three; }");
    let found = Crate::read(folder.path()).cycles();
    let names = |text: &str| text.split(' ').map(|name| vec![name.to_owned()]).collect::<BTreeSet<Module>>();
    assert_eq!(found, [names("a b c")]);
}
