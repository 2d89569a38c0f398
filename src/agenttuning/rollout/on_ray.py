"""Workers as Ray actors, spread over the nodes of a cluster; the engine and the driver stay where they are.

An actor that dies alone dies of its episode, as a process does. One that goes with its node is lost: whatever was
being played there is played again on another node. Every node needs this package with the same extras, and data files
under the same paths.

>>> with Pool({"database": None}, ray="auto") as pool: ...
"""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agenttuning.cluster import join
from agenttuning.errors import BadInput, EnvironmentFailure, WorkerLost
from agenttuning.rollout.desk import Answer, Desk
from agenttuning.rollout.worker import Worker

VERDICT = 60.0  # seconds in which the cluster has to know whether a silent actor is dead


class Nodes:
    """The cluster's nodes, and how many of our workers are on each."""

    def __init__(self, address: str):
        join(address)
        self._lock = threading.Lock()
        self._workers: Counter[str] = Counter()

    @property
    def processors(self) -> int:
        return int(sum(self._alive().values()))

    def worker(self, data: Mapping[str, Path | None], *, skip_bad: bool, timeout: float) -> Worker:
        return RayWorker(self, {name: path and path.resolve() for name, path in data.items()}, skip_bad, timeout)

    def take(self) -> str:
        """The node with the fewest of our workers for its processors."""
        alive = self._alive()
        if not alive:
            raise BadInput("ray: no node with processors is left; see to the cluster, then run the same command again")
        with self._lock:
            node = min(sorted(alive), key=lambda one: (self._workers[one] + 1) / alive[one])
            self._workers[node] += 1
        return node

    def leave(self, node: str) -> None:
        with self._lock:
            self._workers[node] -= 1

    def gone(self, node: str) -> bool:
        return node not in self._alive()

    def _alive(self) -> dict[str, float]:
        import ray

        try:
            nodes = ray.nodes()
        except Exception as error:  # the bare class, or what its transport raises
            told = " ".join(str(error).split())[:200]
            raise BadInput(f"ray: the cluster is gone ({told}); run the same command again to go on") from None
        return {one["NodeID"]: one["Resources"]["CPU"] for one in nodes if one["Alive"] and "CPU" in one["Resources"]}


class _Actor:
    """What runs on a node."""

    def __init__(self, environments: dict[str, Path | None], skip_bad: bool):
        self._desk = Desk(environments, skip_bad)

    def answer(self, *request: Any) -> Answer:
        return self._desk.answer(*request)

    def node(self) -> str:
        import ray

        return ray.get_runtime_context().get_node_id()

    def stop(self) -> None:
        import ray

        ray.actor.exit_actor()  # as a process ends: what was registered for its end is done


class RayWorker(Worker):
    """One actor. It takes no share of a node's processors in Ray's books, for it waits most of the time."""

    def __init__(self, nodes: Nodes, environments: Mapping[str, Path | None], skip_bad: bool, timeout: float):
        self._nodes = nodes
        super().__init__(environments, skip_bad=skip_bad, timeout=timeout)

    def start(self) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._node = self._nodes.take()
        self._actor: Any = (
            ray.remote(_Actor)
            .options(
                num_cpus=0,
                max_restarts=0,
                max_task_retries=0,
                scheduling_strategy=NodeAffinitySchedulingStrategy(self._node, soft=False),
            )
            .remote(self.environments, self.skip_bad)
        )

    def ask(self, request: tuple[Any, ...], limit: float) -> Answer:
        import ray
        from ray.exceptions import ActorDiedError, ActorUnschedulableError, GetTimeoutError, RayActorError, RayError

        _, environment, method, _ = request
        try:
            return ray.get(self._actor.answer.remote(*request), timeout=limit)
        except GetTimeoutError:
            if self._nodes.gone(self._node):
                raise WorkerLost(f"the node of {environment} is gone") from None
            raise TimeoutError from None
        except ActorDiedError:
            lost = self._nodes.gone(self._node)
        except (RayActorError, ActorUnschedulableError):  # silent, or its node went before it came there
            lost = self._silent()
        except RayError as error:
            raise EnvironmentFailure(f"{environment}.{method}: {' '.join(str(error).split())[:200]}") from None
        if lost:
            raise WorkerLost(f"the node of {environment} is gone")
        raise EnvironmentFailure(f"the worker process died in {environment}.{method}")

    def _silent(self) -> bool:
        """Whether an actor that could not be reached is lost with its node, or only for a moment; False: it died."""
        import ray
        from ray.exceptions import ActorDiedError, RayError

        deadline = time.monotonic() + VERDICT
        while time.monotonic() < deadline and not self._nodes.gone(self._node):
            try:
                ray.get(self._actor.node.remote(), timeout=5)
                return True  # it is back, without the answer: nobody knows whether the call was carried out
            except ActorDiedError:
                return self._nodes.gone(self._node)
            except RayError:
                time.sleep(0.5)
        return True

    def end(self, grace: float = 0.0) -> None:
        import ray
        from ray.exceptions import RayError

        self._nodes.leave(self._node)
        if grace:
            try:  # waits for what was asked before
                ray.get(self._actor.stop.remote(), timeout=grace)
            except RayError:
                return
        ray.kill(self._actor)
