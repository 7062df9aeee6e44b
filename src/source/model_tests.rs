//! A property: through any sequence of writes, rotations, compressions and runs, each line is read once.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::test_world::{World, trials};

/// What may happen to a log between two runs.
#[derive(Debug, Clone, Copy)]
enum Event {
    Lines(u8),
    HalfLine,
    Rotate,
    CopyTruncate,
    CopyRunTruncate,
    Gzip(u8),
    /// Of a rotated file or, for 0, the live one, read or not. Only for a process that stays.
    Delete(u8),
    Run,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(event(), 1..25)
}

fn events_and_deletions() -> impl Strategy<Value = Vec<Event>> {
    let deletion = (0u8..4).prop_map(Event::Delete);
    prop::collection::vec(prop_oneof![8 => event(), 2 => deletion], 1..25)
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (1u8..200).prop_map(Event::Lines),
        1 => Just(Event::HalfLine),
        1 => Just(Event::Rotate),
        1 => Just(Event::CopyTruncate),
        1 => Just(Event::CopyRunTruncate),
        1 => (1u8..4).prop_map(Event::Gzip),
        3 => Just(Event::Run),
    ]
}

/// The model: every line written, and every line read.
struct Model {
    world: World,
    written: String,
    read: String,
    lines: usize,
    unfinished: bool,
}

impl Model {
    fn write(&mut self, text: &str) {
        self.world.append("a.log", text);
        self.written += text;
    }

    fn new() -> Self {
        let world = World::new();
        world.append("a.log", "");
        let (written, read) = (String::new(), String::new());
        Model { world, written, read, lines: 0, unfinished: false }
    }

    /// Runs once more, with everything sealed: each line written was read once.
    fn finish(mut self) -> Result<(), TestCaseError> {
        self.run();
        self.world.rules.final_ = true;
        self.run();
        self.run();
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        prop_assert_eq!(sorted(&self.read), sorted(&self.written));
        Ok(())
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Lines(n) => (0..n).for_each(|_| self.line("\n")),
            Event::HalfLine => self.line(""),
            Event::Rotate => {
                self.shift();
                self.world.rename("a.log", "a.log.1");
                self.new_file();
            }
            Event::CopyTruncate | Event::CopyRunTruncate => {
                self.shift();
                self.world.copy("a.log", "a.log.1");
                if matches!(event, Event::CopyRunTruncate) {
                    self.run();
                }
                self.new_file();
            }
            Event::Gzip(n) => {
                let name = format!("a.log.{n}");
                if self.world.path(&name).exists() {
                    self.world.gzip(&name);
                }
            }
            Event::Delete(0) => {
                self.world.remove("a.log");
                self.new_file();
            }
            Event::Delete(n) => {
                for name in [format!("a.log.{n}"), format!("a.log.{n}.gz")] {
                    if self.world.path(&name).exists() {
                        self.world.remove(&name);
                    }
                }
            }
            Event::Run => self.run(),
        }
        if self.world.held.is_some() {
            self.world.hold();
        }
    }

    fn line(&mut self, end: &str) {
        self.lines += 1;
        // None is the beginning of another one: half of a line would be taken for it.
        let text = format!("line {:05}{end}", self.lines);
        self.unfinished = end.is_empty();
        self.write(&text);
    }

    fn new_file(&mut self) {
        self.world.truncate("a.log");
        if std::mem::take(&mut self.unfinished) {
            self.written += "\n";
        }
    }

    fn shift(&mut self) {
        for n in (1..40).rev() {
            for ending in ["", ".gz"] {
                let (from, to) = (format!("a.log.{n}{ending}"), format!("a.log.{}{ending}", n + 1));
                if self.world.path(&from).exists() {
                    self.world.rename(&from, &to);
                }
            }
        }
    }

    fn run(&mut self) {
        let text = self.world.run_quietly();
        self.read += &text;
        // Lines of different segments stand one behind the other.
        if !text.is_empty() && !text.ends_with('\n') {
            self.read += "\n";
        }
    }
}

/// `LOGMILL_SEGMENT_TRIALS` of each property.
fn config() -> ProptestConfig {
    let cases = u32::try_from(trials(150)).expect("a number of cases");
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_happens_to_a_log_every_line_is_read_once(events in events()) {
        let mut model = Model::new();
        events.iter().for_each(|event| model.happen(*event));
        model.finish()?;
    }

    #[test]
    fn to_one_who_stays_deletions_too_lose_nothing_and_double_nothing(events in events_and_deletions()) {
        let mut model = Model::new();
        model.world.hold();
        events.iter().for_each(|event| model.happen(*event));
        model.finish()?;
    }
}
