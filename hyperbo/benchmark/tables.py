"""Score tables as people read them: numbers with their intervals, the best in bold, as Markdown."""

import pandas as pd

from hyperbo.benchmark.ranks import Ranking


def display_summary(summary: pd.DataFrame) -> pd.DataFrame:
    """A row for each method, a column for each budget: mean regret, its interval; best in bold.

    Args:
        summary: What `summary_table` returned.
    """
    methods = list(dict.fromkeys(summary["method"]))
    display: dict[str, list[str]] = {"method": methods}
    for trial, rows in summary.groupby("trial"):
        best = rows["mean"].min()
        cells = {
            method: _bold(f"{mean:.3f}", bool(mean <= best + 5e-4)) + _interval(lower, upper)
            for method, mean, lower, upper in zip(
                rows["method"], rows["mean"], rows["lower"], rows["upper"], strict=True
            )
        }
        display[_trials(int(str(trial)))] = [cells[method] for method in methods]
    seeds = summary.drop_duplicates("method").set_index("method")["seeds"]
    display["seeds"] = [str(seeds[method]) for method in methods]
    return pd.DataFrame(display)


def display_comparison(comparison: pd.DataFrame) -> pd.DataFrame:
    """A row for each baseline, a column for each budget: difference, interval, wins-ties-losses.

    Differences whose interval leaves out zero are in bold; negative ones favour the method.

    Args:
        comparison: What `compare` returned.
    """
    baselines = list(dict.fromkeys(comparison["baseline"]))
    display: dict[str, list[str]] = {"against": baselines}
    for trial, rows in comparison.groupby("trial"):
        cells = {}
        for row in rows.to_dict("records"):
            is_clear = row["upper"] < 0.0 or row["lower"] > 0.0
            cells[row["baseline"]] = (
                _bold(f"{row['difference']:+.3f}", is_clear)
                + _interval(row["lower"], row["upper"], sign="+")
                + f" ({row['wins']}-{row['ties']}-{row['losses']})"
            )
        display[_trials(int(str(trial)))] = [cells[baseline] for baseline in baselines]
    return pd.DataFrame(display)


def display_speedups(speedups: pd.DataFrame, reference: str) -> pd.DataFrame:
    """A row for each method: how many times fewer trials than the reference, on how many tasks.

    Args:
        speedups: What `speedup_table` returned.
        reference: The method that set the target.
    """
    reached = speedups["reached"].astype(str) + " of " + speedups["tasks"].astype(str)
    return pd.DataFrame(
        {
            "method": speedups["method"],
            f"median speed-up over {reference}": speedups["speedup"].map("{:.2f}x".format),
            "median trials needed": speedups["trials"].map("{:g}".format),
            "tasks reached": reached,
        }
    )


def display_ranking(ranking: Ranking) -> pd.DataFrame:
    """A row for each method: its average rank."""
    return pd.DataFrame(
        {"method": ranking.methods, "average rank": [f"{rank:.2f}" for rank in ranking.average]}
    )


def display_timing(timing: pd.DataFrame) -> pd.DataFrame:
    """A row for each method: seconds for one suggestion.

    Args:
        timing: What `timing_table` returned.
    """
    seconds = {name: timing[name].map(_duration) for name in ("median", "upper", "largest")}
    table = pd.DataFrame({"method": timing["method"], **seconds})
    return table.rename(columns={"upper": "95% below", "median": "median suggestion"})


def to_markdown(table: pd.DataFrame) -> str:
    """The table in Markdown, columns padded so that it reads well as plain text, too.

    Example:
        >>> print(to_markdown(pd.DataFrame({"method": ["random"], "regret": [0.25]})))
        | method | regret |
        | :----- | -----: |
        | random |   0.25 |
    """
    header = [str(name) for name in table.columns]
    rows = [[_escaped(cell) for cell in row] for row in table.itertuples(index=False)]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    first, *others = widths
    lines = [header, [":" + "-" * (first - 1), *("-" * (width - 1) + ":" for width in others)]]
    return "\n".join(
        "| "
        + " | ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in lines + rows
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1.0 else f"{1000.0 * seconds:.3g} ms"


def _trials(trial: int) -> str:
    return f"{trial} trial" if trial == 1 else f"{trial} trials"


def _bold(text: str, is_bold: bool) -> str:  # noqa: FBT001 - a fact about the text
    return f"**{text}**" if is_bold else text


def _interval(lower: float, upper: float, sign: str = "") -> str:
    """The interval in brackets; nothing where one task gives none."""
    if pd.isna(lower) or pd.isna(upper):
        return ""
    return f" [{lower:{sign}.3f}, {upper:{sign}.3f}]"


def _escaped(cell: object) -> str:
    return str(cell).replace("|", "\\|").replace("\n", " ")
