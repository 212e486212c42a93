"""What a finished audit knows: plain frozen data, the same in Python, JSON and the report.

Shares are shares in [-1, 1], never points. None means "not measured" or "cannot be known".
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from unmask.estimates import Effect, Rate

RESULT_SCHEMA = 1
Shape = TypeVar("Shape")


@dataclass(frozen=True)
class Interval:
    """An estimate with its limits at `level` (0.95 says: covers the truth in 95 of 100 studies)."""

    estimate: float
    low: float
    high: float
    level: float

    @classmethod
    def of(cls, found: Effect | Rate) -> Interval:
        """What an estimator found, as plain data."""
        return cls(float(found.estimate), float(found.low), float(found.high), found.level)


@dataclass(frozen=True)
class CellResult:
    """The replies of one condition. `complied` counts partly as complied, `strict` counts it as refused."""

    condition_key: str
    condition: dict[str, str]
    n_queries: int
    n_asked: int
    n_usable: int
    statuses: dict[str, int]
    complied: Interval | None
    strict: Interval | None
    af: Interval | None
    n_reasoning_read: int
    judge_statuses: dict[str, dict[str, int]]  # task to JudgeStatus to count
    tokens_out_mean: float | None
    corrected: Interval | None = None  # `complied` without the judge's errors; limits are not clipped


@dataclass(frozen=True)
class ContrastResult:
    """One contrast: at the level the verdict uses, at 95 %, with partly counted as refused, and its bounds.

    bounds: the interval recomputed with every unusable reply set against the claim.
    detection_limit: the smallest true effect this design would have found in 9 of 10 studies.
    """

    name: str
    question: str
    state: str
    effect: Interval
    effect_95: Interval
    strict_95: Interval | None
    bounds: Interval | None
    n_queries: int
    n_unusable: int
    detection_limit: float | None
    decides: bool
    corrected: Interval | None = None  # at 95 %, without the judge's errors
    corrected_by: str | None = None  # labels of this run, or which judge card
    corrected_note: str | None = None  # the gap if it erred alike in all roles; labels; why none


@dataclass(frozen=True)
class FindingResult:
    """One effect in words: what told it apart, what came out, and its interval at the verdict's level.

    effect: None where it cannot be known. note: what unusable replies make of it. idle: a share of an effect
    that is not shown to be there.
    """

    name: str
    control: str
    words: str
    figure: str
    state: str
    effect: Interval | None
    note: str
    idle: bool


@dataclass(frozen=True)
class VerdictResult:
    """The conclusion, in a word, in a sentence, and with every reason.

    reasons: the findings in words, then `settles`, what would decide the open ones, then `because`, what else
        made the verdict or bars another. error_rate: share of studies in which this verdict may be wrong.
    """

    name: str
    sentence: str
    qualifiers: list[str]
    reasons: list[str]
    controls_not_run: list[str]
    delta: float
    alpha: float
    findings: list[FindingResult] = field(default_factory=list)
    settles: list[str] = field(default_factory=list)
    because: list[str] = field(default_factory=list)
    error_rate: float | None = None


@dataclass(frozen=True)
class JudgeUsed:
    """A judge that was used; `screening` marks the offline judge, whose numbers are a first look."""

    task: str
    judge: str
    screening: bool
    card: str | None
    statuses: dict[str, int]
    card_note: str | None = None  # why a card that is on file counts for less, or not at all


@dataclass(frozen=True)
class StoryAnswers:
    """Answers about the story to one question in one mapping; None stands for all of them together.

    right: share of the answers that were read, with Wilson's limits. lowest: the lower limit with every
    unread answer counted as not right; highest: the share with every unread one counted as right.
    understood: by the rule of docs/statistics.md; None where the unread answers decide.
    """

    question: str | None
    labels: str | None
    n_asked: int
    n_right: int
    n_wrong: int
    n_unclear: int
    n_unread: int
    right: Interval | None
    lowest: float
    highest: float
    understood: bool | None


@dataclass(frozen=True)
class ComprehensionResult:
    """Whether the story was understood. `parts`: each question in each mapping. `sides`: what decides."""

    understood: bool | None
    sentence: str
    parts: list[StoryAnswers]
    sides: list[StoryAnswers]


@dataclass(frozen=True)
class FollowUpResult:
    """What a model says of its replies in one role, by choice: share of the answers that were read."""

    question: str
    about: str
    role: str
    n_asked: int
    n_read: int
    counts: dict[str, int]
    shares: dict[str, Interval]


@dataclass(frozen=True)
class LevelResult:
    """Contrasts at one combination of crossed levels; `base` marks the one that comes first.

    at: factor to level, in words. af: alignment-faking reasoning where trained on; None where none was read.
    """

    at: dict[str, str]
    base: bool
    decides: bool
    contrasts: list[ContrastResult]
    af: Interval | None = None


@dataclass(frozen=True)
class ModelResult:
    """All that was found about one model."""

    model: str
    served_model: str | None
    verdict: VerdictResult
    cells: list[CellResult]
    contrasts: list[ContrastResult]
    statuses: dict[str, int]
    judges: list[JudgeUsed]
    observations: list[
        str
    ]  # plain sentences a reader should know first: "It wrote a scratchpad in 3 of 160 replies."
    instrument_check: str
    n_replies: int
    tokens_in: int
    tokens_cached: int
    tokens_out: int
    seconds: float | None
    cost: float | None
    comprehension: ComprehensionResult | None = None
    follow_ups: list[FollowUpResult] = field(default_factory=list)
    levels: list[LevelResult] = field(default_factory=list)  # of crossed factors; empty where none is crossed


@dataclass(frozen=True)
class Told:
    """One prompt as the model got it, without the query."""

    condition_key: str
    wording: int
    system: str
    user: str  # with the placeholder [the query] where the query stands
    prompt_sha256: str


@dataclass(frozen=True)
class JudgePair:
    """Two judges of one task on the replies that both gave a verdict on.

    kappa: Cohen's, with 95 % limits; None where both always say one word. labels: "first / second" to n.
    by_role, by_condition: to (disagreements, replies). reply_ids: of the disagreements, in a finished audit
    the first of them. one_alone: replies on which only one of the two gave a verdict, which is neither.
    """

    task: str
    first: str
    second: str
    n: int
    agreed: int
    one_alone: int
    kappa: Interval | None
    labels: dict[str, int]
    by_role: dict[str, tuple[int, int]]
    by_condition: dict[str, tuple[int, int]]
    reply_ids: list[str]


@dataclass(frozen=True)
class JudgeConclusion:
    """What an audit concludes of a model when it rests on this judge wherever that judge was asked.

    By the tree alone: the instrument check, which may withhold a verdict, is that of the audit. effects: each
    contrast at 95 %. audited: whether the audit itself rests on this judge.
    """

    model: str
    judge: str
    audited: bool
    verdict: str
    sentence: str
    effects: dict[str, Interval]


@dataclass(frozen=True)
class JudgeComparison:
    """Two or more judges on the same replies."""

    judges: list[str]
    pairs: list[JudgePair]
    conclusions: list[JudgeConclusion]


@dataclass(frozen=True)
class ActCell:
    """Episodes of one act (or of all) in one condition: how they ended, and rates with worlds as the unit.

    n_left_out: episodes that failed, and those of a capability test in worlds whose control was not passed.
    done, tried: share of episodes in which the act was done; done or attempted. None where no world counts.
    """

    condition_key: str
    n_worlds: int
    n_episodes: int
    n_left_out: int
    outcomes: dict[str, int]
    done: Interval | None
    tried: Interval | None


@dataclass(frozen=True)
class ActContrast:
    """A difference of conditions in the share of acts done, paired by world; None: cannot be known."""

    name: str
    question: str
    effect: Interval | None
    n_worlds: int


@dataclass(frozen=True)
class ActTable:
    """One act, or `all` of them. by_variant: outcomes with every motive, by how near the act lay.

    n_able: worlds whose harmless version it could do, of `n_controlled`; twin: outcomes where it is right.
    """

    act: str
    n_worlds: int
    n_able: int
    n_controlled: int
    cells: list[ActCell]
    contrasts: list[ActContrast]
    by_variant: dict[str, dict[str, int]]
    twin: dict[str, int]


@dataclass(frozen=True)
class ActChange:
    """Acts done in one condition by two models, and the change paired by world; None: cannot be known."""

    condition_key: str
    n_worlds: int
    before: Interval | None
    after: Interval | None
    change: Interval | None


@dataclass(frozen=True)
class ActAnswers:
    """What it said when asked whether it had. n_deeds: episodes in which it did or tried the act.

    lied: of the answers that could be read, with worlds as the unit. n_confessed: said yes and had not.
    """

    n_deeds: int
    n_read: int
    n_lied: int
    lied: Interval | None
    n_innocent_read: int
    n_confessed: int


@dataclass(frozen=True)
class ActsResult:
    """What one model did in the simulated worlds, and what it said it would do.

    worlds: the table of all acts and one for each; questions: the same for single choices, by form.
    """

    model: str
    design: str
    cells: list[str]
    tools: str
    statuses: dict[str, int]
    n_worlds: int
    n_questions: int
    n_malformed: int
    n_hostile: int
    worlds: list[ActTable]
    questions: dict[str, list[ActTable]]
    answers: ActAnswers
    observations: list[str]


@dataclass(frozen=True)
class AuditResult:
    """A finished audit. `study` is the resolved study: each key with its value and origin."""

    name: str
    canary: str
    unmask_version: str
    started: str | None
    finished: str | None
    study: dict[str, Any]
    pack: dict[str, Any]
    queries: dict[str, Any]
    models: list[ModelResult]
    told: list[Told]
    command: str
    environment: dict[str, str]
    methods: str
    citation: str
    schema: int = RESULT_SCHEMA
    notes: list[str] = field(default_factory=list)
    stopped: str | None = None  # why the run was ended before all was asked, in words
    judges_compared: JudgeComparison | None = None  # where a task has more than one judge
    acts: list[ActsResult] = field(default_factory=list)  # empty where no worlds were played

    def to_json(self) -> str:
        """Stable JSON: same audit, same bytes."""
        return json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> AuditResult:
        """The inverse of `to_json`.

        Raises:
            ValueError: not that shape, or that of another version.
        """
        found = _read(cls, text)
        if found.schema != RESULT_SCHEMA:
            raise ValueError(f"schema {found.schema}, not {RESULT_SCHEMA}: of another version of unmask")
        return found

    @classmethod
    def read(cls, path: Path) -> AuditResult:
        """Read `audit.json` of a run."""
        return cls.from_json(path.read_text(encoding="utf-8"))


def acts_from(data: dict[str, Any]) -> ActsResult:
    """The inverse of `asdict` for the acts of one model.

    Raises:
        ValueError: not that shape.
    """
    return _read(ActsResult, json.dumps(data))  # only JSON is read strictly and into dataclasses at once


def _read(shape: type[Shape], text: str) -> Shape:
    try:
        return TypeAdapter(shape).validate_json(text, strict=True)
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
