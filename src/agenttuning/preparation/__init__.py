"""A corpus of any size, from anybody's shards to shards to train on.

    clean      each block of the input on its own: import to dialect, evaluation items        any number of workers
    choose     which of all clean rows are kept: duplicates, the cap of a task                one pass over the keys
    draw       each output shard on its own: the rows that the mixture has there, encoded     any number of workers

Work is cut by the input and the settings alone and each piece is one file that is whole or absent. So the bytes are the
same for any number of processes, on Ray, and after any interruption.
"""
