//! What one group holds for one aggregate call.

use std::collections::BTreeSet;
use std::net::IpAddr;

use bumpalo::Bump;
use num_bigint::{BigInt, BigUint};

use super::encode::{self, take_bytes};
use super::exact::{FloatSum, nearest};
use crate::data::{DECIMAL_DIGITS_MAX, DataType, Scalar};
use crate::engine::accumulator::{self, Accumulator, Input};
use crate::expr::AggregateFn;

/// An aggregate function over a type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) function: AggregateFn,
    /// Of its argument; `None` for `count(*)`.
    pub(super) ty: Option<DataType>,
}

/// A record's place in the order "by event time, then file order".
pub(super) type Place = (i64, (i64, u64), u64);

/// The state of a group.
pub(super) enum State {
    Count(u64),
    /// Of ints, or of unscaled decimals.
    Sum(u64, BigInt),
    FloatSum(u64, FloatSum),
    /// The least or the greatest value.
    Extreme(Option<Scalar>),
    /// The first or the last value.
    End(Option<(Place, Scalar)>),
    Distinct(BTreeSet<Vec<u8>>),
    /// Functions that have no simpler form than the accumulator's: here it has one group.
    Sketch(Box<dyn Accumulator>),
}

impl Call {
    pub(super) fn empty(self) -> State {
        use AggregateFn as F;
        match (self.function, self.ty) {
            (F::CountAll | F::Count, _) => State::Count(0),
            (F::Sum | F::Avg, Some(DataType::Float)) => State::FloatSum(0, FloatSum::default()),
            (F::Sum | F::Avg, _) => State::Sum(0, BigInt::ZERO),
            (F::Min | F::Max | F::Any | F::BoolAnd | F::BoolOr, _) => State::Extreme(None),
            (F::First | F::Last, _) => State::End(None),
            (F::CountDistinct, _) => State::Distinct(BTreeSet::new()),
            (function, ty) => {
                let mut one = accumulator::new(function, ty);
                one.resize(1);
                State::Sketch(one)
            }
        }
    }

    /// Whether a value comes before another one, for what keeps one of them.
    fn wins(self, value: &Scalar, held: &Scalar) -> bool {
        let by_number = self.ty == Some(DataType::Ip) && self.function.orders_values();
        let place = |value: &Scalar| {
            let mut bytes = if by_number { number(value) } else { Vec::new() };
            encode::put(value, &mut bytes);
            bytes
        };
        let (a, b) = (place(value), place(held));
        match (self.function, self.ty) {
            (AggregateFn::Max | AggregateFn::BoolOr | AggregateFn::Last, _) => a > b,
            _ => a < b,
        }
    }

    /// Takes a value in. Only `count(*)` sees NULLs.
    pub(super) fn add(self, state: &mut State, value: Option<&Scalar>, place: Place) {
        let Some(value) = value.filter(|value| **value != Scalar::Null) else {
            if let (State::Count(count), AggregateFn::CountAll) = (state, self.function) {
                *count += 1;
            }
            return;
        };
        match (state, value) {
            (State::Count(count), _) => *count += 1,
            (State::Sum(count, sum), Scalar::Int(value)) => {
                (*count, *sum) = (*count + 1, &*sum + value)
            }
            (State::Sum(count, sum), Scalar::Decimal(value, _)) => {
                (*count, *sum) = (*count + 1, &*sum + value);
            }
            (State::FloatSum(count, sum), Scalar::Float(value)) => {
                *count += 1;
                sum.add(*value);
            }
            (State::Extreme(held), value) => {
                if held.as_ref().is_none_or(|held| self.wins(value, held)) {
                    *held = Some(canonical(value));
                }
            }
            (State::End(held), value) => self.end(held, (place, canonical(value))),
            (State::Distinct(values), value) => {
                let mut bytes = Vec::new();
                encode::put(value, &mut bytes);
                values.insert(bytes);
            }
            (State::Sketch(sketch), value) => {
                let ty = self.ty.unwrap_or(DataType::Int);
                let column = Some(&value.broadcast(ty, 1));
                sketch.update(&Input { groups: &[0], rows: &[0], column, order: None });
            }
            _ => unreachable!("a value is of its argument's type"),
        }
    }

