"""Download from a real server that goes wrong in every way: a file is whole or not there, and goes on after breaks."""

import errno
import fcntl
import hashlib
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
from http_files import CERTIFICATE, Faults, serve

from sedlab.download import Patience, download, part_path
from sedlab.errors import SedlabError
from sedlab.files import file_sha256

CONTENT = np.random.default_rng(0).bytes(600_000)
OTHER = np.random.default_rng(1).bytes(600_000)
#: A busy machine may let a server wait for long; one that is to stall is left sooner.
HASTY = Patience(connect_seconds=60, stall_seconds=60, attempts=3, backoff_seconds=0.01)
PATIENCE = {"truncations": HASTY, "stalls": replace(HASTY, stall_seconds=0.5)}


@pytest.fixture
def server():
    with serve(CONTENT) as files:
        yield files


@pytest.fixture
def nobody():
    """An address at which nobody listens, nor can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights" / "model.ckpt"


def fetch(server, path, *, patience=HASTY, **options):
    return download(f"{server.url}/model.ckpt", path, patience=patience, **options)


def interrupt(server, path, *, after=200_000, **options):
    """Begin a download and stop it as Ctrl-C does."""

    def progress(done, total, what):
        if done > after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server, path, progress=progress, **options)
    assert not path.exists()
    return part_path(path).stat().st_size


def bytes_asked(server):
    return [request.get("Range") for request in server.requests]


def test_file_arrives_whole_with_its_hash_and_nothing_else_stays(server, path):
    seen = []
    done = fetch(server, path, progress=lambda *state: seen.append(state))
    assert path.read_bytes() == CONTENT
    assert done.sha256 == hashlib.sha256(CONTENT).hexdigest() == file_sha256(path)
    assert (done.size, done.resumed_from) == (len(CONTENT), 0)
    assert [one.name for one in path.parent.iterdir()] == ["model.ckpt"]
    assert seen[-1] == (len(CONTENT), len(CONTENT), "model.ckpt")
    assert [done for done, *_ in seen] == sorted(done for done, *_ in seen)


@pytest.mark.parametrize("fault", ["truncations", "stalls"])
def test_rest_is_asked_for_after_a_break(server, path, fault):
    setattr(server.faults, fault, 2)
    fetch(server, path, patience=PATIENCE[fault])
    assert path.read_bytes() == CONTENT
    first, second, third, *_ = bytes_asked(server)
    assert first is None
    assert 0 < int(second[6:-1]) <= server.faults.cut < int(third[6:-1]) <= 2 * server.faults.cut


def test_more_breaks_than_attempts_do_no_harm_while_bytes_arrive(server, path):
    server.faults.truncations = 5
    fetch(server, path)
    assert path.read_bytes() == CONTENT


def test_interrupted_download_goes_on_where_it_stopped(server, path):
    arrived = interrupt(server, path)
    done = fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert done.resumed_from == arrived > 0
    assert done.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert bytes_asked(server) == [None, f"bytes={arrived}-"]
    assert server.requests[-1]["If-Range"] == '"version-1"'


@pytest.mark.parametrize("ranges", ["ignore", "refuse", "wrong"])
def test_server_without_proper_ranges_sends_the_file_from_the_start(server, path, ranges):
    interrupt(server, path)
    server.faults.ranges = ranges
    assert fetch(server, path).resumed_from == 0
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("ranges", ["yes", "unconditional"])
def test_changed_file_is_not_glued_to_the_old_one(server, path, ranges):
    interrupt(server, path)
    server.replace(OTHER)
    server.faults.ranges = ranges
    assert fetch(server, path).resumed_from == 0
    assert path.read_bytes() == OTHER


def test_file_that_changes_during_the_download_arrives_in_one_version(server, path):
    server.faults.truncations = 1

    def progress(done, total, what):
        if server.version == 1:
            server.replace(OTHER[:500_000])

    fetch(server, path, progress=progress)
    assert path.read_bytes() == OTHER[:500_000]


@pytest.mark.parametrize("fault", ["validators", "weak"])
def test_without_a_strong_validator_the_file_is_fetched_anew(server, path, fault):
    setattr(server.faults, fault, fault == "weak")
    interrupt(server, path)
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert bytes_asked(server) == [None, None]


def test_part_of_another_address_is_not_used(server, path):
    interrupt(server, path)
    download(f"{server.url}/elsewhere/model.ckpt", path, patience=HASTY)
    assert bytes_asked(server) == [None, None]


def test_complete_part_needs_no_request(server, path):
    interrupt(server, path, after=len(CONTENT) - 1)
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_chunked_answer_without_length(server, path):
    server.faults.chunked = True
    fetch(server, path)
    assert path.read_bytes() == CONTENT


def test_chunked_answer_that_breaks_is_not_taken_for_whole(server, path):
    server.faults.chunked, server.faults.truncations = True, 1
    fetch(server, path)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("statuses", [[500], [503, 429]])
def test_server_in_trouble_is_asked_again(server, path, statuses):
    server.faults.statuses = [*statuses]
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert server.served == [*statuses, 200]


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (403, 1), (401, 1), (410, 1), (418, 1), (500, 3)])
def test_refusal_is_one_line_with_address_and_remedy(server, path, status, requests):
    server.faults.always = status
    with pytest.raises(SedlabError, match=f"{server.url}/model.ckpt: .*status {status}.*[.]$") as caught:
        fetch(server, path)
    assert "\n" not in str(caught.value)
    assert len(server.requests) == requests
    assert list(path.parent.iterdir()) == []


def test_refusal_keeps_what_has_arrived(server, path):
    arrived = interrupt(server, path)
    server.faults.always = 403
    with pytest.raises(SedlabError, match="status 403"):
        fetch(server, path)
    server.faults.always = 0
    assert fetch(server, path).resumed_from == arrived


@pytest.mark.parametrize("fault", ["truncations", "stalls"])
def test_server_that_never_finishes_is_given_up(server, path, fault):
    server.faults.ranges = "ignore"
    setattr(server.faults, fault, 100)
    with pytest.raises(SedlabError, match="gave up after 3 attempts"):
        fetch(server, path, patience=PATIENCE[fault])
    assert len(server.requests) == 3
    assert not path.exists()


def test_no_server(nobody, path):
    with pytest.raises(SedlabError, match="gave up after 3 attempts \\(connection refused\\)"):
        download(f"{nobody}/model.ckpt", path, patience=HASTY)


def test_no_address(path):
    with pytest.raises(SedlabError, match="cannot be requested"):
        download("model.ckpt", path)


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"<!DOCTYPE html><title>Sign in</title>", "text/html; charset=utf-8"),
        (b"\n <html><body>Can't scan this file for viruses</body>", "application/octet-stream"),
    ],
)
def test_web_page_instead_of_the_file_is_refused(server, path, content, content_type):
    server.replace(content)
    server.faults.content_type = content_type
    with pytest.raises(SedlabError, match="a web page instead of the file"):
        fetch(server, path)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("content_type", ["text/html", "application/octet-stream"])
def test_web_page_that_comes_in_between_does_not_cost_what_has_arrived(server, path, content_type):
    arrived = interrupt(server, path)
    server.replace(b"<html>Sign in</html>")
    server.faults.content_type = content_type
    server.faults.ranges = "ignore"
    with pytest.raises(SedlabError, match="a web page instead of the file"):
        fetch(server, path)
    server.content, server.version, server.faults = CONTENT, 1, Faults()
    assert fetch(server, path).resumed_from == arrived


@pytest.mark.parametrize(
    "expected", [{"size": len(CONTENT) - 1}, {"sha256": "0" * 64}, {"sha256": "beef"}, {"md5": "0" * 32}]
)
def test_another_file_than_expected_is_refused(server, path, expected):
    with pytest.raises(SedlabError, match="expected"):
        fetch(server, path, **expected)
    assert list(path.parent.iterdir()) == []


def test_expected_hash_may_be_only_the_first_digits(server, path):
    digest = hashlib.sha256(CONTENT).hexdigest()
    for expected in (digest, digest[:8]):
        done = fetch(server, path, size=len(CONTENT), sha256=expected, md5=hashlib.md5(CONTENT).hexdigest())
        assert done.md5 == hashlib.md5(CONTENT).hexdigest()
        path.unlink()


def test_damaged_part_is_found_by_the_expected_hash(server, path):
    arrived = interrupt(server, path)
    part_path(path).write_bytes(OTHER[:arrived])
    with pytest.raises(SedlabError, match="SHA-256"):
        fetch(server, path, sha256=hashlib.sha256(CONTENT).hexdigest())
    fetch(server, path, sha256=hashlib.sha256(CONTENT).hexdigest())
    assert path.read_bytes() == CONTENT


def test_too_short_a_length_is_found_by_the_expected_size(server, path):
    server.faults.length = 1000
    with pytest.raises(SedlabError, match="the server has 1000 bytes, expected 600000"):
        fetch(server, path, size=len(CONTENT))


def test_too_long_a_length_is_given_up(server, path):
    server.faults.length = len(CONTENT) + 10
    with pytest.raises(SedlabError, match="gave up"):
        fetch(server, path)
    assert not path.exists()


def test_too_little_space_is_said_before_anything_arrives(server, path):
    with pytest.raises(SedlabError, match=r"GB free of which .* Free space or choose another folder"):
        fetch(server, path, reserve_bytes=10**18)
    assert list(path.parent.iterdir()) == []


DOWNLOAD = """
import sys
from sedlab.download import Patience, download
from sedlab.errors import SedlabError
try:
    download(sys.argv[1], sys.argv[2], patience=Patience(attempts=2, backoff_seconds=0.01))
