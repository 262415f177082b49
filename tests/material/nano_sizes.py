"""How large the test corpus is."""

#: Shorter recordings with as many windows of 10 s, and next to nothing to validate on.
NANO_SIZES = {"maestro_seconds": 12, "maestro_hop_train": 1, "maestro_hop_dev": 1} | {
    f"num_{subset}": 1
    for subset in ("synth_val", "devtest", "public", "maestro_dev", "audioset_train", "audioset_eval")
}
