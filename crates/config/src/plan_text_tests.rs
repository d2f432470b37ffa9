use super::*;

fn texts(text: &str) -> Vec<String> {
    find(text).into_iter().map(|found| found.text).collect()
}

#[test]
fn the_yaml_block_is_found_among_prose_and_other_blocks() {
    let text = "Hello\n```rust\nfn a() {}\n```\n  ```yaml\n  reasoning: |\n    ```\n    x\n    ```\n  objectives: []\n  ```\n";
    let found = find(text);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].text, "reasoning: |\n  ```\n  x\n  ```\nobjectives: []\n");
    assert_eq!((found[0].lines_before, found[0].columns_before), (5, 2));
}

#[test]
fn a_document_is_taken_whole_whatever_its_first_key_and_though_it_is_broken() {
    let block = "- description: |\n    ```yaml\n    objectives: []\n    ```\n";
    for text in [
        format!("# mine\n\nobjectives:\n{block}"),
        format!("title: ours\nobjectives:\n{block}"),
        format!("objectives:\n{block}  depends_on: [a\n"),
        "{\"objectives\": [\n\t{\"id\": \"a\", \"title\": \"\\ud83d\\ude00\"}]}\n".to_owned(),
    ] {
        assert_eq!(texts(&text), [text.as_str()]);
    }
    assert!(find("just prose\n").is_empty());
    assert!(find("reasoning: x\n").is_empty() && meant("reasoning: x\n").is_some());
}

#[test]
fn a_block_is_a_plan_by_what_it_holds_and_by_its_language() {
    for language in ["", "yaml", "yml", "YAML", "json", "{.yaml}", "yaml title=plan", " yaml"] {
        let text = format!("Look:\n```{language}\nnotes: x\nobjectives: []\n```\n");
        assert_eq!(texts(&text).len(), 1, "{language}");
    }
    for text in
        ["```text\nobjectives: []\n```\n", "```\nother: []\n```\n", "```yaml\nverify: [{run: x}]\n```\n"]
    {
        assert!(find(text).is_empty(), "{text}");
    }
    assert_eq!(texts("~~~~json\n{\"objectives\": []}\n~~~~\n").len(), 1);
    assert_eq!(
        texts("```yaml\nobjectives: [\n```\n").len(),
        1,
        "a broken one is one, so that it is sent back"
    );
}

#[test]
fn json_is_found_among_other_lines_and_in_every_kind_of_fence() {
    let plan = "{\n\t\"title\": \"a \\ud83d\\ude00\",\n\t\"objectives\": []\n}";
    let before = "{\"type\": \"status\"}\n{\"note\": \"objectives\"}\nThe plan:\n";
    for text in [
        format!("\u{feff}{plan}\n"),
        plan.replace('\n', "\r\n"),
        format!("{before}{plan}\nDone.\n"),
        format!("{before}```json title=plan\n{plan}\n```\n"),
        format!("{before}`````json\n{plan}\n`````\n"),
        format!("{before}~~~ json\n{plan}\n~~~\n"),
        format!("1. So:\n   ```JSON\n   {}\n   ```\n", plan.replace('\n', "\n   ")),
    ] {
        let found = texts(&text);
        assert!(
            found.len() == 1 && parse(&found[0]).is_ok_and(|node| has_objectives(&node)),
            "{text}: {found:?}"
        );
    }
    assert!(find(before).is_empty());
}

#[test]
fn what_stands_before_a_plan_makes_no_document_of_the_whole() {
    let text = "reasoning: I looked.\n\n```yaml\nobjectives: []\n```\n";
    assert_eq!(texts(text), ["objectives: []\n"]);
}
