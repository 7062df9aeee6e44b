//! How a watch ends, and what it does when something is in its way.

use std::time::{Duration, Instant};

use crate::lines;
use crate::site::{Site, Watch};

#[test]
fn sigterm_in_the_middle_of_work_ends_it_within_seconds_with_whole_batches() {
    told_to_end(Site::new("watch_term", false), crate::count("LOGMILL_WATCH_TERMS", 8));
}

#[test]
fn sigterm_in_the_middle_of_a_delivery_to_a_server_does_so_too() {
    told_to_end(Site::new("watch_term_server", true), crate::count("LOGMILL_WATCH_TERMS", 8));
}

fn told_to_end(site: Site, terms: u64) {
    let log = site.logs().join("a.log");
    let mut random = lines::Random::new(3);
    let mut written = 0;
    for _ in 0..terms {
        let watch = site.watch(&["--every", "100ms"]);
        for _ in 0..random.below(6) + 1 {
            lines::append(&log, &lines::text(written, 5_000));
            written += 5_000;
            std::thread::sleep(Duration::from_millis(random.below(40)));
        }
        site.terminate(watch);
    }
    let watch = site.watch(&["--every", "100ms"]);
    site.wait_for_lines(written, Duration::from_secs(60));
    site.terminate(watch);
    site.compare_with_one_batch(crate::writer::Written { lines: written, rotations: 0 });
}

#[test]
fn a_second_process_waits_for_the_first_and_goes_on_where_it_ended() {
    let site = Site::new("watch_two", false);
    let log = site.logs().join("a.log");
    lines::append(&log, &lines::text(0, 100));
    let first = site.watch(&["--every", "100ms"]);
    site.wait_for_lines(100, Duration::from_secs(30));
    let second = site.watch(&["--every", "100ms"]);
    // A run says who holds the job, and leaves it alone.
    site.run(&[]);
    lines::append(&log, &lines::text(100, 100));
    site.wait_for_lines(200, Duration::from_secs(30));
    assert!(site.said().contains("another run holds this job (process "), "{}", site.said());
    site.terminate(first);
    lines::append(&log, &lines::text(200, 100));
    site.wait_for_lines(300, Duration::from_secs(30));
    site.terminate(second);
    site.compare_with_one_batch(crate::writer::Written { lines: 300, rotations: 0 });
}

#[test]
fn it_waits_for_files_that_do_not_exist_yet() {
    let site = Site::new("watch_none", false);
    let watch = site.watch(&["--every", "100ms"]);
    std::thread::sleep(Duration::from_millis(400));
    lines::append(&site.logs().join("late.log"), &lines::text(0, 50));
    site.wait_for_lines(50, Duration::from_secs(30));
    site.terminate(watch);
    assert!(site.said().contains("no file matches logs/*.log* yet"), "{}", site.said());
}

#[test]
fn a_service_manager_is_told_when_it_is_ready_and_what_it_does() {
    let site = Site::new("watch_notify", false);
    let path = site.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    lines::append(&site.logs().join("a.log"), &lines::text(0, 50));
    let mut watch = std::process::Command::new(env!("CARGO_BIN_EXE_logmill"));
    watch.args(["watch", "watched.toml", "--every", "100ms", "--state-dir", "state"]);
    watch.current_dir(site.path()).env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "300000");
    let started = Instant::now();
    let watch = watch.spawn().expect("logmill starts");
    let (mut told, mut buffer) = (String::new(), [0; 4096]);
    let wanted = ["READY=1", "STATUS=watched: batch 1, 50 lines", "WATCHDOG=1"];
    while !wanted.iter().all(|word| told.contains(word)) {
        let length = socket.recv(&mut buffer).unwrap_or_else(|e| panic!("{e} after {told}"));
        told += &String::from_utf8_lossy(&buffer[..length]);
        told.push('\n');
    }
    site.terminate(Watch(watch, started));
    while !told.contains("STOPPING=1") {
        let length = socket.recv(&mut buffer).unwrap_or_else(|e| panic!("{e} after {told}"));
        told += &String::from_utf8_lossy(&buffer[..length]);
    }
}

#[test]
fn files_that_grow_are_not_final() {
    let site = Site::new("watch_final", false);
    let mut watch = site.watch(&["--final"]);
    assert_eq!(watch.0.wait().expect("a status").code(), Some(2));
    assert!(site.said().contains("use `logmill run --final`"), "{}", site.said());
}
