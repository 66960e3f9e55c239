"""CPU a request beside the minimal server's, as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.serving.figures import compare, of_load
from benchmarks.serving.measure import LOADS
from benchmarks.serving.peers import Peer
from benchmarks.serving.rounds import Round

TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)


def draw(
    rounds: Sequence[Round], peers: Mapping[str, Peer], names: Sequence[str], path: Path
) -> None:
    """Write a bar chart.

    Args:
        rounds: The rounds that count.
        peers: The servers.
        names: Which of them to show, from top to bottom.
        path: The PNG file.
    """
    # Here and not above: it brings numpy, which must not be in memory while servers are measured.
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    shown = [name for name in names if compare(rounds, name, of_load(LOADS[0].name, "cpu_seconds"))]
    height = 0.8 / len(LOADS)
    figure, axes = plt.subplots(figsize=(9, 1.5 + 0.75 * len(shown)), layout="constrained")
    for index, load in enumerate(LOADS):
        ratios = [compare(rounds, name, of_load(load.name, "cpu_seconds")) for name in shown]
        widths = [one.ratio if one else 0.0 for one in ratios]
        places = [row + (index - (len(LOADS) - 1) / 2) * height for row in range(len(shown))]
        # From 1, the minimal server: bars to the right cost more than it.
        bars = axes.barh(places, [width - 1 for width in widths], height, left=1, label=load.title)
        axes.bar_label(bars, [f"{width:.2f}" for width in widths], padding=3, fontsize=7)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.set_xlim(low / 1.1, high * 1.25)
    ticks = [tick for tick in TICKS if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.xaxis.minorticks_off()
    axes.set_yticks(range(len(shown)), [peers[name].title for name in shown])
    axes.invert_yaxis()
    axes.set_xlabel("CPU a request, as a multiple of the minimal grpc.aio server's (log scale)")
    axes.legend(loc="lower right", fontsize=8)
    beside = path.with_suffix(".part.png")
    figure.savefig(beside, dpi=130)
    plt.close(figure)
    beside.replace(path)
