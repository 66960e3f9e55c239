"""The tables in Markdown."""

from collections.abc import Mapping, Sequence

from benchmarks.stego.changes import Change
from benchmarks.stego.measure import WRONG
from benchmarks.stego.methods import Method
from benchmarks.stego.pictures import PHOTOGRAPHS, QUARTERS, Pictures
from benchmarks.stego.rejections import EXACT, WRONG_TEXT
from benchmarks.stego.results import Results, Summary
from benchmarks.stego.verdicts import verdicts


def report(
    results: Results,
    pictures: Pictures,
    methods: Mapping[str, Method],
    changes: Mapping[str, Change],
    settings: Sequence[str],
) -> str:
    """All tables, and what became of the targets."""
    parts = ["\n".join(settings)]
    for name in pictures.sets:
        shown = {
            key: results.summaries[name, key] for key in methods if (name, key) in results.summaries
        }
        curves = results.curves if name == PHOTOGRAPHS else {}
        parts.append(_heading(name, pictures))
        parts.append(_table(shown, methods, changes, curves))
    parts += ["## Never a wrong text", _rejections(results)]
    parts += ["## Time and memory", _footprints(results)]
    parts += ["## Targets", verdicts(results, changes)]
    return "\n\n".join(parts)


def _heading(name: str, pictures: Pictures) -> str:
    count = len(pictures.sets[name].names)
    origin = {
        PHOTOGRAPHS: f" from {pictures.photographs} photographs that no network learned from",
        QUARTERS: ", the same in squares of 128x128",
    }.get(name, "")
    return f"## {name.capitalize()}: {count} pictures{origin}"


def _table(
    shown: Mapping[str, Summary],
    methods: Mapping[str, Method],
    changes: Mapping[str, Change],
    curves: Mapping[str, float | None],
) -> str:
    rows: dict[str, list[str]] = {
        "bytes of text, before compression": [
            _range(*summary.sizes()) for summary in shown.values()
        ],
        "refused pictures": [str(summary.refused) for summary in shown.values()],
        "PSNR, dB, mean (minimum)": [
            "{:.2f} ({:.2f})".format(*summary.psnr()) for summary in shown.values()
        ],
        "SSIM, mean (minimum)": [
            "{:.4f} ({:.4f})".format(*summary.ssim()) for summary in shown.values()
        ],
    }
    if curves:
        rows["detector, area under the curve"] = [
            "-" if (area := curves.get(key)) is None else f"{area:.3f}" for key in shown
        ]
    rows["wrong texts after all changes"] = [str(summary.wrong()) for summary in shown.values()]
    for change in changes:
        cells = [_share(summary, change) for summary in shown.values()]
        if any(cells):
            rows[f"exact after {change}"] = cells
    titles = [methods[key].title for key in shown]
    lines = [f"| | {' | '.join(titles)} |", f"| --- |{' ---: |' * len(titles)}"]
    return "\n".join(lines + [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()])


def _share(summary: Summary, change: str) -> str:
    exact, wrong = summary.share(change), summary.share(change, WRONG)
    if exact is None:
        return ""
    return f"{exact:.1%}" + (f" ({wrong:.1%} wrong)" if wrong else "")


def _range(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _rejections(results: Results) -> str:
    outcomes = sorted({name for counts in results.rejections.values() for name in counts})
    outcomes = [EXACT, *(name for name in outcomes if name not in (EXACT, WRONG_TEXT)), WRONG_TEXT]
    lines = [f"| what was revealed | {' | '.join(outcomes)} |"]
    lines.append(f"| --- |{' ---: |' * len(outcomes)}")
    for kind, counts in results.rejections.items():
        lines.append(f"| {kind} | {' | '.join(str(counts.get(name, 0)) for name in outcomes)} |")
    totals = [
        sum(counts.get(name, 0) for counts in results.rejections.values()) for name in outcomes
    ]
    lines.append(f"| all {sum(totals):,} | {' | '.join(map(str, totals))} |")
    return "\n".join(lines)


def _footprints(results: Results) -> str:
    side = results.large_side
    lines = [
        "Processor time of one thread. Memory is the process's at most, above what it has with the "
        "networks loaded.",
        "",
        "| | hide and verify | reveal | memory | exact |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for label, table in (("256x256, median", results.quick), (f"{side}x{side}", results.large)):
        for profile, one in table.items():
            lines.append(
                f"| {profile}, {label} | {one.hide_ms:,.1f} ms | {one.reveal_ms:,.1f} ms | "
                f"{one.mebibytes:,.0f} MiB | {'yes' if one.exact else 'NO'} |"
            )
    return "\n".join(lines)
