"""Sets that speak of the same clips: do the tags of the weak set say what the events of the strong sets say?"""

from __future__ import annotations

from collections.abc import Sequence

from sedlab.data.checking.findings import NOTE, Findings
from sedlab.data.checking.sets import CheckedSet


def check_agreement(sets: Sequence[CheckedSet], findings: Findings) -> None:
    """Report clips whose weak labels are other classes than those of their strong labels."""
    weak = [each for each in sets if each.subset.label_kind == "weak" and len(each.rows)]
    strong = [each for each in sets if each.subset.label_kind == "strong" and each.subset.family != "audioset"]
    strong = [each for each in strong if len(each.rows) and each.subset.group != "synth"]
    for one in weak:
        tags = one.rows.drop_duplicates("clip_id").set_index("clip_id")["event_labels"]
        for other in strong:
            events = other.rows[other.rows["clip_id"].isin(tags.index)]
            heard = events.groupby("clip_id")["event_label"].agg(lambda labels: frozenset(labels) - {""})
            differ = [clip for clip, labels in heard.items() if labels and labels != _classes(tags[clip])]
            said = f"clips whose tags are not the classes of their events in {other.name} ({len(heard)} are in both)"
            remedy = "Nothing to do: people who tagged heard other things than those who timed."
            findings.add(NOTE, one.name, "weak and strong differ", said, remedy, examples=differ)


def _classes(tags: str) -> frozenset[str]:
    return frozenset(tag.strip() for tag in tags.split(",")) - {""}
