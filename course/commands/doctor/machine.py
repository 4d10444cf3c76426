"""Probes of the machine and of the data on it; each returns a list of Finding, and survives what is broken."""

import importlib
import os
import shutil
import threading
import time
from pathlib import Path

from course.commands.doctor.finding import BROKEN, Finding, count, existing, why

GIB = 2**30


def gpu():
    """Which GPU would torch use?"""
    try:
        import torch

        if torch.cuda.is_available():
            card = torch.cuda.get_device_properties(0)
            return [Finding("GPU", "ok", f"{card.name}, {card.total_memory / GIB:.1f} GiB (full runs use it)")]
        if torch.backends.mps.is_available():
            return [
                Finding(
                    "GPU", "note", "Apple's (mps); the course computes on the CPU here, which quick runs are made for"
                )
            ]
        if shutil.which("nvidia-smi"):
            text = (
                f"this machine has an NVIDIA driver, but torch {torch.__version__} cannot use it; quick runs need none"
            )
            return [Finding("GPU", "note", text, "update the driver, or install the torch that is built for it")]
    except BROKEN as error:
        return [Finding("GPU", "note", f"not looked at, as torch fails: {why(error)}")]
    return [Finding("GPU", "note", "none; quick runs are made for that")]


def processor():
    """How many cores and threads?"""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        import torch

        return [
            Finding("processor", "ok", f"{count(cores, 'core')}, torch uses {count(torch.get_num_threads(), 'thread')}")
        ]
    except BROKEN:  # `packages` says so
        return [Finding("processor", "ok", count(cores, "core"))]


def memory():
    """How much memory is free?"""
    total, free = _memory()
    if total is None:
        return [
            Finding(
                "memory",
                "note",
                "this system does not say without the package psutil; a quick lesson needs about 2 GiB",
            )
        ]
    text = f"{free / GIB:.1f} of {total / GIB:.1f} GiB free"
    if free < 2 * GIB:
        fix = "close other programs and kernels before you open a lesson"
        return [Finding("memory", "note", f"{text}; a quick lesson needs about 2 GiB", fix)]
    return [Finding("memory", "ok", text)]


def _memory(proc=Path("/proc/meminfo"), group=Path("/sys/fs/cgroup")):
    """Bytes of memory, (total, free), as this process may use them; (None, None) where the system does not say."""
    try:
        sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in proc.read_text().splitlines()}
        total, free = sizes["MemTotal"], sizes["MemAvailable"]
    except (OSError, KeyError):  # not Linux
        return _memory_elsewhere()
    try:
        limit, used = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
    except (OSError, ValueError):  # not in a container, or "max": no limit of its own
        return total, free
    return min(total, limit), min(free, max(0, limit - used))


def _memory_elsewhere():
    try:
        from psutil import virtual_memory  # often there, and asked for by nothing of ours
    except ImportError:
        return None, None
    return virtual_memory().total, virtual_memory().available


def disk():
    """Where do downloads go, and is there room?"""
    try:
        from course.env import data_root

        root = data_root()
        free = shutil.disk_usage(existing(root)).free
    except BROKEN as error:
        return [Finding("disk", "note", f"not looked at: {why(error)}")]
    elsewhere = "make room, or let COURSE_DATA name a roomier, writable folder"
    text = f"{free / GIB:.1f} GiB free for downloads in {root}"
    if not os.access(existing(root), os.W_OK):
        return [Finding("disk", "note", f"{root} cannot be written, so nothing can be downloaded", elsewhere)]
    return [Finding("disk", "note", text, elsewhere) if free < GIB else Finding("disk", "ok", text)]


def downloads(patience=6.0):
    """Which of the larger data sets are here, and can the others come? Waits `patience` seconds at most."""
    try:
        from course.data.downloads import DOWNLOADS, here

        importlib.import_module("torchvision")  # it knows where they come from
        present = {name: here(name) for name in DOWNLOADS}
        places = {name: download.files()[0][0].parent for name, download in DOWNLOADS.items()}
    except BROKEN as error:
        return [Finding("network", "note", f"not looked at: {why(error)}")]
    refused = _asked(DOWNLOADS, patience)
    found = [_network(refused)]
    for name, download in DOWNLOADS.items():
        state = "corrupt or half downloaded" if places[name].exists() else "not here"
        if present[name]:
            found.append(Finding(name, "ok", f"in {places[name]}"))
        elif not refused[name]:
            found.append(Finding(name, "note", f"{state}; fetched when a lesson asks for it ({download.megabytes} MB)"))
        else:
            found.append(Finding(name, "note", f"{state}, and not to be fetched now; quick lessons go without it"))
    return found


def _asked(names, patience):
    """Why each set cannot be downloaded now, "" where it can; all are asked at once."""
    from course.data.downloads import probe

    said = dict.fromkeys(names, f"no answer in {patience:g} s")

    def ask(name):
        try:
            probe(name)
            said[name] = ""
        except BROKEN as error:
            said[name] = why(error).removeprefix(f"{name}: ")

    # threads, as looking a name up without a network can hang for longer than any timeout of a socket
    asking = [threading.Thread(target=ask, args=(name,), daemon=True) for name in names]
    for thread in asking:
        thread.start()
    end = time.monotonic() + patience
    for thread in asking:
        thread.join(max(0.0, end - time.monotonic()))
    return dict(said)


def _network(refused):
    """What the answers for all sets say of the network."""
    if not any(refused.values()):
        return Finding("network", "ok", "data sets can be downloaded")
    come = [name for name, reason in refused.items() if not reason]
    first = next(f"{name}: {reason}" for name, reason in refused.items() if reason)
    what = f"{' and '.join(come)} can be downloaded, the rest cannot" if come else "no data set can be downloaded"
    return Finding("network", "note", f"{what} ({first}); quick lessons need no network")
