//! Arguments to front end; nothing else.

use std::process::ExitCode;

use paddock::session::command::SCRIPTED_SUBCOMMAND;
use paddock::session::scripted;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|first| first == SCRIPTED_SUBCOMMAND) {
        return scripted::main(args);
    }
    ExitCode::SUCCESS
}
