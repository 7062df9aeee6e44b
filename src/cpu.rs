//! What the processor has: which of its versions of a loop the vector code runs. All give the same results, to the byte.
//!
//! `LOGMILL_CPU` keeps a process below what its processor has; [`each_level`] brings a test through all of them.

use std::fmt;
use std::sync::OnceLock;

/// The variable that names the highest level a process may use.
pub const VARIABLE: &str = "LOGMILL_CPU";

// Each list is written once: what is asked of the processor is what functions are compiled with.
macro_rules! avx2 {
    ($with:ident) => {
        $with!("avx2", "bmi1", "bmi2", "popcnt")
    };
}
macro_rules! avx512 {
    ($with:ident) => {
        $with!("avx512f", "avx512bw", "avx512dq", "avx512vl", "bmi1", "bmi2", "popcnt")
    };
}
#[rustfmt::skip]
macro_rules! vbmi2 {
    ($with:ident) => {
        $with!("avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vbmi2", "bmi1", "bmi2", "popcnt")
    };
}
macro_rules! joined {
    ($first:tt $(, $rest:tt)*) => { concat!($first $(, ",", $rest)*) };
}

/// Sets of features that loops are compiled for; each has those of the sets before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What any processor of the architecture has.
    Scalar,
    /// As Haswell and Zen have.
    Avx2,
    /// As Skylake-X and Zen 4 have.
    Avx512,
    /// As Ice Lake and Zen 4 have: bytes of a register are picked by a mask.
    Vbmi2,
}

impl Level {
    /// All, the lowest first.
    pub const ALL: [Level; 4] = [Level::Scalar, Level::Avx2, Level::Avx512, Level::Vbmi2];

    /// Its name in [`VARIABLE`].
    pub fn name(self) -> &'static str {
        match self {
            Level::Scalar => "scalar",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
            Level::Vbmi2 => "vbmi2",
        }
    }

    /// The features that a function for this level is compiled with: the words of its `target_feature`.
    pub fn features(self) -> &'static str {
        match self {
            Level::Scalar => "",
            Level::Avx2 => avx2!(joined),
            Level::Avx512 => avx512!(joined),
            Level::Vbmi2 => vbmi2!(joined),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The level to work at: never more than this processor has. Looked up once a process.
#[inline]
pub fn level() -> Level {
    #[cfg(debug_assertions)]
    if let Some(level) = dev::CHOSEN.get() {
        return level;
    }
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| best().min(highest().unwrap_or(Level::Vbmi2)))
}

/// The level that the environment allows. The error says what may be written.
pub fn highest() -> Result<Level, String> {
    match std::env::var_os(VARIABLE) {
        Some(word) if !word.is_empty() => parse(&word.to_string_lossy()),
        _ => Ok(Level::Vbmi2),
    }
}

fn parse(word: &str) -> Result<Level, String> {
    let found = Level::ALL.into_iter().find(|level| level.name() == word);
    found.ok_or_else(|| {
        let names = Level::ALL.map(Level::name).join(", ");
        format!("{VARIABLE}={word}: there is no such level, only {names}")
    })
}

/// The highest level whose features this processor has.
#[cfg(target_arch = "x86_64")]
fn best() -> Level {
    macro_rules! has {
        ($($feature:tt),*) => { $(is_x86_feature_detected!($feature))&&* };
    }
    let has = |level: &Level| match level {
        Level::Scalar => true,
        Level::Avx2 => avx2!(has),
        Level::Avx512 => avx512!(has),
        Level::Vbmi2 => vbmi2!(has),
    };
    Level::ALL.into_iter().take_while(has).last().unwrap_or(Level::Scalar)
}

#[cfg(not(target_arch = "x86_64"))]
fn best() -> Level {
    Level::Scalar
}

#[cfg(debug_assertions)]
pub use dev::{EachLevel, each_level};

/// The process's own level, once: without debug assertions a thread has no level of its own.
#[cfg(not(debug_assertions))]
pub fn each_level() -> impl Iterator<Item = Level> {
    std::iter::once(level())
}

#[cfg(debug_assertions)]
mod dev {
    use std::cell::Cell;

    use super::Level;

    thread_local! {
        /// What [`each_level`] is at, on this thread.
        pub(super) static CHOSEN: Cell<Option<Level>> = const { Cell::new(None) };
    }

    /// Levels that are those of the thread while it is at them.
    #[derive(Debug)]
    pub struct EachLevel {
        rest: std::array::IntoIter<Level, 4>,
        before: Option<Level>,
    }

    /// Each level that this processor has, for a test: until the next is asked for, [`super::level`] answers this one on this
    /// thread.
    ///
    /// ```
    /// use logmill::cpu;
    /// let own = cpu::level();
    /// for level in cpu::each_level() {
    ///     assert!(cpu::level() == level && level <= own);
    /// }
    /// assert_eq!(cpu::level(), own);
    /// ```
    pub fn each_level() -> EachLevel {
        EachLevel { rest: Level::ALL.into_iter(), before: CHOSEN.get() }
    }

    impl Iterator for EachLevel {
        type Item = Level;

        fn next(&mut self) -> Option<Level> {
            let next = self.rest.next().filter(|level| *level <= super::best());
            CHOSEN.set(next.or(self.before));
            next
        }
    }

    impl Drop for EachLevel {
        fn drop(&mut self) {
            CHOSEN.set(self.before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_named_as_the_variable_says_and_no_other_word_is() {
        for level in Level::ALL {
            assert_eq!(parse(level.name()), Ok(level));
        }
        let error = parse("avx1024").expect_err("no level");
        assert_eq!(
            error,
            "LOGMILL_CPU=avx1024: there is no such level, only scalar, avx2, avx512, vbmi2"
        );
    }

    #[test]
    fn each_level_is_gone_through_and_left_again() {
        let own = level();
        let mut seen = Vec::new();
        for at in each_level() {
            assert_eq!(level(), at);
            seen.push(at);
        }
        assert_eq!((level(), seen.first()), (own, Some(&Level::Scalar)));
        assert_eq!(seen.last(), Some(&best()));
        let mut left_early = each_level();
        assert_eq!(left_early.next(), Some(Level::Scalar));
        assert_eq!(level(), Level::Scalar);
        drop(left_early);
        assert_eq!(level(), own);
    }
}
