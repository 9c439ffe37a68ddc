"""Qwen3-ASR hears, by our own driver."""
