//! The house rules as a test: imports point down one list of layers, files stay small, `unsafe` stays in few files.
//!
//! The list is a strict order, so a tree that keeps it has no cycle between its top-level modules either.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use logmill::cpu::Level;

/// From the top down: a module imports only what stands behind it.
const LAYERS: [&str; 16] = [
    "main", "cli", "driver", "deliver", "catalog", "engine", "plan", "expr", "format", "source",
    "job", "data", "error", "limits", "cpu", "fault",
];

const FILE_LINES_MAX: usize = 600;

/// Circles of files that are still there, each to be taken apart.
const CIRCLES_LEFT: [&str; 3] = [
    // Each is made of the other's parts.
    "engine/accumulator/summand.rs engine/accumulator/superaccumulator.rs",
    // An evaluation within an evaluation.
    "expr/eval.rs expr/per_text.rs",
    // Pieces of patterns are apache's and of access logs, which are read by patterns.
    "format/access.rs format/apache.rs format/pattern.rs",
];

/// The only files that may say `unsafe`.
const UNSAFE: [&str; 8] = [
    "source/map.rs",
    "engine/key_table/x86.rs",
    "engine/prefetch.rs",
    "format/lanes/x86.rs",
    "format/marks/x86.rs",
    "format/scan/x86.rs",
    "format/text.rs",
    "format/view.rs",
];

/// A source file: its path below `src`, and its code without comments, texts and tests.
struct Source {
    path: PathBuf,
    lines: usize,
    code: String,
    /// The lists of `target_feature`.
    features: Vec<String>,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let mut tests = BTreeSet::new();
    let mut sources = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source file is text");
        let code = bare(&text);
        let path = file.strip_prefix(&root).expect("below src").to_owned();
        tests.extend(test_modules(&path, &code));
        let (lines, features) = (text.lines().count(), features(&text));
        sources.push(Source { path, lines, code: without_tests(&code), features });
    }
    let is_test = |path: &Path| tests.iter().any(|test| path.with_extension("").starts_with(test));
    sources.retain(|source| !is_test(&source.path));
    sources
}

/// What stands in each `target_feature(enable = "…")`.
fn features(text: &str) -> Vec<String> {
    let lists = text.split("target_feature(enable = \"").skip(1);
    lists.map(|rest| rest.chars().take_while(|c| *c != '"').collect()).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// The code with comments, texts and character literals blanked out; line ends stay.
fn bare(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = skipped(bytes, at);
        if end > at {
            out.extend(bytes[at..end].iter().map(|&b| if b == b'\n' { '\n' } else { ' ' }));
            at = end;
        } else {
            out.push(if bytes[at].is_ascii() { bytes[at] as char } else { '_' });
            at += 1;
        }
    }
    out
}

/// The end of the comment or literal that begins at `at`; `at` itself if none does.
fn skipped(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let find = |needle: &[u8], from: usize| {
        let found = rest[from..].windows(needle.len()).position(|window| window == needle);
        found.map_or(bytes.len(), |found| at + from + found + needle.len())
    };
    let word_before = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    match rest {
        [b'/', b'/', ..] => find(b"\n", 0).saturating_sub(1).max(at + 2),
        [b'/', b'*', ..] => find(b"*/", 2),
        [b'r', b'"' | b'#', ..] if !word_before || bytes[at - 1] == b'b' => {
            let hashes = rest[1..].iter().take_while(|&&b| b == b'#').count();
            if rest.get(1 + hashes) != Some(&b'"') {
                return at;
            }
            find(&[b"\"".as_slice(), &b"#".repeat(hashes)].concat(), 2 + hashes)
        }
        [b'"', ..] => at + quoted(rest, b'"'),
        // A lifetime has no second quote so near.
        [b'\'', b'\\', ..] => at + quoted(rest, b'\''),
        [b'\'', _, b'\'', ..] => at + 3,
        [b'\'', first, ..] if *first >= 0x80 => find(b"'", 1),
        _ => at,
    }
}

