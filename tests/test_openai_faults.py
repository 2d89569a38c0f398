"""What the client does about each way in which an endpoint can fail: docs/endpoints.md's table, on a real server."""

import pytest
from misbehaving_server import MODEL, MisbehavingServer

from agenttuning import engines
from agenttuning.conversation import Conversation, system, user
from agenttuning.engines import EndpointConfig, Sampling
from agenttuning.engines.openai import engine as engine_module
from agenttuning.engines.openai.faults import retry_after
from agenttuning.errors import ContextFull, EngineError, RequestFailed

QUICK = {"timeout": 1.5, "retries": 1, "patience": 20.0, "largest_reply": 100_000}
TALK = Conversation((system("Be brief."), user("What is the capital of Ghana?")))


def ask(server, conversation=TALK, **options):
    with engines.make(server.address, endpoint=EndpointConfig(**{**QUICK, **options})) as engine:
        return engine.submit(conversation, Sampling()).result(timeout=30)


def first(name):
    """A plan: this once, then all is well."""
    return lambda n, body: name if n == 0 else "good"


AGAIN = {
    "reset": "connection broke",
    "reset_before": "connection broke",
    "error": "answered 500: out of order",
    "error_without_end": "more than 100,000 bytes",
    "hung": "no whole reply within 0.3 s",
    "slow_loris": "no whole reply within 0.3 s",
    "malformed": "not JSON",
    "page": "not JSON .* begins '<html>",
    "no_choices": "holds no choices",
    "odd_types": "content is dict, expected text",
    "nested": "not JSON",
    "truncated": "connection broke",
    "truncated_chunks": "connection broke",
    "oversized": "1,000,000,000,000 bytes, more than 100,000",
    "oversized_chunks": "more than 100,000 bytes",
    "compressed": "compressed .gzip",
    "bad_utf8": r"not UTF-8 .byte 0xff at \d+",
    "no_http": "connection broke",
}


@pytest.mark.parametrize("name", [*AGAIN, "busy", "unavailable"])
def test_what_happens_once_is_asked_again(name):
    with MisbehavingServer(first(name)) as server:
        reply = ask(server)
    assert reply.text == "Accra"
    (request,) = reply.usage.requests
    assert request.attempts == len(server.requests) == 2
    assert (request.prompt, request.completion, request.endpoint) == (100, 10, server.url)
    assert server.requests[0] == server.requests[1]


@pytest.mark.parametrize("name", AGAIN)
def test_what_happens_always_ends_the_episode_with_its_reason(name):
    with MisbehavingServer(lambda n, body: name) as server, pytest.raises(RequestFailed, match=AGAIN[name]) as failed:
        ask(server, timeout=0.3 if "0.3 s" in AGAIN[name] else 10.0)
    assert len(server.requests) == 2
    assert server.url in str(failed.value)
    assert "given up after 2 attempts" in str(failed.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("wrong_model", "does not know the model .*404: model_not_found there is no model small"),
        ("forbidden", "refused the key"),
        ("no_quota", "no quota left"),
        ("busy_an_hour", "asks to wait 3,[56]"),
        ("odd_request", "refused the request .400: content policy"),
    ],
)
def test_what_no_request_can_mend_stops_the_run_at_once(name, told):
    with MisbehavingServer(lambda n, body: name) as server, pytest.raises(EngineError, match=told) as failed:
        ask(server)
    assert not isinstance(failed.value, RequestFailed)
    assert len(server.requests) == 1


def test_a_request_refused_among_good_ones_ends_its_episode_alone():
    with (
        MisbehavingServer(lambda n, body: "odd_request" if n == 1 else "good") as server,
        engines.make(server.address, endpoint=EndpointConfig(**QUICK)) as engine,
    ):
        assert engine.submit(TALK, Sampling()).result().text == "Accra"
        with pytest.raises(RequestFailed, match="content policy"):
            engine.submit(TALK, Sampling()).result()
        assert engine.submit(TALK, Sampling()).result().text == "Accra"


