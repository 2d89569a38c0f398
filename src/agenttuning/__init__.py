"""agenttuning: agents act, their trajectories become a corpus, the corpus a model, the model gets scores.

>>> from agenttuning.environments import make
>>> from agenttuning.rollout.episode import run_episode
"""

__version__ = "0.1.0"
