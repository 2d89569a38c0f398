"""A Ray cluster: the one at an address, or one that is started here.

>>> join("ray://head:10001")
>>> join("local", processors=4)
"""

from typing import Any

from agenttuning.errors import BadInput, MissingExtra

LOCAL = "local"


def join(address: str, processors: int | None = None) -> None:
    """Join the cluster at the address, or for `local` start one of so many processors, which ends with this process.

    Nothing where this process is in one already. Raises BadInput for a cluster that cannot be used, MissingExtra
    without Ray.
    """
    try:
        import ray
    except ModuleNotFoundError:
        raise MissingExtra("ray", "ray") from None
    if ray.is_initialized():
        return
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
    try:
        if address == LOCAL:
            ray.init(num_cpus=processors, include_dashboard=False, **quiet)
        else:
            ray.init(address, **quiet)
    except Exception as error:  # ray raises its bare class where a node does not come up in time
        what = "a local cluster" if address == LOCAL else address
        raise BadInput(f"ray: {what} cannot be used ({' '.join(str(error).split())[:200]})") from None
