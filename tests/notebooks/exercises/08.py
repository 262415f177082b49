"""What the exercises of 08_errors show."""

CHECKS = [
    (1, "len(_) == 3 and _['missed'].is_monotonic_increasing and _['total'].nunique() == 1"),
    (2, "set(boxes['side']) <= {'event', 'detection'} and len(boxes.query(\"side == 'event'\")) > 0"),
    (3, "0 < len(_) <= 10 and _['seconds'].is_monotonic_increasing"),
]
