//! What the documents say exists: files, headings, `make` targets.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A front page of two screens; the rest is in docs/.
const MAX_README_LINES: usize = 120;

/// In code, a path that begins or ends like this is one of the repository's.
const FOLDERS: [&str; 9] =
    ["src/", "tests/", "docs/", "crates/", "ops/", "events/", "transforms/", "benches/", "fuzz/"];
const EXTENSIONS: [&str; 7] = [".rs", ".py", ".js", ".json", ".yaml", ".toml", ".md"];

/// A path with one of these is a pattern or a URL, such as `events/<type>.json`.
const NOT_IN_A_PATH: [char; 10] = ['<', '>', '*', '…', '{', '}', '$', '=', ':', ' '];

struct Document {
    /// Relative to the repository.
    path: PathBuf,
    headings: Vec<String>,
    /// Lines of text, without their code.
    prose: Vec<String>,
    /// What is in backticks.
    spans: Vec<String>,
    /// Lines of code blocks, without their comments.
    blocks: Vec<String>,
}

impl Document {
    fn parse(path: PathBuf, text: &str) -> Self {
        let mut document =
            Self { path, headings: vec![], prose: vec![], spans: vec![], blocks: vec![] };
        let mut fenced = false;
        for line in text.lines() {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            } else if fenced || line.starts_with("    ") {
                let code = line.split_once(" #").map_or(line, |(code, _)| code);
                document.blocks.push(code.to_owned());
            } else {
                if let Some(heading) = line.strip_prefix('#') {
                    document.headings.push(anchor(heading.trim_start_matches('#').trim()));
                }
                let parts = line.split('`').enumerate();
                let (code, prose): (Vec<_>, Vec<_>) = parts.partition(|(index, _)| index % 2 == 1);
                document.spans.extend(code.into_iter().map(|(_, part)| part.to_owned()));
                document.prose.push(prose.into_iter().map(|(_, part)| part).collect());
            }
        }
        document
    }

    /// The targets of links and images within the repository.
    fn links(&self) -> Vec<&str> {
        let targets = self.prose.iter().flat_map(|line| {
            line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link)
        });
        targets.filter(|link| !link.contains("://")).collect()
    }

    /// The targets of `make` in its code.
    fn make_targets(&self) -> BTreeSet<&str> {
        let code = self.spans.iter().chain(&self.blocks);
        let targets = code.flat_map(|code| {
            let words: Vec<&str> = code.split_whitespace().collect();
            words
                .windows(2)
                .filter(|pair| pair[0] == "make")
                .map(|pair| pair[1])
                .collect::<Vec<_>>()
        });
        targets.filter(|target| is_target(target)).collect()
    }

    /// The repository's files and folders that its code names.
    fn paths(&self) -> BTreeSet<&str> {
        let is_ours = |span: &&str| {
            span.contains('/')
                && !span.contains(NOT_IN_A_PATH)
                && (FOLDERS.iter().any(|folder| span.starts_with(folder))
                    || EXTENSIONS.iter().any(|extension| span.ends_with(extension)))
        };
        self.spans.iter().map(String::as_str).filter(is_ours).collect()
    }
}

fn is_target(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn pages() -> Vec<String> {
    pages_in("docs")
}

fn pages_in(folder: &str) -> Vec<String> {
    let entries =
        fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
    let names = entries.map(|name| format!("{folder}/{}", name.to_str().unwrap()));
    names.filter(|name| Path::new(name).extension().is_some_and(|it| it == "md")).collect()
}

fn documents() -> Vec<Document> {
    let top = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"].map(str::to_owned);
    let paths = top.into_iter().chain(pages()).chain(pages_in("docs/campaigns"));
    paths.map(|path| Document::parse(path.as_str().into(), &read(&path))).collect()
}

/// Lists everything that is wrong, not only the first of it.
fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    for document in documents() {
        let name = document.path.display();
        for link in document.links() {
            let (path, anchor) =
                link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
            let target = match path {
                "" => root().join(&document.path),
                path => root().join(&document.path).parent().unwrap().join(path),
            };
            let Some(anchor) = anchor else {
                if !target.exists() {
                    wrong.push(format!("{name}: there is no file {link}"));
                }
                continue;
            };
            let text = fs::read_to_string(&target).unwrap_or_default();
            if !Document::parse(target, &text).headings.iter().any(|heading| heading == anchor) {
                wrong.push(format!("{name}: there is no heading {link}"));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn every_path_in_code_exists() {
    let mut wrong = Vec::new();
    for document in documents() {
        let missing = document.paths().into_iter().filter(|path| !root().join(path).exists());
        wrong.extend(missing.map(|path| format!("{}: no {path}", document.path.display())));
    }
    assert_none(&wrong);
}

#[test]
fn make_targets_and_documents_name_each_other() {
    let makefile = read("Makefile");
    let rules: Vec<(&str, &str)> = makefile
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(target, _)| !target.is_empty() && is_target(target))
        .collect();
    let documents = documents();

    let mut wrong = Vec::new();
    for document in &documents {
        for target in document.make_targets() {
            if !rules.iter().any(|(rule, _)| *rule == target) {
                wrong.push(format!("{}: no make {target}", document.path.display()));
            }
        }
    }
    let named: BTreeSet<&str> = documents.iter().flat_map(Document::make_targets).collect();
    // Those that `make help` lists.
    for (target, _) in rules.iter().filter(|(_, rest)| rest.contains("##")) {
        if !named.contains(target) {
            wrong.push(format!("Makefile: no document names make {target}"));
        }
    }
    assert_none(&wrong);
}

#[test]
fn the_readme_has_two_screens_and_leads_to_every_page() {
    let text = read("README.md");
    let lines = text.lines().count();
    assert!(lines <= MAX_README_LINES, "README.md has {lines} lines");

    let readme = Document::parse("README.md".into(), &text);
    let linked = readme.links();
    let pages = pages().into_iter().filter(|page| !linked.contains(&page.as_str()));
    assert_none(
        &pages.map(|page| format!("README.md does not link to {page}")).collect::<Vec<_>>(),
    );
}

#[test]
fn anchors_are_those_of_github() {
    for (heading, expected) in [
        ("What it costs", "what-it-costs"),
        ("200 `delivered`", "200-delivered"),
        ("`metadata.<key>`", "metadatakey"),
        ("When Dodo's API fails", "when-dodos-api-fails"),
        ("[0.1.0] - 2026-11-24", "010---2026-11-24"),
    ] {
        assert_eq!(anchor(heading), expected);
    }
}
