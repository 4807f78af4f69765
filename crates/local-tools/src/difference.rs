//! The lines in which two JSON values differ, with some around them.

use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

/// Lines around a change.
const CONTEXT: usize = 3;

/// A list of `{kind, text}`: `same`, `removed` and `added` lines, and a `gap` where lines are left out. Empty
/// if nothing differs.
pub fn lines(before: &Value, after: &Value) -> Value {
    let [before, after] = [before, after].map(|value| format!("{value:#}\n"));
    let difference = TextDiff::from_lines(&before, &after);
    let mut lines: Vec<Value> = Vec::new();
    for group in difference.grouped_ops(CONTEXT) {
        if !lines.is_empty() {
            lines.push(json!({"kind": "gap"}));
        }
        let changes = group.iter().flat_map(|op| difference.iter_changes(op));
        lines.extend(changes.map(|change| {
            let text = change.value().trim_end_matches('\n');
            json!({"kind": kind(change.tag()), "text": text})
        }));
    }
    lines.into()
}

fn kind(tag: ChangeTag) -> &'static str {
    match tag {
        ChangeTag::Equal => "same",
        ChangeTag::Delete => "removed",
        ChangeTag::Insert => "added",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_differ_stand_among_those_that_do_not() {
        let before =
            json!({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7, "h": 8, "i": 9});
        assert_eq!(lines(&before, &before), json!([]));
        let mut after = before.clone();
        (after["a"], after["i"]) = (0.into(), 0.into());
        let lines = lines(&before, &after);
        let kinds: Vec<&str> =
            lines.as_array().unwrap().iter().filter_map(|line| line["kind"].as_str()).collect();
        let [first, second] = [0, 1].map(|part| {
            kinds.split(|kind| *kind == "gap").nth(part).map(<[&str]>::to_vec).unwrap()
        });
        assert_eq!(first, ["same", "removed", "added", "same", "same", "same"]);
        assert_eq!(second, ["same", "same", "same", "removed", "added", "same"]);
        assert_eq!(lines[1], json!({"kind": "removed", "text": "  \"a\": 1,"}));
    }
}
