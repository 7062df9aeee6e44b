//! Groups of a block whose keys are a few small numbers, such as minute and status: each key is a number itself, the place in
//! a list that lives for the block, so that a key is hashed once a block instead of once a row.

use std::ops::RangeInclusive;
use std::rc::Rc;

use super::keys::{Times, Windows};
use crate::data::{Column, Values};

/// Keys that a block may have, for each of its rows.
const CODES_A_ROW: usize = 2;
/// A key that no row had yet.
const NONE: u32 = u32::MAX;
/// Blocks that are not looked at between two that are, at most: a power of two, less one.
const PAUSE_BLOCKS_MAX: u32 = 63;

/// Numbers of a block's rows. The buffers live as long as the worker.
#[derive(Default)]
pub(super) struct Codes {
    codes: Vec<u32>,
    /// The group of each code.
    groups: Vec<u32>,
    pause: Pause,
}

/// How many blocks are not looked at. Keys that lie far apart in one block mostly do in the next, and to find that out takes
/// a walk over them: each time in a row doubles the blocks until the next look.
#[derive(Default)]
struct Pause {
    left: u32,
    next: u32,
}

impl Pause {
    /// Whether this block is passed over.
    fn is_on(&mut self) -> bool {
        let is_on = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_on
    }

    /// Notes whether a block that was looked at had such keys.
    fn note(&mut self, found: bool) {
        self.left = if found { 0 } else { self.next };
        self.next = if found { 0 } else { PAUSE_BLOCKS_MAX.min(2 * self.next + 1) };
    }
}

/// A part of a key whose values lie within a range.
struct Part<'c> {
    values: Numbers<'c>,
    first: i64,
    count: usize,
}

#[derive(Clone, Copy)]
enum Numbers<'c> {
    Ints(&'c [i64]),
    Bools(&'c [bool]),
    /// Starts of windows, counted in windows.
    Windows(Times<'c>),
}

impl Codes {
    /// Appends the group of each row's key, which `group` finds for a row; false, and nothing done, where the keys are not
    /// of that kind.
    pub(super) fn groups(
        &mut self,
        (times, columns, rows): (Option<Times<'_>>, &[Rc<Column<'_>>], &[u32]),
        mut group: impl FnMut(u32) -> u32,
        groups: &mut Vec<u32>,
    ) -> bool {
        if self.pause.is_on() {
            return false;
        }
        let parts = parts(times, columns, rows);
        self.pause.note(parts.is_some());
        let Some((parts, count)) = parts else { return false };
        self.codes.clear();
        self.codes.resize(rows.len(), 0);
        parts.iter().for_each(|part| part.append(rows, &mut self.codes));
        self.groups.clear();
        self.groups.resize(count, NONE);
        groups.extend(self.codes.iter().zip(rows).map(|(&code, &row)| {
            let known = &mut self.groups[code as usize];
            if *known == NONE {
                *known = group(row);
            }
            *known
        }));
        true
    }
}

/// The parts of the keys, and how many keys there may be.
fn parts<'c>(
    times: Option<Times<'c>>,
    columns: &'c [Rc<Column<'_>>],
    rows: &[u32],
) -> Option<(Vec<Part<'c>>, usize)> {
    let windows = times.map(|times| Some(Numbers::Windows(times)));
    let columns = columns.iter().map(|column| match &column.values {
        _ if column.valid.is_some() => None,
        Values::Int(values) | Values::Timestamp(values) => Some(Numbers::Ints(values)),
        Values::Bool(values) => Some(Numbers::Bools(values)),
        _ => None,
    });
    // All kinds first: to look at them takes no walk over the rows.
    let numbers: Vec<Numbers<'_>> = windows.into_iter().chain(columns).collect::<Option<_>>()?;
    let (mut parts, mut count) = (Vec::with_capacity(numbers.len()), 1_usize);
    for values in numbers {
        let part = Part::new(values, rows)?;
        count = count.checked_mul(part.count)?;
        if count > CODES_A_ROW * rows.len() {
            return None;
        }
        parts.push(part);
    }
    Some((parts, count))
}

impl<'c> Part<'c> {
    /// `None` without rows, or where the values lie far apart.
    fn new(values: Numbers<'c>, rows: &[u32]) -> Option<Self> {
        let range = match values {
            Numbers::Ints(ints) => range(rows.iter().map(|&row| ints[row as usize]))?,
            Numbers::Bools(_) => 0..=1,
            Numbers::Windows((width, times)) => {
                let range = range(rows.iter().map(|&row| times[row as usize]))?;
                range.start().div_euclid(width)..=range.end().div_euclid(width)
            }
        };
        let count = range.end().checked_sub(*range.start())?.checked_add(1)?;
        Some(Part { values, first: *range.start(), count: usize::try_from(count).ok()? })
    }

