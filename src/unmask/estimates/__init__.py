"""How sure we are. One question a file; numpy arrays in, frozen results out.

`effects`: differences paired by query. `paired`: two cells, one reply each. `rates`: one rate, or two apart.
`screened`: one that was read by sample in part. `bounds`: what unusable replies could have been. `detection`:
what a design would have seen. `multiple`: a family of differences. `ratio`: one change as a share of another.
`pairs`: what goes against a gap. `correction`: a judge's errors taken out. `seeds`: several trainings of one
kind. Nothing here knows of models, tables or files; "cannot know" is NaN or an EstimateError, never 0.
"""

from unmask.estimates.bounds import (
    Bounds,
    Share,
    bounds_by_query,
    contrast_bounds,
    flagged_share,
    two_sample_bounds,
    widened,
)
from unmask.estimates.correction import Confusion, corrected_contrast, corrected_rate, labelled_contrast
from unmask.estimates.detection import Requirement, detection_limit, power_at, queries_needed, reply_noise
from unmask.estimates.effects import (
    Effect,
    Effects,
    Floats,
    contrast_by_query,
    contrast_effect,
    contrast_effects,
    mean_effect,
    mean_effects,
    two_sample_effect,
    two_sample_effects,
)
from unmask.estimates.multiple import family_level, holm, mean_p, two_sample_p
from unmask.estimates.paired import tango_effect, tango_limits
from unmask.estimates.pairs import Pairs, count_pairs
from unmask.estimates.rates import Limited, Rate, rate_interval, rates_apart, wilson_limits
from unmask.estimates.ratio import Ratio, ratio_of_means
from unmask.estimates.screened import screened_rate
from unmask.estimates.seeds import over_seeds, seeds_apart, share_shown

__all__ = [
    "Bounds",
    "Confusion",
    "Effect",
    "Effects",
    "Floats",
    "Limited",
    "Pairs",
    "Rate",
    "Ratio",
    "Requirement",
    "Share",
    "bounds_by_query",
    "contrast_bounds",
    "contrast_by_query",
    "contrast_effect",
    "contrast_effects",
    "corrected_contrast",
    "corrected_rate",
    "count_pairs",
    "detection_limit",
    "family_level",
    "flagged_share",
    "holm",
    "labelled_contrast",
    "mean_effect",
    "mean_effects",
    "mean_p",
    "over_seeds",
    "power_at",
    "queries_needed",
    "rate_interval",
    "rates_apart",
    "ratio_of_means",
    "reply_noise",
    "screened_rate",
    "seeds_apart",
    "share_shown",
    "tango_effect",
    "tango_limits",
    "two_sample_bounds",
    "two_sample_effect",
    "two_sample_effects",
    "two_sample_p",
    "widened",
    "wilson_limits",
]
