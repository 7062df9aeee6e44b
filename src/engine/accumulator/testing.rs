//! The law as a check: whatever the order and the split, the same state bytes and the same values.

use bumpalo::Bump;
use num_bigint::{BigInt, BigUint};
use proptest::collection::vec;
use proptest::prelude::*;

use super::bigratio::ratio_to_f64;
pub(super) use super::testing_columns::*;
use super::{Accumulator, Input, MeasureError, Order, new};
use crate::data::{Column, Scalar};
use crate::expr::AggregateFn;

/// Rows with their groups and places, and one other way to fold them in.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) column: Column<'static>,
    pub(super) groups: Vec<u32>,
    pub(super) event_time: Vec<i64>,
    pub(super) offset: Vec<u64>,
    /// All rows, shuffled.
    rows: Vec<u32>,
    /// The part of each row.
    parts: Vec<usize>,
    /// Each part's own ids of the groups.
    ids: [Vec<u32>; PARTS],
}

const PARTS: usize = 3;

impl Case {
    pub(super) const GROUPS: usize = 3;

    /// The values of a group that are not NULL.
    pub(super) fn values(&self, group: usize) -> Vec<Scalar> {
        let rows = 0..self.groups.len();
        rows.filter(|&r| self.groups[r] as usize == group && self.column.is_valid(r))
            .map(|r| self.column.scalar(r))
            .collect()
    }

    /// Checks the law, and gives the values by group.
    pub(super) fn check(&self, function: AggregateFn) -> Vec<Scalar> {
        self.try_check(function).expect("no overflow")
    }

    /// Checks the law; the values by group, or the error that evaluation met either way.
    pub(super) fn try_check(&self, function: AggregateFn) -> Result<Vec<Scalar>, MeasureError> {
        let make = || new(function, (function != AggregateFn::CountAll).then_some(self.column.ty));
        let mut whole = make();
        let all: Vec<u32> = (0..self.groups.len() as u32).collect();
        whole.resize(Self::GROUPS);
        self.feed(&mut *whole, &all, &[0, 1, 2]);
        let mut parted = self.in_parts(&make);
        let (states, values) = (states(&mut *whole), evaluate(&*whole));
        assert_eq!(self::states(&mut *parted), states, "{function:?}");
        assert_eq!(format!("{:?}", evaluate(&*parted)), format!("{values:?}"), "{function:?}");
        check_damage(&make, &states);
        self.check_reuse(whole, &states);
        values
    }

    fn feed(&self, accumulator: &mut dyn Accumulator, rows: &[u32], ids: &[u32]) {
        let groups: Vec<u32> =
            rows.iter().map(|&row| ids[self.groups[row as usize] as usize]).collect();
        let order = Order { event_time: &self.event_time, segment: (1, 2), offset: &self.offset };
        accumulator.update(&Input {
            groups: &groups,
            rows,
            column: Some(&self.column),
            order: Some(&order),
        });
    }

    /// The parts one by one, each by another way of merging.
    fn in_parts(&self, make: &dyn Fn() -> Box<dyn Accumulator>) -> Box<dyn Accumulator> {
        let mut whole = make();
        whole.resize(Self::GROUPS);
        for part in 0..PARTS {
            let rows: Vec<u32> =
                self.rows.iter().copied().filter(|&row| self.parts[row as usize] == part).collect();
            let ids = &self.ids[part];
            let mut piece = make();
            piece.resize(Self::GROUPS);
            let (early, late) = rows.split_at(rows.len() / 2);
            self.feed(&mut *piece, early, ids);
            self.feed(&mut *piece, late, ids);
            let group_of = |id: usize| {
                ids.iter().position(|&i| i as usize == id).expect("a permutation") as u32
            };
            let mapping: Vec<u32> = (0..Self::GROUPS).map(group_of).collect();
            match part {
                0 => {
                    let pairs: Vec<(u32, u32)> = (0..).zip(mapping.iter().copied()).collect();
                    whole.merge(&*piece, &pairs);
                }
                1 => {
                    let mut merge = |(id, state): (usize, Vec<u8>)| {
                        whole.merge_state(mapping[id] as usize, &state)
                    };
                    let states = states(&mut *piece).into_iter().enumerate();
                    states.for_each(|state| merge(state).expect("just written"));
                }
                _ => self.cut_in(&mut *whole, &mut *piece, &mapping),
            }
        }
        whole
    }

