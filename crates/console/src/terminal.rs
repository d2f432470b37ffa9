//! Enters and leaves the terminal. On every way out, panics included, the terminal gets its old state back.

use std::io::{self, Stdout, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste, EnableFocusChange,
    EnableMouseCapture,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use super::Model;
use super::frame;
use paddock_os::files::open_appending;

/// Whether the console has the terminal. A panic while a program has it must not touch its settings.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// The terminal while the console has it. Dropping this restores the terminal.
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    mouse: bool,
}

impl Screen {
    /// Enters the terminal: raw mode, alternate screen. Reports of panics on other threads are written to
    /// `log`, so that they do not garble the screen.
    ///
    /// # Errors
    /// Fails if the terminal reports an error; it is restored then.
    pub(crate) fn enter(log: PathBuf) -> io::Result<Self> {
        restore_on_panic(log);
        take()?;
        let terminal = match Terminal::new(CrosstermBackend::new(io::stdout())) {
            Ok(terminal) => terminal,
            Err(error) => {
                restore();
                return Err(error);
            }
        };
        Ok(Self { terminal, mouse: false })
    }

    /// Draws one frame. Terminals that support synchronized updates show it without flicker.
    ///
    /// # Errors
    /// Fails if the terminal reports an error, for example because it was closed.
    pub(crate) fn draw(&mut self, model: &Model) -> io::Result<()> {
        queue!(io::stdout(), BeginSynchronizedUpdate)?;
        // Not `?`: the synchronized update has to end even if drawing fails.
        let drawn = self.terminal.draw(|to| frame::draw(model, to.buffer_mut())).map(drop);
        execute!(io::stdout(), EndSynchronizedUpdate)?;
        drawn
    }

    /// Switches mouse reports on or off.
    ///
    /// # Errors
    /// Fails if the terminal reports an error.
    pub(crate) fn set_mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse = on;
        match on {
            true => execute!(io::stdout(), EnableMouseCapture),
            false => execute!(io::stdout(), DisableMouseCapture),
        }
    }

    /// Clears the screen, so that the next frame is drawn in full.
    ///
    /// # Errors
    /// Fails if the terminal reports an error.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Restores the terminal for a program or for the shell, until [`Screen::take_back`].
    pub(crate) fn lend(&mut self) {
        restore();
    }

    /// Enters the terminal again and clears it.
    ///
    /// # Errors
    /// Fails if the terminal reports an error.
    pub(crate) fn take_back(&mut self) -> io::Result<()> {
        take()?;
        // `restore` switches mouse reports off, whether or not they were on.
        if self.mouse {
            execute!(io::stdout(), EnableMouseCapture)?;
        }
        self.terminal.clear()
    }

    /// Writes a crossterm command to the terminal. Errors are ignored; the next frame reports them.
    pub(crate) fn obey(&mut self, command: impl crossterm::Command) {
        let _ = execute!(io::stdout(), command);
    }

    /// Writes an escape sequence to the terminal. Errors are ignored; the next frame reports them.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let mut out = io::stdout();
        let _ = out.write_all(bytes).and_then(|()| out.flush());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Enters raw mode and the alternate screen.
fn take() -> io::Result<()> {
    enable_raw_mode()?;
    // Set as soon as anything has changed, so that `restore` undoes a start that fails half-way.
    ENTERED.store(true, Ordering::SeqCst);
    // A lost connection may have left the terminal in its
    // alternate screen. Entering that again does not clear it.
    let entered = execute!(
        io::stdout(),
        EnterAlternateScreen,
        Clear(ClearType::All),
        EnableBracketedPaste,
        EnableFocusChange,
        cursor::Hide
    );
    if entered.is_err() {
        restore();
    }
    entered
}

/// Returns whether the console, and not a foreground program, has the terminal.
#[must_use]
pub(crate) fn is_ours() -> bool {
    ENTERED.load(Ordering::SeqCst)
}

/// Restores the terminal. Does nothing if the console does not have it.
pub(crate) fn restore() {
    // A swap: the panic hook and `drop` may both get here, and only the first must act.
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    // Errors are ignored: a terminal that was closed has nothing to restore.
    let _ = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableFocusChange,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
}

/// Installs a panic hook. A panic of the calling thread restores the terminal
/// before it is reported, since the alternate screen would hide the report. A
/// panic of another thread is appended to `log`, and the screen stays.
fn restore_on_panic(log: PathBuf) {
    // Onboarding and console enter the terminal one after the other in one process.
    static ONCE: std::sync::Once = std::sync::Once::new();
    let main_thread = std::thread::current().id();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let is_other = std::thread::current().id() != main_thread && ENTERED.load(Ordering::SeqCst);
            if is_other {
                let file = open_appending(&log);
                let _ = file.and_then(|mut file| writeln!(file, "{info}"));
                return;
            }
            restore();
            before(info);
        }));
    });
}
