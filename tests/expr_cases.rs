//! Expressions against values that PostgreSQL returned: see the heads of `tests/cases/expr_postgres.tsv` and
//! `tests/cases/expr_precedence.tsv`.

use std::rc::Rc;

use bumpalo::Bump;
use logmill::data::{Column, DataType, Scalar, Values};
use logmill::expr::{Env, Expr, Scope};

const COLUMNS: &str = include_str!("cases/expr_columns.tsv");
const CASES: &str = include_str!("cases/expr_postgres.tsv");
const PRECEDENCE: &str = include_str!("cases/expr_precedence.tsv");

/// The columns of the cases: name and type.
struct Columns(Vec<(String, DataType)>);

impl Scope for Columns {
    fn resolve(&mut self, name: &str) -> Option<(usize, DataType)> {
        let slot = self.0.iter().position(|(known, _)| known == name)?;
        Some((slot, self.0[slot].1))
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.clone()).collect()
    }
}

/// One column of the file: its name, and its values.
fn column(line: &'static str) -> (String, Column<'static>) {
    let words: Vec<&str> = line.split('\t').collect();
    let ty = DataType::parse(words[2]).expect("a type of logmill");
    let mut column = Column::nulls(ty, words.len() - 3);
    for (row, text) in words[3..].iter().enumerate().filter(|(_, text)| **text != r"\N") {
        set(&mut column.values, row, text, ty);
        column.valid.as_mut().expect("nulls have a mask")[row] = true;
    }
    (words[0].to_owned(), column)
}

fn set(values: &mut Values<'static>, row: usize, text: &'static str, ty: DataType) {
    match values {
        Values::Text(v) => v[row] = text,
        Values::Int(v) => v[row] = text.parse().expect("an int"),
        Values::Float(v) => v[row] = text.parse().expect("a float"),
        Values::Bool(v) => v[row] = text.parse().expect("a bool"),
        Values::Decimal(v) => {
            v[row] = text.replace('.', "").parse().expect("a decimal with all its digits")
        }
        Values::Timestamp(v) => match constant(&format!("'{text}'::{ty}")) {
            Scalar::Timestamp(micros) => v[row] = micros,
            other => panic!("{other:?}"),
        },
    }
}

fn constant(text: &str) -> Scalar {
    let expr = Expr::compile(text, &mut Columns(Vec::new())).expect(text);
    let (arena, mut failures) = (Bump::new(), Vec::new());
    expr.eval(&mut Env { slots: &[], arena: &arena, len: 1, failures: &mut failures }, &[0])
        .scalar(0)
}

/// The values of an expression as the recorder writes them: `!` for a failure.
fn answers(
    text: &str,
    scope: &mut Columns,
    slots: &[Option<Rc<Column<'static>>>],
    rows: usize,
) -> Vec<String> {
    let expr = match Expr::compile(&format!("({text})::text"), scope) {
        Ok(expr) => expr,
        Err(_) => return vec!["!".to_owned(); rows],
    };
    let (arena, mut failures) = (Bump::new(), Vec::new());
    let sel: Vec<u32> = (0..rows as u32).collect();
    let mut env = Env { slots, arena: &arena, len: rows, failures: &mut failures };
    let column = expr.eval(&mut env, &sel);
    (0..rows)
        .map(|row| match column.scalar(row) {
            _ if failures.iter().any(|failure| failure.row as usize == row) => "!".to_owned(),
            Scalar::Text(text) => {
                text.replace('\\', r"\\").replace('\t', r"\t").replace('\n', r"\n")
            }
            Scalar::Null => "NULL".to_owned(),
            other => panic!("{other:?} is no text"),
        })
        .collect()
}

#[test]
fn expressions_mean_what_they_mean_in_postgresql() {
    compare(CASES);
}

#[test]
fn operators_bind_as_in_postgresql() {
    compare(PRECEDENCE);
}

fn compare(cases: &'static str) {
    let columns: Vec<(String, Column<'static>)> = COLUMNS.lines().map(column).collect();
    let mut scope =
        Columns(columns.iter().map(|(name, column)| (name.clone(), column.ty)).collect());
    let rows = columns[0].1.len();
    let slots: Vec<_> = columns.into_iter().map(|(_, column)| Some(Rc::new(column))).collect();
    let mut wrong = Vec::new();
    let cases = cases.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    for case in cases {
        let (text, expected) = case.split_once('\t').expect("an expression and its values");
        let expected: Vec<&str> = expected.split('\t').collect();
        let found = answers(text, &mut scope, &slots, rows);
        if found != expected {
            let why = Expr::compile(text, &mut scope)
                .err()
                .map(|error| error.message)
                .unwrap_or_default();
            wrong.push(format!("{text}\n  expected {expected:?}\n  found    {found:?} {why}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
