"""Run SGLang: installed in an environment of its own, set up for the card, kept running."""