    /// The groups in two parts, in another order, where states can be moved.
    fn cut_in(&self, whole: &mut dyn Accumulator, piece: &mut dyn Accumulator, mapping: &[u32]) {
        let parts = [&[2, 0][..], &[1]];
        let Some(cut) = piece.cut(&parts) else {
            let pairs: Vec<(u32, u32)> = (0..).zip(mapping.iter().copied()).collect();
            return whole.merge(piece, &pairs);
        };
        assert!(states(piece).iter().all(Vec::is_empty));
        for (part, mut cut) in parts.into_iter().zip(cut) {
            let groups: Vec<u32> = part.iter().map(|&id| mapping[id as usize]).collect();
            whole.absorb(cut.as_mut(), &groups);
        }
    }

    /// A cleared accumulator is as good as new.
    fn check_reuse(&self, mut used: Box<dyn Accumulator>, expected: &[Vec<u8>]) {
        used.clear();
        used.resize(Self::GROUPS);
        assert!(states(&mut *used).iter().all(Vec::is_empty));
        self.feed(&mut *used, &self.rows, &[0, 1, 2]);
        assert_eq!(states(&mut *used), expected);
    }
}

fn states(accumulator: &mut dyn Accumulator) -> Vec<Vec<u8>> {
    accumulator.seal();
    let state = |group| {
        let mut out = Vec::new();
        accumulator.state(group, &mut out);
        out
    };
    (0..Case::GROUPS).map(state).collect()
}

fn evaluate(accumulator: &dyn Accumulator) -> Result<Vec<Scalar>, MeasureError> {
    let arena = Bump::new();
    let column = accumulator.evaluate(0, Case::GROUPS, &arena)?;
    assert_eq!((column.len(), column.ty), (Case::GROUPS, accumulator.data_type()));
    Ok((0..Case::GROUPS).map(|row| column.scalar(row)).collect())
}

/// Truncated, extended and foreign states are refused; a changed byte is refused or is some other state; and a refusal
/// leaves the group as it was.
fn check_damage(make: &dyn Fn() -> Box<dyn Accumulator>, states: &[Vec<u8>]) {
    for state in states.iter().filter(|state| !state.is_empty()) {
        let mut accumulator = make();
        accumulator.resize(1);
        let refuses = |accumulator: &mut dyn Accumulator, bytes: &[u8]| {
            assert!(
                matches!(accumulator.merge_state(0, bytes), Err(MeasureError::State(_))),
                "{bytes:?} of {state:?}"
            );
        };
        (1..state.len())
            .step_by(1 + state.len() / 50)
            .for_each(|len| refuses(&mut *accumulator, &state[..len]));
        refuses(&mut *accumulator, &[state, &[0][..]].concat());
        refuses(&mut *accumulator, &[&[state[0] ^ 0x80], &state[1..]].concat());
        let mut out = Vec::new();
        accumulator.seal();
        accumulator.state(0, &mut out);
        assert!(out.is_empty(), "a refused state left something");
        for at in (1..state.len()).step_by(1 + state.len() / 50) {
            check_changed_byte(&mut *make(), state, at);
        }
    }
}

fn check_changed_byte(accumulator: &mut dyn Accumulator, state: &[u8], at: usize) {
    let mut changed = state.to_vec();
    changed[at] ^= 1 << (at % 8);
    accumulator.resize(1);
    if accumulator.merge_state(0, &changed).is_ok() {
        accumulator.seal();
        let mut out = Vec::new();
        accumulator.state(0, &mut out);
        assert_eq!(out, changed, "a state has one form");
        let _ = accumulator.evaluate(0, 1, &Bump::new()).map(|column| column.len());
    }
}

