//! Two sorted sequences of rows, compared group by group.

use std::cmp::Ordering;

use super::super::RunError;
use super::report::{Difference, Kind, Tally};
use super::rows::{Codec, Row, Rows};
use crate::engine::key::leading_int;

/// Differences of an output that are told one by one.
const TOLD_MAX: usize = 20;

/// From the first microsecond to before the second.
pub type Range = (i64, i64);

/// What is compared, and how.
pub(super) struct Comparison<'c> {
    pub(super) codec: &'c Codec,
    /// Windows that are of interest.
    pub(super) range: Option<Range>,
}

impl Comparison<'_> {
    /// Adds what is found to the tally. `skip`: groups that changed meanwhile, and say nothing.
    pub(super) fn run(
        &self,
        expected: Rows<'_>,
        found: Rows<'_>,
        skip: Rows<'_>,
        tally: &mut Tally,
    ) -> Result<(), RunError> {
        let mut expected = Heads::new(expected)?;
        let (mut found, mut skip) = (Heads::new(found)?, Heads::new(skip)?);
        while let Some(key) = smaller(expected.head.as_ref(), found.head.as_ref()) {
            let key = key.to_vec();
            while skip.head.as_ref().is_some_and(|row| row.key() < key.as_slice()) {
                skip.next()?;
            }
            let is_skipped = skip.head.as_ref().is_some_and(|row| row.key() == key);
            let (wanted, there) = (expected.next_if(&key)?, found.next_if(&key)?);
            if !self.is_of_interest(&key) {
                continue;
            }
            match is_skipped {
                true => tally.skipped += 1,
                false => self.judge(wanted, there, tally)?,
            }
        }
        Ok(())
    }

    fn is_of_interest(&self, key: &[u8]) -> bool {
        self.range.is_none_or(|(from, to)| {
            leading_int(key).is_some_and(|window| (from..to).contains(&window))
        })
    }

    fn judge(
        &self,
        expected: Option<Row>,
        found: Option<Row>,
        tally: &mut Tally,
    ) -> Result<(), RunError> {
        tally.groups += u64::from(expected.is_some());
        let kind = match (&expected, &found) {
            (Some(expected), Some(found)) if expected == found => return Ok(()),
            (Some(_), Some(_)) => Kind::Differs,
            (Some(_), None) => Kind::Missing,
            (None, _) => Kind::Surplus,
        };
        *tally.count(kind) += 1;
        if tally.first.len() < TOLD_MAX {
            tally.first.push(self.difference(kind, expected, found)?);
        }
        Ok(())
    }

    fn difference(
        &self,
        kind: Kind,
        expected: Option<Row>,
        found: Option<Row>,
    ) -> Result<Difference, RunError> {
        let values = |row: Option<Row>| row.map(|row| self.codec.values(&row)).transpose();
        let (expected, found) = (values(expected)?, values(found)?);
        let names = self.codec.columns().iter().map(|(name, _)| name.clone());
        let key = expected.as_ref().or(found.as_ref()).cloned().unwrap_or_default();
        let key = names.clone().zip(key).take(self.codec.keys()).collect();
        let mut columns = Vec::new();
        if let (Some(expected), Some(found)) = (expected, found) {
            let values = names.zip(expected.into_iter().zip(found));
            let values = values.skip(self.codec.keys());
            columns.extend(
                values
                    .filter(|(_, (expected, found))| !same(expected, found))
                    .map(|(name, (expected, found))| (name, expected, found)),
            );
        }
        Ok(Difference { kind, key, columns })
    }
}

fn same(a: &crate::data::Scalar, b: &crate::data::Scalar) -> bool {
    use crate::data::Scalar::Float;
    match (a, b) {
        (Float(a), Float(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}

fn smaller<'r>(a: Option<&'r Row>, b: Option<&'r Row>) -> Option<&'r [u8]> {
    match (a.map(Row::key), b.map(Row::key)) {
        (Some(a), Some(b)) if b.cmp(a) == Ordering::Less => Some(b),
        (a, b) => a.or(b),
    }
}

/// Rows with a look at the next.
struct Heads<'r> {
    rows: Rows<'r>,
    head: Option<Row>,
}

impl<'r> Heads<'r> {
    fn new(mut rows: Rows<'r>) -> Result<Self, RunError> {
        let head = rows.next().transpose()?;
        Ok(Heads { rows, head })
    }

    fn next(&mut self) -> Result<Option<Row>, RunError> {
        let next = self.rows.next().transpose()?;
        Ok(std::mem::replace(&mut self.head, next))
    }

    /// The row here, if it has this key.
    fn next_if(&mut self, key: &[u8]) -> Result<Option<Row>, RunError> {
        match &self.head {
            Some(row) if row.key() == key => self.next(),
            _ => Ok(None),
        }
    }
}
