"""Downloads: whole or not at all, never written where nothing may be written, and errors that say what to do."""

import errno
import gzip
import hashlib
import os
import pickle
import shutil
import socket
import ssl
import tarfile
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import torch
from helpers import files, listing, read_only, refused
from project import run

from course import data
from course.data import DOWNLOADS, SPLITS, DataError, load
from course.data.downloads import probe
from course.data.sets import LOCAL


class Mirror(BaseHTTPRequestHandler):
    """Serves the files of `server.folder`, whole, or as `server.fault` says."""

    protocol_version = "HTTP/1.1"  # the one that has chunks

    def do_GET(self):
        content = (self.server.folder / Path(self.path).name).read_bytes()
        fault, self.close_connection = self.server.fault, True
        if fault == "no answer in HTTP":
            self.wfile.write(b"welcome to the airport\r\n")
            return
        self.send_response(403 if fault == "403" else 200)
        if fault == "breaks off in a chunk":
            self.send_header("Transfer-Encoding", "chunked")
            content = b"ffff\r\n" + content[:100]
        else:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        content = {"breaks off": content[:100], "sends a page": b"<html>moved".ljust(len(content))}.get(fault, content)
        self.wfile.write(content)

    def log_message(self, *_):
        pass


FAULTS = ["403", "no answer in HTTP", "breaks off", "breaks off in a chunk", "sends a page"]


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A mirror that serves a folder, `.folder`, under `.url`; COURSE_DATA is an empty folder, `.root`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        server.fault = None
        server.url = f"http://127.0.0.1:{server.server_port}/"
        server.folder, server.root = tmp_path / "mirror", tmp_path / "root"
        server.folder.mkdir()
        server.root.mkdir()
        monkeypatch.setenv("COURSE_DATA", str(server.root))
        monkeypatch.setenv("no_proxy", "*")
        monkeypatch.setattr(urllib.request, "_opener", None)  # it keeps the proxies that it once found
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


BYTES = np.random.RandomState(0).randint(256, size=10_000, dtype=np.uint8)
NOWHERE = "http://127.0.0.1:9/"  # nobody listens there


def idx(values):
    """Bytes in MNIST's format, compressed always alike."""
    header = b"\0\0\x08" + bytes([values.ndim]) + b"".join(n.to_bytes(4, "big") for n in values.shape)
    return gzip.compress(header + values.tobytes(), mtime=0)


@pytest.fixture
def small_mnist(server, monkeypatch):
    """A mirror with seven training pictures, and an empty COURSE_DATA: (server, root)."""
    from torchvision.datasets import MNIST

    whole = {
        "train-images-idx3-ubyte.gz": idx(BYTES[: 7 * 784].reshape(7, 28, 28)),
        "train-labels-idx1-ubyte.gz": idx(np.arange(7, dtype=np.uint8)),
    }
    for name, content in whole.items():
        (server.folder / name).write_bytes(content)
    resources = [(name, hashlib.md5(content).hexdigest()) for name, content in whole.items()]
    monkeypatch.setattr(MNIST, "resources", resources)
    monkeypatch.setattr(MNIST, "mirrors", [server.url])
    return server, server.root


def images(folder):
    return folder / "MNIST" / "raw" / "train-images-idx3-ubyte.gz"


def check_small_mnist():
    x, y = load("mnist", "train")
    assert x.shape == (7, 1, 28, 28)
    assert y.tolist() == list(range(7))
    assert ((x + 1) * 127.5).round().byte().numpy().tobytes() == BYTES[: 7 * 784].tobytes()


def test_a_download_is_kept_and_needed_once(small_mnist):
    server, root = small_mnist
    check_small_mnist()
    assert set(files(root)) == {f"MNIST/raw/{file.name}" for file in server.folder.iterdir()}
    server.fault = "403"
    check_small_mnist()


def test_the_next_mirror_is_tried(small_mnist, monkeypatch):
    from torchvision.datasets import MNIST

    monkeypatch.setattr(MNIST, "mirrors", [NOWHERE, *MNIST.mirrors])
    check_small_mnist()


