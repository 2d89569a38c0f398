"""`agenttuning arena`: webarena's built-in sites, for a person's own browser."""

import time

from agenttuning.environments import environment_class
from agenttuning.errors import BadInput
from agenttuning.tables import aligned
from agenttuning.trajectory import Split


def arena(*sites: str, split: Split = "test", seconds: float | None = None) -> None:
    """Start webarena's built-in sites on fresh data and print where they are; Ctrl-C ends them.

    Parameters
    ----------
    sites
        Which: shop, tracker, wiki; all by default.
    split
        Whose contents: train, dev or test.
    seconds
        End by itself after so many seconds.
    """
    environment_class("webarena")
    from agenttuning.environments.webarena.addresses import PARTS
    from agenttuning.environments.webarena.contents import PASSWORD, contents
    from agenttuning.environments.webarena.sites.arena import arena as running

    known = dict.fromkeys(site for site, _ in PARTS.values())
    for name in sites:
        if name not in known:
            raise BadInput(f"no site {name!r}; there are: {', '.join(known)}")
    told = contents(split)
    accounts = {
        "shop": f"{told['shop']['customers'][0]['email']}, or staff@example.org for the dashboard",
        "tracker": told["tracker"]["users"][0]["login"],
        "wiki": "editor",
    }
    rows = [["site", "address", "log in as"]]
    for name in sites or known:
        rows.append([name, running().site(name, split).address, accounts[name]])
    print(aligned(rows))
    print(f"The password of all of them is {PASSWORD}. What you change is gone when this ends: Ctrl-C.", flush=True)
    time.sleep(10**9 if seconds is None else seconds)
