//! Modules, TypeScript and what only browsers and Node.js have are common mistakes, for which the engine has
//! no helpful words.

/// Names that scripts have elsewhere, and what to know about them here.
const ELSEWHERE: [(&[&str], &str); 2] = [
    (
        &["fetch", "XMLHttpRequest", "WebSocket", "setTimeout", "setInterval", "setImmediate"],
        "there is no network and there are no timers; work with what the function is given",
    ),
    (
        &["require", "module", "exports", "process", "Buffer"],
        "this is not Node.js; put all that the function needs into its own file",
    ),
];

/// What to know about a name that is not defined; none of it comes from the event.
pub(super) fn on_missing(message: &str) -> Option<&'static str> {
    let text = message.strip_prefix("ReferenceError: ")?.trim_end().trim_end_matches('.');
    let name = text.strip_suffix(" is not defined")?.trim_matches('\'');
    ELSEWHERE.iter().find(|(names, _)| names.contains(&name)).map(|(_, advice)| *advice)
}

/// What is wrong and what to write instead, for a mistake that the engine found in this line of a file.
pub(super) fn on(file: &str, message: &str, line: &str) -> Option<String> {
    let what = if uses_modules(message, line) {
        "is of a module; `import`, `export` and `require` are not known here"
    } else if message.starts_with("SyntaxError") && is_typescript(file, line) {
        "looks like TypeScript, which is not known here"
    } else {
        return None;
    };
    Some(format!(
        "`{}` {what}: write a plain `function handler(webhook)` or `function extend(request, webhook)`",
        line.trim()
    ))
}

fn uses_modules(message: &str, line: &str) -> bool {
    let begins = |word: &str| words(line).next() == Some(word);
    match message.split_once(": ") {
        Some(("SyntaxError", _)) => begins("export") || begins("import"),
        Some(("ReferenceError", text)) => {
            ["module", "exports", "require"].iter().any(|name| mentions(text, name))
        }
        _ => false,
    }
}

fn is_typescript(file: &str, line: &str) -> bool {
    const ENDINGS: [&str; 4] = [".ts", ".tsx", ".mts", ".cts"];
    let is_declaration =
        words(line).next().is_some_and(|it| ["interface", "type", "enum", "declare"].contains(&it));
    ENDINGS.iter().any(|ending| file.ends_with(ending)) || is_declaration || has_annotation(line)
}

/// Whether a name is followed by `: Type`, or a value by `as Type`.
fn has_annotation(line: &str) -> bool {
    const TYPES: [&str; 9] =
        ["any", "boolean", "never", "null", "number", "object", "string", "unknown", "void"];
    let is_type = |text: &str| {
        let name = words(text).next().unwrap_or_default();
        text.trim_start().starts_with(name)
            && (TYPES.contains(&name) || name.starts_with(|it: char| it.is_ascii_uppercase()))
    };
    [":", " as "].iter().any(|mark| line.split(mark).skip(1).any(is_type))
}

fn mentions(text: &str, name: &str) -> bool {
    words(text).any(|word| word == name)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_in_word = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == '$';
    text.split(move |it| !is_in_word(it)).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYNTAX: &str = "SyntaxError: expecting ')'";

    #[test]
    fn modules_and_types_are_told_what_to_write_instead() {
        for (message, line) in [
            (
                "SyntaxError: unsupported keyword: export",
                "export default function handler(webhook) {",
            ),
            (SYNTAX, "  import { plans } from './plans.js';"),
            ("ReferenceError: module is not defined", "module.exports = { handler };"),
            ("ReferenceError: 'exports' is not defined", "exports.handler = handler;"),
            ("ReferenceError: require is not defined", "const plans = require('./plans');"),
            (SYNTAX, "function handler(webhook: any) {"),
            (SYNTAX, "function extend(request: Request, webhook) {"),
            (SYNTAX, "const plan = webhook.payload as Record<string, string>;"),
            (SYNTAX, "interface Webhook {"),
        ] {
            let advice = on("a.js", message, line).unwrap_or_else(|| panic!("{line}"));
            assert!(advice.contains("plain `function handler(webhook)`"), "{advice}");
        }
        assert!(on("a.ts", SYNTAX, "let x").unwrap().contains("TypeScript"));
    }

    #[test]
    fn a_name_that_is_known_elsewhere_is_explained() {
        for (message, wanted) in [
            ("ReferenceError: fetch is not defined", "no network"),
            ("ReferenceError: 'setTimeout' is not defined", "no timers"),
            ("ReferenceError: require is not defined.", "not Node.js"),
        ] {
            assert!(on_missing(message).is_some_and(|it| it.contains(wanted)), "{message}");
        }
        for message in ["ReferenceError: plans is not defined", "Error: fetch is not defined"] {
            assert_eq!(on_missing(message), None, "{message}");
        }
    }

    #[test]
    fn other_mistakes_keep_the_engines_words() {
        for (message, line) in [
            (SYNTAX, "let x = ;"),
            (SYNTAX, "const plans = { a: plan, b: 7 "),
            (SYNTAX, "const exported = ;"),
            ("ReferenceError: plans is not defined", "use(plans, 'module')"),
            ("TypeError: not a function", "export()"),
        ] {
            assert_eq!(on("a.js", message, line), None, "{line}");
        }
    }
}
