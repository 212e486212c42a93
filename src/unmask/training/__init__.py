"""Changing the embedded model: LoRA by supervised examples, checkpoints, adapters for the engine.

Thin over transformers and PEFT. Knows tokens and weights; nothing of organisms, packs or rates. Needs the
extra `train`; importing this package alone loads nothing heavy.
"""
