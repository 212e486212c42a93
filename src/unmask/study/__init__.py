"""The study file, the cells its contrasts need, and both crossed with queries to samples."""

from unmask.study.contrasts import cells_of, conditions_of, deciding, decision_level
from unmask.study.cross import StudySample, cross, reading_of
from unmask.study.load import list_studies, load_study
from unmask.study.questions import ReplyQuestion, StoryQuestion, reply_questions, story_questions
from unmask.study.slices import Slice, base_of, slices
from unmask.study.spec import Origin, Resolved, Study

__all__ = [
    "Origin",
    "ReplyQuestion",
    "Resolved",
    "Slice",
    "StoryQuestion",
    "Study",
    "StudySample",
    "base_of",
    "cells_of",
    "conditions_of",
    "cross",
    "deciding",
    "decision_level",
    "list_studies",
    "load_study",
    "reading_of",
    "reply_questions",
    "slices",
    "story_questions",
]
