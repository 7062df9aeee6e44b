//! The keys of a block's rows, one after the other in one buffer that lives as long as the worker. Where all parts have a
//! fixed width and no NULL, which is most jobs' case, they are written column by column at a fixed distance.

use std::rc::Rc;

use super::key;
use crate::data::{Column, Values};

/// Keys by number.
pub(super) trait KeyList {
    /// How many.
    fn len(&self) -> usize;
    /// One of them.
    fn key(&self, at: usize) -> &[u8];
}

/// Keys of one length.
pub(super) struct FixedKeys<'k> {
    pub(super) bytes: &'k [u8],
    pub(super) stride: usize,
}

/// Keys of any length.
pub(super) struct EndedKeys<'k> {
    pub(super) bytes: &'k [u8],
    pub(super) ends: &'k [usize],
}

impl KeyList for FixedKeys<'_> {
    fn len(&self) -> usize {
        self.bytes.len() / self.stride
    }

    #[inline]
    fn key(&self, at: usize) -> &[u8] {
        &self.bytes[at * self.stride..][..self.stride]
    }
}

impl KeyList for EndedKeys<'_> {
    fn len(&self) -> usize {
        self.ends.len()
    }

    #[inline]
    fn key(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.bytes[start..self.ends[at]]
    }
}

/// The start of the window that a time lies in, remembering the last: lines are nearly in the order of their times.
pub(super) struct Windows {
    width_us: i64,
    start: i64,
}

impl Windows {
    /// Windows of this width, aligned to the Unix epoch.
    pub(super) fn new(width_us: i64) -> Self {
        Windows { width_us, start: 0 }
    }

    /// Start of the window, microseconds.
    #[inline]
    pub(super) fn start_of(&mut self, time: i64) -> i64 {
        if !self.is_in_last(time) {
            self.start = time - time.rem_euclid(self.width_us);
        }
        self.start
    }

    /// Whether the time lies in the window of the time before.
    #[inline]
    pub(super) fn is_in_last(&self, time: i64) -> bool {
        // A time before the start wraps around to a large number.
        (time.wrapping_sub(self.start) as u64) < self.width_us as u64
    }
}

/// Window width and event times, in microseconds.
pub(super) type Times<'t> = (i64, &'t [i64]);

/// The buffer.
#[derive(Default)]
pub(super) struct KeyBuffer {
    /// Is never made shorter, so that it is zeroed once.
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// What was encoded.
pub(super) enum Encoded<'k> {
    /// Keys of one length.
    Fixed(FixedKeys<'k>),
    /// Keys of several lengths.
    Ended(EndedKeys<'k>),
}

impl KeyBuffer {
    /// Writes the key of each row: window, then parts.
    pub(super) fn encode<'k>(
        &'k mut self,
        times: Option<Times<'_>>,
        columns: &[Rc<Column<'_>>],
        rows: &[u32],
    ) -> Encoded<'k> {
        let window = if times.is_some() { key::INT_BYTES } else { 0 };
        let widths = columns.iter().map(|column| fixed_width(column, rows));
        match widths.sum::<Option<usize>>().map(|parts| window + parts) {
            Some(stride) if stride > 0 => return self.fixed(times, columns, rows, stride),
            _ => {}
        }
        self.ended(times, columns, rows)
    }

    fn fixed<'k>(
        &'k mut self,
        times: Option<Times<'_>>,
        columns: &[Rc<Column<'_>>],
        rows: &[u32],
        stride: usize,
    ) -> Encoded<'k> {
        self.reserve(rows.len() * stride);
        let bytes = &mut self.bytes[..rows.len() * stride];
        let mut at = 0;
        if let Some((width_us, times)) = times {
            let mut windows = Windows::new(width_us);
            let part = |row: usize| key::int_part(windows.start_of(times[row]));
            at += put_parts(bytes, (at, stride), rows, part);
        }
        for column in columns {
            at += put_column(column, bytes, (at, stride), rows);
        }
        Encoded::Fixed(FixedKeys { bytes, stride })
    }

