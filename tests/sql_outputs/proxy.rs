//! A TCP proxy before the server that cuts one connection at its COMMIT.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Where the connection breaks.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Cut {
    /// The server never sees the COMMIT.
    BeforeCommit,
    /// The server commits; its answer never arrives.
    BeforeAnswer,
}

/// A COM_QUERY packet from its command byte on; `READ COMMITTED` is not meant.
const COMMIT: &[u8] = b"\x03COMMIT";

/// Listens, and returns the port. The first COMMIT that comes by is cut, all else passes.
pub(crate) fn cutting_proxy(server: String, cut: Cut) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let armed = Arc::new(AtomicBool::new(true));
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (server, armed) = (TcpStream::connect(&server).expect("the server"), armed.clone());
            std::thread::spawn(move || forward(client, server, cut, &armed));
        }
    });
    port
}

fn forward(mut client: TcpStream, mut server: TcpStream, cut: Cut, armed: &AtomicBool) {
    let mute = Arc::new(AtomicBool::new(false));
    let answers = (server.try_clone().expect("a clone"), client.try_clone().expect("a clone"));
    let muted = mute.clone();
    std::thread::spawn(move || copy_answers(answers.0, answers.1, &muted));
    let mut buffer = vec![0; 1 << 16];
    while let Ok(bytes @ 1..) = client.read(&mut buffer) {
        let commit = buffer[..bytes].ends_with(COMMIT);
        let cutting = commit && armed.swap(false, Ordering::SeqCst);
        if cutting && cut == Cut::BeforeCommit {
            break;
        }
        mute.store(cutting, Ordering::SeqCst);
        if server.write_all(&buffer[..bytes]).is_err() {
            break;
        }
        if cutting {
            std::thread::sleep(Duration::from_millis(500));
            break;
        }
    }
    // Either side may be gone already.
    let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
}

fn copy_answers(mut server: TcpStream, mut client: TcpStream, muted: &AtomicBool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(bytes @ 1..) = server.read(&mut buffer) {
        if !muted.load(Ordering::SeqCst) && client.write_all(&buffer[..bytes]).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
}
