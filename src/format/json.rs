//! `json`: one JSON object a line; a field is a key, or a path of keys with dots between.
//!
//! Only the wanted paths are kept, as raw JSON text (strings decoded); the rest is only checked for its syntax. Usual lines
//! are read by the places of their quotes (`reader`), all others by serde (`capture`), with the same result.

mod capture;
mod node;
mod reader;
mod reason;

use bumpalo::Bump;

use capture::{Capture, collect};
use node::{Node, Slot};
use reader::Reader;
use reason::reason;

use super::marks;
use super::scan::{Index, Needles};
use super::view::View;
use super::walk::Walk;
use super::{FieldDef, Format, FormatError, RawBlock, Tokenizer, text};

/// Dots in one field's name, at most: each may be a step down or part of a key.
const NAME_DOTS_MAX: usize = 7;
const NEEDLES: Needles = Needles { marks: *b"\n\"\\", anchor: b'\n' };

/// The format `json`.
pub(super) struct Json {
    walk: Walk,
}

impl Json {
    pub(super) fn new(line_bytes_max: usize) -> Self {
        Json { walk: Walk::new(line_bytes_max) }
    }
}

impl Format for Json {
    fn fields(&self) -> &[FieldDef] {
        &[]
    }

    fn open_ended(&self) -> bool {
        true
    }

    fn default_time(&self) -> Option<&str> {
        None
    }

    fn tokenizer(&self, wanted: &[&str], _head: &[u8]) -> Result<Box<dyn Tokenizer>, FormatError> {
        let mut root = Node::default();
        for (slot, name) in wanted.iter().enumerate() {
            let parts: Vec<&str> = name.split('.').collect();
            if parts.len() > NAME_DOTS_MAX + 1 {
                let help = "regexp_extract() reaches deeper into a field's JSON text";
                return Err(FormatError::new(
                    format!("`{name}` has more than {NAME_DOTS_MAX} dots"),
                    help,
                ));
            }
            root.insert(&parts, slot, 1);
        }
        Ok(Box::new(JsonTokenizer { root, columns: wanted.len(), walk: self.walk }))
    }
}

struct JsonTokenizer {
    root: Node,
    columns: usize,
    walk: Walk,
}

impl Tokenizer for JsonTokenizer {
    fn tokenize<'a>(
        &self,
        input: &'a [u8],
        at_start: bool,
        records_max: usize,
        arena: &'a Bump,
        block: &mut RawBlock<'a>,
    ) -> usize {
        let at = self.walk.begin(input, at_start, (self.columns, records_max), block);
        block.utf8 |= block.lines.is_empty();
        let slots = vec![Slot::default(); self.columns];
        let mut run = Run { tokenizer: self, records_max, arena, block, slots, seen: 0 };
        run.windows(input, at)
    }
}

/// One walk over an input.
struct Run<'r, 'a> {
    tokenizer: &'r JsonTokenizer,
    records_max: usize,
    arena: &'a Bump,
    block: &'r mut RawBlock<'a>,
    slots: Vec<Slot<'a>>,
    seen: usize,
}