    /// Makes this part the last of each row's code.
    fn append(&self, rows: &[u32], codes: &mut [u32]) {
        let (first, count) = (self.first, self.count as u32);
        if count == 1 {
            return;
        }
        let codes = codes.iter_mut().zip(rows);
        let put = |code: &mut u32, value: i64| *code = *code * count + (value - first) as u32;
        match self.values {
            Numbers::Ints(ints) => codes.for_each(|(code, &row)| put(code, ints[row as usize])),
            Numbers::Bools(bools) => {
                codes.for_each(|(code, &row)| put(code, i64::from(bools[row as usize])))
            }
            Numbers::Windows((width, times)) => {
                let (mut windows, mut number) = (Windows::new(width), 0);
                for (code, &row) in codes {
                    let time = times[row as usize];
                    if !windows.is_in_last(time) {
                        number = windows.start_of(time) / width;
                    }
                    put(code, number);
                }
            }
        }
    }
}

fn range(values: impl Iterator<Item = i64>) -> Option<RangeInclusive<i64>> {
    let all = (i64::MAX, i64::MIN);
    let (least, most) = values.fold(all, |(least, most), v| (least.min(v), most.max(v)));
    (least <= most).then_some(least..=most)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::DataType;
    use crate::engine::keys::KeyBuffer;

    fn column(ty: DataType, values: Values<'static>) -> Rc<Column<'static>> {
        Rc::new(Column { ty, values, valid: None })
    }

    proptest! {
        // Rows have one group if and only if they have one key; and a key is asked for once.
        #[test]
        fn codes_are_as_distinct_as_keys(
            rows in prop::collection::vec((-90_i64..90, -3_i64..3, any::<bool>()), 0..300), far in any::<Option<i64>>(),
            width in 1_i64..100, has_window in any::<bool>(), step in 1_usize..3,
        ) {
            let times: Vec<i64> = rows.iter().map(|row| row.0).collect();
            let mut ints: Vec<i64> = rows.iter().map(|row| row.1).collect();
            ints.iter_mut().take(1).for_each(|first| *first = far.unwrap_or(*first));
            let bools = rows.iter().map(|row| row.2).collect();
            let columns = [column(DataType::Int, Values::Int(ints)), column(DataType::Bool, Values::Bool(bools))];
            let times = has_window.then_some((width, times.as_slice()));
            let picked: Vec<u32> = (0..rows.len() as u32).step_by(step).collect();
            let keys = KeyBuffer::default().encode(times, &columns, &picked).to_vecs();
            let (mut codes, mut groups, mut asked) = (Codes::default(), Vec::new(), Vec::new());
            for _ in 0..2 {
                groups.clear();
                asked.clear();
                let group = |row: u32| {
                    asked.push(row);
                    asked.len() as u32 - 1
                };
                if !codes.groups((times, &columns, &picked), group, &mut groups) {
                    prop_assert!(groups.is_empty() && asked.is_empty());
                    prop_assert!(far.is_some() || picked.len() < 180 * 6 * 2);
                    return Ok(());
                }
            }
            let mut known = std::collections::HashMap::new();
            let model: Vec<u32> = keys.iter().map(|key| {
                let next = known.len() as u32;
                *known.entry(key).or_insert(next)
            }).collect();
            prop_assert_eq!(&groups, &model);
            prop_assert_eq!(asked.len(), known.len());
        }
    }

    #[test]
    fn where_keys_lie_far_apart_ever_fewer_blocks_are_looked_at() {
        let column = |far| {
            let last = if far { 999 } else { 12 };
            [column(DataType::Int, Values::Int(vec![7, 9, last]))]
        };
        let mut codes = Codes::default();
        let mut takes = |far| {
            let mut groups = Vec::new();
            codes.groups((None, &column(far), &[0, 1, 2]), |row| row, &mut groups)
                && groups == [0, 1, 2]
        };
        // One such block now and then costs the others nothing.
        (0..9).for_each(|_| assert!(takes(false) && !takes(true)));
        (0..1000).for_each(|_| assert!(!takes(true)));
        let until = (0..1000).find(|_| takes(false));
        assert!(until.is_some_and(|blocks| blocks <= PAUSE_BLOCKS_MAX), "{until:?}");
        assert!(takes(false) && takes(false));
    }

    #[test]
    fn what_has_no_few_small_numbers_is_left_alone() {
        let takes = |column: Column<'static>| {
            let columns = [Rc::new(column)];
            Codes::default().groups((None, &columns, &[0, 1, 2]), |row| row, &mut Vec::new())
        };
        let ints = |ints: [i64; 3]| Values::Int(ints.into());
        let int = |ints, valid| Column { ty: DataType::Int, values: ints, valid };
        assert!(takes(int(ints([7, 9, 12]), None)));
        assert!(!takes(int(ints([7, 9, 13]), None)));
        assert!(!takes(int(ints([i64::MIN, 0, i64::MAX]), None)));
        assert!(!takes(int(ints([7, 9, 12]), Some(vec![true, false, true]))));
        assert!(!takes(Column {
            ty: DataType::Text,
            values: Values::Text(vec!["a"; 3]),
            valid: None
        }));
    }
}
