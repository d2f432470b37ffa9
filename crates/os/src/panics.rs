//! Catches panics, which are faults of Paddock itself. Code that runs work on its own threads catches them
//! here, with their place, and reports them. None is only logged.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    /// The last panic of this thread, with its place. Only the hook knows the place, and only `caught` has a
    /// use for it.
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
    /// Whether this thread runs inside of [`caught`].
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Installs a panic hook that remembers the place of each caught panic and writes its backtrace to the log
/// instead of the terminal. Panics that nothing catches go to the hook that was there before.
pub fn remember() {
    // Twice would wrap the hook in itself.
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let place =
                info.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
            let words = format!("{}{place}", message(info.payload()));
            if !IS_CAUGHT.get() {
                return before(info);
            }
            let backtrace = Backtrace::force_capture();
            tracing::error!(%backtrace, "panicked: {words}");
            LAST.with(|last| last.replace(Some(words)));
        }));
    });
}

/// A caught panic: its message and, if [`remember`] was called, its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Panic(String);

/// Calls `act` and catches its panic.
///
/// # Errors
/// [`Panic`] if `act` panics.
pub fn caught<T>(act: impl FnOnce() -> T) -> Result<T, Panic> {
    // Restored afterwards and not set to false: calls may be nested.
    let was_caught = IS_CAUGHT.replace(true);
    let done = catch_unwind(AssertUnwindSafe(act));
    IS_CAUGHT.set(was_caught);
    done.map_err(|payload| Panic(LAST.with(RefCell::take).unwrap_or_else(|| message(payload.as_ref()))))
}

/// Returns the text of a panic's payload, which is a `&str` or a `String` for every `panic!`.
fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_reported_with_its_message_and_its_place() {
        remember();
        let problem = caught(|| panic!("no {} at all", "luck")).unwrap_err().to_string();
        assert!(problem.starts_with(&format!("no luck at all at {}:", file!())), "{problem}");
        assert_eq!(caught(|| 7), Ok(7));
    }
}
