"""Scores of a model before and after: held-in tasks, held-out tasks, a general probe."""
