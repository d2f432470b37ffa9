//! Removing what a gate run left, whatever it is, and opening folders that it closed.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::table::Stat;
pub(crate) use paddock_os::clear::remove;

/// Permission bits without which the owner cannot list or change a folder.
const OWNER_ALL: u32 = 0o700;

/// Gives the owner every right on a folder. Other bits stay.
pub(super) fn open_up(folder: &Path, stat: &Stat) -> io::Result<()> {
    if stat.mode & OWNER_ALL == OWNER_ALL {
        return Ok(());
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(stat.mode | OWNER_ALL))
}
