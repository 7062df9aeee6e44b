//! The made-up site behind the access log: its paths, visitors and browsers.

use crate::rng::Rng;
use crate::text::{StringTable, push_number};

/// The pages that everybody opens; they have the lowest ranks.
const FRONT: [&str; 12] = [
    "/",
    "/static/site.css",
    "/static/site.js",
    "/api/v1/session",
    "/favicon.ico",
    "/health",
    "/login",
    "/cart",
    "/search",
    "/robots.txt",
    "/checkout",
    "/api/v1/events",
];

const WORDS: [&str; 24] = [
    "amber", "basket", "copper", "drift", "ember", "fable", "garden", "harbor", "indigo", "jasper",
    "kettle", "lantern", "meadow", "nimbus", "orchid", "pepper", "quartz", "ribbon", "saddle",
    "timber", "umber", "velvet", "willow", "zephyr",
];

const SYSTEMS: [&str; 5] = [
    "Windows NT 10.0; Win64; x64",
    "Macintosh; Intel Mac OS X 10_15_7",
    "X11; Linux x86_64",
    "Linux; Android 10; K",
    "iPhone; CPU iPhone OS 18_5 like Mac OS X",
];

const ROBOTS: [&str; 8] = [
    "curl/8.14.1",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "python-requests/2.32.4",
    "Go-http-client/1.1",
    "kube-probe/1.33",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "-",
];

const ORIGINS: [&str; 6] = [
    "https://shop.example",
    "https://www.search.example/?q=shop",
    "https://news.example/2026/11/",
    "https://shop.example/",
    "https://mail.example/inbox",
    "android-app://com.example.shop/",
];

/// `count` distinct request targets, by rank.
pub(crate) fn paths(count: usize) -> StringTable {
    StringTable::build(count, |out, rank| match FRONT.get(rank) {
        Some(path) => out.extend_from_slice(path.as_bytes()),
        None => push_path(out, rank),
    })
}

/// A target that carries its rank, so that no two are the same.
fn push_path(out: &mut Vec<u8>, rank: usize) {
    let one = WORDS[rank / 8 % WORDS.len()];
    let two = WORDS[rank / 200 % WORDS.len()];
    let (before, after) = match rank % 8 {
        0 => ("/products/".to_owned(), String::new()),
        1 => ("/products/".to_owned(), format!("/reviews?page={}", rank % 5 + 1)),
        2 => (format!("/blog/{one}-{two}-"), String::new()),
        3 => (format!("/img/{one}-"), ".webp".to_owned()),
        4 => ("/api/v1/orders/".to_owned(), String::new()),
        5 => (format!("/search?q={one}+{two}&page="), String::new()),
        6 => ("/users/".to_owned(), "/profile".to_owned()),
        _ => ("/static/chunk-".to_owned(), ".js".to_owned()),
    };
    out.extend_from_slice(before.as_bytes());
    push_number(out, rank as u64);
    out.extend_from_slice(after.as_bytes());
}

/// `count` addresses out of ranges that belong to nobody: private IPv4, benchmark IPv4, documentation IPv6.
pub(crate) fn clients(count: usize, rng: &mut Rng) -> StringTable {
    StringTable::build(count, |out, _| {
        let bits = rng.bits();
        if bits.is_multiple_of(9) {
            let (net, host) = (bits >> 48 & 0xfff | 0x1000, bits >> 32 & 0xfff | 0x1000);
            out.extend_from_slice(format!("2001:db8:{net:x}::{host:x}").as_bytes());
        } else if bits.is_multiple_of(5) {
            push_ipv4(out, [198, 18 + (bits >> 32 & 1), bits >> 40 & 255, bits >> 48 & 255]);
        } else {
            push_ipv4(out, [10, bits >> 32 & 255, bits >> 40 & 255, bits >> 48 & 255]);
        }
    })
}

fn push_ipv4(out: &mut Vec<u8>, parts: [u64; 4]) {
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            out.push(b'.');
        }
        push_number(out, part);
    }
}

/// User agents by rank: browsers of several systems and versions, a few robots between them.
pub(crate) fn user_agents() -> StringTable {
    StringTable::build(120, |out, rank| {
        if rank % 8 == 7 {
            return out.extend_from_slice(ROBOTS[rank / 8 % ROBOTS.len()].as_bytes());
        }
        let system = SYSTEMS[rank % SYSTEMS.len()];
        let version = 142 - rank / 10;
        let agent = match rank % 3 {
            2 => {
                format!("Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0")
            }
            _ => format!(
                "Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/{version}.0.0.0 Safari/537.36"
            ),
        };
        out.extend_from_slice(agent.as_bytes());
    })
}

/// Appends where a visitor came from: nowhere, another site, or a page of this one.
pub(crate) fn push_referer(out: &mut Vec<u8>, rng: &mut Rng, paths: &StringTable) {
    match rng.below(8) {
        0..=3 => out.push(b'-'),
        4 | 5 => out.extend_from_slice(rng.pick(&ORIGINS).as_bytes()),
        _ => {
            out.extend_from_slice(ORIGINS[0].as_bytes());
            out.extend_from_slice(paths.get(rng.below(paths.len().min(500) as u64) as usize));
        }
    }
}
