//! Decodes files and throws away what comes out: what any reader of compressed logs takes at least. Each file has a thread
//! of its own. `.gz` goes through flate2 with zlib-rs, `.zst` through zstd, as in logmill.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::process::ExitCode;

/// Compressed bytes read at a time, as logmill does.
const INPUT_BYTES: usize = 128 << 10;
/// Decoded bytes at a time; what they are written to stays in the second-level cache.
const OUTPUT_BYTES: usize = 128 << 10;

fn main() -> ExitCode {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    if paths.is_empty() {
        eprintln!("usage: decode FILE...");
        return ExitCode::from(2);
    }
    let decoded: io::Result<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            paths.iter().map(|path| scope.spawn(|| decode(Path::new(path)))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    match decoded {
        Ok(bytes) => {
            println!("{bytes} bytes");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("decode: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Decodes a file; returns its decoded bytes.
fn decode(path: &Path) -> io::Result<u64> {
    let input = BufReader::with_capacity(INPUT_BYTES, File::open(path)?);
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("gz") => drain(flate2::bufread::MultiGzDecoder::new(input)),
        Some("zst") => drain(zstd::stream::read::Decoder::with_buffer(input)?),
        _ => Err(io::Error::other(format!("{}: neither .gz nor .zst", path.display()))),
    }
}

fn drain(mut decoder: impl Read) -> io::Result<u64> {
    let (mut buffer, mut total) = (vec![0; OUTPUT_BYTES], 0);
    loop {
        match decoder.read(&mut buffer)? {
            0 => return Ok(total),
            read => total += read as u64,
        }
    }
}
