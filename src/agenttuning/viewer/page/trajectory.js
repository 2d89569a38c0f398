// One trajectory: its turns; beside another one on the same task; or its tokens, the trained ones marked.
"use strict";

viewer.trajectory = (place, { trajectoryOf, tokensOf, onView, onOther, onBack }) => {
  const { node, put, block } = viewer.text;
  const VIEWS = [["turns", "Turns", null], ["side", "Side by side", "s"], ["tokens", "Trained tokens", "t"]];
  const LONGEST = 20000; // characters of a run of tokens that are shown at once
  const ERRORS = { format: "could not be read", invalid: "not possible" };
  const CAPABILITIES = { reasoning: "reasoning", retrieval: "retrieval", understanding: "understanding", instruction_following: "instruction following" };
  let latest = 0;

  async function show(one, { view, other, marks }) {
    const own = ++latest;
    const made = document.createDocumentFragment();
    made.append(tools(one, view));
    const heading = title(one, marks);
    let later = null; // what needs a tokenizer, and so may take its time
    if (view === "side") {
      const partner = one.others.find((row) => row.id === other) ?? one.others.find((row) => row.id === one.other) ?? one.others[0];
      if (!partner) made.append(heading, node("p", { class: "note" }, "There is no other trajectory on this task."));
      else {
        const second = await trajectoryOf(partner.id);
        made.append(choice(one, partner));
        const pair = one.id < second.id ? [one, second] : [second, one];
        const both = node("div", { class: "both" });
        for (const each of pair) both.append(node("section", { "aria-label": each.set }, put(node("h3"), each.set), facts(each)));
        made.append(heading, asked(pair[0], marks), both, ...aligned(pair, marks));
      }
    } else if (view === "tokens") {
      made.append(heading, facts(one), later = node("div", { role: "status" }, node("p", { class: "note" }, "Encoding …")));
    } else {
      const list = node("ol", { class: "turns" });
      one.turns.forEach((turn, i) => list.append(node("li", { tabindex: "-1", class: "turn" }, ...turnOf(turn, i, marks))));
      made.append(heading, facts(one), asked(one, marks), list, ending(one));
    }
    if (own !== latest) return;
    place.replaceChildren(made);
    place.scrollTop = 0;
    if (later) await fill(later, one);
  }

  async function fill(holder, one) {
    try {
      holder.replaceChildren(...tokens(await tokensOf(one.id)));
    } catch (error) {
      holder.replaceChildren(put(node("p", { class: "note" }), error.message));
    }
  }

  function tools(one, view) {
    const group = node("div", { class: "views", role: "group", "aria-label": "View" });
    group.append(node("button", { type: "button", class: "back", on: { click: onBack } }, "← List"));
    for (const [name, label, key] of VIEWS) {
      group.append(node("button", {
        type: "button", "aria-pressed": String(name === view), "aria-keyshortcuts": key, on: { click: () => onView(name) },
      }, label));
    }
    return group;
  }

  const title = (one, marks) =>
    put(node("h2", { class: "title", dir: "auto" }), `${one.environment || "no environment"} · ${one.task}`, marks);

  function facts(one) {
    const list = node("dl", { class: "facts" });
    const add = (name, value) => { if (value !== "" && value !== null) list.append(node("div", {}, node("dt", {}, name), put(node("dd"), value))); };
    add("Outcome", one.outcome || "not stated");
    add("Reward", one.reward === null ? null : viewer.reward(one.reward));
    add("Model", one.model);
    add("Set", one.set);
    add("Turns", String(one.turns.length));
    add("Tokens", `${one.written.toLocaleString("en")} written, ${one.read.toLocaleString("en")} read`);
    add("Dialect", one.dialect);
    add("Seed", one.seed);
    add("Kind", one.labels.join(", "));
    add("Change", one.change && (viewer.CHANGES[one.change] ?? one.change));
    add("From", one.where);
    return list;
  }

  function asked(one, marks) {
    const out = node("div", { class: "asked" });
    if (one.instructions) out.append(node("details", {}, node("summary", {}, "Instructions"), block(one.instructions, marks)));
    if (one.tools.length) {
      const list = node("ul");
      for (const [name, about, names] of one.tools) list.append(node("li", {}, put(node("code"), `${name}(${names.join(", ")})`, marks), " ", put(node("bdi"), about)));
      out.append(node("details", {}, node("summary", {}, `${viewer.count(one.tools.length, "tool")}`), list));
    }
    if (one.opening) out.append(part("Task", block(one.opening, marks), "task"));
    else if (one.goal) out.append(part("Task", block(one.goal, marks), "task"));
    return out;
  }

  const part = (label, content, kind) => node("div", { class: `part ${kind}` }, node("h4", {}, label), content);

  function turnOf(turn, i, marks) {
    const spent = [];
    if (turn.read || turn.written) spent.push(`${turn.written.toLocaleString("en")} tokens written, ${turn.read.toLocaleString("en")} read`);
    if (turn.cached) spent.push(`${turn.cached.toLocaleString("en")} cached`);
    if (turn.seconds) spent.push(`${turn.seconds} s`);
    if (turn.usd !== null) spent.push(`$${turn.usd}`);
    if (!turn.train) spent.push("not trained");
    const out = [node("h3", {}, turn.source === "agent" ? `Turn ${i + 1}` : put(node("span"), `Turn ${i + 1}, ${turn.source || "no source"}`), node("span", { class: "spent" }, spent.join(" · ")))];
    if (turn.thought) out.push(part("Thought", block(turn.thought, marks), "thought"));
    for (const call of turn.calls) out.push(part("Call", callOf(call, marks), "call"));
    if (turn.message) out.push(part(turn.source === "agent" ? "Message" : "Text", block(turn.message, marks), "message"));
    if (turn.reply) out.push(part("Reply, in which no decision was found", block(turn.reply, marks), "reply"));
    if (turn.performed) out.push(part("Carried out in its place", callOf(turn.performed, marks), "call"));
    if (turn.error) out.push(put(node("p", { class: "error" }), `This turn ${ERRORS[turn.error] ?? turn.error}.`));
    if (turn.observation) out.push(part("Observation", block(turn.observation, marks), "observation"));
    return out;
  }

  function callOf([name, values], marks) {
    const out = node("div", { class: "arguments" }, put(node("code", { class: "name" }), name || "(no name)", marks));
    const list = node("dl");
    for (const [key, value] of values) list.append(node("dt", {}, put(node("code"), key)), node("dd", {}, block(value, marks)));
    if (values.length) out.append(list);
    return out;
  }

  const ending = (one) => put(node("p", { class: "ending" }),
    `${one.outcome || "No outcome"}${one.reward === null ? "" : `, reward ${viewer.reward(one.reward)}`}`);

  function choice(one, partner) {
    const select = node("select", { id: "other", on: { change: (event) => onOther(Number(event.target.value)) } });
    for (const row of one.others) {
      const label = `${row.set} · ${row.model} · seed ${row.seed} · ${row.outcome || "no outcome"} (${row.id})`;
      select.append(put(node("option", { value: row.id, selected: row.id === partner.id }), label));
    }
    return node("label", { class: "choice" }, "Beside ", select);
  }

  function aligned(pair, marks) {
    const out = [], turns = Math.max(...pair.map((one) => one.turns.length));
    for (let i = 0; i < turns; i++) {
      const row = node("div", { class: "both turn", tabindex: "-1" });
      for (const one of pair) {
        row.append(node("section", { "aria-label": `${one.set}, turn ${i + 1}` },
          ...(one.turns[i] ? turnOf(one.turns[i], i, marks) : i === one.turns.length ? [ending(one)] : [])));
      }
      out.push(row);
    }
    const ends = node("div", { class: "both" });
    for (const one of pair) ends.append(node("section", {}, one.turns.length === turns ? ending(one) : null));
    return [...out, ends];
  }

  function* tokens(found) {
    yield put(node("p", { class: "note" }), `As ${found.model} reads it in the dialect ${found.dialect}. Marked is what carries loss when this trajectory is trained on.`);
    const seen = new Set(found.rows.flatMap((row) => row.runs.filter((run) => run[1]).map((run) => run[2] ?? "trained")));
    const legend = node("ul", { class: "legend", "aria-label": "Marked tokens" });
    for (const name of seen) legend.append(node("li", {}, put(node("span", { class: `trained ${CAPABILITIES[name] ? name : ""}` }), CAPABILITIES[name] ?? name)));
    yield legend;
    for (const row of found.rows) {
      yield node("p", { class: "numbers" }, `${viewer.count(row.tokens, "token")}, ${row.trained.toLocaleString("en")} trained`);
      const pre = node("pre", { class: "tokens", dir: "auto" });
      for (const [text, weight, capability, count] of row.runs) {
        if (!weight) pre.append(long(node("span"), text));
        else {
          const note = `${capability ? `${CAPABILITIES[capability] ?? capability}, ` : ""}${viewer.count(count, "token")}${weight === 1 ? "" : `, weight ${weight}`}`;
          pre.append(long(node("span", { class: `trained ${CAPABILITIES[capability] ? capability : ""}`, title: note }), text));
        }
      }
      yield pre;
    }
  }

  // In the middle of other text a long run is cut too.
  function long(span, text) {
    const rest = text.slice(LONGEST);
    put(span, text.slice(0, LONGEST));
    if (rest) {
      const more = node("button", { type: "button", class: "more" }, `Show ${viewer.count(rest.length, "more character")}`);
      more.addEventListener("click", () => { more.remove(); put(span, rest); });
      span.append(more);
    }
    return span;
  }

  return { show };
};

viewer.CHANGES = {
  gained: "solved only after training", lost: "solved only before training",
  both: "solved before and after", neither: "solved neither before nor after", "": "not in a pair",
};
