//! What holds for every format, whatever the bytes: tested here for all of them at once.

use proptest::collection::vec;
use proptest::prelude::*;

use super::testing::{self, named};
use super::{CsvOptions, Format, FormatSpec, build, detect};
use crate::format::walk::line_at;

fn formats() -> Vec<Box<dyn Format>> {
    let columns = vec!["a".to_owned(), "b".to_owned()];
    let specs = [
        FormatSpec::Nginx(r#"$remote_addr [$time_local] "$request" $upstream_addr $status"#.into()),
        FormatSpec::Apache(r#"%h %l %u %t "%r" %>s %b %D"#.into()),
        FormatSpec::Csv(CsvOptions { header: false, columns, ..CsvOptions::csv() }),
        FormatSpec::Regex(r"(?<a>\w+)(?<b>.*)".into()),
    ];
    let names = ["common", "combined", "json", "csv", "tsv", "lines"].into_iter().map(named);
    let pasted = specs.iter().map(|spec| build(spec, 60, None).expect("a good specification"));
    names.chain(pasted).collect()
}

/// All the fields that a format lists, and some that an open-ended one may have.
fn wanted(format: &dyn Format) -> Vec<&str> {
    if format.open_ended() {
        return vec!["a", "b", "a.b"];
    }
    format.fields().iter().map(|field| field.name.as_str()).collect()
}

/// Lines by the plain model: what lies between newlines.
fn lines(input: &[u8]) -> usize {
    input.split_inclusive(|&byte| byte == b'\n').count()
}

/// Bytes that come close to what the formats look for.
fn near_miss() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just("1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "),
        Just("\"GET /a?b HTTP/1.0\" "),
        Just("200 "),
        Just("- "),
        Just("\"-\""),
        Just("\\"),
        Just("\""),
        Just("\n"),
        Just("\r\n"),
        Just(","),
        Just("\t"),
        Just("{\"a\":"),
        Just("{\"b\":1}"),
        Just("}"),
        Just("\"\\ud800\""),
        Just("[x]"),
        Just("a"),
        Just(" : "),
        Just("é"),
    ];
    vec(word, 0..30).prop_map(|words| words.concat().into_bytes())
}

fn check(input: &[u8]) -> Result<(), TestCaseError> {
    for format in formats() {
        let wanted = wanted(&*format);
        if format.needs_head() && format.tokenizer(&wanted, input).is_err() {
            continue; // A header that can't be read is an error of the file, not of a line.
        }
        let got = testing::cut(&*format, &wanted, input);
        // A byte order mark alone is no line.
        let mark_only = input == b"\xEF\xBB\xBF";
        let expected = if mark_only { 0 } else { lines(input) };
        prop_assert_eq!(got.records.len() + got.reasons.len() + got.skipped as usize, expected);
    }
    Ok(())
}

proptest! {
    #[test]
    fn every_line_is_a_record_a_reject_or_skipped(input in vec(any::<u8>(), 0..200)) {
        check(&input)?;
        detect(&input);
    }

    #[test]
    fn near_misses_are_counted_too(input in near_miss()) {
        check(&input)?;
        detect(&input);
    }

    #[test]
    fn what_a_line_is_and_a_field_holds_does_not_depend_on_the_other_fields_that_are_wanted(
        input in prop_oneof![near_miss(), vec(any::<u8>(), 0..200)],
        choice in vec(any::<bool>(), 20),
    ) {
        for format in formats() {
            let all = wanted(&*format);
            if format.needs_head() && format.tokenizer(&all, &input).is_err() {
                continue;
            }
            let chosen: Vec<usize> = (0..all.len()).filter(|&at| choice[at % choice.len()]).collect();
            let few: Vec<&str> = chosen.iter().map(|&at| all[at]).collect();
            let (all, few) = (testing::cut(&*format, &all, &input), testing::cut(&*format, &few, &input));
            prop_assert_eq!((all.reasons, all.skipped), (few.reasons, few.skipped));
            let record = |record: &Vec<String>| chosen.iter().map(|&at| record[at].clone()).collect();
            prop_assert_eq!(all.records.iter().map(record).collect::<Vec<Vec<String>>>(), few.records);
        }
    }

    #[test]
    fn a_cut_at_any_newline_changes_nothing(input in near_miss(), cut in any::<prop::sample::Index>()) {
        let format = named("combined");
        let wanted = wanted(&*format);
        let (mut at, target) = (0, cut.index(input.len() + 1));
        while at < target {
            at = line_at(&input, at).1;
        }
        let whole = testing::cut(&*format, &wanted, &input);
        let (left, right) = (testing::cut(&*format, &wanted, &input[..at]), testing::cut(&*format, &wanted, &input[at..]));
        prop_assert_eq!(whole.records, [left.records, right.records].concat());
        prop_assert_eq!(whole.reasons, [left.reasons, right.reasons].concat());
    }

    #[test]
    fn no_pasted_text_makes_a_format_panic(pasted in "[$%{}a-z<>\"'\\\\;( )?]{0,20}|\\PC{0,20}") {
        for spec in [FormatSpec::Nginx(pasted.clone()), FormatSpec::Apache(pasted.clone()), FormatSpec::Regex(pasted.clone())] {
            if let Err(error) = build(&spec, 99, None)
                && let Some(span) = error.span
            {
                prop_assert!(span.start <= span.end && span.end <= pasted.len());
            }
        }
    }
}
