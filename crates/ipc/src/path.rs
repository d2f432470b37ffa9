//! The path of the socket.
//!
//! The system limits a socket's path to about 100 bytes, and the path of a workspace may be longer. The
//! socket of such a workspace is elsewhere, so a pointer file in the runtime folder always says where.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::IpcError;
use paddock_os::files::{self, Flush, PRIVATE_FILE_MODE};
use paddock_os::plain;

/// Longest path of a socket, in bytes, without the closing zero: the size of `sun_path` less one.
#[cfg(target_os = "linux")]
const SOCKET_PATH_MAX_BYTES: usize = 107;
#[cfg(not(target_os = "linux"))]
const SOCKET_PATH_MAX_BYTES: usize = 103;

const SOCKET_NAME: &str = "paddock.sock";
const POINTER_NAME: &str = "paddock.socket-path";

/// Folders for sockets that do not fit into their workspace.
pub(super) struct Places {
    /// `$XDG_RUNTIME_DIR`.
    pub xdg_runtime: Option<PathBuf>,
    /// `/tmp`.
    pub tmp: PathBuf,
}

impl Places {
    /// Returns the folders of this machine and user.
    pub(crate) fn from_env() -> Self {
        let xdg_runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        Self { xdg_runtime, tmp: PathBuf::from("/tmp") }
    }
}

/// The paths of the socket and of its pointer file. Both files are removed when the value is dropped.
#[derive(Debug)]
pub(super) struct SocketFile {
    pub socket: PathBuf,
    pointer: PathBuf,
}

impl SocketFile {
    /// Chooses the path, removes a stale socket there, and writes the pointer file. The caller holds the
    /// workspace lock, so nobody serves a socket that exists.
    pub(crate) fn claim(runtime: &Path, places: &Places) -> Result<Self, IpcError> {
        // Canonical, so that the same workspace reached through a link has the same socket.
        let runtime = fs::canonicalize(runtime).map_err(|error| IpcError::io(runtime, &error))?;
        close_to_others(&runtime)?;
        let socket = choose(&runtime, places)?;
        remove_stale(&socket)?;
        let pointer = runtime.join(POINTER_NAME);
        write_pointer(&pointer, &socket).map_err(|error| IpcError::io(&pointer, &error))?;
        Ok(Self { socket, pointer })
    }

    /// Returns the identity of the socket's file, by device and inode; `None` if it is gone.
    pub(crate) fn identity(&self) -> Option<(u64, u64)> {
        fs::symlink_metadata(&self.socket).ok().map(|found| (found.dev(), found.ino()))
    }

    /// Returns whether the pointer file leads to the socket.
    pub(crate) fn is_pointed_to(&self) -> bool {
        let runtime = self.pointer.parent().unwrap_or(Path::new("."));
        read_pointer(runtime).is_ok_and(|found| found.as_ref() == Some(&self.socket))
    }

    /// Writes the pointer file again, and makes way for a new socket if `and_socket`.
    pub(crate) fn claim_again(&self, and_socket: bool) -> Result<(), IpcError> {
        if and_socket {
            remove_stale(&self.socket)?;
        }
        write_pointer(&self.pointer, &self.socket).map_err(|error| IpcError::io(&self.pointer, &error))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // An error leaves a stale file, which the next start replaces. The pointer goes first: a client that
        // finds none knows at once that no supervisor listens.
        let _ = fs::remove_file(&self.pointer);
        let _ = fs::remove_file(&self.socket);
    }
}

