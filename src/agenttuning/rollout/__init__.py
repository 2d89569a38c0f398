"""Rollouts: one episode, many at once, and the processes they happen in."""
