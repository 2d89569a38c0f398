"""Licences as hubs spell them, for the YAML at the top of a card.

Hugging Face takes only identifiers of its list (huggingface.co/docs/hub/repositories-licenses); any other licence is
``other`` with a name of its own. ModelScope reads the same fields.

>>> front_matter(["cc-by-4.0"])
{'license': 'cc-by-4.0'}
>>> front_matter(["Our own terms"])
{'license': 'other', 'license_name': 'our-own-terms'}
"""

import re
from collections.abc import Sequence
from typing import Any

HUB_LICENSES = frozenset(
    """
    apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m
    afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5
    cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0
    cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0
    cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0
    lgpl lgpl-2.1 lgpl-3.0 isc h-research intel-research lppl-1.3c ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl
    openmdw-1.0 openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl lgpl-lr deepfloyd-if-license
    fair-noncommercial-research-license llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 grok2-community gemma unknown
    other
    """.split()  # noqa: SIM905
)
# The names that `known_models` has for licences, as the hub spells them.
_SPELLED = {
    "llama 2 community": "llama2",
    "llama 3.1 community": "llama3.1",
    "llama 3.2 community": "llama3.2",
    "gemma terms": "gemma",
    "qwen research": "qwen-research",
}


def spelled(license: str) -> str:
    """A licence's name in a hub's spelling: lower case, hyphens; ``unknown`` where there is none."""
    name = " ".join(license.split()).lower()
    return _SPELLED.get(name) or re.sub(r"[^a-z0-9.+]+", "-", name).strip("-") or "unknown"


def parts(license: str) -> list[str]:
    """The licences of ``A AND B``."""
    return re.split(r"\s+AND\s+", license)


def front_matter(licenses: Sequence[str]) -> dict[str, Any]:
    """``license``, one or a list, and ``license_name`` where one of them is not in the hub's list.

    A row that is made of several is under ``A AND B`` (SPDX): that is both of them.
    """
    names = sorted({spelled(part) for license in licenses for part in parts(license)}) or ["unknown"]
    own = [name for name in names if name not in HUB_LICENSES]
    listed = [name for name in names if name in HUB_LICENSES and name != "other"] + (["other"] if own else [])
    listed = listed or ["other"]
    out: dict[str, Any] = {"license": listed[0] if len(listed) == 1 else listed}
    return out | ({"license_name": "-and-".join(own)} if own else {})