/// The length of a quoted literal with backslash escapes.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// What follows `#[cfg(test)]`, each time: (start of the attribute, start of the item).
fn test_items(code: &str) -> Vec<(usize, usize)> {
    const MARK: &str = "#[cfg(test)]";
    code.match_indices(MARK).map(|(at, _)| (at, at + MARK.len())).collect()
}

/// The modules that a file declares for tests only, as paths below `src` without extension.
fn test_modules(path: &Path, code: &str) -> Vec<PathBuf> {
    let folder = if ["mod.rs", "lib.rs", "main.rs"].iter().any(|name| path.ends_with(name)) {
        path.parent().expect("a file has a folder").to_owned()
    } else {
        path.with_extension("")
    };
    let declared = test_items(code).into_iter().filter_map(|(_, item)| {
        let item = code[item..].trim_start();
        let item = item.strip_prefix("pub(crate) ").unwrap_or(item);
        let (name, _) = item.strip_prefix("mod ")?.split_once(';')?;
        name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_').then(|| folder.join(name))
    });
    declared.collect()
}

/// The code without the items marked `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let mut out = String::new();
    let mut at = 0;
    for (start, item) in test_items(code) {
        if start >= at {
            out.push_str(&code[at..start]);
            at = item + item_length(&code[item..]);
        }
    }
    out + &code[at.min(code.len())..]
}

/// The length of an item: to its semicolon, or to the brace that closes it.
fn item_length(code: &str) -> usize {
    let mut depth = 0;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return at + 1,
            b'}' => depth -= 1,
            b';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// The top-level modules that a file's code names through `crate::`, `logmill::` or a long chain of `super::`.
fn imports(path: &Path, code: &str) -> BTreeSet<String> {
    let depth = path.components().count() - usize::from(path.ends_with("mod.rs"));
    let mut chains = vec!["crate::".to_owned(), "super::".repeat(depth)];
    if ["main", "cli"].contains(&top(path).as_str()) {
        chains = vec!["logmill::".to_owned()];
    }
    let mut found = BTreeSet::new();
    for chain in &chains {
        for (at, _) in code.match_indices(chain.as_str()) {
            found.extend(heads(&code[at + chain.len()..]));
        }
    }
    found.retain(|name| LAYERS.contains(&name.as_str()));
    found
}

/// `engine` of `engine::map::Mapper`; all first names of `{engine::map, plan}`.
fn heads(rest: &str) -> Vec<String> {
    let word = |text: &str| {
        let text = text.trim_start();
        text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>()
    };
    let Some(group) = rest.strip_prefix('{') else { return vec![word(rest)] };
    let (mut depth, mut names) = (0, vec![word(group)]);
    for (at, byte) in group.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => break,
            b'}' => depth -= 1,
            b',' if depth == 0 => names.push(word(&group[at + 1..])),
            _ => {}
        }
    }
    names
}

/// The top-level module of a file.
fn top(path: &Path) -> String {
    let first = path.components().next().expect("a path has a part").as_os_str();
    Path::new(first).with_extension("").to_string_lossy().into_owned()
}

/// The arrows of a file that do not point down.
fn upward(path: &Path, code: &str) -> Vec<String> {
    let rank = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    let from = top(path);
    if from == "lib" {
        return Vec::new();
    }
    let Some(own) = rank(&from) else {
        return vec![format!(
            "{}: the module {from} has no place in the list of layers",
            path.display()
        )];
    };
    let up = imports(path, code).into_iter().filter(|to| *to != from && rank(to) < Some(own));
    up.map(|to| format!("{}: {from} imports {to}, which stands above it", path.display())).collect()
}

/// Words that no finished code has, and `unsafe` outside of its files.
fn unwanted(path: &Path, code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in ["todo!", "unimplemented!", "dbg!"] {
        if code.contains(word) {
            found.push(format!("{}: {word}", path.display()));
        }
    }
    let mut words = code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    if !UNSAFE.iter().any(|file| path == Path::new(file)) && words.any(|word| word == "unsafe") {
        found.push(format!("{}: unsafe", path.display()));
    }
    found
}

/// The paths that a file imports, with braces taken apart: `super::batch::Depth` of `use super::batch::{Batch, Depth};`.
fn imported(code: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let is_statement = code[..at].chars().next_back().is_none_or(|c| c.is_whitespace());
        if let Some((tree, _)) = code[at + 4..].split_once(';').filter(|_| is_statement) {
            take_apart(tree, &[], &mut paths);
        }
    }
    paths
}

