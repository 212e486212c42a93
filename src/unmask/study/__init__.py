"""The study file, the cells its contrasts need, and both crossed with queries to samples."""

from unmask.study.contrasts import cells_of, conditions_of
from unmask.study.cross import StudySample, cross, reading_of
from unmask.study.questions import ReplyQuestion, StoryQuestion, reply_questions, story_questions
from unmask.study.spec import Origin, Resolved, Study, list_studies, load_study

__all__ = [
    "Origin",
    "ReplyQuestion",
    "Resolved",
    "StoryQuestion",
    "Study",
    "StudySample",
    "cells_of",
    "conditions_of",
    "cross",
    "list_studies",
    "load_study",
    "reading_of",
    "reply_questions",
    "story_questions",
]
