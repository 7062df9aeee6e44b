//! Weather stations: `station;temperature`, as in the One Billion Row Challenge, with stations of no map.

use std::io;

use crate::rng::Rng;
use crate::sink::Sink;
use crate::text::push_number;

/// How many stations there are.
const STATIONS: usize = 413;

const HEADS: [&str; 24] = [
    "Ålder", "Brünn", "Çelik", "Dør", "Élan", "Fjell", "Gröna", "Håkon", "Île-", "Józef", "Kőváry",
    "Łuk", "Møns", "Ñanda", "Ösel", "Přím", "Røros", "Šuma", "Tür", "Úval", "Νησί", "Река", "山の",
    "نهر",
];

const TAILS: [&str; 18] = [
    "by",
    "dal",
    "ford",
    "gård",
    "heim",
    "ište",
    "köy",
    "mouth",
    "nès",
    "ów",
    "pólis",
    "rück",
    "stad",
    "ţara",
    "vík",
    "wick",
    " São",
    "-über-Tal",
];

/// Writes `lines` measurements.
pub(crate) fn write(lines: u64, seed: u64, sink: &mut Sink) -> io::Result<()> {
    let mut rng = Rng::new(seed);
    let stations = stations(&mut rng);
    for _ in 0..lines {
        let (name, mean) = rng.pick(&stations);
        // The sum of four even draws is close to a bell of 10 degrees' width.
        let noise: i64 = (0..4).map(|_| rng.below(101) as i64 - 50).sum();
        let out = sink.buffer();
        out.extend_from_slice(name);
        push_tenths(out, (mean + noise).clamp(-999, 999));
        sink.end_line()?;
    }
    Ok(())
}

/// Names with their semicolon, and mean temperatures in tenths of a degree.
fn stations(rng: &mut Rng) -> Vec<(Vec<u8>, i64)> {
    let all = HEADS.iter().flat_map(|head| TAILS.iter().map(move |tail| format!("{head}{tail};")));
    all.take(STATIONS).map(|name| (name.into_bytes(), rng.below(500) as i64 - 150)).collect()
}

/// Appends tenths as a number with one decimal.
fn push_tenths(out: &mut Vec<u8>, tenths: i64) {
    if tenths < 0 {
        out.push(b'-');
    }
    push_number(out, tenths.unsigned_abs() / 10);
    out.push(b'.');
    out.push(b'0' + (tenths.unsigned_abs() % 10) as u8);
}
