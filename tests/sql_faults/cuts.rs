//! A connection that is cut at any packet, in either direction.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::count;
use crate::fixture::{Place, mysql_url};
use crate::model::{KINDS, Kind, Model, Random};
use crate::proxy::{At, Fault, Proxy, Side, Then};
use crate::server::{address_of, through};

#[test]
fn a_connection_cut_at_any_packet_leaves_each_batch_applied_once() {
    let trials = count("LOGMILL_CUT_TRIALS", 60);
    let seed = count("LOGMILL_SEED", u64::from(std::process::id()));
    println!("LOGMILL_SEED={seed}");
    let mut random = Random::new(seed);
    let proxy = Proxy::new(&address_of(&mysql_url()));
    let url = || through(&mysql_url(), proxy.port);
    let mut model = Model::new(Place::mysql());
    model.deliver(Kind::Fresh, &mut random, &url, &mut || {});
    let packets = KINDS.map(|kind| packets_of(kind, &mut model, &mut random, &proxy, &url));

    let (mut happened, mut attempts, begin) = (BTreeMap::<String, u32>::new(), 0, Instant::now());
    for trial in 0..trials {
        let number = random.below(KINDS.len() as u64) as usize;
        let fault = draw(&mut random, packets[number]);
        let tries = model.deliver(KINDS[number], &mut random, &url, &mut || proxy.arm(fault));
        if proxy.disarm() {
            let word = match fault.at {
                At::Packet(side, _) => format!("at a packet of the {side:?}"),
                At::Commit(side) => format!("at COMMIT, {side:?}"),
            };
            *happened.entry(word).or_default() += 1;
        }
        attempts += u64::from(tries);
        println!("trial {trial}: {:?}, {fault:?}, {tries} attempts", KINDS[number]);
        model.check();
    }
    model.deliver(Kind::Fresh, &mut random, &url, &mut || {});
    model.check();
    model.check_no_leftovers();
    let cuts: u32 = happened.values().sum();
    println!(
        "{trials} deliveries, {cuts} cuts {happened:?}, {attempts} attempts, {:?}",
        begin.elapsed()
    );
    assert!(u64::from(cuts) >= trials / 2, "most deliveries are cut");
}

/// The packets of a delivery that nothing happens to: of the client, of the server.
fn packets_of(
    kind: Kind,
    model: &mut Model,
    random: &mut Random,
    proxy: &Proxy,
    url: &dyn Fn() -> String,
) -> [u32; 2] {
    let before = [Side::Client, Side::Server].map(|side| proxy.packets(side));
    model.deliver(kind, random, url, &mut || {});
    model.check();
    [0, 1].map(|side| {
        let sides = [Side::Client, Side::Server];
        proxy.packets(sides[side]) - before[side]
    })
}

fn draw(random: &mut Random, packets: [u32; 2]) -> Fault {
    let (side, number) = match random.below(2) {
        0 => (Side::Client, packets[0]),
        _ => (Side::Server, packets[1]),
    };
    let at = match random.below(4) {
        0 => At::Commit(side),
        _ => At::Packet(side, 1 + random.below(u64::from(number)) as u32),
    };
    let then = match random.below(3) {
        0 => Then::Cut,
        1 => Then::Tear,
        _ => Then::CutBehind,
    };
    Fault { at, then }
}