/// Cases over columns of some type.
pub(super) fn cases(
    columns: impl Strategy<Value = Column<'static>>,
) -> impl Strategy<Value = Case> {
    columns.prop_flat_map(|column| {
        let len = column.len();
        let rows: Vec<u32> = (0..len as u32).collect();
        let ids = || Just(vec![0u32, 1, 2]).prop_shuffle();
        let places = (vec(-3i64..3, len), Just((0..len as u64).collect::<Vec<_>>()).prop_shuffle());
        let split = (Just(rows).prop_shuffle(), vec(0..PARTS, len), [ids(), ids(), ids()]);
        (Just(column), vec(0..Case::GROUPS as u32, len), places, split).prop_map(
            |(column, groups, (event_time, offset), (rows, parts, ids))| Case {
                column,
                groups,
                event_time,
                offset,
                rows,
                parts,
                ids,
            },
        )
    })
}

/// The value over a whole column.
pub(super) fn one_group(
    function: AggregateFn,
    column: &Column<'static>,
) -> Result<Scalar, MeasureError> {
    let mut accumulator = new(function, Some(column.ty));
    accumulator.resize(1);
    let rows: Vec<u32> = (0..column.len() as u32).collect();
    accumulator.update(&Input {
        groups: &vec![0; rows.len()],
        rows: &rows,
        column: Some(column),
        order: None,
    });
    Ok(accumulator.evaluate(0, 1, &Bump::new())?.scalar(0))
}

/// An int's value.
pub(super) fn int(value: &Scalar) -> i128 {
    let Scalar::Int(value) = value else { panic!("{value:?}") };
    i128::from(*value)
}

/// An int's or an unscaled decimal's value.
pub(super) fn unscaled(value: &Scalar) -> BigInt {
    match value {
        Scalar::Int(value) => BigInt::from(*value),
        Scalar::Decimal(value, _) => BigInt::from(*value),
        other => panic!("{other:?}"),
    }
}

/// The nearest float of a number.
pub(super) fn to_float(value: &Scalar) -> f64 {
    match value {
        Scalar::Float(value) => *value,
        Scalar::Decimal(value, scale) => {
            ratio_to_f64(&BigInt::from(*value), &BigUint::from(10u32).pow(u32::from(*scale)), 0)
        }
        other => int(other) as f64,
    }
}

/// The sum of floats over `divisor`, rounded once, from an integer in units of the least subnormal; `None` without values.
pub(super) fn exact_float(values: &[Scalar], divisor: usize) -> Option<f64> {
    let floats: Vec<f64> = values.iter().map(to_float).collect();
    if floats.iter().any(|x| !x.is_finite()) {
        return Some(floats.iter().filter(|x| !x.is_finite()).sum());
    }
    let units = |x: &f64| {
        let (field, fraction) = (x.to_bits() >> 52 & 0x7ff, x.to_bits() & ((1 << 52) - 1));
        let mantissa = BigInt::from(if field == 0 { fraction } else { fraction | 1 << 52 });
        (if *x < 0.0 { -mantissa } else { mantissa }) << (field.max(1) - 1)
    };
    let sum: BigInt = floats.iter().map(units).sum();
    (!floats.is_empty()).then(|| ratio_to_f64(&sum, &BigUint::from(divisor), -1074))
}

/// A value as a state keeps it: one zero, one NaN.
pub(super) fn canonical(value: Scalar) -> Scalar {
    match value {
        Scalar::Float(value) => Scalar::Float(super::value::canonical(value)),
        other => other,
    }
}

/// For comparisons in which NaN equals NaN.
pub(super) fn text(values: &[Scalar]) -> String {
    format!("{values:?}")
}
