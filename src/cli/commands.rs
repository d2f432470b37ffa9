//! The list of commands that the console's palette offers.

use paddock_console::commands::CommandLine;

/// Returns every command with its help line and arguments.
///
/// The list is made from the parser, because the console does not depend on the command line.
pub(super) fn lines(mut command: clap::Command) -> Vec<CommandLine> {
    fn gather(command: &clap::Command, path: &str, found: &mut Vec<CommandLine>) {
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help" && !sub.is_hide_set()) {
            let words = format!("{path} {}", sub.get_name()).trim_start().to_owned();
            // A family such as `queue` does nothing by itself.
            if sub.has_subcommands() {
                gather(sub, &words, found);
                continue;
            }
            // The console has a workspace and a project already, so the global arguments would be noise.
            let is_shown = |argument: &&clap::Arg| {
                !argument.is_hide_set()
                    && !argument.is_global_set()
                    && !["help", "version"].contains(&argument.get_id().as_str())
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
    // Building propagates global arguments to subcommands and marks them as global.
    command.build();
    let mut found = Vec::new();
    gather(&command, "", &mut found);
    found
}
