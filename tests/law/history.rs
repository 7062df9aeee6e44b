//! Cases: logs, and what happened to them between runs.

use logmill::source::IoMode;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::line::{Broken, Content, Dialect, Line, line};

/// One generation of a log file, from its creation to its rotation.
#[derive(Debug, Clone)]
pub struct Log {
    pub lines: Vec<Line>,
    /// Whether its last line has a newline.
    pub ends_well: bool,
    /// Whether it begins with a byte order mark.
    pub marked: bool,
}

/// How a run goes.
#[derive(Debug, Clone, Copy)]
pub struct Mode {
    pub split_bytes: Option<u64>,
    pub threads: usize,
    pub io: IoMode,
    pub memory_bytes: u64,
}

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
pub enum Event {
    /// The live file of this family grows by so many bytes.
    Append(usize, usize),
    /// It grows to its end, is renamed, and the next generation begins.
    Rotate(usize),
    /// The oldest rotated file that is not compressed is.
    Compress(usize),
    /// logmill runs.
    Run(Mode),
}

/// A case: for each family its generations, what happens, and how the last run goes.
#[derive(Debug, Clone)]
pub struct Case {
    pub dialect: Dialect,
    pub families: Vec<Vec<Log>>,
    pub events: Vec<Event>,
    pub last: Mode,
}

fn mode() -> impl Strategy<Value = Mode> {
    let split = select(vec![1, 2, 3, 7, 16, 64, 255, 256, 1_024, 65_536]);
    let io = select(vec![IoMode::Mmap, IoMode::Read]);
    let memory = select(vec![1, 20_000, 1 << 30]);
    (prop::option::weighted(0.9, split), 1..5usize, io, memory).prop_map(
        |(split_bytes, threads, io, memory_bytes)| Mode { split_bytes, threads, io, memory_bytes },
    )
}

fn event() -> impl Strategy<Value = Event> {
    let family = 0..2usize;
    prop_oneof![
        3 => (family.clone(), 0..900usize).prop_map(|(family, bytes)| Event::Append(family, bytes)),
        2 => family.clone().prop_map(Event::Rotate),
        1 => family.prop_map(Event::Compress),
        3 => mode().prop_map(Event::Run),
    ]
}

/// Cases of a dialect.
pub fn case(dialect: Dialect) -> impl Strategy<Value = Case> {
    let line = line().prop_map(move |line| match dialect {
        Dialect::Records => line.broken_up(),
        _ => line,
    });
    let log = (vec(line, 0..14), prop::bool::weighted(0.7), prop::bool::weighted(0.2))
        .prop_map(|(lines, ends_well, marked)| Log { lines, ends_well, marked });
    let families = vec(vec(log, 1..4), 1..3);
    (families, vec(event(), 0..12), mode()).prop_map(move |(families, events, last)| {
        Case { dialect, families, events, last }.with_first_lines()
    })
}

impl Case {
    /// One log of a few lines and several hours.
    pub fn small() -> Case {
        let last = Mode { split_bytes: None, threads: 1, io: IoMode::Read, memory_bytes: 1 << 30 };
        let lines = (0..9).map(Line::first).collect();
        let families = vec![vec![Log { lines, ends_well: true, marked: false }]];
        Case { dialect: Dialect::Nginx, families, events: Vec::new(), last }
    }

    /// One log whose first line is too long and begins with a byte order mark, read whole or compressed.
    pub fn long_first_line(dialect: Dialect, length: usize, split: u64, compressed: bool) -> Case {
        let long = |crlf| Line { content: Content::Broken(Broken::Long(length)), crlf };
        let lines = vec![long(true), Line::first(1), long(false)];
        let log = |marked| Log { lines: lines.clone(), ends_well: false, marked };
        let last =
            Mode { split_bytes: Some(split), threads: 2, io: IoMode::Read, memory_bytes: 1 << 30 };
        let events =
            if compressed { vec![Event::Rotate(0), Event::Compress(0)] } else { Vec::new() };
        let next = Log { lines: vec![Line::first(2)], ends_well: true, marked: false };
        Case { dialect, families: vec![vec![log(true), next]], events, last }
    }

    /// Gives each log a first line of its own: logs that begin alike are told apart by other tests.
    fn with_first_lines(mut self) -> Case {
        for (number, log) in self.families.iter_mut().flatten().enumerate() {
            log.lines.insert(0, Line::first(number));
        }
        self
    }

    /// One family of two logs; the first is rotated while half of a line of it was read.
    pub fn rotation_in_mid_line() -> Case {
        let mode = Mode { split_bytes: None, threads: 1, io: IoMode::Read, memory_bytes: 1 << 30 };
        let log = || Log { lines: vec![Line::first(9); 3], ends_well: true, marked: false };
        let events = vec![
            Event::Append(0, 100),
            Event::Run(mode),
            Event::Rotate(0),
            Event::Append(0, 10),
            Event::Run(mode),
            Event::Compress(0),
            Event::Run(mode),
        ];
        let families = vec![vec![log(), log()]];
        Case { dialect: Dialect::Nginx, families, events, last: mode }.with_first_lines()
    }
}
