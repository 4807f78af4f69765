//! The Makefile and the scripts run with what macOS has: GNU make 3.81, bash 3.2 and BSD tools.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What only a newer make knows, and since when. A line of a recipe belongs to the shell.
const NEWER_MAKE: [(&str, &str); 16] = [
    (".SHELLFLAGS", "3.82: put the options into SHELL"),
    (".ONESHELL", "3.82"),
    ("undefine ", "3.82"),
    ("private ", "3.82"),
    ("$(file ", "4.0"),
    ("$(guile ", "4.0"),
    ("!=", "4.0: use $(shell …)"),
    ("::=", "4.0"),
    (".NOTINTERMEDIATE", "4.4"),
    (".WAIT", "4.4"),
    (".EXTRA_PREREQS", "4.3"),
    ("&:", "4.3"),
    ("$(let ", "4.4"),
    ("$(intcmp ", "4.4"),
    ("--output-sync", "4.0"),
    (".RECIPEPREFIX", "3.82"),
];

/// What only GNU's tools or a newer bash know, as words of a command, and what to write instead.
const GNU_ONLY: [(&str, &str); 34] = [
    ("sed -u", "awk, or a program of ours"),
    ("sed -i", "a new file: BSD's -i wants an argument"),
    ("sed -r", "sed -E"),
    ("sed -s", "one file at a time"),
    ("sed -z", "a program of ours"),
    ("grep -P", "grep -E"),
    ("readlink -f", "a program of ours"),
    ("realpath ", "a program of ours"),
    ("date -d", "a program of ours"),
    ("date --", "a program of ours"),
    ("cp --", "cp -R"),
    ("cp -a", "cp -R"),
    ("cp -l", "ln"),
    ("mv --", "mv"),
    ("rm --", "rm"),
    ("mkdir --", "mkdir -p"),
    ("xargs -r", "xargs"),
    ("xargs -d", "xargs -0"),
    ("find -", "find . -…: BSD's find wants a folder"),
    (" -printf", "a program of ours"),
    ("stat -c", "a program of ours"),
    ("stat --", "a program of ours"),
    ("nproc", "a program of ours"),
    ("sha256sum", "shasum -a 256"),
    ("md5sum", "a program of ours"),
    ("head -n -", "a program of ours"),
    ("tac ", "a program of ours"),
    ("sort -V", "a program of ours"),
    ("base64 -w", "base64"),
    ("mktemp --", "mktemp -d"),
    ("declare -A", "bash 4"),
    ("mapfile", "bash 4"),
    ("readarray", "bash 4"),
    ("&>>", "bash 4: >> … 2>&1"),
];

/// Short options in one word, such as `sed -nu`: a tool, and letters that only GNU's has.
const GNU_LETTERS: [(&str, &str); 5] =
    [("sed", "urszi"), ("grep", "P"), ("xargs", "rd"), ("cp", "alu"), ("ls", "X")];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn makefile() -> String {
    fs::read_to_string(root().join("Makefile")).unwrap()
}

/// Problems in a line, each with what to write instead.
fn problems(line: &str, is_recipe: bool) -> Vec<String> {
    let make = NEWER_MAKE.iter().filter(|(what, _)| !is_recipe || what.starts_with("$("));
    let make = make.filter(|(what, _)| line.contains(what));
    let make = make.map(|(what, since)| format!("{what} is of make {since}"));
    let tools = GNU_ONLY.iter().filter(|(what, _)| contains_command(line, what));
    let tools = tools.map(|(what, instead)| format!("`{what}`; rather {instead}"));
    let letters = GNU_LETTERS.iter().filter(|(tool, letters)| has_letter(line, tool, letters));
    let letters = letters.map(|(tool, letters)| format!("{tool} with one of -{letters}"));
    make.chain(tools).chain(letters).collect()
}

/// Whether words stand in a line where the first of them begins a word.
fn contains_command(line: &str, words: &str) -> bool {
    line.match_indices(words).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|it| it.is_ascii_alphanumeric() || it == '-' || it == '_' || it == '/')
    })
}

/// Whether a tool gets a group of short options with one of these letters.
fn has_letter(line: &str, tool: &str, letters: &str) -> bool {
    let words: Vec<_> = line.split_whitespace().collect();
    words.windows(2).any(|pair| {
        let options = pair[1].strip_prefix('-').unwrap_or_default();
        let is_group = options.len() > 1 && options.bytes().all(|it| it.is_ascii_alphabetic());
        pair[0].trim_start_matches(['@', '(']) == tool
            && is_group
            && options.contains(|it: char| letters.contains(it))
    })
}

/// Lines of a script without its comments; those of a recipe begin with a tab.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    numbered.filter(|(_, line)| !line.trim_start().starts_with('#'))
}

/// The Makefile, and the shell scripts that it or a document names.
fn scripts() -> Vec<PathBuf> {
    let tracked = Command::new("git").args(["ls-files"]).current_dir(root()).output();
    let tracked = tracked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let tracked = tracked.unwrap_or_default();
    let scripts = tracked.lines().map(PathBuf::from);
    let scripts = scripts.filter(|path| path.extension().is_some_and(|it| it == "sh"));
    scripts.chain(["Makefile".into(), ".ci/run".into()]).collect()
}

#[test]
fn makefile_and_scripts_need_no_gnu_tools() {
    let mut found = Vec::new();
    for path in scripts() {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        for (number, line) in lines(&text) {
            let is_recipe = line.starts_with('\t') || path != Path::new("Makefile");
            found.extend(
                problems(line, is_recipe)
                    .iter()
                    .map(|problem| format!("{}:{number}: {problem}", path.display())),
            );
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn each_construct_is_noticed() {
    for line in [
        ".SHELLFLAGS := -e",
        "NOW != date",
        "NAME ::= x",
        "\t@pip | sed -nu -e 's/x/y/p'",
        "\t@sed -u s/x/y/",
        "\tgrep -oP 'x' file",
        "\t@cd $$(dirname $$(readlink -f x))",
        "\tif true; then date -d yesterday; fi",
        "\t@cp --archive a b",
        "\tls | xargs -r rm",
        "\t@echo $(file < x)",
        "\tsha256sum --check x",
    ] {
        assert!(!problems(line, line.starts_with('\t')).is_empty(), "{line}");
    }
    for line in ["\t[ a != b ]", "\tgrep -nE 'x'", "\tsed -n p", "\t@update -d", "# sed -u"] {
        let problems: Vec<_> = lines(line).flat_map(|(_, line)| problems(line, true)).collect();
        assert!(problems.is_empty(), "{line}: {problems:?}");
    }
}

/// Runs a recipe with the Makefile's own shell; says whether it went on behind what failed.
fn goes_on(recipe: &str) -> bool {
    let text = makefile();
    let shell = text.lines().find(|line| line.starts_with("SHELL := ")).expect("a line SHELL");
    let mut make = Command::new("make")
        .args(["-f", "-"])
        .env_remove("MAKEFLAGS")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let text = format!("{shell}\nall:\n\t@{recipe}; echo went on\n");
    make.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = make.wait_with_output().unwrap();
    let went_on = String::from_utf8_lossy(&output.stdout).contains("went on");
    assert_eq!(output.status.success(), went_on, "{recipe}");
    went_on
}

#[test]
fn a_recipe_ends_where_a_command_or_a_part_of_a_pipe_fails() {
    assert!(goes_on("true"));
    for recipe in ["false", "false | true", "true | false | true", "echo $$NEVER_SET"] {
        assert!(!goes_on(recipe), "{recipe}");
    }
}
