"""Child processes that end with us."""
import os
import signal
import socket
import subprocess
import time


def spawn(command, folder, **options):
    """Starts a program; what it says goes to `programs.log` in the case's folder."""
    said = open(os.path.join(folder, "programs.log"), "ab")
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen(command, cwd=folder, stdout=said, stderr=said, **options)


def end(process, number, seconds=10):
    """Sends a signal and waits; what does not end is killed, and is an error."""
    if process.poll() is not None:
        return process.returncode
    process.send_signal(number)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise RuntimeError(f"{process.args[0]} did not end within {seconds} s of {signal.Signals(number).name}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process, folder):
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{process.args[0]} does not answer on port {port}: {last_words(folder)}")


def last_words(folder):
    words = []
    for name in ("programs.log", "error.log"):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            with open(path, errors="replace") as file:
                words.append(file.read()[-500:].strip())
    return " ".join(words)


def wait_for_file(path, process, folder):
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        if os.path.exists(path):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args[0]} does not make {path}: {last_words(folder)}")


def end_with_parent():
    """Whatever ends the parent, SIGKILL too, sends SIGTERM to this process (Linux)."""
    import ctypes

    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