    fn end(self, held: &mut Option<(Place, Scalar)>, new: (Place, Scalar)) {
        let is_last = self.function == AggregateFn::Last;
        let wins = |held: &(Place, Scalar)| match new.0.cmp(&held.0) {
            // A segment that was met twice: the value decides.
            std::cmp::Ordering::Equal => self.wins(&new.1, &held.1),
            order => order.is_gt() == is_last,
        };
        if held.as_ref().is_none_or(wins) {
            *held = Some(new);
        }
    }

    /// Takes another state in.
    pub(super) fn merge(self, into: &mut State, from: State) -> Option<()> {
        match (into, from) {
            (State::Count(into), State::Count(from)) => *into += from,
            (State::Sum(count, sum), State::Sum(more, other)) => {
                (*count, *sum) = (*count + more, &*sum + other);
            }
            (State::FloatSum(count, sum), State::FloatSum(more, other)) => {
                *count += more;
                sum.merge(&other);
            }
            (State::Extreme(held), State::Extreme(Some(new))) => {
                if held.as_ref().is_none_or(|held| self.wins(&new, held)) {
                    *held = Some(new);
                }
            }
            (State::End(held), State::End(Some(new))) => self.end(held, new),
            (State::Distinct(into), State::Distinct(from)) => into.extend(from),
            (State::Sketch(into), State::Sketch(from)) => into.merge(from.as_ref(), &[(0, 0)]),
            (State::Extreme(_), State::Extreme(None)) | (State::End(_), State::End(None)) => {}
            _ => return None,
        }
        Some(())
    }

    /// The value of the aggregate; an error says what is wrong with it.
    pub(super) fn value(self, state: &State) -> Result<Scalar, String> {
        let scale = self.ty.map_or(0, DataType::scale);
        Ok(match state {
            State::Count(count) => Scalar::Int(*count as i64),
            State::Sum(0, _) | State::FloatSum(0, _) => Scalar::Null,
            State::Sum(count, sum) if self.function == AggregateFn::Avg => {
                let unit = BigUint::from(10u32).pow(scale.into());
                Scalar::Float(nearest(sum, &(unit * *count)))
            }
            State::Sum(_, sum) => whole(sum, self.ty).ok_or("sum overflows")?,
            State::FloatSum(count, sum) if self.function == AggregateFn::Avg => {
                Scalar::Float(sum.over(*count))
            }
            State::FloatSum(_, sum) => Scalar::Float(sum.over(1)),
            State::Extreme(held) => held.clone().unwrap_or(Scalar::Null),
            State::End(held) => held.as_ref().map_or(Scalar::Null, |(_, value)| value.clone()),
            State::Distinct(values) => Scalar::Int(values.len() as i64),
            State::Sketch(sketch) => {
                sketch.evaluate(0, 1, &Bump::new()).map_err(|e| e.to_string())?.scalar(0)
            }
        })
    }

    /// Appends the state.
    pub(super) fn write(self, state: &mut State, out: &mut Vec<u8>) {
        match state {
            State::Count(count) => out.extend_from_slice(&count.to_le_bytes()),
            State::Sum(count, sum) => {
                out.extend_from_slice(&count.to_le_bytes());
                put_bytes(&sum.to_signed_bytes_le(), out);
            }
            State::FloatSum(count, sum) => {
                out.extend_from_slice(&count.to_le_bytes());
                put_bytes(&sum.units.to_signed_bytes_le(), out);
                let [below, above] = sum.has_infinity;
                out.extend([sum.has_nan, below, above].map(u8::from));
            }
            State::Extreme(held) => encode::put(held.as_ref().unwrap_or(&Scalar::Null), out),
            State::End(held) => {
                encode::put(held.as_ref().map_or(&Scalar::Null, |(_, value)| value), out);
                let (time, (rank, hash), offset) =
                    held.as_ref().map_or_else(Place::default, |h| h.0);
                for part in [
                    time.to_le_bytes(),
                    rank.to_le_bytes(),
                    hash.to_le_bytes(),
                    offset.to_le_bytes(),
                ] {
                    out.extend_from_slice(&part);
                }
            }
            State::Distinct(values) => {
                out.extend_from_slice(&(values.len() as u64).to_le_bytes());
                values.iter().for_each(|value| put_bytes(value, out));
            }
            State::Sketch(sketch) => {
                sketch.seal();
                let mut bytes = Vec::new();
                sketch.state(0, &mut bytes);
                put_bytes(&bytes, out);
            }
        }
    }

