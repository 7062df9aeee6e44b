//! What is the same expression, and what is not.

use std::collections::BTreeSet;

use bumpalo::Bump;
use proptest::prelude::*;

use super::monkey::{LEAVES, build, columns as odd_columns};
use super::pairs::{FAMILIES, MEASURES, ROWS, columns};
use super::{Fields, NAMES, compile};
use crate::data::{DataType, Scalar};
use crate::expr::parse::{BinaryOp, Comparison};
use crate::expr::{Env, Expr, Identity, compile_measure, functions};

fn named(slot: usize) -> String {
    NAMES[slot].0.to_owned()
}

fn identity(expr: &Expr) -> String {
    Identity::of(expr, &named).to_string()
}

/// The values of each row, and why rows have none.
fn values(
    expr: &Expr,
    columns: &[Option<std::rc::Rc<crate::data::Column<'static>>>],
) -> (Vec<String>, Vec<String>) {
    let (arena, mut failures) = (Bump::new(), Vec::new());
    let rows: Vec<u32> = (0..ROWS as u32).collect();
    let mut env = Env { slots: columns, arena: &arena, len: ROWS, failures: &mut failures };
    let column = expr.eval(&mut env, &rows);
    let mut failed: Vec<String> = failures.iter().map(|f| format!("{f:?}")).collect();
    failed.sort();
    failed.dedup();
    // NaN equals NaN here, and zeros differ by their signs.
    let value = |row: u32| match column.scalar(row as usize) {
        Scalar::Float(value) => format!("{value:?}"),
        value => format!("{value:?}"),
    };
    let is_failed = |row: u32| failures.iter().any(|f| f.row == row);
    (rows.into_iter().filter(|&row| !is_failed(row)).map(value).collect(), failed)
}

#[test]
fn expressions_that_differ_in_one_thing_differ_in_identity_and_in_values() {
    let mut wrong = Vec::new();
    for family in FAMILIES {
        let exprs: Vec<Expr> = family.iter().map(|text| compile(text).expect(text)).collect();
        for (a, b) in (0..exprs.len()).flat_map(|b| (0..b).map(move |a| (a, b))) {
            if identity(&exprs[a]) == identity(&exprs[b]) {
                wrong.push(format!("{} and {} are taken for one", family[a], family[b]));
            }
            let values = [a, b].map(|n| values(&exprs[n], &columns()));
            if values[0] == values[1] {
                wrong.push(format!("{} and {} have the same values", family[a], family[b]));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn aggregates_that_differ_in_one_thing_differ_in_identity() {
    for family in MEASURES {
        let identity = |text: &&&str| {
            let measure = compile_measure(text, &mut Fields).expect(text);
            let calls = measure.aggregates.iter().map(|call| call.identity(&named).to_string());
            let value = Identity::of(&measure.value, &|slot| format!("${slot}"));
            (calls.collect::<Vec<_>>(), value.to_string())
        };
        let identities: BTreeSet<_> =
            family.iter().collect::<Vec<_>>().iter().map(identity).collect();
        assert_eq!(identities.len(), family.len(), "{family:?}: {identities:#?}");
    }
}

#[test]
fn each_function_and_operator_is_in_a_family() {
    let all = FAMILIES.concat().join(" ; ");
    let names = functions::names().chain(crate::expr::check::SPECIAL);
    // What takes a key from the environment has a test of its own.
    let names = names.filter(|name| *name != "pseudonym").map(|name| format!("{name}("));
    use Comparison as C;
    let comparisons = [
        C::Equal,
        C::NotEqual,
        C::Less,
        C::LessEqual,
        C::Greater,
        C::GreaterEqual,
        C::Distinct,
        C::NotDistinct,
    ];
    use BinaryOp as B;
    let operators = [B::Add, B::Subtract, B::Multiply, B::Divide, B::Modulo, B::Concat];
    let operators = operators.into_iter().chain(comparisons.map(B::Compare));
    let operators = operators.map(|op| format!(" {} ", op.symbol()));
    let missing: Vec<String> = names.chain(operators).filter(|word| !all.contains(word)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let all = MEASURES.concat().join(" ; ");
    let missing: Vec<_> = crate::expr::check::AGGREGATES
        .iter()
        .filter(|name| !all.contains(&format!("{name}(")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn an_identity_is_made_of_words_that_last() {
    // Stored with results: a change of one of these texts makes every job ask for a rebuild.
    for (text, expected) in [
        ("status < 500", "<(status,#int 500):bool"),
        ("path LIKE '/a%'", r#"like["\\","/a%"](path):bool"#),
        ("path ILIKE 'a!%' ESCAPE '!'", r#"ilike["!","a!%"](path):bool"#),
        ("path ~* 'x'", r#"~*["x"](path):bool"#),
        ("status IN (1, NULL)", "in[1,null](status):bool"),
        ("NOT (ratio > 1.5)", "not(>(ratio,#float 1.5e0 float):bool):bool"),
        ("greatest(request_time, 1)", "greatest(request_time,#decimal(3) 1000e-3):decimal(3)"),
        ("try_cast(path AS int)", "try_cast(path):int"),
        ("regexp_replace(path, 'a', 'b', 'g')", r#"regexp_replace["a","b","g"](path):text"#),
        ("at + INTERVAL '1 second'", "shift[1000000](at):timestamp"),
        ("coalesce(path, 'a\"\\\n')", r#"coalesce(path,#text "a\"\\\u{a}"):text"#),
        ("CASE WHEN status IS NULL THEN 1 END", "case(is_null(status):bool,#int 1,#int null):int"),
        (
            "path = 'a' AND path = 'b' OR status % 2 = 1",
            r#"or(and(=(path,#text "a"):bool,=(path,#text "b"):bool):bool,=(%(status,#int 2):int,#int 1):bool):bool"#,
        ),
    ] {
        assert_eq!(identity(&compile(text).expect(text)), expected, "{text}");
    }
    for (text, expected) in [
        ("count(*)", "count(*)"),
        ("count( path )", "count(path)"),
        ("count(DISTINCT path)", "count_distinct(path)"),
        ("max(status) FILTER (WHERE path = 'a')", r#"max(status) where =(path,#text "a"):bool"#),
        ("approx_quantile(status, 0.95)", "approx_quantile[9.5e-1 float](status)"),
        // Once it was the least by text: those groups are of another job.
        ("min(remote_addr)", r#"min["by address"](remote_addr)"#),
        ("first(remote_addr)", "first(remote_addr)"),
    ] {
        let measure = compile_measure(text, &mut Fields).expect(text);
        assert_eq!(measure.aggregates[0].identity(&named).to_string(), expected);
    }
    assert_eq!(DataType::Decimal(3).to_string(), "decimal(3)");
    assert_eq!(crate::expr::word("a b\""), r#""a b\"""#);
}

#[test]
fn what_is_written_otherwise_may_be_the_same() {
    let same =
        |a: &str, b: &str| identity(&compile(a).expect(a)) == identity(&compile(b).expect(b));
    assert!(same("lower( path )||'x'", "lower(path) || 'x'"));
    assert!(same("status between 1 and 2", "status >= 1 AND status <= 2"));
    assert!(same("status + (1 + 2)", "status + 3"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]
    /// Two expressions that differ in one choice, or in none: what has one identity has the same values, and fails alike.
    #[test]
    fn one_identity_means_the_same_values(
        choices in prop::collection::vec(0usize..1000, 2..12), at in any::<prop::sample::Index>(), other in 0usize..1000,
    ) {
        let mut changed = choices.clone();
        *at.get_mut(&mut changed) = other;
        let texts = [choices, changed].map(|choices| build(&mut choices.into_iter(), 3));
        let [Ok(a), Ok(b)] = texts.clone().map(|text| compile(&text)) else { return Ok(()) };
        prop_assert!(texts[0] != texts[1] || identity(&a) == identity(&b));
        for columns in [columns(), odd_columns()] {
            let same = values(&a, &columns) == values(&b, &columns);
            prop_assert!(same || identity(&a) != identity(&b), "{:?}: {}", texts, identity(&a));
        }
    }

    /// Constants of all types, in all places where they are written out.
    #[test]
    fn different_constants_are_different_expressions(
        shape in 0usize..SHAPES.len(), a in 0usize..LEAVES.len(), b in 0usize..LEAVES.len(), text_a in "[ab\"\\\\,\\])\u{0}]{0,3}",
        text_b in "[ab\"\\\\,\\])\u{0}]{0,3}",
    ) {
        for [a, b] in [[LEAVES[a].to_owned(), LEAVES[b].to_owned()], [format!("'{text_a}'"), format!("'{text_b}'")]] {
            let [Ok(x), Ok(y)] = [&a, &b].map(|leaf| compile(&SHAPES[shape].replace('#', leaf))) else { continue };
            let columns = odd_columns();
            let same = values(&x, &columns) == values(&y, &columns);
            prop_assert!(same || identity(&x) != identity(&y), "{} {} in {}", a, b, SHAPES[shape]);
        }
    }
}

/// Places of a constant.
const SHAPES: [&str; 10] = [
    "coalesce(path, #)",
    "path = #",
    "path LIKE #",
    "regexp_replace(path, 'a', #)",
    "split_part(path, #, 1)",
    "path IN ('x', #)",
    "path IN (#, 'x', 'y')",
    "status IN (1, #)",
    "status > #",
    "CASE WHEN status > 0 THEN # END",
];
