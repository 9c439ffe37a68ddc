"""What guesses the words: detectors, recognizers and translators, chosen by name."""
