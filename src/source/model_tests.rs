//! A property: through any sequence of writes, rotations, compressions and runs, each line is read once.

use proptest::prelude::*;

use super::test_world::World;

/// What may happen to a log between two runs.
#[derive(Debug, Clone, Copy)]
enum Event {
    Lines(u8),
    HalfLine,
    Rotate,
    CopyTruncate,
    CopyRunTruncate,
    Gzip(u8),
    Run,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        3 => (1u8..200).prop_map(Event::Lines),
        1 => Just(Event::HalfLine),
        1 => Just(Event::Rotate),
        1 => Just(Event::CopyTruncate),
        1 => Just(Event::CopyRunTruncate),
        1 => (1u8..4).prop_map(Event::Gzip),
        3 => Just(Event::Run),
    ];
    prop::collection::vec(event, 1..25)
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
            Event::Run => self.run(),
        }
    }

    fn line(&mut self, end: &str) {
        self.lines += 1;
        let text = format!("line {}{end}", self.lines);
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn whatever_happens_to_a_log_every_line_is_read_once(events in events()) {
        let mut model = Model {
            world: World::new(),
            written: String::new(),
            read: String::new(),
            lines: 0,
            unfinished: false,
        };
        model.world.append("a.log", "");
        events.iter().for_each(|event| model.happen(*event));
        model.run();
        model.world.rules.final_ = true;
        model.run();
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        prop_assert_eq!(sorted(&model.read), sorted(&model.written));
    }
}
