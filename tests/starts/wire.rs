//! Where a run talks with a server.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::points::Point;
use crate::strace::Call;

/// The calls that talk with a server, over TCP.
pub const WIRE: [&str; 2] = ["sendto", "recvfrom"];

/// The points of a run at which it has just talked with the server, and whether it then has a transaction there that holds
/// others up.
pub fn points_on_wire(calls: &[Call]) -> Vec<(Point, bool)> {
    let mut counted: BTreeMap<(u32, &str), usize> = BTreeMap::new();
    let (mut found, mut holds) = (Vec::new(), false);
    for call in calls.iter().filter(|call| WIRE.contains(&call.name.as_str())) {
        let number = counted.entry((call.thread, &call.name)).or_default();
        *number += 1;
        if call.name == "sendto" {
            let text = String::from_utf8_lossy(&call.first_bytes(1)).into_owned();
            // The look at the newest batch, under lock; and what ends it.
            holds = (holds || text.contains("SELECT state_id"))
                && !text.contains("COMMIT")
                && !text.contains("ROLLBACK");
        }
        let (call, number) = (call.name.clone(), *number);
        found.push((Point { path: PathBuf::new(), call, number, creates: false }, holds));
    }
    found
}
