"""Judges: one file a judge. They say what one reply shows; rates are for others.

A judgement that could not be made has a status and no label; it is never read as "refused" or "not af".
`scorers` binds the judges to Inspect; `offline` needs no key; `keywords` is the baseline to beat.
"""
