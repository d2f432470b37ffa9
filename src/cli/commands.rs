//! The commands as the console's palette shows them.

use paddock_console::commands::CommandLine;

/// Every command with what it takes, for the console's palette.
pub(super) fn lines(mut command: clap::Command) -> Vec<CommandLine> {
    fn gather(command: &clap::Command, path: &str, found: &mut Vec<CommandLine>) {
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help" && !sub.is_hide_set()) {
            let words = format!("{path} {}", sub.get_name()).trim_start().to_owned();
            if sub.has_subcommands() {
                gather(sub, &words, found);
                continue;
            }
            let is_shown = |one: &&clap::Arg| {
                !one.is_hide_set()
                    && !one.is_global_set()
                    && !["help", "version"].contains(&one.get_id().as_str())
            };
            let shown = sub.get_arguments().filter(is_shown);
            let usage: Vec<String> = shown.map(ToString::to_string).collect();
            found.push(CommandLine {
                about: sub.get_about().map(ToString::to_string).unwrap_or_default(),
                usage: usage.join(" "),
                needs_more: sub.get_arguments().any(clap::Arg::is_required_set),
                words,
            });
        }
    }
    // Global arguments and defaults are filled in by building.
    command.build();
    let mut found = Vec::new();
    gather(&command, "", &mut found);
    found
}
