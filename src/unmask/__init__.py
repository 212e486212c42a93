"""unmask: is a model's alignment real, or performed for its trainer?"""

__version__ = "0.1.0"