@pytest.mark.parametrize("kept", [0, 100, -1])
def test_a_corrupt_or_half_downloaded_file_is_replaced(small_mnist, kept):
    server, root = small_mnist
    images(root).parent.mkdir(parents=True)
    whole = (server.folder / images(root).name).read_bytes()
    images(root).write_bytes(whole[:kept] if kept else b"<html>403 Forbidden</html>")
    check_small_mnist()
    assert images(root).read_bytes() == whole


def test_a_corrupt_file_stays_where_it_cannot_be_replaced_and_the_error_says_so(small_mnist, monkeypatch):
    from torchvision.datasets import MNIST

    _, root = small_mnist
    images(root).parent.mkdir(parents=True)
    images(root).write_bytes(b"half")
    before = listing(root)
    monkeypatch.setattr(MNIST, "mirrors", [NOWHERE])
    with refused(DataError, r"mnist: .*ubyte\.gz is corrupt or half downloaded.*Connect.*COURSE_DATA.*'digits'"):
        load("mnist", "train")
    assert listing(root) == before


def test_without_network_the_error_says_what_goes_on(small_mnist, monkeypatch):
    from torchvision.datasets import MNIST

    _, root = small_mnist
    monkeypatch.setattr(MNIST, "mirrors", [NOWHERE, "http://127.0.0.1:10/"])
    with refused(DataError, r"is not here yet.*127\.0\.0\.1:9: .*127\.0\.0\.1:10: .*lessons go on with 'digits'"):
        load("mnist", "train")
    assert files(root) == {}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_mirror_that_fails_leaves_nothing(small_mnist, fault):
    server, root = small_mnist
    server.fault = fault
    with refused(DataError, r"is not here yet and cannot be downloaded \(127.*lessons go on with 'digits'"):
        load("mnist", "train")
    assert files(root) == {}


@pytest.mark.parametrize("halt", [KeyboardInterrupt(), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))], ids=repr)
def test_an_end_in_the_middle_of_a_download_leaves_nothing(small_mnist, monkeypatch, halt):
    from torchvision.datasets import utils

    _, root = small_mnist
    seen = []

    def half(url, filename, chunk_size=0):
        Path(filename).write_bytes(b"half")
        seen.append(sorted(files(root)))
        raise halt

    monkeypatch.setattr(utils, "_urlretrieve", half)
    kind, words = (
        (KeyboardInterrupt, "^$") if isinstance(halt, KeyboardInterrupt) else (DataError, "No space left.*writable")
    )
    with refused(kind, words):
        load("mnist", "train")
    assert len(seen[0]) == 1  # it was there
    assert files(root) == {}


@pytest.mark.parametrize("what", ["mkdir", "write"])
def test_a_read_only_folder_is_named(small_mnist, monkeypatch, what):
    _, root = small_mnist
    if what == "mkdir":
        monkeypatch.setattr(Path, "mkdir", read_only)
    else:
        monkeypatch.setattr(data.downloads, "write_whole", read_only)
    with refused(DataError, r"MNIST/raw/train.*Read-only file system.*COURSE_DATA name a writable folder"):
        load("mnist", "train")
    assert files(root) == {}


def test_files_in_a_read_only_folder_are_read_and_nothing_is_written(small_mnist, monkeypatch):
    _, root = small_mnist
    load("mnist", "train")
    before = listing(root)
    monkeypatch.setattr(Path, "mkdir", read_only)
    monkeypatch.setattr(data.downloads, "write_whole", read_only)
    check_small_mnist()
    assert listing(root) == before


def test_a_download_does_not_wait_for_ever_nor_changes_the_time_limit_of_others(small_mnist, monkeypatch):
    from torchvision.datasets import utils

    limits = []
    monkeypatch.setattr(utils, "_urlretrieve", lambda *a, **k: limits.append(socket.getdefaulttimeout()) or read_only())
    before = socket.getdefaulttimeout()
    with pytest.raises(DataError):
        load("mnist", "train")
    assert limits[0] is not None
    assert limits[0] <= 60
    assert socket.getdefaulttimeout() == before


