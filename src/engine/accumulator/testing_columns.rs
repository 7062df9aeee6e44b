//! Columns to test with: random ones of every type, with their edges, and given ones.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::data::{Column, DataType, Values};

const ROWS_MAX: usize = 40;

/// Columns of values from `value`, one in eight NULL, or none at all.
fn columns<T: Clone + std::fmt::Debug + 'static>(
    ty: DataType,
    value: impl Strategy<Value = T>,
    wrap: fn(Vec<T>) -> Values<'static>,
) -> impl Strategy<Value = Column<'static>> {
    let rows = vec((value, prop::bool::weighted(0.875)), 0..ROWS_MAX);
    (rows, any::<bool>()).prop_map(move |(rows, nullable)| {
        let (values, valid): (Vec<T>, Vec<bool>) = rows.into_iter().unzip();
        Column { ty, values: wrap(values), valid: nullable.then_some(valid) }
    })
}

pub(super) fn ints() -> impl Strategy<Value = Column<'static>> {
    columns(
        DataType::Int,
        prop_oneof![any::<i64>(), -2i64..3, Just(i64::MIN), Just(i64::MAX)],
        Values::Int,
    )
}

pub(super) fn small_ints() -> impl Strategy<Value = Column<'static>> {
    columns(DataType::Int, -100i64..100, Values::Int)
}

pub(super) fn timestamps() -> impl Strategy<Value = Column<'static>> {
    columns(DataType::Timestamp, -5i64..5, Values::Timestamp)
}

pub(super) fn bools() -> impl Strategy<Value = Column<'static>> {
    columns(DataType::Bool, any::<bool>(), Values::Bool)
}

pub(super) fn decimals() -> impl Strategy<Value = Column<'static>> {
    let end = 10i128.pow(38);
    columns(
        DataType::Decimal(2),
        prop_oneof![-end + 1..end, -500i128..500, Just(end - 1)],
        Values::Decimal,
    )
}

pub(super) fn floats() -> impl Strategy<Value = Column<'static>> {
    let special = prop::sample::select(vec![
        0.0,
        -0.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        5e-324,
        -1e300,
    ]);
    let value = prop_oneof![4 => prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL, 8 => -1e3..1e3, 1 => special];
    columns(DataType::Float, value, Values::Float)
}

pub(super) fn texts() -> impl Strategy<Value = Column<'static>> {
    let words = vec!["", "a", "A", "ab", "a ", "é", "zzz", "a longer text than the others"];
    columns(DataType::Text, prop::sample::select(words), Values::Text)
}

pub(super) fn addresses() -> impl Strategy<Value = Column<'static>> {
    let known =
        ["9.9.9.9", "10.1.2.3", "10.200.0.1", "::1", "2001:db8::a", "2001:db8::9", "fe80::1"];
    columns(DataType::Ip, prop::sample::select(known.to_vec()), Values::Text)
}

pub(super) fn int_column(values: &[i64]) -> Column<'static> {
    Column { ty: DataType::Int, values: Values::Int(values.to_vec()), valid: None }
}

pub(super) fn decimal_column(values: &[i128]) -> Column<'static> {
    Column { ty: DataType::Decimal(2), values: Values::Decimal(values.to_vec()), valid: None }
}

pub(super) fn float_column(values: &[f64]) -> Column<'static> {
    Column { ty: DataType::Float, values: Values::Float(values.to_vec()), valid: None }
}

/// SplitMix64 (Steele, Lea, Flood 2014), for tests that need many numbers fast.
pub(super) struct Random(pub(super) u64);

impl Random {
    /// A number above 0 and at most 1.
    pub(super) fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) >> 11) as f64 / (1u64 << 53) as f64 + f64::EPSILON / 2.0
    }
}
