"""Instructions that nobody has written yet, made with a teacher as AgentTuning made them (arXiv 2310.12823 §2.1).

Self-Instruct: a teacher writes a problem with its set-up, a reference solution and a check; all of it is executed, a
second call has to solve it, and what holds becomes a task. Task derivation: questions of a text-to-SQL set become
trajectories (the teacher writes the thoughts) or tasks (the teacher then plays them).

    config.py          what there is to choose        construct.py     a run, from a teacher to files
    self_instruct.py   the loop                       world.py         what it asks of an environment
    refusal.py         why something was not taken    similarity.py    ROUGE-L, and the pool of instructions
    reply.py           JSON and code out of a teacher's text
    machine.py         problems on a Linux machine, with machine_prompts.py and checks.py
    tables.py          questions about tables, with tables_prompts.py
    sql_set.py         BIRD's and Spider's layout     sqlite_file.py   a database that nobody vouches for
    excerpt.py         a part of it that fits         derive.py        a question and its SQL as a task
    thoughts.py        thoughts for a known answer    topics.py        what the teacher is asked to write about
    estimate.py        what a run would cost
"""
