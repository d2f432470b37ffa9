//! The environment variables by which a job learns about its slot.

use std::collections::BTreeMap;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use super::Taken;
use crate::spec::{JobSpec, SlotOrder};

const SLOT: &str = "PADDOCK_SLOT";
const PORT_BASE: &str = "PADDOCK_PORT_BASE";
const TEMPORARY: &str = "TMPDIR";
const RUNTIME: &str = "XDG_RUNTIME_DIR";
const COMPOSE: &str = "COMPOSE_PROJECT_NAME";
const BUS: &str = "DBUS_SESSION_BUS_ADDRESS";

/// Most characters of a project's name in the name of its containers, which has a limit too.
const PROJECT_CHARS_MAX: usize = 40;

/// Adds the variables of a slot to a job. Those that the job's settings set or remove stay as they are.
pub(crate) fn add_variables(spec: &mut JobSpec, taken: &Taken, order: &SlotOrder) {
    let mut found = BTreeMap::from([
        (SLOT, taken.slot.number.to_string()),
        (COMPOSE, compose_name(&order.project, taken.slot.number)),
    ]);
    found.extend(taken.ports.map(|ports| (PORT_BASE, ports.first.to_string())));
    if let Some(folders) = &taken.folders {
        found.insert(TEMPORARY, folders.temporary.clone());
        found.insert(RUNTIME, folders.runtime.clone());
        let own = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let is_given = own(BUS).is_some() || spec.env_names.iter().any(|name| name == BUS);
        found.extend(bus(own(RUNTIME).as_deref()).filter(|_| !is_given).map(|address| (BUS, address)));
    }
    for (name, value) in found {
        if !spec.env_unset.iter().any(|unset| unset == name) {
            spec.env_set.entry(name.to_owned()).or_insert(value);
        }
    }
}

/// Returns a name that compose accepts for a project.
fn compose_name(project: &str, slot: u32) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '-' };
    let project: String = project.chars().map(plain).take(PROJECT_CHARS_MAX).collect();
    format!("paddock-{project}-{slot}")
}

/// Returns the address of the user's message bus, which programs look for in the runtime folder if no variable
/// names it. Logins of agents may be in a keyring that is reached over it.
fn bus(runtime: Option<&str>) -> Option<String> {
    let path = format!("{}/bus", runtime?);
    let is_socket = std::fs::metadata(Path::new(&path)).is_ok_and(|found| found.file_type().is_socket());
    // Others would have to be escaped in an address.
    let is_plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "-_/.".contains(c));
    (path.starts_with('/') && is_socket && is_plain).then(|| format!("unix:path={path}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn containers_have_names_that_compose_accepts() {
        assert_eq!(compose_name("shop", 3), "paddock-shop-3");
        assert_eq!(compose_name("My.Shop_ä", 12), "paddock-my-shop_--12");
        assert!(compose_name(&"p".repeat(63), 9_999).len() < 63);
    }

    #[test]
    fn the_bus_of_the_user_is_named_where_programs_would_have_found_it() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = folder.path().to_str().unwrap();
        assert_eq!((bus(None), bus(Some(runtime))), (None, None));
        std::fs::write(folder.path().join("bus"), "").unwrap();
        assert_eq!(bus(Some(runtime)), None);
        std::fs::remove_file(folder.path().join("bus")).unwrap();
        let _listener = UnixListener::bind(folder.path().join("bus")).unwrap();
        assert_eq!(bus(Some(runtime)), Some(format!("unix:path={runtime}/bus")));
    }
}
