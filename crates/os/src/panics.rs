//! Panics: faults of Paddock itself. Code that runs work on a thread of its own catches them here, with their place, and
//! reports them: none is only logged.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
    /// Whether somebody catches what this thread does now.
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Has each panic that is caught remembered with its place, and its backtrace written to the log instead of the terminal.
/// What nobody catches goes where it went before.
pub fn remember() {
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

/// A panic that was caught: its message, and, after [`remember`], where it happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Panic(String);

/// Calls `act`.
///
/// # Errors
/// [`Panic`] when it panics.
pub fn caught<T>(act: impl FnOnce() -> T) -> Result<T, Panic> {
    let was_caught = IS_CAUGHT.replace(true);
    let done = catch_unwind(AssertUnwindSafe(act));
    IS_CAUGHT.set(was_caught);
    done.map_err(|payload| Panic(LAST.with(RefCell::take).unwrap_or_else(|| message(payload.as_ref()))))
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_with_its_message_and_its_place() {
        remember();
        let problem = caught(|| panic!("no {} at all", "luck")).unwrap_err().to_string();
        assert!(problem.starts_with(&format!("no luck at all at {}:", file!())), "{problem}");
        assert_eq!(caught(|| 7), Ok(7));
    }
}
