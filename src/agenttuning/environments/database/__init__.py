"""Questions about a database, answered with SQL; the world of AgentBench's dbbench.

An episode: the question and the tables' columns, then statements and their results, then the answer.

    Which ships have the cargo coal?
    Table:
    ship(name TEXT, harbour TEXT, cargo TEXT, length INT, crew INT)
    > sql SELECT name FROM ship WHERE cargo = 'coal'
    ["Brave Swan", "Royal Star"]
    > answer ["Brave Swan", "Royal Star"]
"""

from agenttuning.environments.database.environment import Database

__all__ = ["Database"]
