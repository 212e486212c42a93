"""Models whose truth is known: scripted ones with exact rates, trained ones with measured rates."""