    fn ended<'k>(
        &'k mut self,
        times: Option<Times<'_>>,
        columns: &[Rc<Column<'_>>],
        rows: &[u32],
    ) -> Encoded<'k> {
        self.ends.clear();
        let mut windows = Windows::new(times.map_or(1, |(width_us, _)| width_us));
        let mut at = 0;
        for &row in rows {
            let row = row as usize;
            let parts = columns.iter().map(|column| key::part_bytes_max(column, row));
            self.reserve(at + key::INT_BYTES + parts.sum::<usize>());
            if let Some((_, times)) = times {
                at += key::put(&key::int_part(windows.start_of(times[row])), &mut self.bytes[at..]);
            }
            for column in columns {
                at += key::put_part(column, row, &mut self.bytes[at..]);
            }
            self.ends.push(at);
        }
        Encoded::Ended(EndedKeys { bytes: &self.bytes, ends: &self.ends })
    }

    #[inline]
    fn reserve(&mut self, len: usize) {
        if self.bytes.len() < len {
            self.bytes.resize(2 * len, 0);
        }
    }
}

/// Bytes of each row's part, if they are equally many.
fn fixed_width(column: &Column<'_>, rows: &[u32]) -> Option<usize> {
    if column.valid.as_ref().is_some_and(|valid| rows.iter().any(|&row| !valid[row as usize])) {
        return None;
    }
    match column.values {
        Values::Int(_) | Values::Timestamp(_) | Values::Float(_) => Some(key::INT_BYTES),
        Values::Decimal(_) => Some(key::DECIMAL_BYTES),
        Values::Bool(_) => Some(2),
        Values::Text(_) => None,
    }
}

/// Where a part begins in its key, and bytes of a key.
type Place = (usize, usize);

/// Writes the parts of a column to their place in each row's key; answers how wide they are.
fn put_column(column: &Column<'_>, bytes: &mut [u8], place: Place, rows: &[u32]) -> usize {
    match &column.values {
        Values::Int(v) | Values::Timestamp(v) => {
            put_parts(bytes, place, rows, |row| key::int_part(v[row]))
        }
        Values::Decimal(v) => put_parts(bytes, place, rows, |row| key::decimal_part(v[row])),
        Values::Float(v) => put_parts(bytes, place, rows, |row| key::float_part(v[row])),
        Values::Bool(v) => put_parts(bytes, place, rows, |row| key::bool_part(v[row])),
        Values::Text(_) => unreachable!("texts have no fixed width"),
    }
}

