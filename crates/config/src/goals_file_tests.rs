use super::*;

const DOCUMENT: &str = "\
# A safe shop <!-- id: shop -->

Nobody loses money.

```sh
# no heading
```

## Payments work
### Phase: The form <!-- id=form -->

Make it.

```checks
- {description: The form is there, check_command: test -f form}
- check_command: ./check.sh
  expected: fine
```

And keep it small.
### 支付 ###
";

#[test]
fn headings_are_aims_and_what_is_below_them_describes_them() {
    let nodes = read(DOCUMENT, "goals.md").unwrap();
    let titles: Vec<&str> = nodes.iter().map(|node| node.title.as_str()).collect();
    assert_eq!(titles, ["A safe shop", "Payments work", "The form", "支付"]);
    let parents: Vec<_> = nodes.iter().map(|node| node.parent).collect();
    assert_eq!(parents, [None, Some(0), Some(1), Some(1)]);
    assert_eq!(nodes[0].description, "Nobody loses money.\n\n```sh\n# no heading\n```");
    let ids: Vec<Option<&str>> = nodes.iter().map(|node| node.id.as_ref().map(NodeId::as_str)).collect();
    assert_eq!(ids, [Some("shop"), None, Some("form"), None]);
    assert_eq!(nodes[2].description, "Make it.\n\n\nAnd keep it small.");
    let checks: Vec<&str> = nodes[2].checks.iter().map(|check| check.check_command.as_str()).collect();
    assert_eq!((checks, nodes[2].checks[1].expected.as_str()), (vec!["test -f form", "./check.sh"], "fine"));
    assert_eq!(nodes.iter().map(|node| node.line).collect::<Vec<_>>(), [1, 9, 10, 21]);
}

#[test]
fn every_fault_is_told_with_its_line() {
    let text = "preface\n# One <!-- id: a b -->\n### Lost\n## \n```checks\n- x: 1\n```\n## M <!-- id: m -->\n\
                ### P\n```checks\n- description: no command\n- check_command: [1]\n```\n## N <!-- id: m -->\n";
    let faults = read(text, "goals.md").unwrap_err();
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let said = said.join("\n");
    for part in [
        "goals.md:1:1: this text belongs to no goal",
        "goals.md:2:1: id \"a b\" is not allowed",
        "goals.md:3:1: this phase belongs to no milestone",
        "goals.md:4:1: this milestone has no title",
        "goals.md:5:1: checks belong to a phase",
        "goals.md:11:",
        "goals.md:12:",
        "goals.md:14:1: line 8 has the milestone `m` already",
    ] {
        assert!(said.contains(part), "{part:?} is not in\n{said}");
    }
    assert!(read("\n\n", "x").unwrap_err()[0].to_string().contains("contains no goal"));
}

#[test]
fn a_document_that_was_written_is_read_again_as_it_was() {
    let nodes = read(DOCUMENT, "goals.md").unwrap();
    let hostile = "# not a heading\n\\# nor this\n\n```plan\n# in a block\nx: |\n  ```\n  ## deeper\n  ```\n```\n### end";
    let written = |node: &DraftNode| (node.level, node.title.clone(), node.checks.clone());
    let ids = ["shop", "pay", "form", "zhifu"];
    let text = write(nodes.iter().zip(ids).map(|(node, id)| Written {
        level: node.level,
        id,
        title: &node.title,
        description: if id == "pay" { hostile } else { &node.description },
        checks: &node.checks,
    }));
    let again = read(&text, "again").unwrap();
    assert!(again.iter().map(written).eq(nodes.iter().map(written)), "{text}");
    assert_eq!(again[1].description, hostile, "{text}");
    assert!(again.iter().zip(ids).all(|(node, id)| node.id.as_ref().unwrap().as_str() == id));
}

#[test]
fn every_description_and_title_survives_an_export_and_an_import() {
    let fence = "```";
    let descriptions = [
        "plain".to_owned(),
        format!("{fence}yaml\nobjectives: []\n{fence}"),
        format!("before\n{fence}\nnever closed\n# not a heading"),
        format!("  {fence}sh\n  indented\n  {fence}\nafter"),
        format!("{fence}checks\n- check_command: rm -rf x\n{fence}"),
        format!("{fence}{fence}md\n{fence}\nx\n{fence}\n{fence}{fence}"),
        "~~~\n``` in tildes\n~~~\n`code` at the beginning".to_owned(),
        format!("{fence}\n\\# a backslash in a block\n{fence}"),
        "---\nkey: value\n---".to_owned(),
        "# one\n## two\n### three\n#four\n\\# five\n\\\\ six".to_owned(),
        "    leading blanks\n\ttab\n\n\n   \nafter empty lines".to_owned(),
        "\n\nempty lines around\n\n".to_owned(),
        "trailing blanks  ".to_owned(),
        "中文：账号与验证码\n- 列表\n> quote <!-- id: x -->".to_owned(),
        "\\".to_owned(),
    ];
    let titles = [
        "A shop",
        "Goal: win",
        "goal: Goal: win",
        "C#",
        "C # #",
        "#",
        "a <!-- id: b -->",
        "中文 `x`",
        "a  b",
    ];
    let nodes: Vec<(String, String)> = descriptions
        .iter()
        .zip(titles.iter().cycle())
        .map(|(description, title)| (description.clone(), (*title).to_owned()))
        .collect();
    let ids: Vec<String> = (0..nodes.len()).map(|at| format!("g{at}")).collect();
    let text = write(nodes.iter().zip(&ids).map(|((description, title), id)| Written {
        level: Level::Goal,
        id,
        title,
        description,
        checks: &[],
    }));
    let again = read(&text, "again").unwrap();
    let found: Vec<(String, String)> =
        again.iter().map(|node| (node.description.clone(), node.title.clone())).collect();
    assert_eq!(found, nodes, "{text}");
    assert!(text.contains(&format!("\n{fence}yaml\n")), "an ordinary block needs no backslash: {text}");
}