impl<'a> Run<'_, 'a> {
    /// Takes the lines from a place on: answers where it stopped.
    fn windows(&mut self, input: &'a [u8], mut at: usize) -> usize {
        let mut index = std::mem::take(&mut self.block.index);
        while at < input.len() && self.seen < self.records_max {
            let used = self.window(&input[at..], at, &mut index);
            at += if used > 0 { used } else { self.careful(&input[at..]) };
        }
        self.block.index = index;
        at
    }

    /// Takes the lines that end within the first window of `text`; answers their bytes.
    fn window(&mut self, text: &'a [u8], before: usize, index: &mut Index) -> usize {
        let Some(view) = View::new(text).filter(|_| !self.block.careful) else { return 0 };
        let bytes = marks::window_bytes(self.records_max, self.seen, before).min(text.len());
        index.fill(&text[..bytes], &NEEDLES);
        let is_newline = |&place: &u32| text[place as usize] == b'\n';
        let Some(last) = index.marks().iter().copied().rfind(is_newline) else { return 0 };
        let lines = &text[..=last as usize];
        let is_text = index.is_ascii() || simdutf8::basic::from_utf8(lines).is_ok();
        let has_controls = has_controls(lines);
        let (mut mark, mut start) = (0, 0);
        while self.seen < self.records_max && start < lines.len() {
            let mut reader = Reader::new(view, (index.marks(), mark), start, self.arena);
            if is_text && self.usual(&mut reader, start, has_controls) {
                mark = reader.mark + 1;
            } else {
                self.careful(&lines[start..]);
                mark += index.marks()[mark..].iter().position(is_newline).map_or(0, |at| at + 1);
            }
            start = index.marks()[mark - 1] as usize + 1;
        }
        start
    }

    /// Takes a line that is usual in all respects; whether it is.
    #[inline(always)]
    fn usual(&mut self, reader: &mut Reader<'_, 'a>, start: usize, has_controls: bool) -> bool {
        self.slots.fill(Slot::default());
        if reader.record(&self.tokenizer.root, &mut self.slots).is_none() {
            return false;
        }
        let line = &reader.text.text()[start..reader.at];
        let end = reader.marks[reader.mark] as usize;
        if line.len() > self.tokenizer.walk.line_bytes_max
            || has_controls && self::has_controls(line)
        {
            return false;
        }
        self.block.crlf |= end > reader.at;
        self.block.lines.push(line);
        for (column, slot) in self.block.fields.iter_mut().zip(&self.slots) {
            column.push(slot.value);
        }
        if reader.has_decoded {
            self.check_utf8();
        }
        self.seen += 1;
        true
    }

    /// Takes the first line of `text` with care; answers its bytes, its end included.
    #[inline(never)]
    fn careful(&mut self, text: &'a [u8]) -> usize {
        let (slots, arena) = (&mut self.slots, self.arena);
        let (next, is_line) = self.tokenizer.walk.line(text, 0, self.block, |line, columns| {
            slots.fill(Slot::default());
            let line = text::utf8_lossy(line, arena);
            let capture = Capture { node: &self.tokenizer.root, slots, arena };
            collect(line, capture).map_err(|error| reason(line, &error))?;
            for (column, slot) in columns.iter_mut().zip(slots.iter()) {
                column.push(slot.value);
            }
            Ok(())
        });
        self.seen += usize::from(is_line);
        self.check_utf8();
        next
    }

    /// A decoded lone surrogate is no text.
    fn check_utf8(&mut self) {
        let is_text = |slot: &Slot<'_>| std::str::from_utf8(slot.value).is_ok();
        self.block.utf8 &= self.slots.iter().all(is_text);
    }
}

