"""Addresses and networks. The address is of type ip, or text; text that is no address gives NULL."""

import ipaddress

from ..casts import ip_text, read_ip
from ..errors import JobError, RecordError
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
        if not 0 <= count <= 128:
            raise RecordError(f"no prefix has {count} bits")
        count = min(count, ip.max_prefixlen)
        network = ipaddress.ip_network((ip, count), strict=False)
        return f"{ip_text(network.network_address)}/{count}"

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
        return ip.version == network.version and ip in network

    return strict(BOOL, inside, as_address(address))
