"""The report: one self-contained HTML page of what a run did and what came of it.

>>> write_report(Path("runs/quickstart"))
PosixPath('runs/quickstart/report.html')
"""

from agenttuning.report.page import write_report

__all__ = ["write_report"]