#[inline]
fn put_parts<const N: usize>(
    bytes: &mut [u8],
    (at, stride): Place,
    rows: &[u32],
    mut part: impl FnMut(usize) -> [u8; N],
) -> usize {
    for (&row, key) in rows.iter().zip(bytes.chunks_exact_mut(stride)) {
        key[at..at + N].copy_from_slice(&part(row as usize));
    }
    N
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DataType, Scalar};
    use proptest::prelude::*;

    impl Encoded<'_> {
        /// Copies of the keys.
        pub(in crate::engine) fn to_vecs(&self) -> Vec<Vec<u8>> {
            fn copies(keys: &impl KeyList) -> Vec<Vec<u8>> {
                (0..keys.len()).map(|at| keys.key(at).to_vec()).collect()
            }
            match self {
                Encoded::Fixed(keys) => copies(keys),
                Encoded::Ended(keys) => copies(keys),
            }
        }
    }

    fn column(ty: DataType, values: &[Option<Scalar>]) -> Rc<Column<'static>> {
        let mut column = Column::nulls(ty, values.len());
        for (row, value) in values.iter().enumerate() {
            match (&mut column.values, value) {
                (_, None) => continue,
                (Values::Int(v), Some(Scalar::Int(value))) => v[row] = *value,
                (Values::Decimal(v), Some(Scalar::Decimal(value, _))) => v[row] = *value,
                (Values::Bool(v), Some(Scalar::Bool(value))) => v[row] = *value,
                (Values::Float(v), Some(Scalar::Float(value))) => v[row] = *value,
                (Values::Text(v), Some(Scalar::Text(value))) => {
                    v[row] = value.clone().into_string().leak()
                }
                other => panic!("{other:?}"),
            }
            column.valid.as_mut().expect("made with flags")[row] = true;
        }
        Rc::new(column)
    }

    type Row = (i64, Option<i64>, Option<i128>, Option<bool>, Option<f64>, Option<String>);

    fn columns(rows: &[Row]) -> [Rc<Column<'static>>; 5] {
        let of = |ty, value: &dyn Fn(&Row) -> Option<Scalar>| {
            column(ty, &rows.iter().map(value).collect::<Vec<_>>())
        };
        [
            of(DataType::Int, &|row| row.1.map(Scalar::Int)),
            of(DataType::Decimal(2), &|row| row.2.map(|v| Scalar::Decimal(v, 2))),
            of(DataType::Bool, &|row| row.3.map(Scalar::Bool)),
            of(DataType::Float, &|row| row.4.map(Scalar::Float)),
            of(DataType::Text, &|row| row.5.clone().map(|v| Scalar::Text(v.into()))),
        ]
    }

    proptest! {
        // Some rows at once, in a used buffer, are encoded as each is alone; and as the description of the format says.
        #[test]
        fn a_block_is_encoded_as_its_rows_are(
            rows in prop::collection::vec((0i64..9_000_000_000, any::<Option<i64>>(), any::<Option<i128>>(),
                any::<Option<bool>>(), any::<Option<f64>>(), prop::option::of("[a-c\u{0}é]{0,30}")), 0..20),
            take in 1usize..6, width in 1i64..1_000_000_000, step in 1usize..3, has_window in any::<bool>(),
        ) {
            let columns = &columns(&rows)[..take];
            let times: Vec<i64> = rows.iter().map(|row| row.0).collect();
            let times = has_window.then_some((width, times.as_slice()));
            let picked: Vec<u32> = (0..rows.len() as u32).step_by(step).collect();
            let mut buffer = KeyBuffer::default();
            buffer.encode(times, columns, &picked);
            let keys = buffer.encode(times, columns, &picked).to_vecs();
            prop_assert_eq!(keys.len(), picked.len());
            for (&row, key) in picked.iter().zip(&keys) {
                let mut expected = Vec::new();
                if has_window {
                    let time = rows[row as usize].0;
                    expected.extend(key::int_part(time - time.rem_euclid(width)));
                }
                for column in columns {
                    expected.extend(described(&column.scalar(row as usize)));
                }
                prop_assert_eq!(key, &expected);
            }
        }

        #[test]
        fn the_window_is_that_of_the_remainder(times in prop::collection::vec(any::<i32>(), 0..50), width in 1i64..100_000) {
            let mut windows = Windows::new(width);
            for time in times {
                let time = i64::from(time);
                prop_assert_eq!(windows.start_of(time), time - time.rem_euclid(width));
            }
        }
    }

    /// A part as the head of `key` describes it.
    fn described(value: &Scalar) -> Vec<u8> {
        let with_tag = |bytes: &[u8]| [&[1], bytes].concat();
        match value {
            Scalar::Null => vec![0],
            Scalar::Int(v) | Scalar::Timestamp(v) => with_tag(&(*v ^ i64::MIN).to_be_bytes()),
            Scalar::Decimal(v, _) => with_tag(&(*v ^ i128::MIN).to_be_bytes()),
            Scalar::Bool(v) => vec![1, u8::from(*v)],
            Scalar::Float(v) if v.is_nan() => {
                with_tag(&(f64::NAN.to_bits() | 1 << 63).to_be_bytes())
            }
            Scalar::Float(v) if *v < 0.0 => with_tag(&(!v.to_bits()).to_be_bytes()),
            Scalar::Float(v) => with_tag(&(v.abs().to_bits() | 1 << 63).to_be_bytes()),
            Scalar::Text(text) => {
                let escaped =
                    text.bytes().flat_map(|b| if b == 0 { vec![0, 0xFF] } else { vec![b] });
                with_tag(&escaped.chain([0, 0]).collect::<Vec<_>>())
            }
        }
    }
}