@pytest.mark.parametrize("name", ["full", "too_large_a_request"])
def test_a_conversation_that_is_too_long_is_no_fault_of_the_endpoint(name):
    with MisbehavingServer(first(name)) as server, pytest.raises(ContextFull):
        ask(server)


def test_an_endpoint_that_goes_away_stops_the_run_with_one_error():
    with MisbehavingServer() as server:
        engine = engines.make(server.address, endpoint=EndpointConfig(**{**QUICK, "patience": 0.6}))
        assert engine.submit(TALK, Sampling()).result().text == "Accra"
    waiting = [engine.submit(TALK, Sampling()) for _ in range(20)]
    told = {str(future.exception(timeout=30)) for future in waiting}
    engine.close()
    (line,) = told
    assert line.startswith(f"{server.url} gave no good reply for")
    assert "cannot connect" in line
    assert "run the same command to go on" in line


def test_an_endpoint_that_comes_back_in_time_is_waited_for():
    with MisbehavingServer() as server:
        engine = engines.make(server.address, endpoint=EndpointConfig(**QUICK))
    futures = [engine.submit(TALK, Sampling()) for _ in range(3)]
    with pytest.raises(TimeoutError):
        futures[0].result(timeout=0.3)
    with MisbehavingServer(port=server.port):
        assert [future.result(timeout=30).text for future in futures] == ["Accra"] * 3
    engine.close()


def test_a_pause_that_was_asked_for_is_kept():
    with MisbehavingServer(first("busy_half_a_second")) as server:
        assert ask(server).text == "Accra"
    assert 0.5 <= server.times[1] - server.times[0] < 3


def test_retry_after_is_seconds_milliseconds_or_a_date():
    assert retry_after({"retry-after": "7"}) == 7
    assert retry_after({"retry-after-ms": "250", "retry-after": "7"}) == 0.25
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, now=1445412470.0) == 10
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, now=1445419999.0) == 0
    for odd in ("", "-1", "inf", "nan", "soon", "Wed, 99 Oct 2015"):
        assert retry_after({"retry-after": odd}) is None


def test_a_key_that_is_repeated_stays_out_of_the_reason(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-1234")
    with MisbehavingServer(lambda n, body: "tells_the_key") as server, pytest.raises(RequestFailed) as failed:
        ask(server)
    assert "no backend for Bearer (key)" in str(failed.value)


def test_half_a_surrogate_pair_can_still_be_written_to_disk():
    with MisbehavingServer(first("half_a_pair")) as server:
        text = ask(server).text
    assert text == "Accra ?"


@pytest.mark.parametrize(
    ("listing", "told"),
    [
        ("page", "no list of models: the reply is not JSON.*usually ends with /v1"),
        ("error", "answered 500 to a list of models"),
        ("hung", "does not answer: no whole reply within 0.4 s"),
    ],
)
def test_trouble_with_the_list_of_models_is_known_before_the_run(listing, told, monkeypatch):
    if listing == "hung":
        monkeypatch.setattr(engine_module, "LIST_TIMEOUT", 0.4)
    with MisbehavingServer(listing=listing) as server, pytest.raises(EngineError, match=told):
        ask(server)
    assert server.requests == []


def test_a_server_that_lists_no_models_is_believed():
    with MisbehavingServer(listing="unknown") as server:
        assert ask(server).text == "Accra"
    assert server.requests[0]["model"] == MODEL


def test_a_cancelled_request_is_taken_back_and_the_place_with_it():
    with (
        MisbehavingServer(first("hung")) as server,
        engines.make(server.address, endpoint=EndpointConfig(concurrency_start=1, concurrency_most=1)) as engine,
    ):
        stuck = engine.submit(TALK, Sampling())
        while not server.requests:
            assert not stuck.done()
        assert stuck.cancel()
        assert engine.submit(TALK, Sampling()).result(timeout=10).text == "Accra"