/// Whether there are control characters besides the newline: no string may have them.
#[inline(always)]
fn has_controls(text: &[u8]) -> bool {
    text.iter().fold(false, |any, &byte| any | ((byte < b' ') & (byte != b'\n')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cpu;
    use crate::format::testing::{cut, named};

    fn one(wanted: &[&str], line: &str) -> Vec<String> {
        let mut got = cut(&*named("json"), wanted, line.as_bytes());
        assert!(got.reasons.is_empty(), "{line}");
        got.records.remove(0)
    }

    #[test]
    fn fields_are_keys_and_paths_and_keys_with_dots() {
        let line =
            r#" {"a":{"b":{"c":1}},"id.orig_h":"::1","x.y":{"z":true},"id":{"orig_h":"no"}} "#;
        assert_eq!(
            one(&["a.b.c", "id.orig_h", "x.y.z", "a.b", "none"], line),
            ["1", "::1", "true", r#"{"c":1}"#, ""]
        );
        assert_eq!(one(&["id.orig_h"], r#"{"id":{"orig_h":"a"},"id.orig_h":null}"#), [""]);
    }

    #[test]
    fn values_keep_their_text_and_strings_are_decoded() {
        let line = r#"{"n":-1.50e2,"s":"a\"b\\\u00e9\n","l":[1, "x"],"e":"","z":null,"\u006b":"v","u":"a\ud800b"}"#;
        let got = one(&["n", "s", "l", "e", "z", "k", "u"], line);
        assert_eq!(got[..6], ["-1.50e2", "a\"b\\é\n", "[1, \"x\"]", "", "", "v"]);
        assert!(got[6].starts_with("a\u{fffd}") && got[6].ends_with('b'));
    }

    #[test]
    fn the_last_of_equal_keys_counts() {
        assert_eq!(one(&["a"], r#"{"a":1,"a":2}"#), ["2"]);
        assert_eq!(one(&["a"], r#"{"a":1,"a":null}"#), [""]);
    }

    #[test]
    fn bytes_that_are_not_utf_8_become_the_replacement_character() {
        let got = cut(&*named("json"), &["a"], b"{\"a\":\"x\xffy\"}\n");
        assert_eq!(got.records, [["x\u{fffd}y"]]);
    }

    #[test]
    fn only_one_valid_object_is_a_record() {
        for line in [
            "[1]",
            "1",
            "{",
            "{} {}",
            "{\"a\":}",
            "{\"a\":01}",
            "{\"b\":[}",
            "\"{}\"",
            "null",
            "{}x",
        ] {
            let got = cut(&*named("json"), &["a"], line.as_bytes());
            assert_eq!((got.records.len(), got.reasons.len()), (0, 1), "{line}");
            assert!(got.reasons[0].starts_with("not a JSON object: column "), "{line}");
        }
        assert_eq!(one(&["a"], "{}"), [""]);
    }

    /// Objects, one a line, compact or with a space behind `:` and `,`.
    fn object() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,10})?([eE][+-]?[0-9]{1,2})?",
            "true|false|null",
            "\"([ -!#-\\[\\]-~é]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-fD]{4}){0,12}\"",
        ];
        let key = "\"(a|b|c|a\\.b|c\\.d\\.e|other|x{62,66}|\\\\u0061|é)\"";
        let value = leaf.prop_recursive(3, 12, 4, move |inner| {
            let object = prop::collection::vec((key, inner.clone()), 0..4);
            prop_oneof![
                object.prop_map(|entries| object_of(&entries)),
                prop::collection::vec(inner, 0..4)
                    .prop_map(|items| format!("[{}]", items.join(","))),
            ]
        });
        let entries = prop::collection::vec((key, value), 0..7);
        (entries, any::<bool>(), 0_usize..40).prop_map(|(entries, spaced, deep)| {
            let line = match deep {
                0 => {
                    object_of(&[("\"a\"".into(), format!("{}{}", "[".repeat(20), "]".repeat(20)))])
                }
                _ => object_of(&entries),
            };
            if spaced { line.replace(':', ": ").replace(',', ", ") } else { line }
        })
    }

    fn object_of(entries: &[(String, String)]) -> String {
        let entry = |(key, value): &(String, String)| format!("{key}:{value}");
        format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(","))
    }

    /// Lines, of which some have a byte changed, and line ends of both kinds.
    fn lines() -> impl Strategy<Value = Vec<u8>> {
        let odd = prop::sample::select(&b"\"\\{}[]:,019.-+eEtn \t\r\x01\x80\xe9"[..]);
        let change = prop::option::weighted(0.3, (any::<prop::sample::Index>(), odd, 0_usize..3));
        let line = (object(), change, prop::sample::select(&["\n", "\r\n", " \n", "\n\n"][..]));
        prop::collection::vec(line, 0..40).prop_map(|lines| {
            let mut out = Vec::new();
            for (line, change, end) in lines {
                let mut line = line.into_bytes();
                if let Some((at, byte, how)) = change {
                    let at = at.index(line.len());
                    match how {
                        0 => line[at] = byte,
                        1 => line.insert(at, byte),
                        _ => line.truncate(at),
                    }
                }
                out.extend_from_slice(&line);
                out.extend_from_slice(end.as_bytes());
            }
            out
        })
    }

    const WANTED: [&str; 5] = ["a", "a.b", "c.d.e", "b", "é"];

    fn tokenizer(line_bytes_max: usize) -> JsonTokenizer {
        let mut root = Node::default();
        for (slot, name) in WANTED.iter().enumerate() {
            root.insert(&name.split('.').collect::<Vec<_>>(), slot, 1);
        }
        JsonTokenizer { root, columns: WANTED.len(), walk: Walk::new(line_bytes_max) }
    }

    /// Everything with care.
    fn with_care<'a>(
        tokenizer: &JsonTokenizer,
        input: &'a [u8],
        records_max: usize,
        arena: &'a Bump,
        block: &mut RawBlock<'a>,
    ) -> usize {
        let at = tokenizer.walk.begin(input, true, (WANTED.len(), records_max), block);
        let slots = vec![Slot::default(); WANTED.len()];
        let mut run = Run { tokenizer, records_max, arena, block, slots, seen: 0 };
        let mut used = at;
        while used < input.len() && run.seen < records_max {
            used += run.careful(&input[used..]);
        }
        used
    }

    fn said(block: &RawBlock<'_>, used: usize) -> impl PartialEq + std::fmt::Debug {
        let rejects: Vec<_> = block
            .rejects
            .iter()
            .map(|reject| (reject.line.to_vec(), reject.reason.clone()))
            .collect();
        let owned = |lines: &[&[u8]]| lines.iter().map(|line| line.to_vec()).collect::<Vec<_>>();
        let fields: Vec<_> = block.fields.iter().map(|field| owned(field)).collect();
        (
            owned(&block.lines),
            fields,
            rejects,
            (block.skipped, block.skipped_bytes, block.crlf),
            used,
        )
    }

    proptest! {
        #[test]
        fn usual_lines_are_read_as_all_others(
            input in lines(), records_max in prop_oneof![Just(1000_usize), 1_usize..20], long in prop_oneof![Just(1000_usize), 20_usize..60],
        ) {
            let (arena, tokenizer) = (Bump::new(), tokenizer(long));
            let mut careful = RawBlock::default();
            let all = with_care(&tokenizer, &input, records_max, &arena, &mut careful);
            for _ in cpu::each_level() {
                let mut quick = RawBlock::default();
                let used = tokenizer.tokenize(&input, true, records_max, &arena, &mut quick);
                prop_assert_eq!(said(&quick, used), said(&careful, all));
                let is_text = |value: &&[u8]| std::str::from_utf8(value).is_ok();
                prop_assert!(!quick.utf8 || quick.fields.iter().flatten().all(is_text));
            }
        }
    }

    #[test]
    fn usual_lines_are_not_read_with_care() {
        let usual = [
            r#"{"a":1,"b":"x","other":{"c":[1,{"d":-2.50}],"e":null},"é":"ü"}"#,
            r#"{"a": "with \"quotes\" and \u00e9", "b": true, "c": {"d": {"e": 12345678901}}}  "#,
            "{}",
        ];
        let unusual =
            ["{\"a\":1e5}", "{\"\\u0061\":1}", "{\"a\":01}", "{\"a\":\"\t\"}", "{\"a\":1}x"];
        let quick = |line: &str| {
            let text = format!("{line}\n        ");
            let (arena, mut index, tokenizer) = (Bump::new(), Index::default(), tokenizer(1000));
            index.fill(text.as_bytes(), &NEEDLES);
            let view = View::new(text.as_bytes()).expect("long enough");
            let mut block = RawBlock::default();
            let slots = vec![Slot::default(); WANTED.len()];
            let mut run = Run {
                tokenizer: &tokenizer,
                records_max: 9,
                arena: &arena,
                block: &mut block,
                slots,
                seen: 0,
            };
            let mut reader = Reader::new(view, (index.marks(), 0), 0, &arena);
            let has_controls = has_controls(text.as_bytes());
            run.usual(&mut reader, 0, has_controls)
        };
        assert_eq!(usual.map(quick), [true; 3]);
        assert_eq!(unusual.map(quick), [false; 5]);
    }
}
