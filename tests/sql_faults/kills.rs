//! A server that is killed in the middle of deliveries.

use std::time::{Duration, Instant};

use crate::count;
use crate::fixture::Place;
use crate::model::{KINDS, Model, Random};
use crate::proxy::Proxy;
use crate::server::{Server, through};

#[test]
fn a_server_killed_at_any_moment_has_each_batch_once() {
    let kills = count("LOGMILL_MARIADBD_KILLS", 3);
    let seed = count("LOGMILL_SEED", u64::from(std::process::id()));
    println!("LOGMILL_SEED={seed}");
    let mut random = Random::new(seed);
    let mut server = Server::start();
    // Its port changes with each start; the outputs' url does not.
    let proxy = Proxy::new(&server.address());
    let url = through(&server.url, proxy.port);
    let mut model = Model::new(Place::Mysql { url: url.clone(), table: "kills".into() });

    let (mut attempts, mut away) = (0, Duration::ZERO);
    for kill in 0..kills {
        let kind = KINDS[random.below(KINDS.len() as u64) as usize];
        let pause = Duration::from_micros(random.below(60_000));
        let (shared, killed) = (&mut server, &mut away);
        let mut tries = 0;
        std::thread::scope(|scope| {
            let (start, started) = std::sync::mpsc::channel();
            let (proxy, model, random, url) = (&proxy, &mut model, &mut random, &url);
            scope.spawn(move || {
                started.recv().expect("the delivery begins");
                std::thread::sleep(pause);
                let begin = Instant::now();
                shared.kill();
                shared.restart();
                proxy.lead_to(&shared.address());
                *killed += begin.elapsed();
            });
            // A server that is away is tried again, as by a process that watches.
            let patient = || {
                std::thread::sleep(Duration::from_millis(100));
                url.clone()
            };
            tries =
                model.deliver(kind, random, &patient, &mut || start.send(()).expect("the killer"));
        });
        println!("kill {kill}: {kind:?} after {pause:?}, {tries} attempts");
        attempts += tries;
        model.check();
    }
    model.deliver(KINDS[1], &mut random, &|| url.clone(), &mut || {});
    model.check_no_leftovers();
    println!(
        "{kills} kills, {attempts} attempts, a restart takes {:?}",
        away / kills.max(1) as u32
    );
}
