//! The folders of `src/` import one another only downward, in the order in which `src/lib.rs` lists
//! them, so there are no circles; and some not at all.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The modules in the order of the list in `src/lib.rs`, topmost first.
fn layers() -> Vec<String> {
    let lib = fs::read_to_string(src().join("lib.rs")).unwrap();
    let list = lib.lines().filter_map(|line| line.strip_prefix("//! - "));
    let names = |line: &str| -> Vec<String> {
        // A line names one module, or two as in "[`aws`] and [`http`]"; what else it quotes is none.
        let quoted = line.split('`').skip(1).step_by(2).map(str::to_owned);
        let are_two = line.contains("`] and [`");
        quoted.take(if are_two { 2 } else { 1 }).collect()
    };
    list.flat_map(names).collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let files = files.into_iter().filter(|path| path.extension().is_some_and(|it| it == "rs"));
    folders.iter().flat_map(|folder| rust_files(folder)).chain(files).collect()
}

/// The modules that a file names as `crate::module`, comments apart.
fn imports(file: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(file).unwrap();
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let name = |rest: &str| {
        let end = rest.find(|it: char| !it.is_ascii_alphanumeric() && it != '_');
        rest[..end.unwrap_or(rest.len())].to_owned()
    };
    code.flat_map(|line| line.split("crate::").skip(1).map(name).collect::<Vec<_>>()).collect()
}

#[test]
fn every_module_is_a_layer() {
    let lib = fs::read_to_string(src().join("lib.rs")).unwrap();
    let modules = lib.lines().filter_map(|line| {
        line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ")?.strip_suffix(';')
    });
    let modules: BTreeSet<_> = modules.map(str::to_owned).collect();
    assert!(modules.len() > 8, "{modules:?}");
    assert_eq!(modules, layers().into_iter().collect());
}

#[test]
fn imports_go_downward_only() {
    let layers = layers();
    let rank = |name: &str| layers.iter().position(|layer| layer == name);
    for file in rust_files(&src()) {
        let path = file.strip_prefix(src()).unwrap();
        let own = path.iter().next().unwrap().to_str().unwrap();
        let Some(own) = rank(own) else { continue };
        for import in imports(&file) {
            let Some(other) = rank(&import) else { panic!("{}: crate::{import}", path.display()) };
            assert!(other >= own, "{} imports crate::{import}, which is above it", path.display());
        }
    }
}

/// The order is written down twice: in `src/lib.rs`, and for people who read no Rust.
#[test]
fn the_architecture_has_the_same_order() {
    let page = include_str!("../docs/architecture.md");
    let (_, order) = page.split_once("(`tests/layers.rs` checks it): main → ").unwrap();
    let order = order.split('.').next().unwrap();
    let order: Vec<_> = order.split(" → ").flat_map(|rank| rank.split(", ")).collect();
    assert_eq!(order, layers());
}

/// Only the transform knows the vocabularies of both.
#[test]
fn dodo_and_customerio_know_nothing_of_each_other() {
    for [own, other] in [["dodo", "customerio"], ["customerio", "dodo"]] {
        for file in rust_files(&src().join(own)) {
            assert!(!imports(&file).contains(other), "{} imports {other}", file.display());
        }
    }
}
