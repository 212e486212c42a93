"""What is asked beside the requests: whether the story was understood, and what a model says of its reply.

Texts, and the rules by which an answer is read without a grader, are data under `library/`. Knows nothing of
prompts, studies or models.
"""

from unmask.questions.answers import read_plainly, read_tier, read_word, read_yes_no
from unmask.questions.load import (
    Comprehensions,
    FollowUps,
    Rules,
    load_comprehension,
    load_follow_ups,
    questions_sha256,
)

__all__ = [
    "Comprehensions",
    "FollowUps",
    "Rules",
    "load_comprehension",
    "load_follow_ups",
    "questions_sha256",
    "read_plainly",
    "read_tier",
    "read_word",
    "read_yes_no",
]