@pytest.fixture
def small_cifar(server, tmp_path, monkeypatch):
    """A mirror with an archive of three pictures of CIFAR-10 for each part, and COURSE_DATA: (server, root)."""
    from torchvision.datasets import CIFAR10

    pictures = BYTES[: 3 * 3072].reshape(3, 3072)
    parts = [{"data": pictures, "labels": [3, 1, 4]}, {"data": 255 - pictures, "labels": [1, 5, 9]}]
    content = {"a": parts[0], "b": parts[1], "meta": {"label_names": list("0123456789")}}
    made = tmp_path / CIFAR10.base_folder
    made.mkdir()
    for name, values in content.items():
        (made / name).write_bytes(pickle.dumps(values))
    md5 = {file.name: hashlib.md5(file.read_bytes()).hexdigest() for file in made.iterdir()}
    archive = server.folder / CIFAR10.filename
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(made, CIFAR10.base_folder)
    monkeypatch.setattr(CIFAR10, "train_list", [["a", md5["a"]]])
    monkeypatch.setattr(CIFAR10, "test_list", [["b", md5["b"]]])
    monkeypatch.setattr(CIFAR10, "meta", {"filename": "meta", "key": "label_names", "md5": md5["meta"]})
    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())
    monkeypatch.setattr(CIFAR10, "url", server.url + archive.name)
    return server, server.root


def check_small_cifar():
    x, y = load("cifar10", "train")
    assert (x.shape, x.dtype) == ((3, 3, 32, 32), torch.float32)
    assert y.tolist() == [3, 1, 4]
    assert ((x + 1) * 127.5).round().byte().numpy().tobytes() == BYTES[: 3 * 3072].tobytes()
    torch.testing.assert_close(load("cifar10", "test")[0], -x)


def test_cifar10_is_downloaded_unpacked_and_needed_once(small_cifar):
    server, root = small_cifar
    check_small_cifar()
    server.fault = "403"
    check_small_cifar()
    assert {p.name for p in root.iterdir()} == {"cifar-10-python.tar.gz", "cifar-10-batches-py"}


def test_corrupt_pictures_are_unpacked_again(small_cifar):
    _, root = small_cifar
    load("cifar10", "train")
    whole = listing(root)
    (root / "cifar-10-batches-py" / "a").write_bytes(b"half")
    check_small_cifar()
    assert listing(root) == whole


def test_cifar10_in_a_read_only_folder_is_read(small_cifar, monkeypatch):
    _, root = small_cifar
    load("cifar10", "train")
    before = listing(root)
    monkeypatch.setattr(Path, "mkdir", read_only)
    monkeypatch.setattr(data.downloads, "write_whole", read_only)
    check_small_cifar()
    assert listing(root) == before


@pytest.mark.parametrize("when", ["at the start", "half way"])
def test_a_disk_that_fills_while_unpacking_leaves_only_the_archive(small_cifar, monkeypatch, when):
    from torchvision.datasets import utils

    _, root = small_cifar

    def half(archive, folder):
        if when == "half way":
            (Path(folder) / "cifar-10-batches-py").mkdir()
            (Path(folder) / "cifar-10-batches-py" / "a").write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(utils, "extract_archive", half)
    with refused(DataError, r"cifar10: .*No space left.*COURSE_DATA"):
        load("cifar10", "train")
    assert set(listing(root)) == {"cifar-10-python.tar.gz"}


def test_cifar10_without_network_says_what_goes_on(small_cifar, monkeypatch):
    from torchvision.datasets import CIFAR10

    _, root = small_cifar
    monkeypatch.setattr(CIFAR10, "url", NOWHERE + CIFAR10.filename)
    with refused(DataError, r"cifar10: .*is not here yet.*lessons go on with 'digits'"):
        load("cifar10", "train")
    assert listing(root) == {}


def through(monkeypatch, proxy):
    """Name a proxy to urllib, as a fresh interpreter would read it from the environment."""
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setattr(urllib.request, "_opener", None)


