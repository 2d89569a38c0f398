// The page: filters, search, keys; its state stands in the address, so that a view can be bookmarked and sent.
"use strict";

(() => {
  const { node, put, marks } = viewer.text;
  const byId = (id) => document.getElementById(id);
  const number = (n) => n.toLocaleString("en");
  const searching = (done, total) => { byId("count").textContent = `searching, ${number(done)} of ${number(total)}`; };
  const source = viewer.data ? viewer.bundle(viewer.data, searching) : viewer.server();
  const search = byId("search"), box = byId("rows"), article = byId("trajectory"), help = byId("help");
  const LABELS = { set: "Set", environment: "Environment", outcome: "Outcome", model: "Model", change: "Change" };
  const narrow = matchMedia("(max-width: 52rem)");
  const state = { set: null, environment: null, outcome: null, model: null, change: null, search: "", id: null, view: "turns", other: null };
  const selects = {};
  let about = {}, asked = 0, shown = 0;

  const list = viewer.list(box, byId("sizer"), {
    onSelect: (row) => { if (row.id !== state.id) { state.other = null; display(row.id); } },
    onOpen: () => open(),
  });
  const trajectory = viewer.trajectory(article, {
    trajectoryOf: source.trajectory, tokensOf,
    onView: (name) => setView(name),
    onBack: () => close(),
    onOther: (id) => { state.other = id; display(state.id); },
  });

  async function tokensOf(id) {
    if (!about.model) throw new Error("No model was named: agenttuning view RUN --model NAME shows which tokens are trained.");
    return source.tokens(id);
  }

  const query = () => Object.fromEntries([...viewer.FACETS, "search"].map((name) => [name, state[name]]));

  async function refresh() {
    const own = ++asked, wanted = query();
    document.body.classList.add("busy");
    try {
      const found = await source.list(wanted, state.id);
      if (own !== asked) return;
      byId("count").textContent = `${number(found.total)} ${found.total === 1 ? "trajectory" : "trajectories"}`;
      fill(found.facets);
      byId("empty").hidden = found.total > 0;
      byId("empty").textContent = "Nothing fits these filters and this search. Esc clears the search.";
      list.show(found.total, (offset, limit) => source.page(wanted, offset, limit), found.position);
      if (!found.total) { state.id = null; article.replaceChildren(); }
      else if (found.position !== null) display(state.id);
      keep();
    } catch (error) {
      if (own === asked) complain(error);
    } finally {
      if (own === asked) document.body.classList.remove("busy");
    }
  }

  function fill(facets) {
    for (const facet of viewer.FACETS) {
      const select = selects[facet], values = [...facets[facet]];
      const chosen = state[facet];
      if (chosen !== null && !values.some(([value]) => value === chosen)) values.push([chosen, 0]);
      const all = values.reduce((sum, [, count]) => sum + count, 0);
      select.replaceChildren(node("option", { value: "" }, `all (${number(all)})`));
      for (const [value, count] of values) {
        const label = facet === "change" ? viewer.CHANGES[value] ?? value : value || "none";
        select.append(put(node("option", { value: `=${value}`, selected: value === chosen }), `${label} (${number(count)})`));
      }
      select.closest("label").hidden = chosen === null && values.length < 2;
    }
  }

  async function display(id) {
    const own = ++shown;
    state.id = id;
    keep();
    try {
      const one = await source.trajectory(id);
      if (own !== shown) return;
      await trajectory.show(one, { view: state.view, other: state.other, marks: marks(state.search) });
      article.setAttribute("aria-label", `Trajectory ${one.environment} ${one.task}`);
    } catch (error) {
      if (own === shown) complain(error);
    }
  }

  const complain = (error) => article.replaceChildren(put(node("p", { class: "error", role: "alert" }), String(error.message ?? error)));

  let keeping = 0; // browsers refuse many changes of the address in a short time
  function keep() {
    clearTimeout(keeping);
    keeping = setTimeout(write, 150);
  }

  function write() {
    const fields = new URLSearchParams();
    for (const [name, value] of Object.entries(state)) {
      if (value !== null && value !== "" || (value === "" && viewer.FACETS.includes(name))) fields.set(name, value);
    }
    if (state.view === "turns") fields.delete("view");
    history.replaceState(null, "", `#${fields}`);
  }

  function restore() {
    const fields = new URLSearchParams(location.hash.slice(1));
    for (const facet of viewer.FACETS) state[facet] = fields.get(facet);
    state.search = fields.get("search") ?? "";
    state.view = ["turns", "side", "tokens"].includes(fields.get("view")) ? fields.get("view") : "turns";
    for (const name of ["id", "other"]) state[name] = /^\d+$/.test(fields.get(name) ?? "") ? Number(fields.get(name)) : null;
    search.value = state.search;
  }

  function setView(name) {
    state.view = state.view === name && name !== "turns" ? "turns" : name;
    if (state.id !== null) display(state.id).then(() => {
      if (document.activeElement === document.body) article.querySelector("[aria-pressed=true]")?.focus();
    });
  }

  function open() {
    document.body.classList.add("open");
    if (narrow.matches) article.focus({ preventScroll: true });
  }

  function close() {
    document.body.classList.remove("open");
    box.focus({ preventScroll: true });
  }

  function turn(by) {
    const turns = [...article.querySelectorAll(".turn")];
    const now = turns.indexOf(document.activeElement.closest?.(".turn"));
    const next = turns[now < 0 ? (by > 0 ? 0 : turns.length - 1) : Math.max(0, Math.min(turns.length - 1, now + by))];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "start" });
  }

  const KEYS = {
    j: () => list.move(1), k: () => list.move(-1), n: () => turn(1), p: () => turn(-1),
    s: () => setView("side"), t: () => setView("tokens"),
    "/": () => { document.body.classList.remove("open"); search.focus(); search.select(); }, "?": () => help.showModal(),
  };
  const IN_LIST = {
    ArrowDown: () => list.move(1), ArrowUp: () => list.move(-1), PageDown: list.pageDown, PageUp: list.pageUp,
    Home: list.home, End: list.end, Enter: () => { open(); article.focus({ preventScroll: true }); },
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const at = document.activeElement, writing = at.matches("input, textarea, select");
    if (event.key === "Escape") {
      if (at === search && search.value) { search.value = ""; typed(); } else close();
    } else if (at === search && ["Enter", "ArrowDown"].includes(event.key)) box.focus();
    else if (writing) return;
    else if (KEYS[event.key]) KEYS[event.key]();
    else if (IN_LIST[event.key] && (at === box || at === document.body)) IN_LIST[event.key]();
    else return;
    event.preventDefault();
  });

  let waiting = 0;
  function typed() {
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (state.search !== search.value) { state.search = search.value; refresh(); } }, 120);
  }

  async function start() {
    for (const facet of viewer.FACETS) {
      selects[facet] = node("select", { id: `filter-${facet}`, on: { change: (event) => {
        state[facet] = event.target.value ? event.target.value.slice(1) : null;
        refresh();
      } } });
      byId("filters").append(node("label", { hidden: true }, node("span", {}, LABELS[facet]), selects[facet]));
    }
    search.addEventListener("input", typed);
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    byId("keys").addEventListener("click", () => help.showModal());
    window.addEventListener("hashchange", () => { restore(); refresh(); });
    restore();
    try {
      about = await source.about();
      byId("name").replaceChildren();
      put(byId("name"), about.name);
      document.title = `${about.name} · trajectories`;
      told();
    } catch (error) {
      return complain(error);
    }
    await refresh();
    if (document.activeElement === document.body) box.focus();
  }

  // What is not in the list: lines that could not be read, trajectories that an export left out.
  function told() {
    const bad = byId("bad"), items = bad.querySelector("ul"), words = [];
    const count = about.bad.reduce((sum, one) => sum + one.count, 0);
    if (count) words.push(`${viewer.count(count, "line")} could not be read`);
    if (about.left_out) words.push(`${number(about.left_out)} trajectories of the run are not in this export`);
    bad.hidden = !words.length;
    bad.querySelector("summary").textContent = words.join("; ");
    for (const one of about.bad) {
      const examples = node("ul");
      for (const example of one.examples) examples.append(put(node("li"), example));
      items.append(node("li", {}, put(node("bdi"), `${one.file}: ${one.count} × ${one.reason}`), examples));
    }
  }

  start();
})();
