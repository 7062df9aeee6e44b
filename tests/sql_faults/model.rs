//! What a table must hold: a map, and deliveries that change it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, StringArray};
use logmill::deliver::sql::{
    BoxError, DeliverError, Delivered, Delivery, SqlOutput, SqlTable, SummaryBlock, mysql,
};

use crate::fixture::{Place, batch, block};

/// Numbers that look random, the same for the same seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}

/// How a delivery goes about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Changed groups, on the connection of the delivery before.
    Kept,
    /// Changed groups, by a new process.
    Fresh,
    /// So many that they take several statements.
    Large,
    /// All groups.
    Whole,
    /// All groups, since the table was dropped.
    Dropped,
    /// All groups, with other columns than before.
    Reshaped,
}

pub const KINDS: [Kind; 6] =
    [Kind::Kept, Kind::Fresh, Kind::Large, Kind::Whole, Kind::Dropped, Kind::Reshaped];

/// A table, what it must hold, and the number of its newest batch.
pub struct Model {
    pub place: Place,
    groups: BTreeMap<String, i64>,
    batch: u64,
    /// The table has a third column.
    wide: bool,
    output: Option<Box<dyn SqlOutput>>,
}

impl Model {
    pub fn new(place: Place) -> Self {
        Model { place, groups: BTreeMap::new(), batch: 0, wide: false, output: None }
    }

    /// Changes the model, and brings the table there by way of `url`, with as many attempts as it takes; returns how many.
    /// `before` is called before the first one.
    pub fn deliver(
        &mut self,
        kind: Kind,
        random: &mut Random,
        url: &dyn Fn() -> String,
        before: &mut dyn FnMut(),
    ) -> u32 {
        let changed = self.change(kind, random);
        let whole = matches!(kind, Kind::Whole | Kind::Dropped | Kind::Reshaped);
        let rows: Vec<(&str, i64)> = match whole {
            true => self.groups.iter().map(|(name, hits)| (name.as_str(), *hits)).collect(),
            false => changed.iter().map(|name| (name.as_str(), self.groups[name])).collect(),
        };
        let blocks: Vec<SummaryBlock> = rows.chunks(3_000).map(|rows| self.block(rows)).collect();
        if kind == Kind::Dropped {
            self.place.query("DROP TABLE IF EXISTS {t}");
        }
        if kind != Kind::Kept {
            self.output = None;
        }
        let reshape = kind == Kind::Reshaped;
        let delivery = Delivery { replace_all: whole, reshape, ..batch(self.batch) };
        before();
        let mut attempts = 1;
        loop {
            let output = self.output.take();
            let mut output = output.unwrap_or_else(|| self.open(&url(), &blocks[0]));
            match deliver(&mut *output, &delivery, &blocks) {
                Ok(_) => {
                    self.output = Some(output);
                    return attempts;
                }
                Err(error @ DeliverError::Unavailable { .. }) => {
                    assert!(attempts < 20, "{kind:?}: {error}");
                    attempts += 1;
                    // The next attempt is another process's, or the same one's.
                    if random.below(2) == 0 {
                        self.output = Some(output);
                    }
                }
                Err(error) => panic!("batch {}, {kind:?}: {error}", self.batch),
            }
        }
    }

    /// The names of the changed groups.
    fn change(&mut self, kind: Kind, random: &mut Random) -> Vec<String> {
        self.batch += 1;
        self.wide ^= kind == Kind::Reshaped;
        let count = match kind {
            Kind::Large => 9_000,
            _ => 1 + random.below(500),
        };
        let mut changed: Vec<String> = (0..count)
            .map(|_| {
                let name = random.below(10_000);
                let width = if kind == Kind::Large { 150 } else { 1 };
                format!("{name:0width$}")
            })
            .collect();
        changed.sort();
        changed.dedup();
        for name in &changed {
            let hits = random.below(1 << 40) as i64;
            self.groups.insert(name.clone(), hits);
        }
        if matches!(kind, Kind::Whole | Kind::Dropped | Kind::Reshaped) {
            // A rebuilt summary may lack groups; and it bounds the table.
            let keep = self.groups.len().min(2_000);
            self.groups = std::mem::take(&mut self.groups).into_iter().take(keep).collect();
        }
        changed
    }

    fn block(&self, rows: &[(&str, i64)]) -> SummaryBlock {
        let hits = |factor| {
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, hits)| hits * factor)))
        };
        let names = StringArray::from_iter_values(rows.iter().map(|(name, _)| *name));
        let mut columns: Vec<(&str, ArrayRef)> = vec![("name", Arc::new(names)), ("hits", hits(1))];
        if self.wide {
            columns.push(("twice", hits(2)));
        }
        block(columns, rows.iter().map(|(name, _)| name.as_bytes().to_vec()).collect())
    }

    fn open(&self, url: &str, block: &SummaryBlock) -> Box<dyn SqlOutput> {
        let table = SqlTable {
            job: "job".into(),
            table: self.place.table().into(),
            schema: block.rows.schema(),
            key_columns: 1,
        };
        mysql(url, table).expect("a valid url")
    }

    /// The table holds the model's groups, and knows the batch.
    pub fn check(&self) {
        let twice = if self.wide { "twice" } else { "2 * hits" };
        let query = format!("SELECT name, hits, {twice} FROM {{t}} ORDER BY name");
        let text = |cell: Option<String>| cell.expect("no NULL");
        let found: Vec<Vec<String>> = self
            .place
            .query(&query)
            .into_iter()
            .map(|row| row.into_iter().map(text).collect())
            .collect();
        let expected = self
            .groups
            .iter()
            .map(|(name, hits)| vec![name.clone(), hits.to_string(), (2 * hits).to_string()]);
        assert!(found.iter().cloned().eq(expected), "batch {}: {} rows", self.batch, found.len());
        let newest =
            "SELECT batch, fence, token, state_id FROM {t}_batches ORDER BY batch DESC LIMIT 1";
        let delivery = batch(self.batch);
        let expected = [
            delivery.batch.to_string(),
            delivery.fence.to_string(),
            delivery.token.to_string(),
            delivery.state_id,
        ];
        assert_eq!(self.place.query(newest), [expected.map(Some)]);
    }

    /// Nothing is left of changes of shape.
    pub fn check_no_leftovers(&self) {
        let query = format!(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() \
             AND table_name LIKE '{}\\_\\_logmill%'",
            self.place.table()
        );
        assert_eq!(self.place.query(&query), Vec::<Vec<Option<String>>>::new());
    }
}

fn deliver(
    output: &mut dyn SqlOutput,
    delivery: &Delivery,
    blocks: &[SummaryBlock],
) -> Result<Delivered, DeliverError> {
    output.deliver(delivery, &mut || Box::new(blocks.iter().cloned().map(Ok::<_, BoxError>)))
}
