"""Activations to scores: what a linear reading of the residual stream tells of a prompt or a reply.

`activations` runs the model and keeps chosen positions; `linear` fits and chooses the layer, arrays in and
out; `probe_file` is a probe as JSON; `vector` is a direction as files that llama.cpp reads. Knows nothing of
roles, packs or organisms. A probe's score is evidence beside others, never a verdict by itself.
"""
