//! What is cut and read many at once, beside each line and value alone: see the file that is shared with `tests/together.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/together/check.rs"]
mod together;

fuzz_target!(|data: &[u8]| together::check(data));
