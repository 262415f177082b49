"""What fits into memory, on the machine and in a container."""

import pytest

from sedlab.errors import SedlabError
from sedlab.system.memory import check_fits, free_memory


@pytest.mark.parametrize(
    ("limit", "statistics", "kind"),
    [("memory.max", "memory.stat", "anon"), ("memory/memory.limit_in_bytes", "memory/memory.stat", "total_rss")],
)
def test_the_limit_of_a_container_counts(tmp_path, limit, statistics, kind):
    (tmp_path / "memory").mkdir()
    (tmp_path / limit).write_text("1000000\n")
    (tmp_path / statistics).write_text(f"cache 999999\n{kind} 400000\n")
    assert free_memory(tmp_path) == 600000
    (tmp_path / limit).write_text("max\n")
    assert free_memory(tmp_path) > 2**20
    (tmp_path / limit).write_text("1000\n")
    assert free_memory(tmp_path) == 0


def test_what_fits_is_let_through_and_what_does_not_is_told():
    check_fits(1.0, "a file", "Split it.")
    with pytest.raises(SedlabError, match=r"^a file: needs about [\d.]+ GiB of memory, [\d.]+ are free\. Split it\.$"):
        check_fits(free_memory() + 2**40, "a file", "Split it.")