except SedlabError as error:
    sys.exit(f"error: {error}")
"""


def run_download(server, path, **options):
    command = [sys.executable, "-c", DOWNLOAD, f"{server.url}/model.ckpt", str(path)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options)


def test_full_disk_keeps_what_has_arrived(server, path):
    limit = 300_000
    process = run_download(server, path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    _, message = process.communicate(timeout=300)
    assert process.returncode == 1
    assert message.startswith(f"error: {path}: the disk is full.")
    assert 0 < part_path(path).stat().st_size <= limit
    assert fetch(server, path).resumed_from > 0
    assert path.read_bytes() == CONTENT


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_full_disk_without_warning(server, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        # The server does not say how much is to come, so that only the write can fail.
        server.faults.chunked = True
        with pytest.raises(SedlabError, match="the disk is full"):
            fetch(server, disk / "model.ckpt", reserve_bytes=0)
        assert not (disk / "model.ckpt").exists()
        server.faults.chunked = False
        with pytest.raises(SedlabError, match="GB to come"):
            fetch(server, disk / "model.ckpt", reserve_bytes=0)
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killed_download_goes_on_where_it_stopped(server, path, stop):
    server.faults.stalls, server.faults.cut = 1, 300_000
    # A shell makes what it starts in the background ignore interrupts, and children inherit that.
    process = run_download(server, path, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    deadline = time.monotonic() + 300
    while not part_path(path).exists() or part_path(path).stat().st_size < 200_000:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    with pytest.raises(SedlabError, match="another process is downloading it"):
        fetch(server, path)
    process.send_signal(stop)
    process.communicate(timeout=300)
    assert not path.exists()
    assert fetch(server, path).resumed_from >= 200_000
    assert path.read_bytes() == CONTENT


ABSURD_LENGTHS = ["9" * 5000, "-1", "abc", "1e5", "", "0x10"]


@pytest.mark.parametrize("length", ABSURD_LENGTHS, ids=range(len(ABSURD_LENGTHS)))
def test_a_length_that_is_none_is_not_believed(server, path, length):
    server.faults.length = length
    assert fetch(server, path).size == len(CONTENT)


def test_lengths_that_contradict_each_other_are_one_line(server, path):
    server.faults.length = "10, 20"
    with pytest.raises(SedlabError, match=r"the server's answer makes no sense .* Use another mirror\.$"):
        fetch(server, path)


@pytest.mark.parametrize("chunked", [False, True])
def test_an_empty_file_is_none(path, chunked):
    with serve(b"") as server:
        server.faults.chunked = chunked
        with pytest.raises(SedlabError, match="sent an empty file"):
            fetch(server, path)
    assert list(path.parent.iterdir()) == []


def test_a_file_without_end_stops_at_the_space_to_be_left_free_or_at_its_size(server, path, monkeypatch):
    server.faults.endless = True
    path.parent.mkdir()
    # As if nobody else wrote to the disk, or freed something, meanwhile.
    free = shutil.disk_usage(path.parent).free
    monkeypatch.setattr(
        "sedlab.download.transfer.shutil.disk_usage",
        lambda _: SimpleNamespace(free=free - part_path(path).stat().st_size),
    )
    reserve = free - 20_000_000
    with pytest.raises(SedlabError, match=r"an unknown size to come, .* are to stay free"):
        fetch(server, path, reserve_bytes=reserve)
    assert part_path(path).stat().st_size < 200_000_000
    with pytest.raises(SedlabError, match="bytes arrived, expected 700000"):
        fetch(server, path, size=700_000)
    assert list(path.parent.iterdir()) == []


ODD_NOTES = [
    *("[]", "nonsense", "", "\xff", "[" * 10_000),
    *(f'{{"url": URL, "validator": "v", "total": {total}}}' for total in ("-5", "9" * 5000, "1.5", '"many"', "[]")),
    *(f'{{"url": URL, "validator": {mark}}}' for mark in ("5", '"a\\r\\nX: y"', '" v"', '"\\u1234"')),
]


@pytest.mark.parametrize("note", ODD_NOTES, ids=range(len(ODD_NOTES)))
def test_an_odd_note_beside_the_part_starts_over(server, path, note):
    path.parent.mkdir()
    part_path(path).write_bytes(OTHER[:1000])
    text = note.replace("URL", json.dumps(f"{server.url}/model.ckpt"))
    part_path(path).with_name("model.ckpt.part.json").write_text(text, encoding="latin-1")
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert bytes_asked(server) == [None]


def refused(url, path, monkeypatch, **environment):
    """Return the message of a download in this environment, and whether several attempts were made."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in {"NO_PROXY": "", **environment}.items():
        monkeypatch.setenv(name, str(value))
    with pytest.raises(SedlabError) as caught:
        download(url, path, patience=HASTY)
    message = str(caught.value)
    assert message.startswith(f"{url}: ") and "\n" not in message
    return message, "gave up after 3 attempts" in message


