"use strict";
// Everything shown comes from a model or an attacker: it enters the page as text nodes only, never as markup.
(() => {
  const byId = (id) => document.getElementById(id);
  const json = (id) => JSON.parse(byId(id).textContent);
  const { run, against, suites, attacks, outcomes, metrics, chunk: CHUNK, rows } = json("index");
  const ROW = 76, OTHER = ["", "worse", "better", "changed", "only here"];
  // A row: id, suite, sample, attack, number, outcome, severity, [[metric, hit or value]], change, guard events, preview.
  // A metric: suite, name, kind (event, value), good (low, high), unit; as its scorer declares it.
  const ID = 0, SUITE = 1, SAMPLE = 2, ATTACK = 3, NUMBER = 4, OUTCOME = 5, SEVERITY = 6, SCORES = 7, CHANGE = 8,
    GUARDS = 9, PREVIEW = 10;
  const UNSEEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\u{e0000}-\u{e01ef}]/u;

  // ---- small helpers
  function make(tag, className, ...children) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    for (const child of children) if (child !== null && child !== undefined && child !== "") node.append(child);
    return node;
  }
  const number = (n) => n.toLocaleString("en");
  function plural(n, word) { return `${number(n)} ${word}${n === 1 ? "" : "s"}`; }

  const parsed = new Map();
  function chunkOf(index) {
    const key = Math.floor(index / CHUNK);
    if (!parsed.has(key)) {
      if (parsed.size > 24) parsed.delete(parsed.keys().next().value);
      parsed.set(key, json("chunk-" + key));
    }
    return parsed.get(key);
  }
  const attemptOf = (index) => chunkOf(index)[index % CHUNK];

  // ---- filters
  const wanted = { suite: "", attack: "", outcome: "", hit: "", severity: "", guard: "", change: "" };
  let needle = "", shown = rows.map((_, i) => i), current = -1, searching = 0;

  function options(id, all, entries) {
    const select = byId(id);
    select.append(new Option(all, ""));
    for (const [value, text] of entries) select.append(new Option(text, value));
    select.addEventListener("change", () => { wanted[id] = select.value; filter(); });
  }
  const pairs = (names) => names.map((name, i) => [String(i), name]);
  // Two suites may declare one name differently: then the suite is said too.
  const nameOf = (i) => metrics.filter((m) => m.name === metrics[i].name).length > 1
    ? `${metrics[i].name} (${suites[metrics[i].suite]})` : metrics[i].name;
  options("suite", "All suites", pairs(suites));
  options("attack", "All attacks", pairs(attacks));
  options("outcome", "All outcomes", [["errors", "any error"], ...pairs(outcomes)]);
  options("hit", "Hit or not", [["1", "any hit"], ["0", "no hit"],
    ...metrics.flatMap(({ kind }, i) => kind === "event" ? [[`${i}:1`, `${nameOf(i)}: hit`], [`${i}:0`, `${nameOf(i)}: no hit`]] : [])]);
  options("severity", "All severities", ["S1", "S2", "S3", "S4"].map((s) => [s, s]));
  options("guard", "Guards or not", [["1", "a guard acted"], ["0", "no guard acted"]]);
  if (against) {
    byId("change").hidden = false;
    options("change", "Changed or not", [["any", "any change"], ["1", "worse"], ["2", "better"], ["3", "other changes"],
      ["4", "only in this run"], ["0", "same"]]);
  }

  const scored = outcomes.indexOf("scored");
  const isHit = ([metric, hit]) => hit === 1 && metrics[metric].kind === "event" && metrics[metric].good === "low";
  const described = (suite, name) => metrics.find((m) => m.suite === suite && m.name === name) || { kind: "event", good: "low", unit: "" };
  const amount = (value, unit) => value.toLocaleString("en", { maximumSignificantDigits: 4 }) + (unit ? " " + unit : "");
  const isValue = (score) => score.value !== undefined && score.value !== null;
  const unscored = (score) => !isValue(score) && (score.hit === null || score.hit === undefined);
  function shownScore(score, { unit }) {
    if (unscored(score)) return "does not apply";
    return isValue(score) ? amount(score.value, unit) : score.hit ? "hit" : "no hit";
  }
  function matches(row) {
    if (wanted.suite && row[SUITE] !== +wanted.suite) return false;
    if (wanted.attack && row[ATTACK] !== +wanted.attack) return false;
    if (wanted.outcome === "errors" ? row[OUTCOME] === scored : wanted.outcome && row[OUTCOME] !== +wanted.outcome) return false;
    if (wanted.severity && row[SEVERITY] !== wanted.severity) return false;
    if (wanted.guard && (row[GUARDS] > 0) !== (wanted.guard === "1")) return false;
    if (wanted.change && (wanted.change === "any" ? row[CHANGE] === 0 : row[CHANGE] !== +wanted.change)) return false;
    if (wanted.hit.includes(":")) {
      const [metric, hit] = wanted.hit.split(":").map(Number);
      return row[SCORES].some((score) => score[0] === metric && score[1] === hit);
    }
    if (wanted.hit === "1") return row[SCORES].some(isHit);
    if (wanted.hit === "0") return row[OUTCOME] === scored && !row[SCORES].some(isHit);
    return true;
  }

  // Text is searched in slices, so that the page stays awake at twenty thousand attempts.
  const texts = new Array(rows.length);
  function textOf(index) {
    if (texts[index] === undefined) {
      const { said, documents, error } = attemptOf(index);
      const parts = [rows[index][ID], rows[index][SAMPLE], error || ""];
      for (const { message } of said) for (const part of message.parts)
        parts.push(part.text || "", part.type === "tool_call" ? part.name + " " + JSON.stringify(part.arguments || {}) : "");
      for (const document of documents) parts.push(document.title || "", document.text);
      texts[index] = parts.join("\n").toLowerCase();
    }
    return texts[index];
  }
  function filter(keep) {
    for (const key in wanted) byId(key).classList.toggle("set", wanted[key] !== "");
    const turn = ++searching, candidates = [];
    for (let i = 0; i < rows.length; i++) if (matches(rows[i])) candidates.push(i);
    if (!needle) { settle(candidates, keep, true); return; }
    const found = [];
    let at = 0;
    const step = () => {
      if (turn !== searching) return;
      const until = performance.now() + 30;
      while (at < candidates.length && performance.now() < until) {
        for (const end = Math.min(at + 64, candidates.length); at < end; at++)
          if (textOf(candidates[at]).includes(needle)) found.push(candidates[at]);
      }
      const done = at >= candidates.length;
      settle(found.slice(), keep, done);
      if (!done) setTimeout(step, 0);
    };
    step();
  }
  function settle(list, keep, done) {
    shown = list;
    let hits = 0, errors = 0;
    for (const i of shown) {
      if (rows[i][OUTCOME] !== scored) errors++;
      else if (rows[i][SCORES].some(isHit)) hits++;
    }
    const all = shown.length === rows.length ? plural(rows.length, "attempt") : `${number(shown.length)} of ${plural(rows.length, "attempt")}`;
    byId("count").textContent = `${all}: ${plural(hits, "hit")} among ${number(shown.length - errors)} scored, `
      + `${plural(errors, "error")} without a score${done ? "" : ", still searching"}`;
    byId("spacer").style.height = shown.length * ROW + "px";
    const position = shown.indexOf(current);
    if (position < 0 && done && !keep) { byId("list").scrollTop = 0; show(shown.length ? shown[0] : -1); }
    else draw();
  }

  // ---- the list: only the rows in view exist
  function draw() {
    const list = byId("list"), first = Math.max(0, Math.floor(list.scrollTop / ROW) - 4);
    const last = Math.min(shown.length, first + Math.ceil(list.clientHeight / ROW) + 9);
    const box = byId("rows");
    box.style.transform = `translateY(${first * ROW}px)`;
    box.replaceChildren(...shown.slice(first, last).map(rowNode));
  }
  function rowNode(index) {
    const row = rows[index];
    const node = make("div", index === current ? "row on" : "row",
      make("div", "top", seen("span", "name", row[SAMPLE]), make("span", "grow"), ...rowTags(row)),
      make("div", "top", make("span", "sub", `${suites[row[SUITE]]} · ${attacks[row[ATTACK]]} · ${row[NUMBER]}`)),
      seen("div", "preview", row[PREVIEW]));
    node.setAttribute("role", "option");
    node.setAttribute("aria-selected", index === current);
    node.addEventListener("click", () => show(index));
    return node;
  }
  function rowTags(row) {
    const tags = [];
    if (row[CHANGE]) tags.push(make("span", "tag " + changeTone(row[CHANGE]), OTHER[row[CHANGE]]));
    if (row[OUTCOME] !== scored) tags.push(make("span", "tag warn", outcomes[row[OUTCOME]].replace("_", " ")));
    for (const [metric, value] of row[SCORES]) if (metrics[metric].kind === "value" && value !== null)
      tags.push(make("span", "tag", `${metrics[metric].name.replace(/_/g, " ")} ${amount(value, metrics[metric].unit)}`));
    for (const score of row[SCORES]) if (isHit(score)) tags.push(make("span", "tag bad", metrics[score[0]].name.replace(/_/g, " ")));
    return tags.slice(0, 3);
  }
  const changeTone = (change) => (change === 1 ? "bad" : change === 2 ? "good" : "");
  byId("list").addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
  addEventListener("resize", draw);

  // ---- one attempt
  function show(index, silent) {
    current = index;
    const detail = byId("detail");
    if (index < 0) {
      detail.replaceChildren(make("p", "empty", rows.length ? "No attempt matches. Clear a filter." : "The run has no attempts."));
      draw();
      return;
    }
    if (!silent) history.replaceState(null, "", "#" + rows[index][ID]);
    const list = byId("list"), position = shown.indexOf(index);
    if (position * ROW < list.scrollTop) list.scrollTop = position * ROW;
    else if ((position + 1) * ROW > list.scrollTop + list.clientHeight) list.scrollTop = (position + 1) * ROW - list.clientHeight;
    draw();
    detail.replaceChildren(...attemptNodes(index));
    detail.scrollTop = 0;
  }
  function attemptNodes(index) {
    const row = rows[index], attempt = attemptOf(index);
    const nodes = [
      make("div", "title", seen("h2", "", row[SAMPLE]),
        make("span", "tag " + (row[SEVERITY] === "S1" ? "bad" : ""), row[SEVERITY]),
        row[OUTCOME] === scored ? null : make("span", "tag warn", outcomes[row[OUTCOME]].replace("_", " ")),
        row[CHANGE] ? make("span", "tag " + changeTone(row[CHANGE]), OTHER[row[CHANGE]]) : null),
      metaNode(row, attempt),
    ];
    if (row[OUTCOME] !== scored) nodes.push(make("div", "callout",
      "This attempt has no score. It counts as an error, never as safe. " + (attempt.error || "")));
    if (attempt.scores.length) nodes.push(make("h3", "", "Scores"), scoresNode(row[SUITE], attempt.scores));
    if (attempt.guard_events.length) nodes.push(make("h3", "", "Guards"), guardsNode(attempt.guard_events));
    if (attempt.other) {
      const before = attempt.other;
      nodes.push(make("div", "pair",
        make("div", "", make("h3", "", "Before ", make("code", "", against.id)), otherSummary(row[SUITE], before), ...turns(before)),
        make("div", "", make("h3", "", "Now ", make("code", "", run.id)), make("div", "meta", summary(row[SUITE], row[OUTCOME], attempt.scores)), ...turns(attempt))));
    } else nodes.push(make("h3", "", "Conversation"), ...turns(attempt));
    if (attempt.documents.length) nodes.push(make("h3", "", "Documents the system retrieved"), ...attempt.documents.map(documentNode));
    return nodes;
  }
  function metaNode(row, attempt) {
    const seconds = attempt.seconds ? `, ${attempt.seconds.toFixed(2)} s` : "";
    const cached = attempt.cached_calls ? ` (${attempt.cached_calls} from the cache)` : "";
    const copy = make("button", "", "Copy link");
    copy.type = "button";
    copy.addEventListener("click", () => copyLink(copy));
    return make("div", "meta",
      `${suites[row[SUITE]]} · attack ${attacks[row[ATTACK]]} · attempt ${row[NUMBER]} · cluster ${attempt.cluster} · seed ${attempt.seed} · `
      + `${plural(attempt.calls, "call")}${cached}${seconds}`, document.createElement("br"), make("code", "", row[ID]), " ", copy);
  }
  function summary(suite, outcome, scores) {
    return scores.map((s) => `${s.metric}: ${shownScore(s, described(suite, s.metric))}`).join(" · ") || outcomes[outcome];
  }
  const otherSummary = (suite, other) => make("div", "meta", other.outcome === "scored" ? summary(suite, scored, other.scores) : `${other.outcome.replace("_", " ")}: no score`);
  function scoresNode(suite, scores) {
    const table = make("table", "", make("tr", "", ...["metric", "", "label", "confidence", "scorer", "reason"].map((t) => make("th", "", t))));
    for (const score of scores) {
      const metric = described(suite, score.metric), wanted = metric.good === "high";
      // A hit is good or bad by its metric's direction; a value alone is neither.
      const tone = unscored(score) || isValue(score) ? "" : wanted === !!score.hit ? "good" : "bad";
      const better = isValue(score) ? ` (${wanted ? "higher" : "lower"} is better)` : "";
      table.append(make("tr", "", make("td", "", score.metric),
        make("td", "", make("span", "tag " + tone, shownScore(score, metric)), better),
        make("td", "", score.label || ""), make("td", "", score.confidence == null ? "" : score.confidence.toFixed(2)),
        make("td", "mono", score.scorer), make("td", "", score.reason || "")));
    }
    return table;
  }
  function guardsNode(events) {
    const table = make("table", "", make("tr", "", ...["stage", "guard", "rule", "action", "reason"].map((t) => make("th", "", t))));
    for (const e of events) table.append(make("tr", "", make("td", "", e.stage), make("td", "mono", e.guard), make("td", "mono", e.rule),
      make("td", "", make("span", "tag " + (e.shadow ? "" : "warn"), e.shadow ? `${e.action} (shadow: recorded only)` : e.action)),
      make("td", "", e.reason || "")));
    return table;
  }
  function turns({ said, scores }) {
    const last = Math.max(0, ...said.filter((s) => s.by === "target").map((s) => s.turn));
    const spans = (scores || []).flatMap((s) => (s.spans || []).map(([a, b]) => [a, b, s.metric]));
    // Spans count characters of the last answer's text: text parts and tool results of all its messages, joined by line
    // feeds.
    let offset = 0;
    return said.map(({ turn, by, message }) => {
      const script = message.role === "assistant" && by !== "target" ? " (scripted)" : "";
      const node = make("div", "turn " + message.role, make("div", "who", message.role + script));
      const answers = by === "target" && turn === last;
      for (const part of message.parts) {
        node.append(partNode(part, answers ? spans.map(([a, b, name]) => [a - offset, b - offset, name]) : []));
        if (answers && (part.type === "text" || part.type === "tool_result")) offset += [...part.text].length + 1;
      }
      return node;
    });
  }
  function partNode(part, spans) {
    switch (part.type) {
      case "text": return textNode("text", part.text, spans);
      case "reasoning": {
        const node = make("details", "call", make("summary", "", "reasoning, no part of the answer"));
        node.append(textNode("text", part.text, []));
        return node;
      }
      case "tool_call":
        return make("div", "call mono", `calls ${part.name}(`, textNode("", JSON.stringify(part.arguments || {}, null, 1), []), ")");
      case "tool_result": {
        const node = textNode("call" + (part.is_error ? " failed" : ""), part.text, spans);
        node.prepend(make("div", "who", `${part.name} ${part.is_error ? "failed" : "answered"}`));
        return node;
      }
      case "image": return imageNode(part);
      default: return make("div", "call", `a ${part.type} part (${part.media_type || "unknown"})`);
    }
  }
  function imageNode(part) {
    if (!/^image\/(png|jpeg|gif|webp)$/.test(part.media_type) || !part.data) return make("div", "call", `an image (${part.media_type})`);
    const image = make("img");
    image.alt = "an image of the conversation";
    image.src = `data:${part.media_type};base64,${part.data}`;
    return image;
  }
  function documentNode(document) {
    const node = make("details", "", make("summary", "", document.title || document.id, " ", make("code", "", document.id)),
      textNode("text", document.text, []));
    if (node.querySelector(".found")) node.open = true;
    return node;
  }
  // Text with its spans marked, the search's matches outlined, and what cannot be seen made visible.
  function textNode(className, text, spans) {
    const node = make("div", className), points = [...text], edges = new Set([0, points.length]);
    for (const [start, end] of spans) for (const edge of [start, end]) if (edge > 0 && edge < points.length) edges.add(edge);
    const cuts = [...edges].sort((a, b) => a - b);
    for (let i = 0; i + 1 < cuts.length; i++) {
      const within = spans.filter(([start, end]) => start <= cuts[i] && end >= cuts[i + 1]);
      const piece = points.slice(cuts[i], cuts[i + 1]).join("");
      const holder = within.length ? make("mark") : document.createDocumentFragment();
      if (within.length) holder.title = within.map((s) => s[2]).join(", ");
      appendFound(holder, piece);
      node.append(holder);
    }
    return node;
  }
  function appendFound(holder, text) {
    const lower = text.toLowerCase();
    // Lower-casing may change the length (İ): then matches are not outlined rather than outlined in the wrong place.
    let from = 0, at = needle && lower.length === text.length ? lower.indexOf(needle) : -1;
    while (at >= 0) {
      appendSeen(holder, text.slice(from, at));
      const found = make("span", "found");
      appendSeen(found, text.slice(at, at + needle.length));
      holder.append(found);
      from = at + needle.length;
      at = lower.indexOf(needle, from);
    }
    appendSeen(holder, text.slice(from));
  }
  function appendSeen(holder, text) {
    if (!UNSEEN.test(text)) { if (text) holder.append(text); return; }
    let plain = "";
    for (const point of text) {
      if (!UNSEEN.test(point)) { plain += point; continue; }
      if (plain) holder.append(plain);
      plain = "";
      const code = "U+" + point.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
      const mark = make("span", "unseen", "◦");
      mark.title = code + ", a character that cannot be seen";
      holder.append(mark);
    }
    if (plain) holder.append(plain);
  }

  function seen(tag, className, text) {
    const node = make(tag, className);
    appendSeen(node, text);
    return node;
  }

  // ---- links, keys, theme
  function follow() {
    const id = location.hash.slice(1);
    const index = id ? rows.findIndex((row) => row[ID] === id) : -1;
    if (index < 0) return false;
    if (!shown.includes(index)) clear(true);
    show(index, true);
    return true;
  }
  function clear(keep) {
    for (const key in wanted) { wanted[key] = ""; byId(key).value = ""; }
    byId("search").value = needle = "";
    filter(keep);
  }
  async function copyLink(button) {
    try { await navigator.clipboard.writeText(location.href); button.textContent = "Copied"; }
    catch { button.textContent = "It is in the address bar"; }
  }
  function move(by) {
    if (!shown.length) return;
    const position = shown.indexOf(current);
    show(shown[Math.max(0, Math.min(shown.length - 1, position < 0 ? 0 : position + by))]);
  }
  const keys = {
    j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1), J: () => move(10), K: () => move(-10),
    g: () => move(-shown.length), G: () => move(shown.length), "/": () => byId("search").focus(), "?": () => byId("help").showModal(),
    d: () => { const all = [...document.querySelectorAll("#detail details")], open = all.some((d) => !d.open); for (const d of all) d.open = open; },
    c: () => byId("detail").querySelector(".meta button")?.click(),
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (typing) { if (event.key === "Escape") event.target.blur(); return; }
    if (Object.hasOwn(keys, event.key)) { event.preventDefault(); keys[event.key](); }
  });
  let pause;
  byId("search").addEventListener("input", (event) => {
    clearTimeout(pause);
    pause = setTimeout(() => { needle = event.target.value.toLowerCase(); filter(); if (current >= 0) show(current); }, 120);
  });
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("clear").addEventListener("click", () => clear());
  byId("help-button").addEventListener("click", () => byId("help").showModal());
  byId("theme").addEventListener("click", () => {
    const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = (root.dataset.theme || (dark ? "dark" : "light")) === "dark" ? "light" : "dark";
  });
  addEventListener("hashchange", follow);

  byId("run").textContent = run.id;
  byId("facts").textContent = run.facts.join(" · ") + (against ? ` · against ${against.id}` : "");
  filter(true);
  if (!follow()) show(shown.length ? shown[0] : -1, true);
})();
