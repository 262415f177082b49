"""Each job has cards of its own, also when several processes ask at once, and a killed one gives its card back."""

import json
import signal
import subprocess
import sys
import time

import pytest

from sedlab.errors import SedlabError
from sedlab.system.cards import Card
from sedlab.system.leases import holders, leased

CARDS = tuple(Card(str(number), "fake", f"GPU-{number}") for number in range(3))
#: Takes cards, notes when, waits, notes that it gives them back.
WORKER = """
import json, sys, time
from pathlib import Path
from sedlab.system.cards import Card
from sedlab.system import leases
leases._POLL_SECONDS = 0.02
folder, log, cards, count, per_card, seconds = json.loads(sys.argv[1])
cards = tuple(Card(*card) for card in cards)
with leases.leased(cards, count, per_card=per_card, folder=Path(folder)) as mine:
    with open(log, "a") as file:
        print(json.dumps([time.monotonic(), +1, [card.ident for card in mine]]), file=file, flush=True)
        time.sleep(seconds)
        print(json.dumps([time.monotonic(), -1, [card.ident for card in mine]]), file=file, flush=True)
"""


@pytest.fixture
def worker(tmp_path):
    started = []

    def start(count=1, *, per_card=1, seconds=0.15, cards=CARDS[:2]):
        arguments = json.dumps([str(tmp_path / "locks"), str(tmp_path / "log"), cards, count, per_card, seconds])
        process = subprocess.Popen([sys.executable, "-c", WORKER, arguments])
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def events(tmp_path):
    path = tmp_path / "log"
    return sorted(json.loads(line) for line in path.read_text().splitlines()) if path.is_file() else []


def most_at_once(found):
    """The largest number of holders that each card had at a time."""
    now, most = {}, {}
    for _, change, idents in found:
        for ident in idents:
            now[ident] = now.get(ident, 0) + change
            most[ident] = max(most.get(ident, 0), now[ident])
    return most


def wait_for(condition, seconds=120.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@pytest.mark.parametrize("per_card", [1, 2])
def test_no_two_processes_meet_on_a_card_by_accident(per_card, worker, tmp_path):
    processes = [worker(per_card=per_card) for _ in range(4)] + [worker(2, per_card=per_card)]
    assert [process.wait(300) for process in processes] == [0] * 5
    found = events(tmp_path)
    assert len(found) == 10 and all(len(set(idents)) == len(idents) for _, _, idents in found)
    assert max(most_at_once(found).values()) <= per_card
    assert sum(len(idents) for _, change, idents in found if change > 0) == 6


def test_a_killed_process_gives_its_card_back(worker, tmp_path):
    first = worker(3, seconds=600, cards=CARDS)
    wait_for(lambda: len(events(tmp_path)) == 1)
    assert {card.ident: who[0].pid for card, who in holders(CARDS, folder=tmp_path / "locks").items()} == dict.fromkeys(
        "012", first.pid
    )
    second = worker(seconds=0, cards=CARDS)
    time.sleep(0.3)
    assert second.poll() is None
    first.send_signal(signal.SIGKILL)
    assert second.wait(120) == 0
    assert holders(CARDS, folder=tmp_path / "locks") == {}


def test_who_waits_is_told_for_whom(worker, tmp_path, monkeypatch):
    holder = worker(2, seconds=600)
    wait_for(lambda: len(events(tmp_path)) == 1)
    told = []

    def tell(text):
        told.append(text)
        holder.kill()

    with leased(CARDS[:2], 2, tell=tell, folder=tmp_path / "locks") as mine:
        assert mine == CARDS[:2]
    assert len(told) == 1 and told[0].startswith(f"waiting for a graphics card (process {holder.pid}, on ")


def test_the_emptiest_card_comes_first(tmp_path):
    with leased(CARDS, per_card=2, folder=tmp_path) as one, leased(CARDS, per_card=2, folder=tmp_path) as two:
        with leased(CARDS, per_card=2, folder=tmp_path) as three:
            assert len({*one, *two, *three}) == 3
        with leased(CARDS[:1], per_card=2, folder=tmp_path) as shared:
            assert shared == CARDS[:1]


def test_more_cards_than_there_are_cannot_be_had(tmp_path):
    with pytest.raises(SedlabError, match="4 graphics cards are asked for, 3 can be used here"), leased(CARDS, 4):
        pass
