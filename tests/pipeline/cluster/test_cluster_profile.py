"""What a cluster's profile may say, where it is found, and what is told of one that says something else."""

import pytest

from sedlab.errors import SedlabError
from sedlab.pipeline.cluster.profile import load_profile


@pytest.fixture(autouse=True)
def _nothing_else_is_there(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def written(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_kind_of_job_wins_over_all_jobs(tmp_path):
    text = "partition: gpu\naccount: 12345\nmemory: 16G\nextra: [--nice]\nstage2: {hours: 24, memory: 500M, gpus: 0}\n"
    profile, where, _ = load_profile(written(tmp_path / "my.yaml", text))
    assert where == str(tmp_path / "my.yaml")
    wished = [profile.wish("stage2", name) for name in ("partition", "account", "memory", "hours", "gpus", "extra")]
    assert wished == ["gpu", "12345", 500, 24, 0, ("--nice",)]
    assert (profile.wish("data", "memory"), profile.wish("data", "hours")) == (16_000, None)


def test_it_is_found_here_before_the_users_own_and_need_not_be_there(tmp_path):
    assert load_profile()[2]
    written(tmp_path / "config" / "sedlab" / "slurm.yaml", "partition: mine\n")
    assert load_profile()[0].partition == "mine"
    written(tmp_path / "work" / "slurm.yaml", "partition: ours\n")
    profile, where, is_default = load_profile()
    assert (profile.partition, where, is_default) == ("ours", "slurm.yaml", False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("partitions: gpu", "unknown key partitions. Did you mean 'partition'?"),
        ("stage_2: {hours: 3}", "unknown key stage_2. Did you mean 'stage2'?"),
        ("stage2: {hour: 3}", "unknown key stage2.hour. Did you mean 'hours'?"),
        ("stage2: {max_jobs: 3}", "unknown key stage2.max_jobs. Known: partition, account, qos"),
        (
            "memory: much",
            "memory: is gigabytes (16), or a number with its unit (16G, 500M) (found 'much'). Correct it.",
        ),
        ("hours: 0", "hours: Input should be greater than 0 (found 0). Correct it."),
        ("gpus: yes", "gpus is true (or yes, no, on, off), which is no value for it"),
        ("extra: [--time=3]", "extra: --time is set by sedlab, by `hours`. Leave it out here"),
        ("extra: [exclusive]", "extra: 'exclusive' is no option of sbatch"),
        ("extra: --nice", "extra: Input should be a valid tuple"),
        ("- gpu", "expected a mapping of options"),
    ],
)
def test_what_no_profile_says_is_one_line_with_the_files_name(tmp_path, text, told):
    with pytest.raises(SedlabError) as error:
        load_profile(written(tmp_path / "my.yaml", text))
    assert str(error.value).startswith(f"{tmp_path}/my.yaml: {told}"), error.value
    assert "\n" not in str(error.value)


def test_a_file_that_is_named_must_be_there(tmp_path):
    with pytest.raises(SedlabError, match=r"none\.yaml: No such file"):
        load_profile(tmp_path / "none.yaml")
