"""``python -m agenttuning`` is the command line."""

from agenttuning.cli import main

if __name__ == "__main__":
    main()
