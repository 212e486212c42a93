"""What differs between two prompts, block by block, in lines that a person can read."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from unmask.packs.pack import Pack
from unmask.packs.render import Prompt

USER = "user message"


@dataclass(frozen=True)
class BlockChange:
    """One block in two prompts; a text is None where the block is not there."""

    block: str
    before: str | None
    after: str | None

    @property
    def kind(self) -> str:
        """same, changed, added or dropped."""
        if self.before == self.after:
            return "same"
        if self.before is None:
            return "added"
        return "dropped" if self.after is None else "changed"

    def lines(self) -> list[str]:
        """A mark and the block's name; below it, sentences that went (-) and came (+)."""
        mark = {"same": "=", "changed": "~", "added": "+", "dropped": "-"}[self.kind]
        if self.kind == "same":
            return [f"{mark} {self.block}"]
        before, after = _sentences(self.before or ""), _sentences(self.after or "")
        changed = [line for line in difflib.ndiff(before, after) if line[0] in "-+"]
        return [f"{mark} {self.block}", *(f"    {line}" for line in changed)]


@dataclass(frozen=True)
class PromptDiff:
    """Two prompts, block by block in the order of the first, with what only the second has in its place."""

    blocks: tuple[BlockChange, ...]

    @property
    def changed(self) -> tuple[str, ...]:
        """Names of the blocks that differ."""
        return tuple(change.block for change in self.blocks if change.kind != "same")

    def __str__(self) -> str:
        return "\n".join(line for change in self.blocks for line in change.lines())


def diff_prompts(a: Prompt, b: Prompt) -> PromptDiff:
    """Compare block by block; the head of the user's message counts as a block."""
    before = {**dict(a.blocks), USER: a.user("…")}
    after = {**dict(b.blocks), USER: b.user("…")}
    matcher = difflib.SequenceMatcher(a=list(before), b=list(after), autojunk=False)
    names: list[str] = []
    for _, i, i_end, j, j_end in matcher.get_opcodes():
        for name in (*list(before)[i:i_end], *list(after)[j:j_end]):
            if name not in names:
                names.append(name)
    return PromptDiff(tuple(BlockChange(name, before.get(name), after.get(name)) for name in names))


def diff_packs(a: Pack, b: Pack) -> dict[str, str]:
    """Files that differ between two packs: added, dropped or changed."""
    found = {}
    for file in sorted(a.hashes.keys() | b.hashes.keys()):
        if a.hashes.get(file) != b.hashes.get(file):
            found[file] = (
                "added" if file not in a.hashes else "dropped" if file not in b.hashes else "changed"
            )
    return found


def _sentences(text: str) -> list[str]:
    return [part for line in text.splitlines() for part in re.split(r"(?<=[.!?:])\s+", line) if part]
