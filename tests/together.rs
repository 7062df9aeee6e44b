//! Lines cut together, by vector instructions where the processor has them, give what each gives alone: made of usual lines of
//! each format and of scraps. The fuzz target `lines` (see `fuzz/`) asks the same of any bytes.

use proptest::prelude::*;

#[path = "together/check.rs"]
mod together;

const LINES: [&str; 8] = [
    r#"1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET /a?b HTTP/1.0" 200 12 "-" "x y" 0.123"#,
    r#"10.20.30.40 - u [10/Oct/2000:13:55:37 -0700] "POST /a/b HTTP/1.1" 404 - "https://x/" "z" 12.000"#,
    r#"1.2.3.4 - - [10/Oct/2000:13:56:00 -0700] "GET / HTTP/2.0" 200 1234567 "-" "curl""#,
    r#"1.2.3.4 - - [10/Oct/2000:13:56:00 -0700] "GET / HTTP/2.0" 304 0"#,
    "200|-12.345|x",
    r#"1 x="2" y=-3 z="4.500""#,
    "1,-2.500,10/Oct/2000:13:55:36 -0700",
    "99999999\t0.001\tabc",
];

const SCRAPS: [&str; 16] = [
    "\"", "\\", " ", "-", ",", "\t", "|", "\r\n", "\n", "\n\n", "é", "\u{0}", "12", "-0.5", " \"",
    "] \"",
];

/// A line, or one with a scrap in place of a part.
fn line() -> impl Strategy<Value = String> {
    let (lines, scraps) = (prop::sample::select(&LINES[..]), prop::sample::select(&SCRAPS[..]));
    let odd = (lines.clone(), scraps, any::<prop::sample::Index>(), 0_usize..4);
    let odd = odd.prop_map(|(line, scrap, at, cut)| {
        let from = at.index(line.len());
        format!("{}{scrap}{}\n", &line[..from], &line[(from + cut).min(line.len())..])
    });
    prop_oneof![6 => lines.prop_map(|line| format!("{line}\n")), 1 => odd]
}

proptest! {
    #[test]
    fn lines_together_give_what_each_gives_alone(
        which in 0_u8..7, records_max: u8, lines in prop::collection::vec(line(), 0..300), end in 0_usize..20,
    ) {
        let mut data = vec![which, records_max];
        data.extend(lines.concat().bytes());
        // The last line may lack its end.
        data.truncate(data.len().saturating_sub(end).max(2));
        together::check(&data);
    }

    #[test]
    fn a_format_s_own_lines_are_cut_together_as_alone(
        which in 0_usize..LINES.len(), format in 0_u8..7, count in 1_usize..600,
    ) {
        let mut data = vec![format, 255];
        (0..count).for_each(|_| data.extend(format!("{}\n", LINES[which]).bytes()));
        together::check(&data);
    }
}
