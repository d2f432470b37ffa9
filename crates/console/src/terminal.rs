//! Entering and leaving the terminal. Whatever happens, it is left as it was found.

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

/// Whether the terminal is ours now: a panic restores it only then.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// The terminal while it is ours.
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    mouse: bool,
}

impl Screen {
    /// Takes the terminal. What goes wrong on other threads is written to `log`: the screen goes on.
    ///
    /// # Errors
    /// What the terminal says.
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

    /// Draws one frame, in one piece where the terminal can.
    ///
    /// # Errors
    /// What the terminal says; it may be gone.
    pub(crate) fn draw(&mut self, model: &Model) -> io::Result<()> {
        queue!(io::stdout(), BeginSynchronizedUpdate)?;
        let drawn = self.terminal.draw(|to| frame::draw(model, to.buffer_mut())).map(drop);
        execute!(io::stdout(), EndSynchronizedUpdate)?;
        drawn
    }

    /// Switches reports of the mouse on or off.
    ///
    /// # Errors
    /// What the terminal says.
    pub(crate) fn set_mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse = on;
        match on {
            true => execute!(io::stdout(), EnableMouseCapture),
            false => execute!(io::stdout(), DisableMouseCapture),
        }
    }

    /// The next frame is drawn from nothing.
    ///
    /// # Errors
    /// What the terminal says.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Gives the terminal back for a while.
    pub(crate) fn lend(&mut self) {
        restore();
    }

    /// Takes it again.
    ///
    /// # Errors
    /// What the terminal says.
    pub(crate) fn take_back(&mut self) -> io::Result<()> {
        take()?;
        if self.mouse {
            execute!(io::stdout(), EnableMouseCapture)?;
        }
        self.terminal.clear()
    }

    /// Writes a command that the terminal acts upon but does not show.
    pub(crate) fn obey(&mut self, command: impl crossterm::Command) {
        let _ = execute!(io::stdout(), command);
    }

    /// Writes bytes that the terminal acts upon but does not show.
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

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    ENTERED.store(true, Ordering::SeqCst);
    // A lost connection leaves the terminal in its other screen, which entering once more does not clear.
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

/// Whether the console has the terminal now.
#[must_use]
pub(crate) fn is_ours() -> bool {
    ENTERED.load(Ordering::SeqCst)
}

/// Gives the terminal back; does nothing when it is not ours.
pub(crate) fn restore() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    // The terminal may be gone; nothing more can be done then.
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

/// The report of a panic is printed on a terminal that shows it.
fn restore_on_panic(log: PathBuf) {
    static ONCE: std::sync::Once = std::sync::Once::new();
    let drawing = std::thread::current().id();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let is_beside = std::thread::current().id() != drawing && ENTERED.load(Ordering::SeqCst);
            if is_beside {
                let file = open_appending(&log);
                let _ = file.and_then(|mut file| writeln!(file, "{info}"));
                return;
            }
            restore();
            before(info);
        }));
    });
}
