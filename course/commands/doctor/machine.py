"""Probes of the machine and of the data on it; each returns a list of Finding, and survives what is broken."""

import importlib
import os
import shutil
import threading
import zipfile
from pathlib import Path

from course.commands.doctor.finding import BROKEN, Finding, count, why

SHIPPED = ("quizzes", "data/mnist_mini.npz", "data/photos")
DOWNLOADS = {  # where, how many files, MB to fetch
    "mnist": ("MNIST/raw", 4, 12),
    "fashion_mnist": ("FashionMNIST/raw", 4, 31),
    "cifar10": ("cifar-10-batches-py", 7, 170),
}
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
        return [Finding("memory", "note", "this system does not say; a quick lesson needs about 2 GiB")]
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
        return None, None
    try:
        limit, used = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
    except (OSError, ValueError):  # not in a container, or "max": no limit of its own
        return total, free
    return min(total, limit), min(free, max(0, limit - used))


def _existing(folder):
    """The folder, or the nearest one above it that is there."""
    return next(place for place in (folder, *folder.absolute().parents) if place.exists())


def disk():
    """Where do downloads go, and is there room?"""
    try:
        from course.env import data_root

        root = data_root()
        free = shutil.disk_usage(_existing(root)).free
    except BROKEN as error:
        return [Finding("disk", "note", f"not looked at: {why(error)}")]
    elsewhere = "make room, or let COURSE_DATA name a roomier, writable folder"
    text = f"{free / GIB:.1f} GiB free for downloads in {root}"
    if not os.access(_existing(root), os.W_OK):
        return [Finding("disk", "note", f"{root} cannot be written, so nothing can be downloaded", elsewhere)]
    return [Finding("disk", "note", text, elsewhere) if free < GIB else Finding("disk", "ok", text)]


def network(patience=4.0):
    """Does a host answer that data sets come from? Waits `patience` seconds at most."""
    try:
        from course.data import reachable

        importlib.import_module("torchvision")  # it knows the hosts
    except BROKEN as error:
        return [Finding("network", "note", f"not looked at: {why(error)}")]
    answer = []
    # a thread, as looking a name up without a network can hang for longer than any timeout of a socket
    asking = threading.Thread(target=lambda: answer.append(reachable()), daemon=True)
    asking.start()
    asking.join(patience)
    if answer == [True]:
        return [Finding("network", "ok", "data sets can be downloaded")]
    return [Finding("network", "note", "no answer from where data sets come from; quick lessons need no network")]


def shipped_files():
    """Is all there that comes with the course, and can the two small data sets be read?"""
    try:
        from course.data import load
        from course.env import shipped

        for path in SHIPPED:
            shipped(path)
        sets = [f"{name} ({len(load(name, 'all')[0]):,})" for name in ("digits", "mnist_mini")]
    except (*BROKEN, ValueError, EOFError, zipfile.BadZipFile) as error:
        return [
            Finding("course files", "fault", why(error), "fetch the course again: git restore ., or reinstall it", True)
        ]
    return [Finding("course files", "ok", f"all here; data sets {' and '.join(sets)}")]


def downloads(online):
    """Which of the larger data sets are here, and can the others come? `online` is what `network` found."""
    try:
        from course.env import data_root

        root = data_root()
    except BROKEN as error:
        return [Finding("data", "note", f"not looked at: {why(error)}")]
    found = []
    for name, (place, files, size) in DOWNLOADS.items():
        folder = root / place
        if folder.is_dir() and sum(file.is_file() for file in folder.iterdir()) >= files:
            found.append(Finding(name, "ok", f"in {folder}"))
        elif online:
            found.append(Finding(name, "note", f"not here; fetched when a lesson asks for it ({size} MB)"))
        else:
            found.append(Finding(name, "note", "neither here nor to be fetched now; quick lessons go without it"))
    return found
