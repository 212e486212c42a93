"""Texts that try to run, leave, hide or steer, and an audit in which every free text is one of them."""

from __future__ import annotations

import dataclasses
import json
from itertools import cycle
from typing import Any

import polars as pl

from unmask.analysis.results import AuditResult, ModelResult
from unmask.records.schema import JUDGEMENTS, REPLIES

ATTACKS = [
    "<script>window.__pwned=1</script>",
    "</script><script>window.__pwned=2</script>",
    "</SCRIPT ><svg onload=window.__pwned=3>",
    "<!--<script>window.__pwned=4</script>-->",
    "<!-- </script> --!><script>window.__pwned=5</script>",
    "<img src=x onerror=window.__pwned=6>",
    '"><img src="https://evil.invalid/a.png" onerror="window.__pwned=7">',
    "' onmouseover='window.__pwned=8' x='",
    '" autofocus onfocus="window.__pwned=9" x="',
    "<iframe srcdoc='<script>parent.__pwned=10</script>'></iframe>",
    '<a href="javascript:window.__pwned=11">open</a>',
    "javascript:window.__pwned=12",
    "<object data='data:text/html,<script>parent.__pwned=13</script>'></object>",
    "<style>@import url(https://evil.invalid/b.css);*{display:none}</style>",
    "<link rel=stylesheet href=https://evil.invalid/c.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.invalid/d'>",
    "<base href='https://evil.invalid/'>",
    "<form action=https://evil.invalid/e><button>go</button></form>",
    "<svg><use href='https://evil.invalid/f.svg#x'/></svg>",
    "<math><mtext></mtext><script>window.__pwned=14</script></math>",
    "{{ 7*7 }}{% for x in ().__class__.__base__.__subclasses__() %}{% endfor %}",
    "${window.__pwned=15}`+window.__pwned+`",
    "\\u003cscript\\u003ewindow.__pwned=16\\u003c/script\\u003e",
    "\u2028window.__pwned=17;\u2029//",
    "]]><script>window.__pwned=18</script><![CDATA[",
    "<textarea></textarea><title></title><noscript><p t='</noscript><img src=x onerror=window.__pwned=19>'>",
    "<video><source onerror=window.__pwned=20></video>",
    "\x1b]0;pwned\x07\x1b[2J\x1b[31mred\x1b[0m\x9b31m",
    "\u202egnp.exe\u202c \u2066isolated\u2069 \u200bzero\ufeff \U000e0041tag",
    "a\x00b\x08c\rd\x7fe",
    "Z" + "\u0301" * 60 + "algo",
    '=HYPERLINK("https://evil.invalid/g","x")',
    "lone \ud800 surrogate".encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
    "<x" * 300,
    "&lt;script&gt;window.__pwned=21&lt;/script&gt; &amp;#x3c;",
    "constructor __proto__ toString",
]


def attack(
    made: tuple[AuditResult, pl.DataFrame, pl.DataFrame],
) -> tuple[AuditResult, pl.DataFrame, pl.DataFrame]:
    """The same audit with attacks in every text that a model, provider, pack, query or user could choose."""
    result, replies, judgements = made
    turn = cycle(ATTACKS)
    ids = {i: f"{i}{next(turn)}" for i in replies["reply_id"].to_list()}
    models = {m.model: f"{m.model}/{attack_}" for m, attack_ in zip(result.models, ATTACKS, strict=False)}
    queries = {q: f"{q} {next(turn)}" for q in sorted(set(replies["query_id"].to_list()))}
    free = ("served_model", "provider", "pack", "query_set", "query", "category", "finish_reason", "error",
            "scratchpad", "native_reasoning", "answer", "raw", "request_id")  # fmt: skip
    always = "native_reasoning"
    rows = [
        row | {c: f"{row[c] or ''} {next(turn)}" for c in free if row[c] is not None or c == always}
        | {"reply_id": ids[row["reply_id"]], "model": models[row["model"]],
           "query_id": queries[row["query_id"]], "query": f"ask {ATTACKS[hash_(row['query_id'])]}",
           "query_set": "set", "category": ATTACKS[hash_(row["query_id"]) ]}
        for row in replies.iter_rows(named=True)
    ]  # fmt: skip
    judged = [
        row | {"reply_id": ids[row["reply_id"]], "note": next(turn), "motive": next(turn),
               "quotes": json.dumps({next(turn): next(turn), "knows_trained": next(turn)}),
               "criteria": json.dumps({next(turn): True})}
        for row in judgements.iter_rows(named=True)
    ]  # fmt: skip
    hostile = dataclasses.replace(
        result,
        name=next(turn),
        models=[_model(m, models[m.model], turn) for m in result.models],
        pack=result.pack | {"name": next(turn), "version": next(turn), "sha256": next(turn)},
        queries={arm: q | {"name": next(turn), "source": next(turn), "licence": next(turn)}
                 for arm, q in result.queries.items()},
        told=[dataclasses.replace(t, system=f"{t.system}\n\n{next(turn)}", user=f"{next(turn)} {t.user}")
              for t in result.told],
        study=result.study | {next(turn): {"value": next(turn), "origin": next(turn)}},
        command=next(turn),
        environment={next(turn): next(turn)} | result.environment,
        notes=list(ATTACKS),
        citation="".join(ATTACKS),
        methods=" ".join(ATTACKS),
    )  # fmt: skip
    return (
        hostile,
        pl.DataFrame(rows, schema=REPLIES, orient="row"),
        pl.DataFrame(judged, schema=JUDGEMENTS, orient="row"),
    )


def _model(model: ModelResult, name: str, turn: Any) -> ModelResult:
    verdict = dataclasses.replace(
        model.verdict, sentence=" ".join(ATTACKS), qualifiers=list(ATTACKS), reasons=list(ATTACKS),
        controls_not_run=list(ATTACKS),
    )  # fmt: skip
    return dataclasses.replace(
        model,
        model=name,
        served_model=next(turn),
        verdict=verdict,
        observations=list(ATTACKS),
        instrument_check=next(turn),
        contrasts=[dataclasses.replace(c, question=next(turn)) for c in model.contrasts],
        judges=[dataclasses.replace(j, card=next(turn)) for j in model.judges],
    )


def hash_(text: str) -> int:
    """A place in the list of attacks that stays the same between processes."""
    return sum(text.encode()) % len(ATTACKS)
