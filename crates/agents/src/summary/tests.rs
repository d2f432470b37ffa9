use proptest::prelude::*;

use super::*;

const GOOD: &str = "---SESSION_SUMMARY---
status: completed
commits_made: 2
acceptance_criteria_met:
  - it builds: true
  - it is fast: false
summary: |
  Did this.
  And that: yes.
needs_follow_up: true
follow_up_notes: |
  measure
out_of_scope_changes_needed: none
---END_SESSION_SUMMARY---
";

const TEMPLATE: &str = "End with
---SESSION_SUMMARY---
status: completed | partial | blocked
commits_made: 2
summary: |
  text
---END_SESSION_SUMMARY---
";

fn scan(bytes: &[u8], prompt: &str) -> Option<SessionSummary> {
    find(&plain(bytes), prompt)
}

#[test]
fn a_block_in_the_agreed_form_is_read_strictly() {
    let summary = scan(format!("working…\n{GOOD}bye\n").as_bytes(), TEMPLATE).unwrap();
    let expected = SessionSummary {
        status: SummaryStatus::Completed,
        commits_made: Some(2),
        criteria: vec![("it builds".to_owned(), true), ("it is fast".to_owned(), false)],
        summary: "Did this.\nAnd that: yes.".to_owned(),
        needs_follow_up: true,
        follow_up_notes: "measure".to_owned(),
        out_of_scope_changes_needed: String::new(),
        lenient: false,
    };
    assert_eq!(summary, expected);
}

#[test]
fn the_last_block_counts_and_an_unfinished_one_does_not() {
    let text = format!("{GOOD}\n{}\n{BEGIN}\nstatus: blocked\n", GOOD.replace("completed", "partial"));
    assert_eq!(find(&text, "").unwrap().status, SummaryStatus::Partial);
    let begun_twice = format!("{BEGIN}\nstatus: blocked\nI start again\n{GOOD}");
    assert_eq!(find(&begun_twice, "").unwrap().status, SummaryStatus::Completed);
}

#[test]
fn an_echo_of_the_prompt_never_counts() {
    let prompt = format!("{TEMPLATE}\nThe session before said:\n{GOOD}");
    assert_eq!(scan(format!("user:\n{prompt}\nagent: hm\n").as_bytes(), &prompt), None);
    assert_eq!(find(TEMPLATE, ""), None);
    let indented = prompt.lines().map(|line| format!("  {line}\r\n")).collect::<String>();
    assert_eq!(find(&indented, &prompt), None);
    let answered = format!("{}\n{prompt}", GOOD.replace("commits_made: 2", "commits_made: 3"));
    assert_eq!(find(&answered, &prompt).unwrap().commits_made, Some(3));
}

#[test]
fn a_summary_that_equals_one_in_the_prompt_counts_unless_it_stands_where_the_prompt_has_it() {
    let prompt = format!("{TEMPLATE}\n## Feedback\nThe gate said:\n{GOOD}Mend that.\n");
    for own in
        [GOOD.to_owned(), format!("All is done now.\n{GOOD}"), format!("{prompt}\nAll is done.\n{GOOD}")]
    {
        assert_eq!(find(&own, &prompt).unwrap().commits_made, Some(2), "{own}");
    }
    let quoted: String = prompt.lines().map(|line| format!("> {line}\n")).collect();
    for echo in [prompt.clone(), format!("user\n{prompt}codex\nhm\n"), quoted] {
        assert_eq!(find(&echo, &prompt), None, "{echo}");
    }
}

#[test]
fn colours_line_ends_quotes_and_indentation_do_not_hide_it() {
    let crlf = GOOD.replace('\n', "\r\n");
    let coloured: String = GOOD.lines().map(|line| format!("\x1b[32m{line}\x1b[0m\n")).collect();
    let quoted: String = GOOD.lines().map(|line| format!("> {line}\n")).collect();
    let indented: String = GOOD.lines().map(|line| format!("    {line}\n")).collect();
    for text in [crlf, coloured, quoted, indented, format!("```yaml\n{GOOD}```\n"), format!("• {GOOD}")] {
        let summary = scan(text.as_bytes(), "").unwrap();
        assert_eq!((summary.commits_made, summary.lenient), (Some(2), false), "{text}");
        assert_eq!(summary.summary, "Did this.\nAnd that: yes.");
    }
}

#[test]
fn a_block_that_is_not_quite_yaml_is_read_key_by_key_and_marked() {
    let block = format!(
        "{BEGIN}\n**Status**: Completed.\ncommits_made: 2 (squashed)\nacceptance_criteria_met:\n\
         - \"GET /x: returns 200\": true\n  - no: panics: yes\nsummary: fixed `a`: it's \"b\"\n and more\n\
         needs_follow_up: no\nout_of_scope_changes_needed: |\n  src/other.rs: a call\n{END}\n"
    );
    let summary = find(&block, "").unwrap();
    assert!(summary.lenient);
    assert_eq!((summary.status, summary.commits_made), (SummaryStatus::Completed, Some(2)));
    assert_eq!(summary.criteria, [("GET /x: returns 200".to_owned(), true), ("no: panics".to_owned(), true)]);
    assert_eq!(summary.summary, "fixed `a`: it's \"b\"\n and more");
    assert_eq!(summary.out_of_scope_changes_needed, "src/other.rs: a call");
    assert_eq!(find(&format!("{BEGIN}\nnothing here\n{END}\n"), ""), None);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0_usize..400) {
        let mut whole = GOOD.as_bytes().to_vec();
        let place = cut.min(whole.len());
        whole.splice(place..place, bytes.iter().copied());
        let _ = scan(&whole, TEMPLATE);
        let inner = [BEGIN.as_bytes(), b"\n", &bytes, b"\n", END.as_bytes(), b"\n"].concat();
        let _ = scan(&inner, TEMPLATE);
    }
}
