"""General benchmarks: MMLU, GSM8K, HumanEval, MT-Bench and IFEval, as the papers give their general scores.

    files.py          the published files in one folder, read and checked
    asking.py         questions to an engine, each reply on disk as it comes
    harness.py        lm-eval's tasks over those files or the hub's: their prompts, filters and scores
    mmlu.py           log-likelihoods of the four answers, by lm-eval's model for checkpoints
    humaneval.py      a function to write; programs.py runs it in the sandbox
    mt_bench.py       two turns, rated by a judge
    suite.py          the benchmarks of one evaluation

>>> found(Path("data"))
('mmlu', 'gsm8k', 'humaneval', 'mt_bench')
"""
