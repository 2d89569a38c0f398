"""Any OpenAI-compatible endpoint: vLLM, SGLang, llama.cpp, `agenttuning serve`, a hosted model.

The model is written ``URL#MODEL``, e.g. ``http://localhost:8000/v1#agentlm-7b``; `endpoint` says where the key comes
from. A file a concept: how an endpoint is asked (config), what an answer may be (wire), what can go wrong (faults), how
many requests at once (concurrency), when an endpoint is left alone (breaker), and which of several is asked (replicas).
What may be spent is agenttuning/budget.py; docs/endpoints.md has the whole behaviour.

>>> engine = OpenAIEngine("http://localhost:8000/v1#agentlm-7b", EndpointConfig(budget_tokens=1_000_000))
"""
