"""A folder's way to a hub: the repository is made private unless told otherwise, and the folder is one commit.

The key is the hub's own business: HF_TOKEN or `hf auth login`, MODELSCOPE_API_TOKEN or `ms login`. It is never an
argument here, and no message holds it.

>>> upload(folder, target("hf:me/agent-135m"), "model", public=False)
'https://huggingface.co/me/agent-135m'
"""

from pathlib import Path

from agenttuning import __version__
from agenttuning.errors import BadInput, MissingExtra, UserError
from agenttuning.publishing.target import Target, What, kind_of
from agenttuning.settings import redact

# Whose exceptions say that the hub or the way to it failed; which of them a client uses changes with its version.
_CLIENTS = frozenset({"huggingface_hub", "modelscope_hub", "httpx", "httpx2", "requests", "urllib3"})
MESSAGE = f"Published with agenttuning {__version__}"


def check_ready(target: Target) -> None:
    """Whether the hub's client is here and has a key, before any work. Raises MissingExtra or BadInput."""
    if target.hub == "hf":
        try:
            from huggingface_hub import get_token
        except ModuleNotFoundError:
            raise MissingExtra("huggingface_hub", "push") from None
        if not get_token():
            raise BadInput("no key for Hugging Face; run `hf auth login`, or set HF_TOKEN")
    else:
        try:
            import modelscope_hub  # noqa: F401
        except ModuleNotFoundError:
            raise MissingExtra("modelscope-hub") from None


def upload(folder: Path, target: Target, what: What, *, public: bool) -> str:
    """Returns the repository's address. Raises BadInput that says what the hub answered."""
    send = _to_hugging_face if target.hub == "hf" else _to_modelscope
    try:
        send(folder, target.repository, kind_of(what), public)
    except Exception as error:
        if isinstance(error, UserError) or not _of_client(error):
            raise
        raise BadInput(_failed(target.repository, error)) from None
    return target.address(what)


def _of_client(error: Exception) -> bool:
    kinds = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return isinstance(error, OSError | ValueError) or not kinds.isdisjoint(_CLIENTS)


def _to_hugging_face(folder: Path, repository: str, kind: str, public: bool) -> None:
    from huggingface_hub import HfApi

    api = HfApi(library_name="agenttuning", library_version=__version__)
    api.create_repo(repository, repo_type=kind, private=not public, exist_ok=True)
    if not public and not api.repo_info(repository, repo_type=kind).private:
        raise BadInput(_already_public(repository))
    api.upload_folder(folder_path=folder, repo_id=repository, repo_type=kind, commit_message=MESSAGE)


def _to_modelscope(folder: Path, repository: str, kind: str, public: bool) -> None:
    from modelscope_hub import HubApi

    api = HubApi()
    if not api.repo_exists(repository, kind):
        api.create_repo(repository, kind, visibility="public" if public else "private")
    elif not public and not api.get_repo(repository, kind).private:
        raise BadInput(_already_public(repository))
    api.upload_folder(repository, kind, folder, commit_message=MESSAGE)


def _already_public(repository: str) -> str:
    return f"{repository} is there already, and public; say --public to publish for everybody, or give another name"


def _failed(repository: str, error: Exception) -> str:
    said = redact(" ".join(str(error).split()))[:300] or type(error).__name__
    return f"{repository}: not uploaded: {said}; run the same command again, or see the folder with --dry-run"
