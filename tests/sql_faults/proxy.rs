//! A TCP proxy before a server that knows where the packets of MySQL's protocol end: it cuts a connection at a given one, or
//! holds it up.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// Who sent a packet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Side {
    Client,
    Server,
}

/// The packet that is meant.
#[derive(Clone, Copy, Debug)]
pub enum At {
    /// The n-th of that side from the arming on, over all connections; 1 is the next.
    Packet(Side, u32),
    /// The next COMMIT, or the answer to it.
    Commit(Side),
}

/// What happens to it.
#[derive(Clone, Copy, Debug)]
pub enum Then {
    /// It is lost, and the connection with it.
    Cut,
    /// The connection breaks amid it.
    Tear,
    /// It arrives, and then the connection breaks.
    CutBehind,
    /// It arrives after so long; if its receiver is still there.
    Hold(Duration),
}

/// What the proxy will do, once.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub at: At,
    pub then: Then,
}

struct Shared {
    /// `host:port`; empty while the server is away.
    server: Mutex<String>,
    armed: Mutex<Option<Armed>>,
    connections: AtomicU32,
    packets: [AtomicU32; 2],
}

struct Armed {
    fault: Fault,
    /// Packets that are still to pass before it.
    left: u32,
    /// The client's COMMIT has passed: the next packet of the server is the answer.
    committing: bool,
}

/// Listens on [`Proxy::port`] for as long as the process lives.
pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
}

impl Proxy {
    pub fn new(server: &str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            server: Mutex::new(server.into()),
            armed: Mutex::new(None),
            connections: AtomicU32::new(0),
            packets: [AtomicU32::new(0), AtomicU32::new(0)],
        });
        let for_clients = shared.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = for_clients.clone();
                std::thread::spawn(move || serve(client, &shared));
            }
        });
        Proxy { port, shared }
    }

    /// From now on the server is elsewhere.
    pub fn lead_to(&self, server: &str) {
        *self.shared.server.lock().expect("no panic") = server.into();
    }

    pub fn arm(&self, fault: Fault) {
        let left = match fault.at {
            At::Packet(_, number) => number,
            At::Commit(_) => 1,
        };
        *self.armed() = Some(Armed { fault, left, committing: false });
    }

    /// Ends the waiting for a fault; says whether it happened.
    pub fn disarm(&self) -> bool {
        self.armed().take().is_none()
    }

    /// Connections that reached the server so far.
    pub fn connections(&self) -> u32 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Packets of a side so far.
    pub fn packets(&self, side: Side) -> u32 {
        self.shared.packets[side as usize].load(Ordering::SeqCst)
    }

    fn armed(&self) -> MutexGuard<'_, Option<Armed>> {
        self.shared.armed.lock().expect("no panic")
    }
}

fn serve(client: TcpStream, shared: &Shared) {
    let address = shared.server.lock().expect("no panic").clone();
    // Away: the client sees a connection that ends at once.
    let Ok(server) = TcpStream::connect(&address) else { return };
    shared.connections.fetch_add(1, Ordering::SeqCst);
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("an option of a socket");
    }
    std::thread::scope(|scope| {
        scope.spawn(|| forward(&client, &server, Side::Client, shared));
        scope.spawn(|| forward(&server, &client, Side::Server, shared));
    });
}

/// Passes packets on until one side ends, and then ends both.
fn forward(mut from: &TcpStream, mut to: &TcpStream, side: Side, shared: &Shared) {
    while let Ok(packet) = read_packet(&mut from) {
        shared.packets[side as usize].fetch_add(1, Ordering::SeqCst);
        let passed = match shared.fault_of(&packet, side) {
            None => to.write_all(&packet),
            Some(Then::Hold(time)) => {
                std::thread::sleep(time);
                to.write_all(&packet)
            }
            Some(Then::Cut) => break,
            Some(Then::Tear) => {
                // The other side may be gone already.
                let _ = to.write_all(&packet[..packet.len() / 2]);
                break;
            }
            Some(Then::CutBehind) => {
                let _ = to.write_all(&packet);
                break;
            }
        };
        if passed.is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

/// A packet with its header: three bytes of length, one of its number.
fn read_packet(from: &mut &TcpStream) -> io::Result<Vec<u8>> {
    let mut packet = vec![0; 4];
    from.read_exact(&mut packet)?;
    let length = u32::from_le_bytes([packet[0], packet[1], packet[2], 0]) as usize;
    packet.resize(4 + length, 0);
    from.read_exact(&mut packet[4..])?;
    Ok(packet)
}

impl Shared {
    /// What is to happen to this packet.
    fn fault_of(&self, packet: &[u8], side: Side) -> Option<Then> {
        let mut armed = self.armed.lock().expect("no panic");
        let waiting = armed.as_mut()?;
        let hit = match waiting.fault.at {
            At::Packet(of, _) => of == side,
            At::Commit(Side::Client) => side == Side::Client && is_commit(packet),
            At::Commit(Side::Server) => {
                let answer = side == Side::Server && waiting.committing;
                waiting.committing |= side == Side::Client && is_commit(packet);
                answer
            }
        };
        if hit {
            waiting.left -= 1;
        }
        if waiting.left > 0 {
            return None;
        }
        armed.take().map(|armed| armed.fault.then)
    }
}

/// COM_QUERY with the one word.
fn is_commit(packet: &[u8]) -> bool {
    &packet[4..] == b"\x03COMMIT"
}
