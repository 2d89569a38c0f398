// Where the page's data come from: the server of `agenttuning view`, or the scripts beside it in an exported folder.
// Both answer list(query, id), page(query, offset, limit), trajectory(id), tokens(id).
"use strict";

viewer.FACETS = ["set", "environment", "outcome", "model", "change"];

viewer.server = () => {
  async function ask(name, fields = {}) {
    const asked = new URLSearchParams();
    for (const [key, value] of Object.entries(fields)) if (value !== null && value !== undefined) asked.set(key, value);
    let answer;
    try {
      answer = await fetch(`api/${name}?${asked}`);
    } catch {
      throw new Error("the viewer has ended; start it again and reload this page");
    }
    const value = await answer.json();
    if (!answer.ok) throw new Error(value.error);
    return value;
  }
  return {
    about: () => ask("run"),
    list: (query, id) => ask("list", { ...query, id }),
    page: (query, offset, limit) => ask("page", { ...query, offset, limit }),
    trajectory: (id) => ask("trajectory", { id }),
    tokens: (id) => ask("tokens", { id }),
  };
};

viewer.bundle = (data, onSearch) => {
  const rows = data.rows.map((values) => Object.fromEntries(data.fields.map((name, i) => [name, values[i]])));
  const place = new Map(rows.map((row, i) => [row.id, i]));
  const parts = new Map(); // number → promise of its trajectories; the last few that were used
  const found = new Map(); // search → set of row numbers

  function load(number) {
    if (!parts.has(number)) {
      parts.set(number, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = `data/part-${String(number).padStart(4, "0")}.js`;
        script.onload = () => { script.remove(); resolve(viewer.part); };
        script.onerror = () => reject(new Error(`${script.src} is missing`));
        document.head.append(script);
      }));
      if (parts.size > 8) parts.delete(parts.keys().next().value);
    }
    return parts.get(number);
  }

  const whole = async (i) => (await load(Math.floor(i / data.size)))[i % data.size];

  // What is searched of a trajectory, by part, as viewer/document.py has it.
  function texts(one) {
    const out = { thought: [], call: [], observation: [], task: [one.task, one.goal, one.opening] };
    for (const turn of one.turns) {
      if (turn.source === "agent") {
        out.thought.push(turn.thought, turn.message, turn.reply);
        for (const [name, values] of turn.calls) out.call.push(name, ...values.map(([, value]) => value));
        out.observation.push(turn.observation, turn.error);
      } else if (turn.source !== "system") out[turn.source === "user" ? "task" : "observation"].push(turn.message);
    }
    return Object.fromEntries(viewer.text.PARTS.map((part) => [part, plain(out[part].join("\n"))]));
  }

  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "");

  let wanted = null; // what is searched for now

  async function search(asked) {
    const terms = viewer.text.terms(plain(asked)).map(({ part, pattern }) => ({ part, pattern: new RegExp(pattern, "iu") }));
    if (!terms.length) return null;
    wanted = asked;
    if (!found.has(asked)) {
      const hits = new Set();
      for (let i = 0; i < rows.length; i++) {
        if (wanted !== asked) throw new Error("another search has begun");
        if (i % data.size === 0) onSearch(i, rows.length);
        const parts = texts(await whole(i));
        const hit = ({ part, pattern }) => part ? pattern.test(parts[part]) : viewer.text.PARTS.some((p) => pattern.test(parts[p]));
        if (terms.every(hit)) hits.add(i);
      }
      found.set(asked, hits);
    }
    return found.get(asked);
  }

  let last = { key: null, value: null }; // the list that is being looked at

  function listed(query) {
    const key = JSON.stringify(query);
    if (last.key !== key) last = { key, value: collect(query) };
    return last.value;
  }

  async function collect(query) {
    const hits = await search(query.search);
    const counts = viewer.FACETS.map(() => new Map()), out = [];
    rows.forEach((row, i) => {
      if (hits && !hits.has(i)) return;
      const wrong = viewer.FACETS.filter((facet) => query[facet] !== null && row[facet] !== query[facet]);
      if (!wrong.length) out.push(row);
      viewer.FACETS.forEach((facet, k) => {
        if (!wrong.length || (wrong.length === 1 && wrong[0] === facet)) counts[k].set(row[facet], (counts[k].get(row[facet]) ?? 0) + 1);
      });
    });
    const order = (a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1);
    return { rows: out, facets: Object.fromEntries(viewer.FACETS.map((facet, k) => [facet, [...counts[k]].sort(order)])) };
  }

  return {
    about: async () => data.about,
    async list(query, id) {
      const { rows: out, facets } = await listed(query), position = out.findIndex((row) => row.id === id);
      return { total: out.length, facets, position: position < 0 ? null : position };
    },
    page: async (query, offset, limit) => (await listed(query)).rows.slice(offset, offset + limit),
    async trajectory(id) {
      if (!place.has(id)) throw new Error(`no trajectory has the number ${id}`);
      const row = rows[place.get(id)], one = await whole(place.get(id));
      const others = rows.filter((r) => r.id !== id && r.environment === row.environment && r.task === row.task);
      return { ...row, ...one, others: others.slice(0, 100) };
    },
    async tokens(id) {
      const one = await whole(place.get(id));
      if (one.tokens.error) throw new Error(one.tokens.error);
      return one.tokens;
    },
  };
};
