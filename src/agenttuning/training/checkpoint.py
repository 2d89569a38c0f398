"""What a killed training goes on from: the trained weights and the optimiser's state after a step.

The folder is written beside the last one and takes its name when it is whole.

>>> save(out, net, optimizer, 20, settings)
>>> restore(out, net, optimizer, settings)
20
"""

import json
import shutil
from pathlib import Path
from typing import Any

from agenttuning.files import write_json


def save(out: Path, net: Any, optimizer: Any, step: int, settings: dict[str, Any]) -> None:
    import torch

    partial, final, old = out / "checkpoint.partial", out / "checkpoint", out / "checkpoint.old"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    trained = {name: p.detach() for name, p in net.named_parameters() if p.requires_grad}
    torch.save({"weights": trained, "optimizer": optimizer.state_dict()}, partial / "state.pt")
    write_json(partial / "state.json", {"step": step, "settings": settings})
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.rename(old)
    partial.rename(final)
    shutil.rmtree(old, ignore_errors=True)


def restore(out: Path, net: Any, optimizer: Any, settings: dict[str, Any]) -> int:
    """Load the last checkpoint of a run with the same settings; returns the steps done (0: from the start)."""
    import torch

    folder = next((f for f in (out / "checkpoint", out / "checkpoint.old") if (f / "state.json").is_file()), None)
    state = json.loads((folder / "state.json").read_text()) if folder else None
    if folder is None or state is None or state["settings"] != settings:
        return 0
    saved = torch.load(folder / "state.pt", map_location="cpu", weights_only=True)
    own = dict(net.named_parameters())
    with torch.no_grad():
        for name, value in saved["weights"].items():
            own[name].copy_(value)
    optimizer.load_state_dict(saved["optimizer"])
    return state["step"]