/// Returns the path of the workspace's socket from the pointer file; `None` if there is no such file.
pub(super) fn read_pointer(runtime: &Path) -> Result<Option<PathBuf>, IpcError> {
    let pointer = runtime.join(POINTER_NAME);
    match plain::read(&pointer) {
        Ok(bytes) => {
            let bytes = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
            Ok(Some(PathBuf::from(std::ffi::OsStr::from_bytes(bytes))))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(IpcError::io(&pointer, &error)),
    }
}

fn fits(path: &Path) -> bool {
    path.as_os_str().len() <= SOCKET_PATH_MAX_BYTES
}

/// Returns the path for the socket: in the workspace, else in the user's runtime folder, else below `/tmp`.
fn choose(runtime: &Path, places: &Places) -> Result<PathBuf, IpcError> {
    let preferred = runtime.join(SOCKET_NAME);
    if fits(&preferred) {
        return Ok(preferred);
    }
    // Outside of the workspace the name has to tell workspaces apart.
    let digest = Sha256::digest(runtime.as_os_str().as_bytes());
    let hash: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    if let Some(xdg) = &places.xdg_runtime {
        let path = xdg.join(format!("paddock-{hash}.sock"));
        if xdg.is_absolute() && is_ours_alone(xdg) && fits(&path) {
            return Ok(path);
        }
    }
    let folder = places.tmp.join(format!("paddock-{}", own_uid()));
    // `/tmp` is open to all users: another one may have made something of that name, so its owner and mode
    // are checked.
    files::create_private_dir(&folder).map_err(|error| IpcError::io(&folder, &error))?;
    match is_ours_alone(&folder) {
        true => Ok(folder.join(format!("{hash}.sock"))),
        false => Err(IpcError::UnsafeFolder { path: folder }),
    }
}

pub(super) fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Returns whether the path is a folder (no link) that belongs to this user and is closed to all others.
fn is_ours_alone(folder: &Path) -> bool {
    fs::symlink_metadata(folder)
        .is_ok_and(|found| found.is_dir() && found.uid() == own_uid() && found.mode() & 0o077 == 0)
}

/// Closes the runtime folder to other users, unless it is closed already.
fn close_to_others(runtime: &Path) -> Result<(), IpcError> {
    if is_ours_alone(runtime) {
        return Ok(());
    }
    files::make_private(runtime).map_err(|error| IpcError::io(runtime, &error))
}

/// Removes the socket of a supervisor that is gone. Refuses to remove anything that is no socket.
fn remove_stale(socket: &Path) -> Result<(), IpcError> {
    match fs::symlink_metadata(socket) {
        Ok(found) if found.file_type().is_socket() => {
            fs::remove_file(socket).map_err(|error| IpcError::io(socket, &error))
        }
        Ok(_) => Err(IpcError::InTheWay { path: socket.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(IpcError::io(socket, &error)),
    }
}

/// Writes the pointer file atomically, so that no client reads half a path.
fn write_pointer(pointer: &Path, socket: &Path) -> io::Result<()> {
    let mut line = socket.as_os_str().as_bytes().to_vec();
    line.push(b'\n');
    files::write_atomic(pointer, &line, PRIVATE_FILE_MODE, Flush::Later)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn long_runtime(root: &Path) -> PathBuf {
        let runtime = root.join("a rather long folder name ".repeat(5)).join("runtime");
        fs::create_dir_all(&runtime).unwrap();
        runtime
    }

    #[test]
    fn a_long_path_falls_back_to_the_runtime_folder_of_the_user_and_then_to_tmp() {
        let root = tempfile::tempdir().unwrap();
        let runtime = long_runtime(root.path());
        let xdg = root.path().join("xdg");
        files::make_private_dir(&xdg).unwrap();
        let mut places = Places { xdg_runtime: Some(xdg.clone()), tmp: root.path().to_owned() };
        let file = SocketFile::claim(&runtime, &places).unwrap();
        assert_eq!(file.socket.parent(), Some(xdg.as_path()));
        assert_eq!(read_pointer(&runtime).unwrap().as_ref(), Some(&file.socket));
        drop(file);
        assert_eq!(read_pointer(&runtime).unwrap(), None);

        fs::set_permissions(&xdg, Permissions::from_mode(0o755)).unwrap();
        let open_to_others = SocketFile::claim(&runtime, &places).unwrap();
        let folder = root.path().join(format!("paddock-{}", own_uid()));
        assert_eq!(open_to_others.socket.parent(), Some(folder.as_path()));
        assert!(is_ours_alone(&folder));

        fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
        places.xdg_runtime = None;
        let refused = SocketFile::claim(&runtime, &places).unwrap_err();
        assert_eq!(refused, IpcError::UnsafeFolder { path: folder });
    }

    #[test]
    fn a_file_in_the_way_is_named_and_kept() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().canonicalize().unwrap().join(SOCKET_NAME);
        fs::write(&path, "mine").unwrap();
        let places = Places::from_env();
        let refused = SocketFile::claim(root.path(), &places).unwrap_err();
        assert_eq!(refused, IpcError::InTheWay { path: path.clone() });
        assert_eq!(fs::read_to_string(path).unwrap(), "mine");
    }
}
