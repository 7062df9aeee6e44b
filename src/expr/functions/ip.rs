//! Addresses: their networks, and whether they are in one. Text that is no address gives NULL.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::data::DataType::{Bool, Text};
use crate::expr::kernel::{Kernel, Outcome, Row};
use crate::expr::op::cast::written;

use super::{Args, Function, Made, Param, refuse};

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("ip_prefix", &[Param::Text, Param::Int], |_| Ok((Text, Kernel::text(prefix)))),
    Function::new("ip_in", &[Param::Text, Param::Pattern], within),
];

/// The network of so many bits, as `10.1.2.0/24`. More bits than the address has keep all of it.
fn prefix<'a>(row: &Row<'_, 'a>) -> Outcome<&'a str> {
    let Ok(address) = row.text(0).parse::<IpAddr>() else {
        return Ok(None);
    };
    let bits = u32::try_from(row.int(1))
        .ok()
        .filter(|bits| *bits <= 128)
        .ok_or("prefix length out of range")?;
    let bits = bits.min(width(address));
    let network = network(address, bits);
    Ok(Some(written(row.arena, |out| write!(out, "{network}/{bits}"))))
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address with all but its first bits cleared.
fn network(address: IpAddr, bits: u32) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

/// Whether the address is in the network; an address alone is a network of one.
fn within(args: &Args<'_>) -> Made {
    let (net, bits) = cidr(args.pattern(1)).ok_or_else(|| {
        refuse(1, format!("'{}' is no network, such as 10.0.0.0/8", args.pattern(1)))
    })?;
    let kernel = Kernel::value(move |row| {
        let Ok(address) = row.text(0).parse::<IpAddr>() else {
            return Ok(None);
        };
        Ok(Some(address.is_ipv4() == net.is_ipv4() && network(address, bits) == net))
    });
    Ok((Bool, kernel))
}

fn cidr(text: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
    let address: IpAddr = address.trim().parse().ok()?;
    let bits = bits.map_or(Some(width(address)), |bits| bits.trim().parse().ok())?;
    (bits <= width(address)).then(|| (network(address, bits), bits))
}