/// One import, or a part of it, behind what stands before its braces.
fn take_apart(tree: &str, before: &[String], paths: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    let (front, group) = tree
        .split_once('{')
        .map_or((tree, None), |(front, group)| (front, group.trim_end().strip_suffix('}')));
    let words = front.split("::").map(|word| word.trim().split(' ').next().unwrap_or_default());
    let words = words.filter(|word| !word.is_empty()).map(str::to_owned);
    let path: Vec<String> = before.iter().cloned().chain(words).collect();
    let Some(group) = group else { return paths.push(path) };
    let (mut depth, mut from) = (0, 0);
    for (at, byte) in group.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth == 0 => {
                take_apart(&group[from..at], &path, paths);
                from = at + 1;
            }
            _ => {}
        }
    }
    take_apart(&group[from..], &path, paths);
}

/// The module that a file is: `driver::batch` of `driver/batch.rs`, `driver` of `driver/mod.rs`.
fn module(path: &Path) -> Vec<String> {
    let path = path.with_extension("");
    let mut parts: Vec<String> =
        path.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
    parts.pop_if(|last| ["mod", "lib", "main"].contains(&last.as_str()));
    parts
}

/// What a path in a module is counted from the root of the crate.
fn absolute(path: &[String], from: &[String]) -> Vec<String> {
    let supers = path.iter().take_while(|word| *word == "super").count();
    let (base, rest) = match path.first().map(String::as_str) {
        Some("crate") => (&from[..0], &path[1..]),
        Some("self") => (from, &path[1..]),
        _ => (&from[..from.len().saturating_sub(supers)], &path[supers..]),
    };
    [base, rest].concat()
}

/// Files that import each other by `use`, directly or through others. What a module and those within it take from one another is no
/// circle.
fn circles(sources: &[Source]) -> Vec<Vec<String>> {
    let modules: Vec<Vec<String>> = sources.iter().map(|source| module(&source.path)).collect();
    let at: HashMap<&[String], usize> =
        modules.iter().enumerate().map(|(at, module)| (module.as_slice(), at)).collect();
    let targets = |from: usize| -> BTreeSet<usize> {
        let of_path = |path: Vec<String>| {
            let path = absolute(&path, &modules[from]);
            (1..=path.len()).rev().find_map(|len| at.get(&path[..len]).copied())
        };
        let all = imported(&sources[from].code).into_iter().filter_map(of_path);
        let is_apart = |to: &usize| {
            !modules[from].starts_with(&modules[*to]) && !modules[*to].starts_with(&modules[from])
        };
        all.filter(is_apart).collect()
    };
    let arrows: Vec<BTreeSet<usize>> = (0..sources.len()).map(targets).collect();
    let reached = |from: usize| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(file) = next.pop() {
            next.extend(arrows[file].iter().filter(|to| seen.insert(**to)));
        }
        seen
    };
    let reached: Vec<BTreeSet<usize>> = (0..sources.len()).map(reached).collect();
    let mut found = BTreeSet::new();
    for file in (0..sources.len()).filter(|file| reached[*file].contains(file)) {
        let both = reached[file].iter().filter(|other| reached[**other].contains(&file));
        found.insert(both.map(|at| sources[*at].path.display().to_string()).collect::<Vec<_>>());
    }
    found.into_iter().collect()
}

fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn imports_point_down_the_list_of_layers() {
    let sources = sources();
    assert!(sources.len() > 100, "only {} files were found", sources.len());
    let found: Vec<String> = sources.iter().flat_map(|s| upward(&s.path, &s.code)).collect();
    assert_none(&found);
}

#[test]
fn files_import_each_other_in_no_circle() {
    let found = circles(&sources());
    let found: Vec<String> = found.iter().map(|circle| circle.join(" ")).collect();
    assert_eq!(found, CIRCLES_LEFT, "\n{}", found.join("\n"));
}

