"""What the model is told: packs of text blocks, and the rules that compose a prompt from them.

A pack is a folder of text and one YAML file; docs/packs.md tells how to write one. This room knows the
words of the experiment and nothing of models, queries or replies.
"""

from unmask.packs.check import Problem, check_pack
from unmask.packs.diff import BlockChange, PromptDiff, diff_packs, diff_prompts
from unmask.packs.load import list_packs, load_pack, lock_pack
from unmask.packs.outcome import Outcome, ReadBy
from unmask.packs.pack import Block, Pack
from unmask.packs.render import Edit, Prompt, fact_line, render

__all__ = [
    "Block",
    "BlockChange",
    "Edit",
    "Outcome",
    "Pack",
    "Problem",
    "Prompt",
    "PromptDiff",
    "ReadBy",
    "check_pack",
    "diff_packs",
    "diff_prompts",
    "fact_line",
    "list_packs",
    "load_pack",
    "lock_pack",
    "render",
]
