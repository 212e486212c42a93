"""The embedded model: llama.cpp in this process, as an Inspect provider. Knows nothing of studies or packs."""
