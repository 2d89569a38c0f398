"""Agents: an environment's expert, a model, a recording, a person."""
