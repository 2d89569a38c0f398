"""The viewer: trajectories in a browser, from a local page or a static bundle of it.

`sources` finds the files, `document` reads an ATIF document as something to show, `index` keeps what is listed and
searched in one SQLite file, `server` and `bundle` hand the same page its data.

>>> with Index.of([Path("runs/quickstart")]) as index:
...     index.listed(Query(environment="database")).total
880
"""
