//! Reading a compressed segment ahead: one thread decodes while another works on what came before.

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::Builder;

use super::chunk::{Chunk, ChunkBuffer, Oversize};
use super::rows::Before;
use super::{SourceError, StreamReader};

/// A chunk that owns its bytes.
struct Decoded {
    buffer: ChunkBuffer,
    /// How many of the buffer's bytes are the chunk's.
    len: usize,
    offset: u64,
    oversize: Option<Oversize>,
    before: Before,
}

/// Hands each chunk of a stream to `each`, in order, until that answers false, and the reader back. The stream is decoded on a
/// thread of its own; up to `waiting` chunks wait there beside the one that is decoded and the one that is worked on.
///
/// # Errors
///
/// Those of [`StreamReader::next_chunk`], behind the chunks before them, and those of `each`.
pub fn read_ahead<E: From<SourceError>>(
    reader: StreamReader,
    waiting: usize,
    mut each: impl FnMut(&Chunk<'_>) -> Result<bool, E>,
) -> Result<StreamReader, E> {
    let path = reader.path().to_owned();
    std::thread::scope(|scope| {
        let (sender, decoded) = sync_channel(waiting);
        let (used, buffers) = channel();
        let decoder = Builder::new()
            .name("decoder".into())
            .spawn_scoped(scope, move || decode(reader, &sender, &buffers))
            .map_err(SourceError::io("start a thread for", &path))?;
        let taken = take(decoded, &used, &mut each);
        let reader = decoder.join().unwrap_or_else(|bug| resume_unwind(bug));
        taken.map(|()| reader)
    })
}

/// Decodes until the end, an error, or until nobody takes the chunks any more.
fn decode(
    mut reader: StreamReader,
    sender: &SyncSender<Result<Decoded, SourceError>>,
    buffers: &Receiver<ChunkBuffer>,
) -> StreamReader {
    loop {
        let mut buffer = buffers.try_recv().unwrap_or_default();
        let parts = match reader.next_chunk(&mut buffer) {
            Ok(Some(chunk)) => Ok((chunk.bytes.len(), chunk.offset, chunk.oversize, chunk.before)),
            Ok(None) => return reader,
            Err(error) => Err(error),
        };
        let is_last = parts.is_err();
        let decoded = parts.map(|(len, offset, oversize, before)| Decoded {
            buffer,
            len,
            offset,
            oversize,
            before,
        });
        if sender.send(decoded).is_err() || is_last {
            return reader;
        }
    }
}

/// Takes what is decoded; its buffers go back.
fn take<E: From<SourceError>>(
    decoded: Receiver<Result<Decoded, SourceError>>,
    used: &Sender<ChunkBuffer>,
    each: &mut impl FnMut(&Chunk<'_>) -> Result<bool, E>,
) -> Result<(), E> {
    for decoded in decoded {
        let Decoded { buffer, len, offset, oversize, before } = decoded?;
        let goes_on = each(&Chunk { bytes: &buffer.bytes[..len], offset, oversize, before })?;
        // Its end may be gone already: then no buffer is needed any more.
        let _ = used.send(buffer);
        if !goes_on {
            break;
        }
    }
    Ok(())
}
