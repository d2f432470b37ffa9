use proptest::prelude::*;

use super::super::Globs;
use super::*;

fn path(a: &str, b: &str) -> Option<String> {
    overlap(a, b).unwrap().map(|bytes| String::from_utf8(bytes).unwrap())
}

fn texts(patterns: &[&str]) -> Vec<String> {
    patterns.iter().map(|&text| text.to_owned()).collect()
}

fn with_shared(a: &[&str], b: &[&str], shared: &[&str]) -> Option<Witness> {
    OverlapCache::default().overlap(&texts(a), &texts(b), &texts(shared)).unwrap()
}

#[test]
fn known_pairs_are_decided_with_a_plausible_path() {
    for (a, b, expected) in [
        ("src/**", "src/auth/*.rs", Some("src/auth/.rs")),
        ("src/**", "tests/**", None),
        ("src/**", "src", None),
        ("src/", "src/a/b", Some("src/a/b")),
        ("./src/a", "src/a", Some("src/a")),
        ("**/*.rs", "**/*.md", None),
        ("*", "**", Some("a")),
        ("a*c", "ab*", Some("abc")),
        ("*a", "b*", Some("ba")),
        ("src/*", "src/*/*", None),
        ("a/**/z", "a/z", Some("a/z")),
        ("[ab]/x", "[bc]/x", Some("b/x")),
        ("{src,lib}/**", "lib/x", Some("lib/x")),
        ("登录/**", "**/主.py", Some("登录/主.py")),
        ("**", "**", Some("a")),
    ] {
        assert_eq!(path(a, b).as_deref(), expected, "{a} and {b}");
        assert_eq!(path(b, a).as_deref(), expected, "{b} and {a}");
    }
}

#[test]
fn a_scope_without_patterns_overlaps_every_other() {
    let witness = with_shared(&[], &["docs/**"], &[]).unwrap();
    assert_eq!((witness.left_glob.as_str(), witness.right_glob.as_str()), ("**", "docs/**"));
    assert_eq!(witness.path, b"docs/a");
}

#[test]
fn shared_patterns_never_count_as_overlap() {
    let shared = ["CHANGELOG.md", "**/Cargo.lock"];
    assert_eq!(with_shared(&["src/**", "CHANGELOG.md"], &["docs/**", "CHANGELOG.md"], &shared), None);
    assert_eq!(with_shared(&["src/**"], &["**/Cargo.lock"], &shared), None);
    // The shortest common path may be shared while a longer one is not: the difference is what counts.
    let witness = with_shared(&["*.lock", "Cargo.*"], &["Cargo*"], &shared).unwrap();
    assert_ne!(witness.path, b"Cargo.lock");
    assert_eq!(with_shared(&["a/*"], &["a/?"], &["a/?"]), None);
    assert!(with_shared(&["a/*"], &["a/??"], &["a/?"]).is_some());
    // Globs match line breaks too.
    assert_eq!(with_shared(&[], &[], &["**"]), None);
}

#[test]
fn patterns_that_are_too_complicated_are_an_error() {
    let monster = format!("{}x", "*a?????????".repeat(20));
    let message = overlap(&monster, "**").unwrap_err().to_string();
    assert!(message.contains("too complicated"), "{message}");
}

#[test]
fn the_cache_gives_the_same_answers_after_it_is_emptied() {
    let mut cache = OverlapCache::default();
    let (a, b, shared) = (texts(&["src/**"]), texts(&["src/x/*"]), texts(&["**/*.lock"]));
    let first = cache.overlap(&a, &b, &shared).unwrap();
    assert_eq!(cache.overlap(&a, &b, &shared).unwrap(), first);
    cache.bytes = AUTOMATA_MAX_BYTES + 1;
    assert_eq!(cache.overlap(&a, &b, &shared).unwrap(), first);
    assert!(cache.bytes < AUTOMATA_MAX_BYTES);
}

#[test]
fn the_witness_reads_as_a_sentence() {
    let witness = with_shared(&["src/**"], &["src/a/*"], &[]).unwrap();
    let text = "`src/**` and `src/a/*` may change the same file (for example \"src/a/a\")";
    assert_eq!(witness.to_string(), text);
}

/// Every path of up to five bytes over a small alphabet that a repository could hold.
fn small_paths() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = vec![Vec::new()];
    let mut last = all.clone();
    for _ in 0..5 {
        last = last
            .iter()
            .flat_map(|path| b"ab/".iter().map(|&byte| path.iter().copied().chain([byte]).collect()))
            .collect();
        all.extend(last.iter().cloned());
    }
    all.retain(|path| !path.split(|&byte| byte == b'/').any(<[u8]>::is_empty));
    all
}

fn small_pattern() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("**"),
        Just("*"),
        Just("a"),
        Just("b*"),
        Just("?"),
        Just("[ab]"),
        Just("{a,b*}b"),
        Just("ab"),
        Just("a\\*")
    ];
    prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_answer_agrees_with_trying_every_small_path(
        a in small_pattern(), b in small_pattern(), shared in small_pattern(), share in any::<bool>(),
    ) {
        let shared: Vec<String> = if share { vec![shared] } else { Vec::new() };
        let (left, right) = (Globs::new(&[&a]).unwrap(), Globs::new(&[&b]).unwrap());
        let hidden = Globs::new(&shared).unwrap();
        let common = |path: &[u8]| left.matches(path) && right.matches(path) && !hidden.matches(path);
        let mut cache = OverlapCache::default();
        let found = cache.overlap(&texts(&[&a]), &texts(&[&b]), &shared).unwrap();
        let mirrored = cache.overlap(&[b], &[a], &shared).unwrap();
        prop_assert_eq!(found.is_some(), mirrored.is_some());
        let brute = small_paths().into_iter().find(|path| common(path));
        match found {
            None => prop_assert_eq!(brute, None),
            Some(witness) => {
                prop_assert!(common(&witness.path), "{:?}", witness);
                prop_assert!(brute.is_none_or(|path| path.len() >= witness.path.len()));
            }
        }
    }
}
