"""Ids in logs: each line has `/r/<id> ` once."""
import bz2
import gzip
import lzma
import re
import subprocess

from . import needs

ID = re.compile(rb"/r/(\d+) ")


def of_bytes(data):
    return [int(found) for found in ID.findall(data)]


def of_file(path):
    """The ids of a file's whole lines, unpacked if need be; what is cut off or damaged is left out."""
    with open(path, "rb") as file:
        data = file.read()
    return of_bytes(whole_lines(unpacked(data)))


def whole_lines(data):
    return data[: data.rfind(b"\n") + 1]


def unpacked(data):
    try:
        if data.startswith(b"\x1f\x8b"):
            return gzip.decompress(data)
        if data.startswith(b"BZh"):
            return bz2.decompress(data)
        if data.startswith(b"\xfd7zXZ"):
            return lzma.decompress(data)
    except (EOFError, OSError, lzma.LZMAError):
        # Still being written. Whoever reads it later finds all of it.
        return b""
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        done = subprocess.run([needs.path_of("zstd"), "-dcq"], input=data, capture_output=True)
        return done.stdout if done.returncode == 0 else b""
    return data
