"""What jobs ask a cluster for: what was wished, else what follows from the experiment and the cluster."""

import pytest

from sedlab.config.loading import load_experiment
from sedlab.errors import SedlabError
from sedlab.pipeline.cluster.demands import demand_of
from sedlab.pipeline.cluster.facts import Cluster, parse_accounting, parse_minutes, parse_partitions
from sedlab.pipeline.cluster.profile import ClusterProfile
from sedlab.pipeline.graph import build_graph
from sedlab.pipeline.score_plan import ScorePlan
from sedlab.pipeline.training_cost import training_cost

#: As `sinfo --format=%P|%G|%l` prints it: a line for each kind of node.
LISTED = "cpu*|(null)|1-00:00:00\ngpu|gpu:a100:4|12:00:00\ngpu|(null)|12:00:00\nlong|gpu:v100:2(S:0-1)|infinite\n"
#: Of a corpus as large as the published one.
CLIPS = {"maestro": 6426, "strong": 9000, "synth": 10_000, "weak": 1400, "unlabeled": 14_412, "audioset": 90_000}


@pytest.fixture(scope="module")
def jobs():
    experiment = load_experiment("paper")
    return {job.name: job for job in build_graph(experiment, ScorePlan(("devtest", "strong_train")))}


@pytest.fixture(scope="module")
def costs():
    return {node.name: training_cost(node, CLIPS) for node in load_experiment("paper").nodes()}


def cluster(listed=LISTED):
    return Cluster(parse_partitions(listed), keeps_accounts=False)


def asked(job, costs, listed=LISTED, workers=7, **wishes):
    return demand_of(job, ClusterProfile(**wishes), "slurm.yaml", cluster(listed), costs, workers=workers)


def test_hours_of_a_published_training_follow_from_its_clips_and_the_measured_speed(jobs, costs):
    beats = asked(jobs["iteration1_stage2_beats"], costs, partition="long")
    cost = costs["iteration1_stage2_beats"]
    clips = cost.steps * cost.accumulation * cost.batch_clips
    assert beats.minutes == 60 * -(-4 * clips // (102 * 3600)) > 12 * 60
    assert (beats.gpus, beats.gres, beats.cpus, beats.memory) == (1, "gpu:1", 15, 32_000)
    assert f"{clips:,} clips, 102 a second on an H100" in beats.basis


def test_no_more_hours_are_asked_for_than_the_partition_gives(jobs, costs):
    beats = asked(jobs["iteration1_stage2_beats"], costs, partition="gpu")
    assert beats.minutes == 12 * 60
    assert beats.basis.endswith("at most 12 h in gpu")
    assert asked(jobs["iteration1_stage2_beats"], costs, partition="gpu", hours=20).minutes == 20 * 60


def test_cards_are_asked_for_where_there_are_some_and_left_out_where_that_is_wished(jobs, costs):
    training, report = jobs["iteration1_stage2_atst"], jobs["report"]
    assert asked(training, costs).gpus == 0  # the default partition has none
    assert asked(training, costs, partition="gpu,long", gpu="a100").gres == "gpu:a100:1"
    assert asked(training, costs, partition="gpu", gpus=0).gres == ""
    assert asked(training, costs, partition="gpu", stage2={"gpus": 4}).gres == "gpu:4"
    assert asked(report, costs, partition="gpu", gpu="a100", gpus=2).gres == ""


def test_small_networks_ask_for_little_and_the_line_says_all_of_it(jobs):
    small = asked(jobs["iteration1_stage2_atst"], {}, workers=0, constraint="ssd", stage2={"cpus": 2, "hours": 0.05})
    assert str(small) == "2 cores, 6 GB, 3 min, constraint ssd"
    assert (small.minutes, small.signal_seconds) == (3, 90)
    assert asked(jobs["iteration1_stage2_atst"], {}).signal_seconds == 120


def test_a_partition_that_is_not_there_is_refused_with_the_nearest(jobs, costs):
    with pytest.raises(
        SedlabError, match=r"slurm.yaml: this cluster has no partition gpus. Did you mean 'gpu'\? It has"
    ):
        asked(jobs["data"], costs, partition="gpus")


def test_what_the_cluster_says_of_itself_is_understood():
    cpu, gpu, long = cluster().partitions
    assert (cpu.is_default, cpu.has_cards, cpu.minutes) == (True, False, 24 * 60)
    assert (gpu.is_default, gpu.has_cards, gpu.minutes) == (False, True, 12 * 60)
    assert (long.has_cards, long.minutes) == (True, None)
    assert [parse_minutes(text) for text in ("30:00", "2-12:30:00", "infinite", "n/a")] == [30, 3630, None, None]


@pytest.mark.parametrize(
    ("kind", "keeps"),
    [
        ("accounting_storage/slurmdbd", True),
        ("accounting_storage/none", False),
        ("(null)", False),
    ],
)
def test_accounts_are_where_the_configuration_names_their_database(kind, keeps):
    text = f"AccountingStorageEnforce = none\nAccountingStorageType   = {kind}\nMinJobAge = 300 sec\n"
    assert parse_accounting(text) is keeps
