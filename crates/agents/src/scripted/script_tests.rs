use super::*;

fn one(line: &str) -> Step {
    let mut found = steps(&format!("```script\n{line}\n```\n")).unwrap().unwrap();
    assert_eq!(found.len(), 1, "{line}");
    found.remove(0).1
}

fn text(value: &str) -> String {
    value.to_owned()
}

#[test]
fn every_step_is_understood() {
    let empty = String::new;
    for (line, step) in [
        ("write a.txt <<< hello\\nyou", Step::Write(text("a.txt"), text("hello\nyou\n"))),
        ("write a.txt", Step::Write(text("a.txt"), empty())),
        ("append \"a b\" more text", Step::Append(text("a b"), text("more text"))),
        ("delete a", Step::Delete(text("a"))),
        ("copy a \"b c\"", Step::Copy(text("a"), text("b c"))),
        ("touch a", Step::Touch(text("a"))),
        ("commit Say it: now", Step::Commit(text("Say it: now"), false)),
        ("commit --allow-empty Nothing", Step::Commit(text("Nothing"), true)),
        ("sleep 0.5", Step::Sleep(0.5)),
        ("print a\\tb", Step::Print(text("a\tb"))),
        ("exit 3", Step::Exit(3)),
        ("summary blocked no key", Step::Summary(Some(SummaryStatus::Blocked), text("no key"))),
        ("summary none", Step::Summary(None, empty())),
        ("follow-up more", Step::FollowUp(text("more"))),
        ("out-of-scope docs/a.md", Step::OutOfScope(text("docs/a.md"))),
        ("fail-once", Step::FailOnce),
        ("hang", Step::Hang),
        ("ignore-term", Step::IgnoreTerm),
        ("spawn-orphan", Step::SpawnOrphan(600, false)),
        ("spawn-orphan 5 bare", Step::SpawnOrphan(5, true)),
        ("flood 2", Step::Flood(2, false)),
        ("flood 2 one-line", Step::Flood(2, true)),
        ("stdout-hex ff 00 1B", Step::StdoutHex(vec![0xff, 0, 0x1b])),
        ("checkout --detach", Step::Checkout(vec![text("--detach")])),
        ("wait-for /tmp/go", Step::WaitFor(text("/tmp/go"))),
        ("run echo 'a b' | cat", Step::Run(text("echo 'a b' | cat"))),
    ] {
        assert_eq!(one(line), step, "{line}");
    }
}

#[test]
fn indented_lines_belong_to_the_write_before_them() {
    let prompt = "text\n  ```script\n  write a/b.rs\n      fn main() {\n\n          x\n      }\n\n  # note\n  attempt 2: hang\n  kind correction: exit 1\n  ```\n";
    let found = steps(prompt).unwrap().unwrap();
    assert_eq!(
        found,
        [
            (When::Always, Step::Write(text("a/b.rs"), text("fn main() {\n\n    x\n}\n"))),
            (When::Attempt(2), Step::Hang),
            (When::Kind(text("correction")), Step::Exit(1)),
        ]
    );
}

#[test]
fn a_line_that_is_not_a_step_is_named() {
    for line in [
        "dance",
        "write",
        "write \"a",
        "write a b",
        "exit 300",
        "exit",
        "sleep -1",
        "sleep soon",
        "sleep NaN",
        "summary fine",
        "stdout-hex f",
        "stdout-hex zz",
        "flood",
        "flood 1 two",
        "hang now",
        "copy a",
        "delete a b",
        "attempt x: hang",
    ] {
        let error = steps(&format!("```script\nprint ok\n{line}\n```\n")).unwrap_err();
        assert_eq!((error.line, error.text.as_str()), (2, line));
    }
}

#[test]
fn only_the_first_block_counts_and_there_may_be_none() {
    assert_eq!(steps("no script\n```sh\nls\n```\n").unwrap(), None);
    assert_eq!(steps("```script\nhang\n```\n```script\nexit 1\n```\n").unwrap().unwrap().len(), 1);
}
