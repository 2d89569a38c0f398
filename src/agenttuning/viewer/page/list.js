// The list: only the rows in sight are elements, whatever their number; pages of rows are fetched when they come near.
"use strict";

viewer.list = (box, sizer, { onSelect, onOpen }) => {
  const { node, put } = viewer.text;
  const HEIGHT = 76, PAGE = 100, TALLEST = 12e6; // px of a row; rows; px that every browser lays out
  const MARKS = { solved: "✓", failed: "✗" };
  let fetchPage = null, total = 0, selected = -1, pages = new Map(), drawn = new Map(), generation = 0;

  // Where there are more rows than a page can be high, a pixel of the scroll bar stands for several.
  const scale = () => {
    const full = total * HEIGHT, view = box.clientHeight;
    return full <= TALLEST ? 1 : (full - view) / (TALLEST - view);
  };

  function show(count, fetcher, place) {
    generation += 1;
    fetchPage = fetcher;
    total = count;
    pages = new Map();
    selected = -1;
    for (const row of drawn.values()) row.remove();
    drawn = new Map();
    sizer.style.setProperty("height", `${Math.min(total * HEIGHT, TALLEST)}px`);
    box.removeAttribute("aria-activedescendant");
    box.scrollTop = 0;
    if (total) select(place ?? 0);
    else draw();
  }

  function page(number) {
    if (!pages.has(number)) {
      const own = generation;
      const entry = { rows: null };
      pages.set(number, entry);
      entry.promise = fetchPage(number * PAGE, PAGE).then((rows) => {
        entry.rows = rows;
        if (own === generation) draw();
        return rows;
      }, () => { if (own === generation) pages.delete(number); return []; });
      if (pages.size > 50) {
        const far = [...pages.keys()].sort((a, b) => Math.abs(b - number) - Math.abs(a - number))[0];
        pages.delete(far);
      }
    }
    return pages.get(number);
  }

  async function rowAt(index) {
    return (page(Math.floor(index / PAGE)).rows ?? await page(Math.floor(index / PAGE)).promise)[index % PAGE];
  }

  function draw() {
    const top = box.scrollTop, first = Math.max(0, Math.floor((top * scale()) / HEIGHT) - 4);
    const last = Math.min(total, first + Math.ceil(box.clientHeight / HEIGHT) + 9);
    for (const [index, row] of drawn) {
      if (index < first || index >= last) { row.remove(); drawn.delete(index); }
    }
    for (let index = first; index < last; index++) {
      const known = page(Math.floor(index / PAGE)).rows?.[index % PAGE];
      let row = drawn.get(index);
      if (!row || (known && !row.dataset.id)) {
        row?.remove();
        row = element(index, known);
        drawn.set(index, row);
        sizer.append(row);
      }
      row.style.setProperty("top", `${top + index * HEIGHT - top * scale()}px`);
      row.setAttribute("aria-selected", String(index === selected));
    }
    if (drawn.has(selected)) box.setAttribute("aria-activedescendant", `row-${selected}`);
    else box.removeAttribute("aria-activedescendant");
  }

  function element(index, row) {
    const made = node("div", {
      class: "row", role: "option", id: `row-${index}`, "aria-posinset": index + 1, "aria-setsize": total,
      on: { click: () => { select(index); onOpen(); } },
    });
    if (!row) { made.append("…"); return made; }
    made.dataset.id = row.id;
    const reward = row.reward === null ? "" : ` ${viewer.reward(row.reward)}`;
    made.append(
      node("span", { class: "line" },
        node("span", { class: `outcome ${MARKS[row.outcome] ? row.outcome : "other"}` },
          `${MARKS[row.outcome] ?? "–"} `, put(node("span"), row.outcome || "no outcome"), reward),
        put(node("bdi", { class: "title" }), `${row.environment} · ${row.task}`)),
      put(node("span", { class: "line goal", dir: "auto" }), row.goal),
      put(node("span", { class: "line small" }), `${row.set} · ${row.model} · ${viewer.count(row.turns, "turn")}`));
    return made;
  }

  function select(index, scroll = true) {
    if (!total) return;
    selected = Math.max(0, Math.min(total - 1, index));
    if (scroll) {
      const top = box.scrollTop * scale(), low = selected * HEIGHT, high = low + HEIGHT - box.clientHeight;
      if (low < top) box.scrollTop = low / scale();
      else if (high > top) box.scrollTop = high / scale();
    }
    draw();
    const own = generation, wanted = selected;
    rowAt(wanted).then((row) => { if (row && own === generation && wanted === selected) onSelect(row); });
  }

  box.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
  new ResizeObserver(() => draw()).observe(box);
  const perPage = () => Math.max(1, Math.floor(box.clientHeight / HEIGHT) - 1);
  return {
    show, select,
    move: (by) => select((selected < 0 ? 0 : selected) + by),
    pageDown: () => select(selected + perPage()),
    pageUp: () => select(selected - perPage()),
    end: () => select(total - 1),
    home: () => select(0),
  };
};

viewer.reward = (value) => String(Math.round(value * 1000) / 1000);
viewer.count = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
