//! The house rules as a test: imports point down one list of layers, files stay small, `unsafe` stays in few files.
//!
//! The list is a strict order, so a tree that keeps it has no cycle between its top-level modules either.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use logmill::cpu::Level;

/// From the top down: a module imports only what stands behind it.
const LAYERS: [&str; 16] = [
    "main", "cli", "driver", "deliver", "catalog", "engine", "plan", "expr", "format", "source",
    "job", "data", "error", "limits", "cpu", "fault",
];

const FILE_LINES_MAX: usize = 600;

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
