"""Which passage each block takes in which wording of the whole: a linear orthogonal design.

A wording's number is written in base q, the passages per block, and read as a vector over the field with
q elements; block k takes the passage numbered by the product of that vector with its own (1, b, c). Any two
blocks are then crossed in full (each pair of passages equally often) over all wordings, up to q * q blocks,
and each block is balanced over the first q, 2q, 4q … wordings, so that a study may use fewer.
"""

from __future__ import annotations

MODULUS = {2: 0b11, 4: 0b111, 8: 0b1011}  # an irreducible polynomial for each field
PASSAGES = (1, *MODULUS)  # passages per block that a pack may have
MAX_WORDINGS = 64


def n_wordings(q: int) -> int:
    """Wordings of the whole that q passages per block give: q³, or as many powers of q as stay in 64."""
    if q == 1:
        return 1
    total = q
    while total * q <= min(q**3, MAX_WORDINGS):
        total *= q
    return total


def passage_of(wording: int, block: int, q: int) -> int:
    """The passage that the block in this place takes in this wording."""
    if q == 1:
        return 0
    column = (1, block % q, block // q % q)
    chosen, rest = 0, wording
    for weight in column:
        chosen ^= multiply(weight, rest % q, q)
        rest //= q
    return chosen


def multiply(a: int, b: int, q: int) -> int:
    """Product in the field with q elements, q a power of two."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & q:
            a ^= MODULUS[q]
        b >>= 1
    return product