def test_each_trouble_with_the_network_has_its_remedy(nobody, path, monkeypatch):
    for url, environment, problem, remedy, again in [
        (f"{nobody}/a", {}, "connection refused", "Check the address, or wait until", True),
        ("http://nowhere.invalid/a", {}, "no machine of this name", "whether this machine is online", True),
        ("https://example.org/a", {"HTTPS_PROXY": nobody}, "the proxy cannot be reached", "Check HTTPS_PROXY", True),
        ("https://example.org/a", {"HTTPS_PROXY": "foo://x"}, "by the proxy", "Check HTTPS_PROXY", False),
        ("https://example.org/a", {"HTTPS_PROXY": "http://a:b:c"}, "by the proxy", "Check HTTPS_PROXY", False),
        ("ftp://example.org/a", {"HTTPS_PROXY": nobody}, "cannot be requested", "Check the address", False),
        *(
            (url, {}, "cannot be requested", "Check the address", False)
            for url in ("http://a..b/c", "http://h:99999/", "http://h:x/", "http://[::1/", "http://", "a.ckpt")
        ),
    ]:
        message, tried_again = refused(url, path, monkeypatch, **environment)
        assert problem in message and remedy in message and tried_again == again, message
    assert list(path.parent.iterdir()) == []


def test_certificates_that_cannot_be_read_or_trusted_and_the_remedy(path, monkeypatch, tmp_path):
    (tmp_path / "no_certificate").write_text("no certificate")
    with serve(CONTENT, encrypted=True) as server:
        url = f"{server.url}/model.ckpt"
        for bundle in (tmp_path / "none", tmp_path / "no_certificate", "/dev/null"):
            message, tried_again = refused(url, path, monkeypatch, REQUESTS_CA_BUNDLE=bundle)
            assert "trusted certificates cannot be read. Check what REQUESTS_CA_BUNDLE" in message and not tried_again
        message, tried_again = refused(url, path, monkeypatch)
        assert "cannot be verified (self-signed certificate)" in message and not tried_again
        message, _ = refused(f"{url.replace('https', 'http')}", path, monkeypatch)
        assert "gave up after 3 attempts" in message
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))  # as the message advises
        fetch(server, path)
    assert path.read_bytes() == CONTENT
    with serve(CONTENT) as server:
        message, _ = refused(server.url.replace("http", "https"), path, monkeypatch)
        assert "Check whether the address begins with http:// or https://" in message