#[test]
fn a_planted_circle_is_found() {
    let source = |path: &str, code: &str| Source {
        path: path.into(),
        lines: 1,
        code: code.to_owned(),
        features: Vec::new(),
    };
    let sources = [
        source("a/mod.rs", "use self::b::B; pub use c::{C, D};"),
        source("a/b.rs", "use super::c::{C, inner::{D, E}}; use super::A;"),
        source("a/c.rs", "use crate::a::{d::{self, F}, A};"),
        source("a/d.rs", "use super::super::a::b::B as Other;"),
        source("a/e.rs", "use super::{b, c};"),
    ];
    assert_eq!(circles(&sources), [["a/b.rs", "a/c.rs", "a/d.rs"]]);
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let long = sources().into_iter().filter(|source| source.lines > FILE_LINES_MAX);
    let found: Vec<String> =
        long.map(|s| format!("{}: {} lines", s.path.display(), s.lines)).collect();
    assert_none(&found);
}

#[test]
fn unsafe_stands_in_few_files_and_nothing_unfinished_anywhere() {
    let found: Vec<String> = sources().iter().flat_map(|s| unwanted(&s.path, &s.code)).collect();
    assert_none(&found);
}

#[test]
fn features_are_asked_for_in_one_file_and_used_as_it_names_them() {
    let (sources, mut used) = (sources(), 0);
    let mut found = Vec::new();
    for Source { path, code, features, .. } in &sources {
        if path != Path::new("cpu.rs") && code.contains("is_x86_feature_detected") {
            found.push(format!("{}: asks the processor itself", path.display()));
        }
        for list in features {
            if !Level::ALL.iter().any(|level| level.features() == list) {
                found.push(format!("{}: no level has just {list}", path.display()));
            }
        }
        used += features.len();
    }
    assert_none(&found);
    assert!(used >= 4, "only {used} functions with features were found");
}

#[test]
fn a_planted_arrow_is_found_in_whatever_way_it_is_written() {
    for code in [
        "use crate::driver::run;",
        "use crate::{data::Column, driver};",
        "use crate::{data::{Column, Values}, catalog::Catalog};",
        "fn f() { super::super::catalog::open() }",
        "let x = crate::cli::main;",
    ] {
        assert_eq!(upward(Path::new("engine/map.rs"), &bare(code)).len(), 1, "{code}");
    }
    let driver = upward(Path::new("error/mod.rs"), "use super::driver;");
    assert_eq!(driver, ["error/mod.rs: error imports driver, which stands above it"]);
    assert_eq!(upward(Path::new("driver/run.rs"), "use logmill::cli;"), [""; 0]);
    assert_eq!(upward(Path::new("news/mod.rs"), "").len(), 1, "a module without a place");
}

#[test]
fn an_arrow_down_and_one_that_is_no_code_are_let_through() {
    for code in [
        "use crate::{data::Column, limits};",
        "// use crate::driver::run;",
        "/* use crate::driver; */",
        "let text = \"crate::driver\";",
        "let text = r#\"a \" crate::driver\"#;",
        "#[cfg(test)]\nmod tests { use crate::driver; fn f() { '\\''; } }",
        "#[cfg(test)] use crate::driver;",
    ] {
        let code = without_tests(&bare(code));
        assert_none(&upward(Path::new("engine/map.rs"), &code));
    }
    let declared =
        test_modules(Path::new("source/mod.rs"), "#[cfg(test)]\nmod race_tests;\nmod plan;");
    assert_eq!(declared, [Path::new("source/race_tests")]);
}

#[test]
fn unwanted_words_are_found_where_they_are_code() {
    let at = |path: &str, code: &str| unwanted(Path::new(path), &bare(code)).len();
    assert_eq!(at("engine/map.rs", "unsafe { x() }"), 1);
    assert_eq!(at(UNSAFE[0], "unsafe { x() }"), 0);
    assert_eq!(at("engine/map.rs", "#![deny(unsafe_op_in_unsafe_fn)] // unsafe"), 0);
    assert_eq!(at("engine/map.rs", "fn f() { todo!() }"), 1);
    assert_eq!(at("engine/map.rs", "fn f<'a>(x: &'a str) { dbg!(x); '\"'; }"), 1);
}