    /// Takes a state off the front that [`Call::write`] wrote.
    pub(super) fn read(self, bytes: &mut &[u8]) -> Option<State> {
        let mut state = self.empty();
        match &mut state {
            State::Count(count) => *count = u64::from_le_bytes(take_bytes(bytes)?),
            State::Sum(count, sum) => {
                *count = u64::from_le_bytes(take_bytes(bytes)?);
                *sum = BigInt::from_signed_bytes_le(get_bytes(bytes)?);
            }
            State::FloatSum(count, sum) => {
                *count = u64::from_le_bytes(take_bytes(bytes)?);
                sum.units = BigInt::from_signed_bytes_le(get_bytes(bytes)?);
                let flags = take_bytes::<3>(bytes)?.map(|flag| flag == 1);
                (sum.has_nan, sum.has_infinity) = (flags[0], [flags[1], flags[2]]);
            }
            State::Extreme(held) => *held = self.take(bytes)?,
            State::End(held) => {
                let value = self.take(bytes)?;
                let (time, rank) = (take_bytes(bytes)?, take_bytes(bytes)?);
                let (hash, offset) = (take_bytes(bytes)?, take_bytes(bytes)?);
                let rank = (i64::from_le_bytes(rank), u64::from_le_bytes(hash));
                let place = (i64::from_le_bytes(time), rank, u64::from_le_bytes(offset));
                *held = value.map(|value| (place, value));
            }
            State::Distinct(values) => {
                let count = u64::from_le_bytes(take_bytes(bytes)?);
                for _ in 0..count {
                    values.insert(get_bytes(bytes)?.to_vec());
                }
            }
            State::Sketch(sketch) => sketch.merge_state(0, get_bytes(bytes)?).ok()?,
        }
        Some(state)
    }

    /// A value that may be there.
    fn take(self, bytes: &mut &[u8]) -> Option<Option<Scalar>> {
        let value = encode::take(bytes, self.ty.unwrap_or(DataType::Int))?;
        Some(Some(value).filter(|value| *value != Scalar::Null))
    }
}

impl State {
    /// Bytes on the heap, roughly.
    pub(super) fn heap_bytes(&self) -> usize {
        let text = |value: &Scalar| match value {
            Scalar::Text(text) => text.len(),
            _ => 0,
        };
        match self {
            State::Count(_) => 0,
            State::Sum(_, sum) => sum.bits() as usize / 8,
            State::FloatSum(_, sum) => sum.units.bits() as usize / 8,
            State::Extreme(held) => held.as_ref().map_or(0, text),
            State::End(held) => held.as_ref().map_or(0, |(_, value)| text(value)),
            // A node of the tree beside the bytes; all values of a type are about as long.
            State::Distinct(values) => {
                values.len() * (64 + values.first().map_or(0, Vec::capacity))
            }
            State::Sketch(sketch) => sketch.heap_bytes() + 64,
        }
    }
}

/// An address as bytes that sort as PostgreSQL's inet does.
fn number(address: &Scalar) -> Vec<u8> {
    let Scalar::Text(text) = address else { return Vec::new() };
    match text.parse() {
        Ok(IpAddr::V4(address)) => [&[4][..], &address.octets()].concat(),
        Ok(IpAddr::V6(address)) => [&[6][..], &address.octets()].concat(),
        Err(_) => vec![u8::MAX],
    }
}

fn canonical(value: &Scalar) -> Scalar {
    match value {
        Scalar::Float(value) => Scalar::Float(encode::canonical(*value)),
        value => value.clone(),
    }
}

/// A sum as a value of the argument's type, if it fits.
fn whole(sum: &BigInt, ty: Option<DataType>) -> Option<Scalar> {
    match ty? {
        DataType::Decimal(scale) => {
            let limit = BigUint::from(10u32).pow(DECIMAL_DIGITS_MAX.into());
            let fits = *sum.magnitude() < limit;
            i128::try_from(sum).ok().filter(|_| fits).map(|sum| Scalar::Decimal(sum, scale))
        }
        _ => i64::try_from(sum).ok().map(Scalar::Int),
    }
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn get_bytes<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let len = u64::from_le_bytes(take_bytes(bytes)?);
    let (head, rest) = bytes.split_at_checked(usize::try_from(len).ok()?)?;
    *bytes = rest;
    Some(head)
}