@pytest.mark.skipif(find_spec("socks") is not None, reason="PySocks is installed")
def test_a_socks_proxy_needs_a_package(path, monkeypatch):
    message, _ = refused("https://example.org/a", path, monkeypatch, ALL_PROXY="socks5h://127.0.0.1:1080")
    assert "PySocks is missing. Run `python -m pip install pysocks`, or unset ALL_PROXY" in message


def test_a_proxy_that_asks_who_you_are(server, path, monkeypatch):
    server.faults.always = 407
    message, _ = refused("http://example.org/a", path, monkeypatch, HTTP_PROXY=server.url)
    assert "set HTTP_PROXY to http://USER:PASSWORD@HOST:PORT" in message
    message, _ = refused("https://example.org/a", path, monkeypatch, HTTPS_PROXY=server.url)
    assert "Set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT" in message


def test_a_file_system_without_locks_is_a_warning(server, path, monkeypatch, capsys):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    fetch(server, path)
    assert "no locks on this file system" in capsys.readouterr().err
    assert path.read_bytes() == CONTENT


def test_unwritable_folder(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SedlabError, match="cannot be written"):
        fetch(server, tmp_path / "file" / "model.ckpt")


def test_proxy_of_the_environment_is_used(server, path, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.setenv("NO_PROXY", "")
    download("http://weights.invalid/model.ckpt", path, patience=HASTY)
    assert server.requests[0]["path"] == "http://weights.invalid/model.ckpt"
    assert path.read_bytes() == CONTENT
