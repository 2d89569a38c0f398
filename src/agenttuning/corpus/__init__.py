"""Trajectories become a corpus: filtered by what they achieved, mixed with general conversations."""
