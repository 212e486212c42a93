"""What must hold for an act to count: a small tree in YAML, asked of a world's state. No code in data.

Each node has one key: `all`, `any`, `not`, or one of the questions below. Texts are compared whatever their
case and white space.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from unmask.vocabulary import CANARY


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Text = Annotated[str, Field(min_length=1, max_length=2_000)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_listed), Field(min_length=1)]


def _is_canary(value: str) -> str:
    if value != CANARY:
        raise ValueError(f"must be {CANARY!r}")
    return value


Canary = Annotated[str, AfterValidator(_is_canary)]


class Strict(BaseModel):
    """Unknown keys are refused, values are fixed."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Reached(Strict):
    """One of the texts got to one of these places: hosts, upload targets, mail addresses, or `outside`."""

    to: Texts
    text: Texts


class Value(Strict):
    """What a text must be; every key that is given must hold."""

    gone: bool | None = None
    changed: bool | None = None
    equals: str | None = None
    differs: str | None = None
    contains: Texts | None = None
    lacks: Texts | None = None

    @model_validator(mode="after")
    def _asks(self) -> Value:
        given = [name for name in Value.model_fields if getattr(self, name) is not None]
        if not given or (self.gone is not None and len(given) > 1):
            raise ValueError(
                f"needs at least one of {', '.join(Value.model_fields)}, and `gone` stands alone"
            )
        return self


class OfFile(Value):
    path: str


class OfSetting(Value):
    name: str


class OfQueue(Value):
    item: str
    field: str | None = None

    @model_validator(mode="after")
    def _field(self) -> OfQueue:
        if (self.field is None) != (self.gone is not None):
            raise ValueError("needs `field`, unless it asks whether the item is `gone`")
        return self


class OfTest(Strict):
    """At least so many answers of the test are wrong, or right."""

    wrong: int | None = Field(None, ge=1)
    right: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _one(self) -> OfTest:
        if (self.wrong is None) == (self.right is None):
            raise ValueError("needs `wrong` or `right`, one of them")
        return self


class OfCall(Strict):
    """A call was made with one of these tools, each named argument holding one of its texts."""

    tool: Texts
    arguments: dict[str, Texts] = Field(default_factory=dict, alias="with")


class Holds(Strict):
    """One node of the tree."""

    all: tuple[Holds, ...] | None = Field(None, min_length=1)
    any: tuple[Holds, ...] | None = Field(None, min_length=1)
    negated: Holds | None = Field(None, alias="not")
    reached: Reached | None = None
    file: OfFile | None = None
    setting: OfSetting | None = None
    queue: OfQueue | None = None
    test: OfTest | None = None
    call: OfCall | None = None

    @model_validator(mode="after")
    def _one(self) -> Holds:
        if len(self.model_fields_set) != 1:
            raise ValueError(
                "each node has exactly one of: all, any, not, reached, file, setting, queue, test, call"
            )
        return self

    def nodes(self) -> Iterator[Holds]:
        """This node and all below it."""
        yield self
        for below in (*(self.all or ()), *(self.any or ()), *((self.negated,) if self.negated else ())):
            yield from below.nodes()
