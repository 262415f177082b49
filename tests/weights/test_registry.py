"""The registry: every entry is complete, cited and can be found."""

from urllib.parse import unquote, urlparse

import pytest

from sedlab.errors import SedlabError
from sedlab.weights.registry import WEIGHTS, entries, find, select

PUBLISHED = {
    *("beats_as.pt", "atst_as.ckpt", "atst_as_strong.ckpt", "passt_as_strong.ckpt"),
    *(f"{arch}_stage{stage}.ckpt" for arch in ("atst", "passt", "beats") for stage in (1, 2)),
    *(f"{arch}_{step}.pt" for arch in ("BEATs", "ATST-F", "fpasst") for step in ("ssl", "weak", "strong_1")),
    *("deit_base_distilled_patch16_384-d0272ac0.pth", "BEATs_iter3_plus_AS2M.pt", "atst_as2M.ckpt"),
    "atstframe_base.ckpt",
}


def test_every_published_checkpoint_is_registered():
    assert {entry.file for entry in entries() if entry.kind == WEIGHTS} == PUBLISHED


def test_names_and_files_are_unique():
    for field in ("name", "file"):
        values = [getattr(entry, field) for entry in entries()]
        assert len(values) == len(set(values))


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_entry_says_what_it_is_and_where_that_is_stated(entry):
    assert entry.kind in (WEIGHTS, "pseudo-labels", "metadata")
    assert entry.what
    assert entry.needed_for
    assert entry.trained_on or entry.kind == "metadata"
    for page in filter(None, (entry.source, entry.source_page, entry.score_source, entry.url)):
        assert urlparse(page).scheme == "https", page
    assert bool(entry.score) == bool(entry.score_source)
    assert bool(entry.sha256) == bool(entry.sha256_source)
    assert set(entry.sha256) <= set("0123456789abcdef")
    # Where no address is known, somebody has to say what to do instead.
    assert unquote(entry.url).endswith(f"/{entry.file}") if entry.url else entry.note


def test_an_entry_is_found_by_name_and_by_file():
    assert find("atst_stage2") is find("atst_stage2.ckpt")
    with pytest.raises(SedlabError, match=r"Did you mean 'atst_stage2'.*sedlab weights list"):
        find("atst_stag2")


def test_groups_stand_for_what_can_be_downloaded():
    assert [entry.name for entry in select(["original"])] == ["deit_base_distilled_patch16_384"]
    assert {entry.group for entry in select(["metadata"])} == {"metadata"}
    everything = select(["all"])
    assert {entry.file for entry in everything} == {
        entry.file for entry in entries() if entry.url and entry.kind == WEIGHTS
    }
    assert select(["atst_stage2", "all", "atst_stage2.ckpt"])[0].name == "atst_stage2"
    assert len(select(["atst_stage2", "all"])) == len(everything)
