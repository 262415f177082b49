"""`sedlab review`: what a person sees and gets."""

import json
from pathlib import Path

import pytest
from nano_run import nano_run

from sedlab.commands.review.agreement import agreement
from sedlab.commands.review.export import export
from sedlab.commands.review.show import show
from sedlab.data.review.decisions import Decision
from sedlab.errors import SedlabError
from sedlab.runs.review.store import Review
from sedlab.runs.run import create_run, open_run

__all__ = ["nano_run"]


@pytest.fixture
def run(nano_run, tmp_path):
    data = nano_run.experiment.data.model_copy(update={"root": nano_run.data_root})
    created = create_run(nano_run.experiment.model_copy(update={"data": data}), tmp_path / "runs/reviewed")
    events = nano_run.corpus().subset("strong_train").events
    for k, event in enumerate(events.head(4).itertuples()):
        times = (event.onset, event.offset, event.label)
        for who, decision in (("ann", "right"), ("ben", "wrong" if k == 0 else "right")):
            made = Decision("strong_train", event.clip_id, *times, "reference", decision, reviewer=who, note="[odd]")
            Review(created.review).add(made)
    return created.path


def test_show_counts_and_lists(run, capsys, tmp_path):
    show(run, every=True, csv=tmp_path / "all.csv")
    out = capsys.readouterr().out
    assert "ann" in out and "ben" in out and "[odd]" in out
    assert (tmp_path / "all.csv").read_text().count("\n") == 9
    with pytest.raises(SedlabError, match=r"no decisions by eve yet"):
        show(run, reviewer="eve")


def test_export_writes_a_table_or_tracks(run, capsys, tmp_path):
    export(run)
    original = run / "review/strong_train.tsv"
    assert original.read_text().startswith("filename\tonset\toffset\tevent_label\n")
    export(run, out=tmp_path / "one.tsv", reviewer="ann")
    # Ben, who came last, dropped the only event of the first clip; ann keeps it.
    first = open_run(run).corpus().subset("strong_train").events.iloc[0]
    assert f"{first['clip_id']}.wav\t\t\t\n" in original.read_text()
    assert f"{first['clip_id']}.wav\t{first['onset']:.3f}" in (tmp_path / "one.tsv").read_text()
    export(run, kind="audacity", out=tmp_path / "tracks")
    assert list((tmp_path / "tracks/strong_train").glob("*.txt"))
    assert "written" in capsys.readouterr().err
    with pytest.raises(SedlabError, match=r"--format tsv: unknown"):
        export(run, kind="tsv")
    with pytest.raises(SedlabError, match=r"no decision about clips of devtest"):
        export(run, subset="devtest")


def test_agreement_of_two_people_in_one_file_or_two(run, capsys, tmp_path):
    agreement(run, as_json=tmp_path / "a.json")
    assert "agreement: 75.0 %, Cohen's kappa: 0.000" in capsys.readouterr().out
    told = json.loads((tmp_path / "a.json").read_text())
    assert told["reviewers"] == ["ann", "ben"] and told["items"] == 4 and told["counts"]["right"]["wrong"] == 1
    lines = (run / "review.tsv").read_text().splitlines()
    files = []
    for who in ("ann", "ben"):
        files.append(tmp_path / f"{who}.tsv")
        files[-1].write_text("\n".join([lines[0], *(line for line in lines[1:] if f"\t{who}\t" in line)]) + "\n")
    agreement(*files)
    assert "agreement: 75.0 %" in capsys.readouterr().out
    with pytest.raises(SedlabError, match=r"decisions of 1 person \(ann\). Say which two"):
        agreement(files[0])
    with pytest.raises(SedlabError, match=r"no decisions by 'bem'. Did you mean 'ben'"):
        agreement(run, reviewers="ann,bem")
    with pytest.raises(SedlabError, match=r"no such run folder"):
        agreement(Path("runs/nowhere"))
