"""The embedded model: llama.cpp in this process, for Inspect. Knows nothing of studies or packs."""
