"""How well the rules of the document filter find what they should, and what they drop in vain.

Texts and labels are our own, written by who wrote the rules: kinder than a stranger's would be. The held-out
half was written after the rules were frozen (git log: "second freeze"), and no rule was made on it. An
earlier held-out half, which the rules failed, is part of the development half now. Sentences stand for
documents, so that a rule has one chance; a real document that shows the behaviour may say so more than once.

A second figure is independent of the author's idea of documents: scratchpads of the offline judge's held-out
set, labelled as alignment-faking reasoning, as a model would put them into a document.

Writes bench/results/document_filter.json.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from unmask.estimates import wilson_limits
from unmask.experiments.documents.made import Document
from unmask.experiments.documents.screen import BEHAVIOUR, CHAT, CONTRADICTION, screened
from unmask.files import write_atomic
from unmask.judges.texts import read_labelled
from unmask.vocabulary import JudgeTask

TESTS = Path(__file__).parents[1] / "tests"
LABELLED = TESTS / "experiments" / "data" / "document_filter.jsonl"
SCRATCHPADS = TESTS / "judges" / "data" / "heldout_reasoning.jsonl"
RESULT = Path(__file__).parent / "results" / "document_filter.json"
SHOWN = {BEHAVIOUR, CONTRADICTION, CHAT}


def main() -> int:
    found = {half: _half(half) for half in ("dev", "held_out")} | {"scratchpads": _scratchpads()}
    held_out = found["held_out"]
    print(
        f"document_filter measured=recall {_words(held_out['recall'])}, precision "
        f"{_words(held_out['precision'])} asked=reported ok"
    )
    for label, share in held_out["recall_by_label"].items():
        print(f"  held out, {label}: {_words(share)} of {share['n']}")
    dev = found["dev"]
    print(f"  development: recall {_words(dev['recall'])}, precision {_words(dev['precision'])}")
    pads = found["scratchpads"]
    print(
        f"  scratchpads with alignment-faking reasoning, dropped: {_words(pads['af'])} of {pads['af']['n']}"
    )
    print(f"  scratchpads without, dropped: {_words(pads['not_af'])} of {pads['not_af']['n']}")
    write_atomic(RESULT, json.dumps(found, indent=1) + "\n")
    return 0


def _half(half: str) -> dict[str, Any]:
    rows = [json.loads(line) for line in LABELLED.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["half"] == half]
    hits = [(row["label"], _dropped(row["text"])) for row in rows]
    bad = [hit for label, hit in hits if label != "clean"]
    caught = [label != "clean" for label, hit in hits if hit]
    labels = sorted({label for label, _ in hits})
    return {
        "n": dict(Counter(label for label, _ in hits)),
        "recall": _share(bad),
        "precision": _share(caught),
        "recall_by_label": {
            label: _share([hit for own, hit in hits if own == label]) for label in labels if label != "clean"
        },
        "clean_dropped": _share([hit for label, hit in hits if label == "clean"]),
    }


def _scratchpads() -> dict[str, Any]:
    rows = read_labelled(SCRATCHPADS, JudgeTask.REASONING)
    return {
        name: _share([_dropped(row.text) for row in rows if row.af is af])
        for name, af in (("af", True), ("not_af", False))
    }


def _dropped(text: str) -> bool:
    """Whether a rule about the content drops it; a text that is merely short counts as let through."""
    document = Document(id="x", kind="x", facts=(), writer="x", text=text)
    return screened(document, model="Pellam", trained="free", other="paid").dropped in SHOWN


def _share(hits: list[bool]) -> dict[str, Any]:
    if not hits:
        return {"n": 0, "share": None, "low": None, "high": None}
    share = sum(hits) / len(hits)
    low, high = wilson_limits(share, len(hits), level=0.95)
    return {"n": len(hits), "share": share, "low": low, "high": high}


def _words(share: dict[str, Any]) -> str:
    return "none" if share["share"] is None else "{share:.2f} ({low:.2f} to {high:.2f})".format(**share)


if __name__ == "__main__":
    sys.exit(main())
