//! Comparisons, truth, and choices by comparison.

use std::cmp::Ordering;
use std::net::IpAddr;

use super::{Applied, Outcome};
use crate::data::{DataType, Scalar};

pub(super) fn value(call: &Applied<'_>) -> Option<Outcome> {
    let name = call.name();
    Some(Ok(match (name, call.operands) {
        ("is_null", [value]) => Scalar::Bool(*value == Scalar::Null),
        ("is_true", [value]) => Scalar::Bool(*value == Scalar::Bool(true)),
        ("is_false", [value]) => Scalar::Bool(*value == Scalar::Bool(false)),
        ("not", [Scalar::Bool(truth)]) => Scalar::Bool(!truth),
        ("not", _) => Scalar::Null,
        ("in", [value]) => member(value, call.parameters()),
        ("greatest" | "least", values) => extreme(values, call.ty, name == "greatest"),
        ("IS DISTINCT FROM", [a, b]) => Scalar::Bool(!same(a, b, call.from)),
        ("IS NOT DISTINCT FROM", [a, b]) => Scalar::Bool(same(a, b, call.from)),
        ("=" | "<>" | "<" | "<=" | ">" | ">=", [a, b]) => {
            if call.has_null() {
                return Some(Ok(Scalar::Null));
            }
            let order = order(a, b, call.from);
            Scalar::Bool(match name {
                "=" => order.is_eq(),
                "<>" => order.is_ne(),
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                _ => order.is_ge(),
            })
        }
        _ => return None,
    }))
}

/// NULL equals NULL here, and nothing else.
fn same(a: &Scalar, b: &Scalar, ty: DataType) -> bool {
    match (a, b) {
        (Scalar::Null, Scalar::Null) => true,
        (Scalar::Null, _) | (_, Scalar::Null) => false,
        (a, b) => order(a, b, ty).is_eq(),
    }
}

/// `x IN (…)` is `x = a OR x = b …`.
fn member(value: &Scalar, list: &[Scalar]) -> Scalar {
    if *value == Scalar::Null {
        Scalar::Null
    } else if list.contains(value) {
        Scalar::Bool(true)
    } else if list.contains(&Scalar::Null) {
        Scalar::Null
    } else {
        Scalar::Bool(false)
    }
}

/// The first of the values that no other one beats; NULLs don't count.
fn extreme(values: &[Scalar], ty: DataType, greatest: bool) -> Scalar {
    let mut best = &Scalar::Null;
    for value in values.iter().filter(|value| **value != Scalar::Null) {
        let beats = || {
            if greatest { order(value, best, ty).is_gt() } else { order(value, best, ty).is_lt() }
        };
        if *best == Scalar::Null || beats() {
            best = value;
        }
    }
    best.clone()
}

/// PostgreSQL's order of two values of a type: NaN is the greatest and equals itself, texts go byte by byte, addresses
/// by their numbers, IPv4 first.
pub(in crate::expr) fn order(a: &Scalar, b: &Scalar, ty: DataType) -> Ordering {
    match (a, b) {
        (Scalar::Int(a), Scalar::Int(b)) | (Scalar::Timestamp(a), Scalar::Timestamp(b)) => a.cmp(b),
        // Operands of one type have one scale.
        (Scalar::Decimal(a, _), Scalar::Decimal(b, _)) => a.cmp(b),
        (Scalar::Bool(a), Scalar::Bool(b)) => a.cmp(b),
        (Scalar::Float(a), Scalar::Float(b)) => match (a.is_nan(), b.is_nan()) {
            (false, false) if a < b => Ordering::Less,
            (false, false) if a > b => Ordering::Greater,
            (a_is_nan, b_is_nan) => a_is_nan.cmp(&b_is_nan),
        },
        (Scalar::Text(a), Scalar::Text(b)) if ty == DataType::Ip => {
            match (a.parse::<IpAddr>(), b.parse::<IpAddr>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (a_is, b_is) => b_is.is_ok().cmp(&a_is.is_ok()).then_with(|| a.cmp(b)),
            }
        }
        (Scalar::Text(a), Scalar::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (a, b) => unreachable!("{a:?} and {b:?} are not of one type"),
    }
}