def made_small(name, monkeypatch, mirror):
    """Point a set of DOWNLOADS to an address, whichever of its kind it is."""
    from torchvision import datasets

    kind = {"mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST, "cifar10": datasets.CIFAR10}[name]
    if name == "cifar10":
        monkeypatch.setattr(kind, "url", mirror + kind.filename)
    else:
        monkeypatch.setattr(kind, "mirrors", [NOWHERE, mirror])


@pytest.fixture(params=DOWNLOADS)
def offered(request, server, monkeypatch):
    """A mirror that has the beginning of each set, and the name of one, which is asked of that mirror."""
    labels = idx(np.arange(7, dtype=np.uint8))
    (server.folder / "t10k-labels-idx1-ubyte.gz").write_bytes(labels)
    with tarfile.open(server.folder / "cifar-10-python.tar.gz", "w:gz", format=tarfile.GNU_FORMAT) as tar:
        place = tarfile.TarInfo("cifar-10-batches-py")
        place.type = tarfile.DIRTYPE
        tar.addfile(place)
    made_small(request.param, monkeypatch, server.url)
    return server, request.param


def test_a_set_that_can_be_downloaded_is_found(offered):
    server, name = offered
    probe(name)
    assert files(server.root) == {}  # it has only asked


@pytest.mark.parametrize("fault", FAULTS)
def test_a_set_that_cannot_is_found_too(offered, fault):
    server, name = offered
    server.fault = fault
    if fault == "breaks off":  # after the first bytes, which are all that is asked for
        probe(name)
        return
    with refused(DataError, f"{name}: .*127.0.0.1"):
        probe(name)


PAGE = b"<html>Sign in</html>"


@pytest.mark.parametrize("page", [PAGE, gzip.compress(PAGE), b""], ids=["plain", "packed", "empty"])
def test_a_sign_in_page_is_not_taken_for_the_set(offered, page):
    """Of whatever length and packing: a portal answers everything, and with status 200."""
    server, name = offered
    for file in server.folder.iterdir():
        file.write_bytes(page)
    with refused(DataError, f"{name}: .*127.0.0.1:{server.server_port} sends something else, as a sign-in page does"):
        probe(name)


def test_a_proxy_is_asked_where_the_environment_names_one(offered, monkeypatch):
    """The host exists for the proxy alone, as behind a firewall; the mirror plays the proxy."""
    server, name = offered
    made_small(name, monkeypatch, "http://sets.invalid/")
    with refused(DataError, "sets.invalid"):
        probe(name)
    through(monkeypatch, server.url)
    probe(name)
    server.fault = "sends a page"
    with refused(DataError, "sets.invalid sends something else"):
        probe(name)


def test_doctor_and_download_agree_behind_a_proxy(small_mnist, monkeypatch):
    from torchvision.datasets import MNIST

    from course.commands.doctor import machine

    server, _ = small_mnist
    monkeypatch.setattr(MNIST, "mirrors", ["http://sets.invalid/"])
    monkeypatch.setattr("course.data.downloads.DOWNLOADS", {"mnist": DOWNLOADS["mnist"]})
    through(monkeypatch, NOWHERE)
    network, mnist = machine.downloads()
    assert (network.status, "not to be fetched now" in mnist.text) == ("note", True)
    with pytest.raises(DataError):
        load("mnist", "train")
    through(monkeypatch, server.url)
    network, mnist = machine.downloads()
    assert (network.status, "fetched when a lesson asks for it" in mnist.text) == ("ok", True)
    check_small_mnist()
    assert machine.downloads()[1].status == "ok"
    (images(server.root)).write_bytes(b"half")
    assert machine.downloads()[1].text.startswith("corrupt or half downloaded; fetched when")


@pytest.mark.skipif(not shutil.which("openssl"), reason="there is no openssl to make a certificate with")
def test_a_certificate_that_nobody_knows_is_refused(offered, tmp_path, monkeypatch):
    """As that of a portal which answers for every host."""
    server, name = offered
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {key} -out {certificate}"
    assert run(*make.split(), "-addext", "subjectAltName=IP:127.0.0.1").returncode == 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    secure = server.url.replace("http:", "https:")
    made_small(name, monkeypatch, secure)
    with refused(DataError, "(?i)certificate"):
        probe(name)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))  # known, it is taken: nothing else was in the way
    probe(name)


def test_every_set_that_is_downloaded_can_be_loaded_and_the_other_way_round():
    assert set(SPLITS) == {*DOWNLOADS, *LOCAL}
    assert not set(DOWNLOADS) & set(LOCAL)
