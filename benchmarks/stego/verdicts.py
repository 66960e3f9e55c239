"""The targets of the project, and whether these figures meet them."""

from collections.abc import Iterator, Mapping

from benchmarks.stego.changes import Change
from benchmarks.stego.pictures import PHOTOGRAPHS
from benchmarks.stego.rejections import EXACT, WRONG_TEXT
from benchmarks.stego.results import Results
from fourcast_models.stego import hide
from fourcast_models.stego.codec import PROFILES

ENOUGH_PICTURES = 200
REVEALS = 10_000
HIDE_MS, REVEAL_MS = 50.0, 15.0
LARGEST_SIDE = 8192


def verdicts(results: Results, changes: Mapping[str, Change]) -> str:
    """A line for every target."""
    lines = [
        f"- {'met' if is_met else 'MISSED'}: {target}; measured {measured}"
        for target, measured, is_met in _targets(results, changes)
    ]
    return "\n".join(lines)


def _targets(results: Results, changes: Mapping[str, Change]) -> Iterator[tuple[str, str, bool]]:
    """What is wanted, what was measured, and whether that is enough."""
    capacity = results.summaries[PHOTOGRAPHS, "capacity"]
    robust = results.summaries[PHOTOGRAPHS, "robust"]
    count = len(robust.records)
    yield f"at least {ENOUGH_PICTURES} photographs", str(count), count >= ENOUGH_PICTURES
    for name, summary, size, psnr, least, ssim in (
        ("capacity", capacity, 7600, 47.0, 0.0, 0.994),
        ("robust", robust, 400, 42.0, 38.0, 0.0),
    ):
        room = hide.capacity(PROFILES[name], 256, 256)
        yield f"{name}: {size:,} bytes that cannot be compressed", f"{room:,}", room >= size
        mean, lowest = summary.psnr()
        yield f"{name}: mean PSNR {psnr:g} dB", f"{mean:.2f}", mean >= psnr
        if least:
            yield f"{name}: minimum PSNR {least:g} dB", f"{lowest:.2f}", lowest >= least
        if ssim:
            similarity = summary.ssim()[0]
            yield f"{name}: mean SSIM {ssim:g}", f"{similarity:.4f}", similarity >= ssim
    for key, change in changes.items():
        for name, summary, share in (
            ("capacity", capacity, 1.0 if change.is_lossless else None),
            ("robust", robust, change.least),
        ):
            measured = summary.share(key)
            if share is not None and measured is not None:
                target = f"{name}: {share:.0%} exact after {key}"
                yield target, f"{measured:.1%}", measured >= share
    short = results.summaries[PHOTOGRAPHS, "robust-short"]
    for key, change in changes.items():
        measured = short.share(key)
        if change.least is None and measured is not None:
            yield f"stretch: a short text after {key}", f"{measured:.1%}", measured >= 0.95
    wrong = sum(counts.get(WRONG_TEXT, 0) for counts in results.rejections.values())
    reveals = sum(sum(counts.values()) for counts in results.rejections.values())
    wrong += sum(
        summary.wrong()
        for (_, method), summary in results.summaries.items()
        if method in ("capacity", "robust", "robust-short")
    )
    yield (
        f"no wrong text in {REVEALS:,} reveals",
        f"{wrong} in {reveals:,}",
        (wrong == 0 and reveals >= REVEALS),
    )
    unnamed = {"INTERNAL", "UNKNOWN"}
    names = {name for counts in results.rejections.values() for name in counts}
    errors = sorted(names - {EXACT, WRONG_TEXT})
    yield "every error named", ", ".join(errors), not unnamed & set(errors)
    for profile, one in results.quick.items():
        yield f"{profile}: hide in {HIDE_MS:g} ms", f"{one.hide_ms:.1f}", one.hide_ms <= HIDE_MS
        is_quick = one.reveal_ms <= REVEAL_MS
        yield f"{profile}: reveal in {REVEAL_MS:g} ms", f"{one.reveal_ms:.1f}", is_quick
    for profile, one in results.large.items():
        side = results.large_side
        yield (
            f"{profile}: {LARGEST_SIDE}x{LARGEST_SIDE} exact in bounded memory",
            f"{one.mebibytes:,.0f} MiB at {side}x{side}",
            one.exact and side == LARGEST_SIDE,
        )
