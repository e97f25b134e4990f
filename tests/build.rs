//! Finds the cases of the suite where they are written, so that no list of them can fall behind.
//!
//! A case is a `pub async fn` at the left margin of a file in `src/cases` that takes a `&Fixture<D>`. What its bounds
//! ask of the backend (`D::Backend: Supports<RawSql>`) says which backends run it. Out comes a macro with one arm for
//! each set of capabilities, which [`suite!`](src/lib.rs) calls.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

/// The cases of one set of capabilities: by module.
type Modules = BTreeMap<String, Vec<String>>;

fn main() {
    println!("cargo::rerun-if-changed=src/cases");
    println!("cargo::rerun-if-env-changed=ORM_TEST_TOPICS");
    // While somebody works on one topic: `ORM_TEST_TOPICS=pages,errors cargo test …` compiles these alone.
    let topics = env::var("ORM_TEST_TOPICS").unwrap_or_default();
    let wanted = |module: &str| topics.is_empty() || topics.split(',').any(|topic| topic == module);
    let mut groups: BTreeMap<BTreeSet<String>, Modules> = BTreeMap::new();
    let mut files: Vec<_> = fs::read_dir("src/cases").unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|ext| ext == "rs")) {
        for (case, needs) in cases(file) {
            let module = file.file_stem().unwrap().to_str().unwrap().to_owned();
            if !wanted(&module) {
                continue;
            }
            groups.entry(needs).or_default().entry(module).or_default().push(case);
        }
    }
    let out = Path::new(&env::var_os("OUT_DIR").unwrap()).join("cases.rs");
    fs::write(out, text(&groups)).unwrap();
}

/// Name and capabilities of each case in a file.
fn cases(file: &Path) -> Vec<(String, BTreeSet<String>)> {
    const START: &str = "pub async fn ";
    let text = fs::read_to_string(file).unwrap();
    let mut found = Vec::new();
    for (at, _) in text.match_indices(START) {
        let signature = text[at + START.len()..].split(" {\n").next().unwrap();
        let name = signature.split('<').next().unwrap();
        let (at_margin, takes_fixture) = (text[..at].ends_with('\n'), signature.contains("&Fixture<D>"));
        assert!(
            at_margin == takes_fixture,
            "{}: `{name}` is no case: one starts at the left margin and takes a `&Fixture<D>`, and what helps cases is \
             not `pub` there",
            file.display()
        );
        if !at_margin {
            continue;
        }
        let needs =
            signature.split("Supports<").skip(1).map(|need| need.split('>').next().unwrap().to_owned());
        found.push((name.to_owned(), needs.collect()));
    }
    found
}

/// The macro: every group with its needs, and the list of all capabilities that are asked for.
fn text(groups: &BTreeMap<BTreeSet<String>, Modules>) -> String {
    let every: BTreeSet<_> = groups.keys().flatten().collect();
    let mut out = String::from(
        "/// Every case, by what it needs: written by the build script.\n#[doc(hidden)]\n#[macro_export]\n\
         macro_rules! every_case {\n    ($harness:ty, $has:tt) => {\n",
    );
    for need in &every {
        writeln!(out, "        $crate::suite!(@lacks {need} $harness, $has);").unwrap();
    }
    for (needs, modules) in groups {
        let group = match needs.is_empty() {
            true => "portable".to_owned(),
            false => needs.iter().map(|need| snake(need)).collect::<Vec<_>>().join("_and_"),
        };
        let needs: Vec<_> = needs.iter().map(String::as_str).collect();
        writeln!(out, "        $crate::suite!(@needs [{}] $has {{", needs.join(" ")).unwrap();
        if group != "portable" {
            writeln!(out, "        mod {group} {{ use super::*;").unwrap();
        }
        for (module, cases) in modules {
            writeln!(out, "        $crate::suite!(@module $harness, {module}: {});", cases.join(" "))
                .unwrap();
        }
        if group != "portable" {
            out.push_str("        }\n");
        }
        out.push_str("        });\n");
    }
    out.push_str("    };\n}\n\n");
    // Whether a name is in a list is a question that a macro answers one arm a name.
    out.push_str(
        "/// Goes on if the list has a name: written by the build script.\n#[doc(hidden)]\n#[macro_export]\n\
         macro_rules! if_listed {\n",
    );
    for need in &every {
        writeln!(
            out,
            "    ({need} [{need} $($rest:ident)*] {{ $($yes:tt)* }} {{ $($no:tt)* }}) => {{ $($yes)* }};"
        )
        .unwrap();
    }
    out.push_str(
        "    ($need:ident [$other:ident $($rest:ident)*] $yes:tt $no:tt) => {\n        \
         $crate::if_listed!($need [$($rest)*] $yes $no);\n    };\n    \
         ($need:ident [] { $($yes:tt)* } { $($no:tt)* }) => { $($no)* };\n}\n",
    );
    out
}

/// `RawSql` as `raw_sql`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}
