//! Cases under seeds, in a few processes with a home of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use paddock_testkit::alone;

/// Variable with the number of cases.
const SEEDS: &str = "GATE_SEEDS";
/// Variable with the only seed to run.
pub(super) const SEED: &str = "GATE_SEED";
/// Variable of a process that runs a part of the cases: `<which>/<how many>`.
const SHARE: &str = "PADDOCK_TEST_GATE_SHARE";
/// Number of processes.
const SHARES: u64 = 2;

/// Where a case lives.
pub(super) struct Place {
    pub(super) root: PathBuf,
    /// Contents of LFS files.
    pub(super) store: PathBuf,
}

/// Runs cases in a few processes, as Paddock's own calls of git read the settings in the home of their process.
/// Returns the sum in these processes, and `None` in the test that starts them.
pub(super) fn in_shares<T: Default + std::fmt::Debug>(
    test: &str,
    seeds: u64,
    case: impl Fn(&Place, u64, &mut T),
) -> Option<T> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = number(SEEDS).unwrap_or(seeds);
    let Ok(share) = std::env::var(SHARE) else {
        start(test, if number(SEED).is_some() { 1 } else { SHARES });
        return None;
    };
    let (which, shares) = share.split_once('/').unwrap();
    let (which, shares): (u64, u64) = (which.parse().unwrap(), shares.parse().unwrap());
    let home = PathBuf::from(std::env::var_os("HOME").unwrap());
    let mut tally = T::default();
    let all = number(SEED).map_or(0..seeds, |seed| seed..seed + 1);
    for seed in all.filter(|seed| seed % shares == which) {
        let place = Place { root: home.join(format!("case-{seed}")), store: home.join("store") };
        fs::create_dir(&place.root).unwrap();
        case(&place, seed, &mut tally);
        fs::remove_dir_all(&place.root).unwrap();
    }
    println!("{tally:?}");
    Some(tally)
}

fn start(test: &str, shares: u64) {
    let folder = tempfile::Builder::new().prefix("paddock-test-").tempdir().unwrap();
    let module = module_path!().rsplit_once("::").unwrap().0;
    let children: Vec<_> = (0..shares)
        .map(|which| {
            let home = folder.path().join(format!("home-{which}"));
            make_home(&home);
            let mut command = alone::command(module, test);
            command.env("HOME", &home).env("XDG_CONFIG_HOME", home.join(".config"));
            command.env(SHARE, format!("{which}/{shares}")).env_remove("GIT_CONFIG_GLOBAL");
            command.env("GIT_CONFIG_NOSYSTEM", "1");
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        print!("{}", String::from_utf8_lossy(&output.stdout));
        alone::passed(&output);
    }
}

/// A filter that keeps contents outside of git, as git LFS does. Without the content the pointer stays.
const LFS: &str = r#"file=$(mktemp); cat > "$file"; read -r first < "$file"
is_pointer() { test "${first#version https://git-lfs}" != "$first"; }
case $1 in
clean) is_pointer || { id=$(sha256sum < "$file" | cut -c1-64); size=$(wc -c < "$file")
  printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %s\n' "$id" "$size" > "$file"; };;
smudge) kept=$HOME/store/$(sed -n 's/^oid sha256://p' "$file")
  ! is_pointer || test ! -f "$kept" || cp "$kept" "$file";;
esac
cat "$file"; rm "$file"
"#;

/// Makes a home with git settings as users have them.
fn make_home(home: &Path) {
    fs::create_dir_all(home.join("store")).unwrap();
    fs::write(home.join("lfs.sh"), LFS).unwrap();
    let filter = |name: &str, clean: &str, smudge: &str| {
        format!("[filter {name:?}]\n\tclean = {clean}\n\tsmudge = {smudge}\n")
    };
    let mut text = "[user]\n\tname = Someone\n\temail = someone@localhost\n".to_owned();
    text += "[protocol \"file\"]\n\tallow = always\n[advice]\n\tdetachedHead = false\n";
    text += &filter("rot", "tr a-z n-za-m", "tr a-z n-za-m");
    text += &filter("lfs", "sh ~/lfs.sh clean", "sh ~/lfs.sh smudge");
    fs::write(home.join(".gitconfig"), text).unwrap();
}
