"""Addresses and networks. The address is of type ip, or text; text that is no address gives NULL."""

import ipaddress

from ..casts import read_ip
from ..errors import JobError, RecordError, Unsupported
from ..node import as_int, as_text, derived, literal_text, strict
from ..types import BOOL, IP, TEXT
from . import function


def as_address(node):
    if node.type == IP:
        return node
    node = as_text(node)

    def run(record):
        text = node.run(record)
        try:
            return None if text is None else read_ip(text)
        except RecordError:
            return None

    return derived(IP, run, [node])


@function("ip_prefix", least=2)
def ip_prefix(address, bits):
    def prefix(ip, count):
        if not 0 <= count <= ip.max_prefixlen:
            raise Unsupported(f"the first {count} bits of an address of {ip.max_prefixlen}")
        if ip.version == 6 and ip.ipv4_mapped is not None:
            raise Unsupported("the network of an IPv4-mapped address")
        return str(ipaddress.ip_network((ip, count), strict=False))

    return strict(TEXT, prefix, as_address(address), as_int(bits))


@function("ip_in", least=2)
def ip_in(address, cidr):
    text = literal_text(cidr, "a network")
    try:
        # Bits behind the prefix don't count, as in PostgreSQL's `inet <<= inet`.
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise JobError(f"no network: {text!r}") from None

    def inside(ip):
        if ip.version != network.version:
            if ip.version == 6 and ip.ipv4_mapped is not None:
                raise Unsupported("an IPv4-mapped address in an IPv4 network")
            return False
        return ip in network

    return strict(BOOL, inside, as_address(address))
