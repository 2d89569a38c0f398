// Text from trajectories, which anyone may have written: only ever as text nodes, with what hides or reorders text
// made visible, cut where it is long, and with what was searched for marked.
"use strict";
const viewer = {};

viewer.text = (() => {
  const FIRST = 4000, MORE = 400000; // characters that are shown at once, and with each press of a button
  // Controls (ANSI's escape among them), bidirectional marks, invisible characters, tags.
  const HIDDEN = /([\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}])/u;
  const UNSPACED = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff";
  const PARTS = ["thought", "call", "observation", "task"];

  function node(name, properties = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (value === undefined || value === null || value === false) continue;
      if (key === "class") made.className = value;
      else if (key === "on") for (const [event, handler] of Object.entries(value)) made.addEventListener(event, handler);
      else made.setAttribute(key, value === true ? "" : value);
    }
    for (const child of children) if (child !== null && child !== undefined) made.append(child);
    return made;
  }

  // Append text to a node; `marks` is what to mark in it, or null.
  function put(parent, text, marks = null) {
    for (const piece of text.replaceAll("\r\n", "\n").split(HIDDEN)) {
      if (HIDDEN.test(piece)) parent.append(node("span", { class: "hidden", title: code(piece) }, seen(piece)));
      else if (piece) marked(parent, piece, marks);
    }
    return parent;
  }

  function seen(character) {
    const number = character.codePointAt(0);
    if (number < 32) return String.fromCodePoint(0x2400 + number);
    return number === 127 ? "\u2421" : code(character);
  }

  const code = (character) => "U+" + character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");

  function marked(parent, text, marks) {
    let place = 0;
    if (marks) {
      for (const found of text.matchAll(marks)) {
        if (!found[0]) continue;
        parent.append(text.slice(place, found.index), node("mark", {}, found[0]));
        place = found.index + found[0].length;
      }
    }
    parent.append(text.slice(place));
  }

  // A block of text; a long one is cut, and its button adds a part at a time.
  function block(text, marks, properties = {}) {
    const pre = node("pre", { dir: "auto", ...properties }), holder = node("div", { class: "text" }, pre);
    let shown = cutAt(text, FIRST);
    put(pre, text.slice(0, shown), marks);
    if (shown < text.length) {
      const button = node("button", { type: "button", class: "more" });
      const label = () => {
        const rest = text.length - shown, next = Math.min(rest, MORE);
        button.textContent = `Show ${next.toLocaleString("en")} more of ${rest.toLocaleString("en")} characters`;
      };
      button.addEventListener("click", () => {
        const end = cutAt(text, shown + MORE);
        put(pre, text.slice(shown, end), marks);
        shown = end;
        if (shown >= text.length) button.remove();
        else label();
      });
      label();
      holder.append(button);
    }
    return holder;
  }

  // Not between the two halves of one character.
  function cutAt(text, place) {
    if (place >= text.length) return text.length;
    const unit = text.charCodeAt(place - 1);
    return unit >= 0xd800 && unit < 0xdc00 ? place - 1 : place;
  }

  // A search's terms: [{part, pattern}], as viewer/search.py reads them.
  function terms(asked) {
    const found = [];
    for (const [, part, phrase, word] of asked.matchAll(/(?:(thought|call|observation|task):)?(?:"([^"]*)"?|([^\s"]+))/gi)) {
      const letters = (phrase ?? word).match(/[\p{L}\p{N}]/gu) ?? [];
      const pattern = patternOf(phrase ?? word, phrase === undefined && letters.length > 1);
      if (pattern) found.push({ part: part ? part.toLowerCase() : null, pattern });
    }
    return found;
  }

  function patternOf(words, beginning) {
    const split = new RegExp(`[${UNSPACED}]|(?:(?![${UNSPACED}])[\\p{L}\\p{N}\\p{M}])+`, "gu");
    const tokens = words.match(split) ?? [];
    if (!tokens.length) return null;
    const unspaced = (token) => new RegExp(`^[${UNSPACED}]`, "u").test(token);
    let pattern = unspaced(tokens[0]) ? "" : "(?<![\\p{L}\\p{N}])";
    tokens.forEach((token, i) => {
      if (i) pattern += unspaced(token) || unspaced(tokens[i - 1]) ? "[^\\p{L}\\p{N}]*" : "[^\\p{L}\\p{N}]+";
      pattern += token;
    });
    return beginning || unspaced(tokens.at(-1)) ? pattern : pattern + "(?![\\p{L}\\p{N}])";
  }

  function marks(asked) {
    const patterns = terms(asked).map((term) => term.pattern);
    return patterns.length ? new RegExp(patterns.join("|"), "giu") : null;
  }

  return { node, put, block, terms, marks, PARTS };
})();
