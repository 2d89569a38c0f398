"""The server as an ASGI application: the endpoints, and what stands around them.

>>> application(models, ServeConfig(), key=None)
"""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agenttuning import __version__
from agenttuning.serving import chat, completions, tgi
from agenttuning.serving.answer import Answer, read_body
from agenttuning.serving.config import ServeConfig
from agenttuning.serving.fields import read_json
from agenttuning.serving.gate import Gate
from agenttuning.serving.generation import Generator
from agenttuning.serving.guard import LOOPBACK, Guard
from agenttuning.serving.metrics import Metrics
from agenttuning.serving.models import Models
from agenttuning.serving.problem import Problem

_TGI = ("/", "/generate", "/generate_stream", "/info")


def application(models: Models, config: ServeConfig, *, key: str | None) -> Starlette:
    """`key` is what clients have to show, None for nothing."""
    gate = Gate(config.running, config.waiting)
    metrics = Metrics(gate)
    generator = Generator(models, gate, metrics)
    left = metrics.cancelled

    async def body_of(request: Request) -> Any:
        return read_json(await read_body(request, int(config.body_megabytes * 1e6), config.patience))

    async def chat_completions(request: Request) -> Response:
        wanted = await chat.read(await body_of(request), generator, config)
        if wanted.stream:
            return Answer(events=chat.stream(wanted, generator), left=left)
        return Answer(whole=chat.answer(wanted, generator), left=left)

    async def text_completions(request: Request) -> Response:
        wanted = await completions.read(await body_of(request), generator)
        if wanted.stream:
            return Answer(events=completions.stream(wanted, generator), left=left)
        return Answer(whole=completions.answer(wanted, generator), left=left)

    async def generate(request: Request) -> Response:
        return Answer(whole=tgi.answer(await tgi.read(await body_of(request), generator), generator), left=left)

    async def generate_stream(request: Request) -> Response:
        wanted = await tgi.read(await body_of(request), generator)
        return Answer(events=tgi.stream(wanted, generator), done=None, left=left)

    async def generate_either(request: Request) -> Response:
        body = await body_of(request)
        wanted = await tgi.read(body, generator)
        if body.get("stream") is True:
            return Answer(events=tgi.stream(wanted, generator), done=None, left=left)
        return Answer(whole=_listed(tgi.answer(wanted, generator)), left=left)

    async def list_models(request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [_model(name, models) for name in models.served]})

    async def one_model(request: Request) -> Response:
        return JSONResponse(_model(models.find(request.path_params["name"]).name, models))

    async def info(request: Request) -> Response:
        return JSONResponse({"model_id": models.base.name, "max_total_tokens": models.context, "version": __version__})

    async def health(request: Request) -> Response:
        if models.alive:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "the engine has stopped"}, 503, {"Retry-After": "30"})

    async def counts(request: Request) -> Response:
        return Response(metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")

    posts: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "/v1/chat/completions": chat_completions,
        "/v1/completions": text_completions,
        "/generate": generate,
        "/generate_stream": generate_stream,
        "/": generate_either,
    }
    gets = {"/v1/models": list_models, "/info": info, "/health": health, "/metrics": counts}
    routes = [Route(path, endpoint, methods=["POST"]) for path, endpoint in posts.items()]
    routes += [Route(path, endpoint, methods=["GET"]) for path, endpoint in gets.items()]
    routes.append(Route("/v1/models/{name:path}", one_model, methods=["GET"]))
    guard = Middleware(
        Guard,
        hosts=(*LOOPBACK, config.host, *config.allowed_hosts),
        key=key,
        metrics=metrics,
        paths=(*posts, *gets),
    )
    return Starlette(
        routes=routes,
        middleware=[guard],
        exception_handlers={Problem: _refused, HTTPException: _unknown, Exception: _failed},
    )


async def _listed(answer: Awaitable[Any]) -> list[Any]:
    return [await answer]


def _model(name: str, models: Models) -> dict[str, Any]:
    base = models.base.name
    parent = {"parent": base} if name != base else {}
    return {"id": name, "object": "model", "created": 0, "owned_by": "agenttuning", "max_model_len": models.context,
            **parent}  # fmt: skip


async def _refused(request: Request, problem: Any) -> Response:
    body = problem.tgi() if request.url.path in _TGI else problem.openai()
    return JSONResponse(body, problem.status, problem.headers)


async def _unknown(request: Request, error: Any) -> Response:
    problem = Problem(error.status_code, f"{request.method} {request.url.path}: {error.detail}")
    return JSONResponse(problem.openai(), problem.status, error.headers)


async def _failed(request: Request, error: Exception) -> Response:
    problem = Problem(500, f"the server failed ({type(error).__name__}); its log says where")
    return JSONResponse(problem.openai(), problem.status)
