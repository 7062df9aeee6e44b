//! Comparisons over operands of one type, and membership in a list of constants.

use std::cmp::Ordering;
use std::net::IpAddr;

use hashbrown::HashSet;

use crate::data::{Column, DataType, Scalar, Values};
use crate::expr::kernel::{Kernel, Native, Operand};
use crate::expr::parse::Comparison;

/// The kernel of a comparison.
pub(crate) fn kernel(comparison: Comparison, ty: DataType) -> Kernel {
    match comparison {
        Comparison::Distinct => distinct(ty, true),
        Comparison::NotDistinct => distinct(ty, false),
        _ => strict(comparison, ty),
    }
}

fn strict(comparison: Comparison, ty: DataType) -> Kernel {
    match ty {
        DataType::Int | DataType::Timestamp => ordered::<i64>(comparison),
        DataType::Decimal(_) => ordered::<i128>(comparison),
        DataType::Bool => ordered::<bool>(comparison),
        DataType::Float => float(comparison),
        DataType::Text => text(comparison),
        DataType::Ip => address(comparison),
    }
}

/// One closure an operator, so that each has a loop of its own.
macro_rules! by_operator {
    ($comparison:expr, $make:path, $a:ident, $b:ident, $left:expr, $right:expr) => {
        match $comparison {
            Comparison::Equal | Comparison::NotDistinct => $make(|$a, $b| $left == $right),
            Comparison::NotEqual | Comparison::Distinct => $make(|$a, $b| $left != $right),
            Comparison::Less => $make(|$a, $b| $left < $right),
            Comparison::LessEqual => $make(|$a, $b| $left <= $right),
            Comparison::Greater => $make(|$a, $b| $left > $right),
            Comparison::GreaterEqual => $make(|$a, $b| $left >= $right),
        }
    };
}

fn ordered<T>(comparison: Comparison) -> Kernel
where
    T: for<'a> Native<'a> + Ord + 'static,
{
    by_operator!(comparison, Kernel::zip::<T, T, bool>, a, b, a, b)
}

fn float(comparison: Comparison) -> Kernel {
    by_operator!(
        comparison,
        Kernel::zip::<f64, f64, bool>,
        a,
        b,
        float_order(a, b),
        Ordering::Equal
    )
}

fn text(comparison: Comparison) -> Kernel {
    by_operator!(comparison, Kernel::text_pair_test, a, b, a.as_bytes(), b.as_bytes())
}

fn address(comparison: Comparison) -> Kernel {
    // Equal addresses have equal text, because it is canonical.
    if matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
        return text(comparison);
    }
    by_operator!(comparison, Kernel::text_pair_test, a, b, address_order(a, b), Ordering::Equal)
}

/// PostgreSQL's order of floats: NaN equals NaN and is above all; -0 equals 0.
#[inline]
pub(crate) fn float_order(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// By number, IPv4 before IPv6; text that is no address (which no ip column holds) comes behind, by its bytes.
pub(crate) fn address_order(a: &str, b: &str) -> Ordering {
    let key = |text: &str| text.parse::<IpAddr>().ok();
    match (key(a), key(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

/// `IS [NOT] DISTINCT FROM`: NULL equals NULL and nothing else.
fn distinct(ty: DataType, want: bool) -> Kernel {
    let differs = strict(Comparison::NotEqual, ty);
    Kernel::new(move |rows, args| {
        let mut column = differs.run(rows, args);
        let mut out = vec![false; rows.len];
        if let Values::Bool(differs) = &column.values {
            rows.each(|row| {
                let (a, b) = (args[0].is_valid(row), args[1].is_valid(row));
                out[row] = (if a && b { differs[row] } else { a != b }) == want;
            });
        }
        column.values = Values::Bool(out);
        column.valid = None;
        column
    })
}

/// `IS [NOT] NULL`, which is never NULL itself.
pub(crate) fn is_null() -> Kernel {
    Kernel::new(|rows, args| {
        let mut out = vec![false; rows.len];
        rows.each(|row| out[row] = !args[0].is_valid(row));
        Column { ty: DataType::Bool, values: Values::Bool(out), valid: None }
    })
}

/// `IS TRUE`, `IS FALSE`.
pub(crate) fn is_truth(want: bool) -> Kernel {
    Kernel::new(move |rows, args| {
        let truth = Operand::<bool>::of(&args[0]);
        let mut out = vec![false; rows.len];
        rows.each(|row| out[row] = args[0].is_valid(row) && truth.at(row) == want);
        Column { ty: DataType::Bool, values: Values::Bool(out), valid: None }
    })
}

/// Membership in a set of int or text constants; `None` for other types. NULL in the list: no match is NULL.
pub(crate) fn member(ty: DataType, list: &[&Scalar]) -> Option<Kernel> {
    let found = match ty {
        DataType::Int => {
            let ints = list.iter().filter_map(|s| <i64 as Native<'_>>::scalar(s));
            let set: HashSet<i64> = ints.collect();
            Kernel::map(move |value: i64| set.contains(&value))
        }
        DataType::Text => {
            let texts = list.iter().filter_map(|s| <&str as Native<'_>>::scalar(s));
            let set: HashSet<Box<str>> = texts.map(Box::from).collect();
            Kernel::text_test(move |text| set.contains(text))
        }
        _ => return None,
    };
    let nulls = list.contains(&&Scalar::Null);
    Some(if nulls { true_or_null(found) } else { found })
}

/// The same test, with NULL for false.
fn true_or_null(test: Kernel) -> Kernel {
    Kernel::new(move |rows, args| {
        let mut column = test.run(rows, args);
        if let Values::Bool(hit) = &column.values {
            column.valid =
                Some((0..rows.len).map(|row| column.is_valid(row) && hit[row]).collect());
        }
        column
    })
}
