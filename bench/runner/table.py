# SPDX-License-Identifier: MIT
"""How figures are shown: one block each while they are measured, and a table of all in the end."""
import math
import os
import platform


def machine(rounds):
    model = "unknown processor"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return "%d cores of %s, Linux %s; medians of %d rounds" % (os.cpu_count(), model, platform.release(), rounds)


def number(x):
    if x is None:
        return "-"
    return "%.0f" % x if x >= 1000 else "%.3g" % x


def shown(c, row):
    """The median of a contestant; infinite is what has not come as long as was waited."""
    value = c.median(row.value)
    if value != math.inf:
        return number(value)
    return "never (%s s)" % number(max(run.get("gave_up_s", 0) for run in c.runs.values()))


def ratio_of(c, ours, row):
    """Theirs by ours; "" if there is no such number."""
    value, own = c.median(row.value), ours.median(row.value)
    return "%.2f x" % (value / own) if own and value != math.inf else ""


def named(contestants, name):
    return next((c for c in contestants if c.name == name and c.runs), None)


def bounds(row):
    """What must be and what should be, in words."""
    unit = "x " + row.against if row.against else row.unit
    return [("%s %s" % (number(b), unit)).strip() if b is not None else "" for b in (row.must, row.aim)]


def verdict(row, contestants):
    """yes, aim or NO; nothing if there is no bound, or none to compare with."""
    ours = contestants[0]
    if row.must is None:
        return ""
    value = ours.median(row.value)
    if row.against:
        peer = named(contestants, row.against)
        value = ours.ratio(peer, row.value) if peer else None
    if value is None:
        return "?"
    if row.aim is not None and value <= row.aim:
        return "aim"
    return "yes" if value <= row.must else "NO"


def details(figure, contestants):
    ours, lines = contestants[0], []
    for row in figure.rows:
        lines.append("\n%s: %s%s" % (figure.name, row.what, " (%s)" % row.unit if row.unit else ""))
        ranked = sorted((c for c in contestants if c.runs), key=lambda c: c.median(row.value))
        for c in ranked:
            low, high = c.spread(row.value)
            ratio = "" if c is ours else ratio_of(c, ours, row).rjust(10)
            lines.append("    %-22s %9s  %9s .. %-9s %s%s" % (c.name, shown(c, row), number(low), number(high), ratio,
                                                            "" if len(c.runs) > 1 else "  (one run)"))
    return "\n".join(lines)


def others(row, contestants):
    """The peers' values, as multiples of ours where that can be, the best first."""
    ours = contestants[0]
    ranked = sorted((c for c in contestants[1:] if c.runs), key=lambda c: c.median(row.value))
    return ", ".join("%s %s" % (c.name, ratio_of(c, ours, row) or shown(c, row)) for c in ranked)


def summary(measured):
    lines = ["| figure | ours | must | aim | kept | peers, by ours |", "|---|---|---|---|---|---|"]
    for figure, contestants in measured:
        for row in figure.rows:
            peer = named(contestants, row.against)
            ours = "%s %s" % (number(contestants[0].median(row.value)), row.unit)
            if peer:
                ours += " = %.2f x" % contestants[0].ratio(peer, row.value)
            must, aim = bounds(row)
            lines.append("| %s | %s | %s | %s | %s | %s |" % (row.what, ours.strip(), must, aim, verdict(row, contestants),
                                                            others(row, contestants)))
    return "\n".join(lines)
