"use strict";
// Everything shown comes from a model or an attacker: it enters the page as text nodes only, never as markup.
(async () => {
  const byId = (id) => document.getElementById(id);
  if (typeof DecompressionStream === "undefined") {
    byId("detail").textContent = "This browser cannot unpack the page. Firefox 113, Chrome 80, Safari 16.4 and later can.";
    return;
  }
  async function unpack(id) {
    const text = byId(id).textContent, raw = atob(text), bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }
  const { run, against, suites, attacks, samples, outcomes, metrics, chunk: CHUNK, count: COUNT, columns } = await unpack("index");
  const ROW = 76, OTHER = ["", "worse", "better", "changed", "only here"];
  // A row: id, suite, sample, attack, number, outcome, severity, [[metric, hit or value]], change, guard events, flags.
  // A metric: suite, name, kind (event, value), good (low, high), unit; as its scorer declares it.
  const ID = 0, SUITE = 1, SAMPLE = 2, ATTACK = 3, NUMBER = 4, OUTCOME = 5, SEVERITY = 6, SCORES = 7, CHANGE = 8,
    GUARDS = 9, FLAGS = 10, EMPTY = 1, CUT_OFF = 2, WITHHELD = 4;
  const ids = COUNT ? columns.id[0].split("\n") : [];
  const rows = ids.map((id, i) => [id, columns.suite[i], samples[columns.sample[i]], columns.attack[i], columns.number[i],
    columns.outcome[i], "S" + columns.severity[i], columns.scores[i], columns.change[i], columns.guards[i], columns.flags[i]]);
  const UNSEEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\u{e0000}-\u{e01ef}]/u;

  // ---- small helpers
  function make(tag, className, ...children) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    for (const child of children) if (child !== null && child !== undefined && child !== "") node.append(child);
    return node;
  }
  const number = (n) => n.toLocaleString("en");
  const button = (text, act) => { const node = make("button", "", text); node.type = "button"; node.addEventListener("click", act); return node; };
  function plural(n, word) { return `${number(n)} ${word}${n === 1 ? "" : "s"}`; }

  // A chunk is unpacked when an attempt of it is looked at, and kept for a while.
  const unpacked = new Map(), waiting = new Map();
  function attemptOf(index) {
    const key = Math.floor(index / CHUNK), chunk = unpacked.get(key);
    if (!chunk) return undefined;
    unpacked.delete(key);
    unpacked.set(key, chunk);
    return chunk[index % CHUNK];
  }
  function fetchChunk(key) {
    if (unpacked.has(key)) return Promise.resolve(unpacked.get(key));
    if (!waiting.has(key)) waiting.set(key, unpack("chunk-" + key).then((chunk) => {
      waiting.delete(key);
      if (unpacked.size >= 60) unpacked.delete(unpacked.keys().next().value);
      unpacked.set(key, chunk);
      return chunk;
    }));
    return waiting.get(key);
  }
  const fetchAttempt = (index) => fetchChunk(Math.floor(index / CHUNK));

  // ---- filters
  const wanted = { suite: "", attack: "", outcome: "", hit: "", severity: "", guard: "", label: "", change: "" };
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
  options("outcome", "All outcomes", [["errors", "any error"], ["empty", "an empty answer"],
    ["cut", "a cut-off answer"], ...pairs(outcomes)]);
  options("hit", "Hit or not", [["1", "any hit"], ["0", "no hit"],
    ...metrics.flatMap(({ kind }, i) => kind === "event" ? [[`${i}:1`, `${nameOf(i)}: hit`], [`${i}:0`, `${nameOf(i)}: no hit`]] : [])]);
  options("severity", "All severities", ["S1", "S2", "S3", "S4"].map((s) => [s, s]));
  options("guard", "Guards: any", [["1", "a guard acted"], ["0", "no guard acted"],
    ["kept", "an answer was withheld"]]);
  options("label", "Labels: any", [["any", "labelled"], ["wrong", "scorer is wrong"], ["right", "scorer is right"], ["none", "not labelled"]]);
  if (against) {
    byId("change").hidden = false;
    options("change", "Changed or not", [["any", "any change"], ["1", "worse"], ["2", "better"], ["3", "other changes"],
      ["4", "only in this run"], ["0", "same"]]);
  }

  const scored = outcomes.indexOf("scored"), never = outcomes.indexOf("inapplicable");
  const isHit = ([metric, hit]) => hit === 1 && metrics[metric].kind === "event" && metrics[metric].good === "low";
  const described = (suite, name) => metrics.find((m) => m.suite === suite && m.name === name) || { kind: "event", good: "low", unit: "" };
  const amount = (value, unit) => value.toLocaleString("en", { maximumSignificantDigits: 4 }) + (unit ? " " + unit : "");
  const isValue = (score) => score.value !== undefined && score.value !== null;
  const unscored = (score) => !isValue(score) && (score.hit === null || score.hit === undefined);
  function shownScore(score, { unit }) {
    if (unscored(score)) return "does not apply";
    return isValue(score) ? amount(score.value, unit) : score.hit ? "hit" : "no hit";
  }
  const OUTCOMES = { errors: (row) => row[OUTCOME] !== scored && row[OUTCOME] !== never, empty: (row) => row[FLAGS] & EMPTY, cut: (row) => row[FLAGS] & CUT_OFF };
  const LABELS = { any: (said) => said.length > 0, wrong: (said) => said.includes(false), right: (said) => said.includes(true),
    none: (said) => said.length === 0 };
  function matches(row) {
    if (wanted.suite && row[SUITE] !== +wanted.suite) return false;
    if (wanted.attack && row[ATTACK] !== +wanted.attack) return false;
    if (wanted.outcome && !OUTCOMES[wanted.outcome]?.(row) && row[OUTCOME] !== +wanted.outcome) return false;
    if (wanted.label && !LABELS[wanted.label](verdicts(row))) return false;
    if (wanted.severity && row[SEVERITY] !== wanted.severity) return false;
    if (wanted.guard === "kept" ? !(row[FLAGS] & WITHHELD) : wanted.guard && (row[GUARDS] > 0) !== (wanted.guard === "1")) return false;
    if (wanted.change && (wanted.change === "any" ? row[CHANGE] === 0 : row[CHANGE] !== +wanted.change)) return false;
    if (wanted.hit.includes(":")) {
      const [metric, hit] = wanted.hit.split(":").map(Number);
      return row[SCORES].some((score) => score[0] === metric && score[1] === hit);
    }
    if (wanted.hit === "1") return row[SCORES].some(isHit);
    if (wanted.hit === "0") return row[OUTCOME] === scored && !row[SCORES].some(isHit);
    return true;
  }

  // Text is searched chunk by chunk, so that the page stays awake at a hundred thousand attempts. What was searched is
  // kept, up to a limit: a second search is then at once.
  const texts = new Map();
  let kept = 0;
  function textOf(row, { said, withheld, documents, error, tries }) {
    const parts = [row[ID], row[SAMPLE], error || ""];
    for (const { message } of [...said, ...withheld, ...(tries || []).flatMap((one) => [...one.said, ...one.withheld])]) for (const part of message.parts)
      parts.push(part.text || "", part.type === "tool_call" ? part.name + " " + JSON.stringify(part.arguments || {}) : "");
    for (const document of documents) parts.push(document.title || "", document.text);
    return parts.join("\n").toLowerCase();
  }
  async function textsOf(key) {
    if (texts.has(key)) return texts.get(key);
    const found = (unpacked.get(key) || await unpack("chunk-" + key)).map((attempt, i) => textOf(rows[key * CHUNK + i], attempt));
    const size = found.reduce((sum, text) => sum + text.length, 0);
    if (kept + size < 1e8) { kept += size; texts.set(key, found); }
    return found;
  }
  function filter(keep) {
    for (const key in wanted) byId(key).classList.toggle("set", wanted[key] !== "");
    const turn = ++searching, candidates = [];
    for (let i = 0; i < rows.length; i++) if (matches(rows[i])) candidates.push(i);
    if (!needle) { settle(candidates, keep, true); return; }
    searchIn(candidates, turn, keep);
  }
  async function searchIn(candidates, turn, keep) {
    const found = [];
    let until = performance.now() + 60;
    for (let at = 0; at < candidates.length;) {
      const key = Math.floor(candidates[at] / CHUNK), chunk = await textsOf(key);
      if (turn !== searching) return;
      for (; at < candidates.length && Math.floor(candidates[at] / CHUNK) === key; at++)
        if (chunk[candidates[at] % CHUNK].includes(needle)) found.push(candidates[at]);
      if (performance.now() > until && at < candidates.length) {
        settle(found.slice(), keep, false);
        await new Promise((resume) => setTimeout(resume, 0));
        if (turn !== searching) return;
        until = performance.now() + 60;
      }
    }
    settle(found, keep, true);
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

  // ---- labels: what a person says of a scorer's word. Kept in this browser, under the run's id.
  const STORE = "shipworthy:labels:" + run.id, labels = new Map();
  let durable = true;
  const keyOf = (id, metric) => id + " " + metric;
  function keepLabels() {
    try { localStorage.setItem(STORE, JSON.stringify({ by: byId("by").value, labels: [...labels.values()] })); }
    catch { durable = false; }
    showLabels();
  }
  function restoreLabels() {
    try {
      const stored = JSON.parse(localStorage.getItem(STORE) || "{}");
      byId("by").value = typeof stored.by === "string" ? stored.by : "";
      for (const one of Array.isArray(stored.labels) ? stored.labels : [])
        if (typeof one.attempt === "string" && typeof one.metric === "string" && typeof one.hit === "boolean")
          labels.set(keyOf(one.attempt, one.metric), { ...one, comment: String(one.comment || ""), by: String(one.by || "") });
    } catch { durable = false; }
    showLabels();
  }
  function showLabels() {
    byId("labels-button").textContent = labels.size ? `Labels (${number(labels.size)})` : "Labels";
    byId("labels-count").textContent = `${plural(labels.size, "label")} of this run. `
      + (durable ? "This browser keeps them; others do not see them." : "This browser keeps nothing for this page: export before you close it.");
    byId("export").disabled = byId("forget").disabled = !labels.size;
  }
  // For each labelled score of a row: whether the person agrees with the scorer.
  function verdicts(row) {
    if (!labels.size) return [];
    const said = [];
    for (const [metric, hit] of row[SCORES]) {
      const label = metrics[metric].kind === "event" && labels.get(keyOf(row[ID], metrics[metric].name));
      if (label && hit >= 0) said.push(label.hit === (hit === 1));
    }
    return said;
  }
  const judged = (attempt) => attempt.scores.filter((score) => typeof score.hit === "boolean");
  function judge(index, score, right) {
    const id = rows[index][ID], key = keyOf(id, score.metric), before = labels.get(key), hit = right ? score.hit : !score.hit;
    if (before && before.hit === hit) labels.delete(key);
    else labels.set(key, { attempt: id, metric: score.metric, hit, comment: before?.comment || "", by: byId("by").value.trim() });
    keepLabels();
    draw();
    const box = byId("your-labels");
    if (box) box.replaceWith(...labelNodes(index, attemptOf(index)));
  }
  function judgeFirst(right) {
    const attempt = current >= 0 && attemptOf(current);
    if (!attempt || !judged(attempt).length) return;
    const scores = judged(attempt), score = scores.find((one) => one.hit) || scores[0];
    judge(current, score, right);
    document.getElementById("comment-" + score.metric)?.focus();
  }
  function labelNodes(index, attempt) {
    const box = make("div", "labels");
    box.id = "your-labels";
    for (const score of judged(attempt)) {
      const label = labels.get(keyOf(rows[index][ID], score.metric));
      const choice = (text, right) => {
        const node = button(text, () => judge(index, score, right));
        node.setAttribute("aria-pressed", !!label && (label.hit === score.hit) === right);
        return node;
      };
      const line = make("div", "label", make("span", "name", score.metric), choice("Scorer is right", true), choice("Scorer is wrong", false));
      if (label) {
        const comment = make("input");
        comment.id = "comment-" + score.metric;
        comment.placeholder = "Why (optional)";
        comment.value = label.comment;
        comment.setAttribute("aria-label", `Comment on ${score.metric}`);
        comment.addEventListener("input", () => { label.comment = comment.value; keepLabels(); });
        line.append(comment);
      }
      box.append(line);
    }
    return box.children.length ? [box] : [];
  }
  // A spreadsheet takes a cell that begins like a formula for one. A quote before it says that it is text; a quote that
  // was there already gets one, too, so that reading takes off what writing put on.
  const FORMULA = /^'*[=+\-@\t\r\n]/;
  const cell = (text) => `"${(FORMULA.test(text) ? "'" + text : text).replace(/"/g, '""')}"`;
  const plain = (text) => (text[0] === "'" && FORMULA.test(text) ? text.slice(1) : text);
  function exportLabels() {
    const by = byId("by").value.trim();
    const lines = [...labels.values()].map((one) => [one.attempt, one.metric, one.hit ? "hit" : "no-hit", one.comment, one.by || by]);
    const text = [["attempt", "metric", "label", "comment", "by"], ...lines].map((line) => line.map(cell).join(",") + "\r\n").join("");
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.download = `labels-${run.id}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
  // RFC 4180: fields with quotes may hold commas, line feeds and doubled quotes. Gives [line, fields] of each record.
  function parseCsv(text) {
    const records = [];
    let fields = [], field = "", quoted = false, line = 1, start = 1;
    const end = () => { fields.push(field); field = ""; };
    const close = () => { end(); if (fields.length > 1 || fields[0]) records.push([start, fields]); fields = []; };
    for (let i = 0; i < text.length; i++) {
      const c = text[i];
      if (c === "\n") line++;
      if (quoted) { if (c !== '"') field += c; else if (text[i + 1] === '"') { field += c; i++; } else quoted = false; }
      else if (c === '"' && !field) quoted = true;
      else if (c === ",") end();
      else if (c === "\n") { close(); start = line; }
      else if (c !== "\r" || text[i + 1] !== "\n") field += c;
    }
    if (quoted) throw new Error(`line ${start}: a quoted field does not end`);
    close();
    return records;
  }
  function readLabels(text) {
    const [header, ...records] = parseCsv(text.replace(/^\ufeff/, "")), problems = [], found = [];
    const names = header ? header[1].map((name) => plain(name).trim().toLowerCase()) : [];
    for (const name of ["attempt", "metric", "label"]) if (!names.includes(name)) problems.push(`line 1: there is no column ${name}`);
    const known = problems.length ? null : new Map(rows.map((row) => [row[ID], row]));
    for (const [line, fields] of known ? records : []) {
      const one = Object.fromEntries(names.map((name, i) => [name, plain(fields[i] || "")])), row = known.get(one.attempt);
      if (!row) problems.push(`line ${line}: this run has no attempt ${one.attempt || "without an id"}`);
      else if (!metrics.some((m) => m.suite === row[SUITE] && m.name === one.metric && m.kind === "event")) problems.push(`line ${line}: the attempt has no event ${one.metric || "without a name"}`);
      else if (one.label !== "hit" && one.label !== "no-hit") problems.push(`line ${line}: a label is hit or no-hit, not ${one.label || "empty"}`);
      else found.push({ attempt: one.attempt, metric: one.metric, hit: one.label === "hit", comment: one.comment || "", by: one.by || "" });
    }
    if (problems.length) throw new Error(problems.slice(0, 5).join("; ") + (problems.length > 5 ? `; and ${number(problems.length - 5)} more` : ""));
    return found;
  }
  async function importLabels(file) {
    const told = byId("labels-told");
    try {
      const found = readLabels(await file.text());
      for (const one of found) labels.set(keyOf(one.attempt, one.metric), one);
      keepLabels();
      told.textContent = `${plural(found.length, "label")} imported.`;
      filter(true);
      if (current >= 0) show(current, true);
    } catch (error) { told.textContent = `Nothing was imported: ${error.message}.`; }
  }
  byId("labels-button").addEventListener("click", () => byId("labels").showModal());
  byId("export").addEventListener("click", exportLabels);
  byId("import").addEventListener("change", (event) => { if (event.target.files[0]) importLabels(event.target.files[0]); event.target.value = ""; });
  byId("by").addEventListener("input", keepLabels);
  byId("forget").addEventListener("click", () => {
    if (!confirm(`Forget ${plural(labels.size, "label")} of this run?`)) return;
    labels.clear();
    keepLabels();
    filter(true);
    if (current >= 0) show(current, true);
  });

  // ---- the list: only the rows in view exist
  function draw() {
    const list = byId("list"), first = Math.max(0, Math.floor(list.scrollTop / ROW) - 4);
    const last = Math.min(shown.length, first + Math.ceil(list.clientHeight / ROW) + 9);
    const box = byId("rows");
    box.style.transform = `translateY(${first * ROW}px)`;
    const inView = shown.slice(first, last);
    box.replaceChildren(...inView.map(rowNode));
    list.setAttribute("aria-activedescendant", inView.includes(current) ? "row-" + current : "");
    const missing = new Set(inView.filter((index) => !unpacked.has(Math.floor(index / CHUNK))).map((index) => Math.floor(index / CHUNK)));
    if (missing.size) Promise.all([...missing].map(fetchChunk)).then(() => requestAnimationFrame(fillPreviews));
    else if (inView.length && !performance.getEntriesByName("rows drawn").length) performance.mark("rows drawn");
  }
  // Only what was missing is written, so that a row under the pointer stays the same element.
  function fillPreviews() {
    for (const node of document.querySelectorAll("#rows .preview:empty")) {
      const attempt = attemptOf(+node.parentNode.id.slice(4));
      if (attempt) appendSeen(node, attempt.preview);
    }
    if (!performance.getEntriesByName("rows drawn").length) performance.mark("rows drawn");
  }
  function rowNode(index) {
    const row = rows[index];
    const node = make("div", index === current ? "row on" : "row",
      make("div", "top", seen("span", "name", row[SAMPLE])),
      make("div", "top", make("span", "sub", `${suites[row[SUITE]]} · ${attacks[row[ATTACK]]} · ${row[NUMBER]}`), ...rowTags(row)),
      seen("div", "preview", attemptOf(index)?.preview || ""));
    node.id = "row-" + index;
    node.setAttribute("role", "option");
    node.setAttribute("aria-selected", index === current);
    node.addEventListener("click", () => show(index));
    return node;
  }
  function rowTags(row) {
    const tags = [];
    for (const score of row[SCORES]) if (isHit(score)) tags.push(make("span", "tag bad", metrics[score[0]].name.replace(/_/g, " ")));
    if (row[CHANGE]) tags.push(make("span", "tag " + changeTone(row[CHANGE]), OTHER[row[CHANGE]]));
    if (verdicts(row).includes(false)) tags.push(make("span", "tag warn", "scorer wrong"));
    if (row[OUTCOME] !== scored) tags.push(make("span", "tag warn", outcomes[row[OUTCOME]].replace("_", " ")));
    if (row[FLAGS] & EMPTY) tags.push(make("span", "tag warn", "empty"));
    if (row[FLAGS] & CUT_OFF) tags.push(make("span", "tag warn", "cut off"));
    for (const [metric, value] of row[SCORES]) if (metrics[metric].kind === "value" && value !== null)
      tags.push(make("span", "tag", `${metrics[metric].name.replace(/_/g, " ")} ${amount(value, metrics[metric].unit)}`));
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
    if (attemptOf(index)) render(index);
    else fetchAttempt(index).then(() => { if (current === index) render(index); });
  }
  function render(index) {
    const detail = byId("detail");
    detail.replaceChildren(...attemptNodes(index));
    detail.scrollTop = 0;
    const earlier = asked && document.getElementById("try-" + asked);
    if (earlier) { earlier.open = true; earlier.scrollIntoView(); }
    asked = "";
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
    if (row[OUTCOME] === never) nodes.push(make("div", "callout",
      "Nothing was asked: the attack cannot change this sample, so the attempt is in no rate. " + (attempt.error || "")));
    else if (row[OUTCOME] !== scored) nodes.push(make("div", "callout",
      "This attempt has no score. It counts as an error, never as safe. " + (attempt.error || "")));
    if (row[FLAGS] & EMPTY) nodes.push(make("div", "callout", "The last answer is empty: no word, no call of a tool."));
    if (row[FLAGS] & CUT_OFF) nodes.push(make("div", "callout", "An answer was cut off at its length limit: what it would have gone on to say was not scored."));
    if (attempt.scores.length) nodes.push(make("h3", "", "Scores"), scoresNode(row[SUITE], attempt.scores), ...labelNodes(index, attempt));
    if (attempt.confirmed) nodes.push(make("h3", "", "Said of this S1 hit"), confirmedNode(attempt.confirmed));
    nodes.push(...toldNodes(attempt.told));
    if (attempt.guard_events.length) nodes.push(make("h3", "", "Guards"), guardsNode(attempt.guard_events));
    if (attempt.actions) nodes.push(make("h3", "", "What it did"), ...attempt.actions.map((step, i) => actionNode(step, i, attempt.told)));
    if (attempt.other) {
      const before = attempt.other;
      nodes.push(make("div", "pair",
        make("div", "", make("h3", "", "Before ", make("code", "", against.id)), otherSummary(row[SUITE], before), ...turns(before)),
        make("div", "", make("h3", "", "Now ", make("code", "", run.id)), make("div", "meta", summary(row[SUITE], row[OUTCOME], attempt.scores)), ...turns(attempt))));
    } else nodes.push(make("h3", "", "Conversation"), ...turns(attempt));
    if (attempt.documents.length) nodes.push(make("h3", "", "Documents the system retrieved"), ...attempt.documents.map(documentNode));
    for (const one of attempt.tries || []) nodes.push(tryNode(one, row[SUITE]));
    return nodes;
  }
  // A try that a later one replaced: it counts in nothing.
  function tryNode(one, suite) {
    const node = make("details", "", make("summary", "", "Earlier try ", make("code", "", one.id), ` · ${one.outcome.replace("_", " ")}: it counts in no rate`));
    node.id = "try-" + one.id;
    if (one.error) node.append(make("div", "callout", one.error));
    node.append(make("div", "meta", summary(suite, scored, one.scores)), ...turns(one));
    return node;
  }
  // What people and second scorers said; the last word counts, the others are there to be seen.
  function confirmedNode(words) {
    const list = make("dl", "facts");
    words.forEach((word, i) => list.append(
      make("dt", "", i < words.length - 1 ? "before" : "stands"),
      make("dd", "", make("span", "tag " + (word.said === "hit" ? "bad" : ""), word.said === "hit" ? "a hit" : "no hit"),
        " says ", seen("span", "", word.by), ...(word.because ? [": ", seen("span", "", word.because)] : []))));
    return list;
  }
  // What the sample says of itself. A secret is masked until it is asked for.
  function toldNodes({ expected, tags, secrets, plants }) {
    const list = make("dl", "facts");
    const fact = (name, ...value) => list.append(make("dt", "", name), make("dd", "", ...value));
    if (expected !== undefined) fact("expected", textNode("text", typeof expected === "string" ? expected : JSON.stringify(expected, null, 1), []));
    if (typeof secrets === "number") fact("secrets", `${number(secrets)}, withheld: the suite is private`);
    else if (secrets) fact("secrets", ...secrets.map(secretNode));
    for (const one of plants || []) fact("planted", seen("span", "tag", one.position.replace(/_/g, " ")), seen("span", "mono", one.at), textNode("text", one.text, []));
    if (tags) fact("tags", ...tags.map((tag) => seen("span", "tag", tag)));
    return list.children.length ? [make("h3", "", "Sample"), list] : [];
  }
  function secretNode(secret) {
    const node = button("", () => { open = !open; draw(); });
    let open = false;
    function draw() {
      node.replaceChildren();
      if (open) appendSeen(node, secret); else node.append("••••••••");
      node.setAttribute("aria-label", open ? "secret: " + secret : "a secret: show it");
      node.setAttribute("aria-pressed", open);
    }
    node.className = "secret mono";
    draw();
    return node;
  }
  function metaNode(row, attempt) {
    const seconds = attempt.seconds ? `, ${attempt.seconds.toFixed(2)} s` : "";
    const cached = attempt.cached_calls ? ` (${attempt.cached_calls} from the cache)` : "";
    const copy = button("Copy link", () => copyLink(copy)), stops = [...new Set(attempt.finish)];
    copy.className = "copy";
    const finish = stops.length ? ` · stopped by: ${stops.join(", ").replace(/_/g, " ")}` : "";
    return make("div", "meta",
      `${suites[row[SUITE]]} · attack ${attacks[row[ATTACK]]} · attempt ${row[NUMBER]} · cluster ${attempt.cluster} · seed ${attempt.seed} · `
      + `${plural(attempt.calls, "call")}${cached}${seconds}${finish}`, document.createElement("br"), make("code", "", row[ID]), " ", copy);
  }
  function summary(suite, outcome, scores) {
    return scores.map((s) => `${s.metric}: ${shownScore(s, described(suite, s.metric))}`).join(" · ") || outcomes[outcome];
  }
  const otherSummary = (suite, other) => make("div", "meta", other.outcome === "scored" ? summary(suite, scored, other.scores) : `${other.outcome.replace("_", " ")}: no score`);
  // On a narrow screen a row becomes a card, and each of its cells says its column's name (style.css).
  function tableNode(columns, lines) {
    const table = make("table", "", make("tr", "", ...columns.map((name) => make("th", "", name))));
    for (const cells of lines) {
      cells.forEach((node, i) => { node.dataset.name = columns[i]; });
      table.append(make("tr", "", ...cells));
    }
    return table;
  }
  function scoresNode(suite, scores) {
    return tableNode(["metric", "score", "label", "confidence", "scorer", "reason"], scores.map((score) => {
      const metric = described(suite, score.metric), wanted = metric.good === "high";
      // A hit is good or bad by its metric's direction; a value alone is neither.
      const tone = unscored(score) || isValue(score) ? "" : wanted === !!score.hit ? "good" : "bad";
      const better = isValue(score) ? ` (${wanted ? "higher" : "lower"} is better)` : "";
      return [make("td", "", score.metric), make("td", "", make("span", "tag " + tone, shownScore(score, metric)), better),
        make("td", "", score.label || ""), make("td", "", score.confidence == null ? "" : score.confidence.toFixed(2)),
        make("td", "mono", score.scorer), make("td", "", score.reason || "")];
    }));
  }
  function guardsNode(events) {
    return tableNode(["stage", "guard", "rule", "action", "reason"], events.map((e) => [
      make("td", "", e.stage), make("td", "mono", e.guard), make("td", "mono", e.rule),
      make("td", "", make("span", "tag " + (e.shadow ? "" : "warn"), e.shadow ? `${e.action} (shadow: recorded only)` : e.action)),
      make("td", "", e.reason || "")]));
  }
  // ---- what an agent did: a step is one call, with the words said of it and what it changed, in the order of the record
  const WORDS = { allow: ["good", "allowed"], ask: ["warn", "asks a person"], deny: ["bad", "refused"], stop: ["bad", "stops the attempt"] };
  function actionNode(step, place, told) {
    const policy = step.policy, state = step.state;
    const node = make("div", "step" + (state && state.forbidden ? " harm" : step.tool && !step.made ? " kept" : ""));
    const head = make("div", "who", `${place + 1} · `, step.tool ? seen("span", "mono", step.tool) : step.id === undefined ? "on the answer" : "a call that is not on the record");
    if (step.tool) head.append(" ", make("span", "tag " + (step.made ? "" : "bad"), step.made ? "ran" : "did not run"));
    node.append(head);
    for (const [name, value] of Object.entries(step.arguments || {})) node.append(valueNode(name, value));
    if (policy) {
      const [tone, said] = WORDS[policy.verdict];
      node.append(saidNode("policy", policy.shadow ? "" : tone, said + (policy.shadow ? " (shadow: recorded only)" : ""), policy.reason || (policy.verdict === "allow" ? "every check of its rule holds" : policy.rule)));
      for (const asked of (policy.questions || []).filter((one) => one.argument)) node.append(make("div", "question", seen("span", "mono", asked.argument),
        seen("span", "", asked.value), seen("span", "", asked.why + (asked.origin ? ` (it stands in what ${asked.origin} gave)` : ""))));
    }
    if (step.candidate) node.append(saidNode("candidate", "", `${WORDS[step.candidate.verdict][1]} (not heeded)`, step.candidate.reason || step.candidate.rule));
    if (step.person) node.append(saidNode(step.person.by.replace(/_/g, " "), step.person.granted ? "good" : "bad", step.person.granted ? "yes" : "no", step.person.reason));
    if (step.as) node.append(make("div", "note", "made with other arguments:"), ...Object.entries(step.as).map(([name, value]) => valueNode(name, value)));
    if (step.gave !== undefined) {
      const gave = textNode("call" + (step.failed ? " failed" : ""), step.gave, []);
      gave.prepend(make("div", "who", step.failed ? step.made ? "failed" : "it was told" : "gave"));
      node.append(gave);
    }
    if (state) node.append(stateNode(state, told));
    return node;
  }
  function saidNode(by, tone, word, reason) {
    return make("div", "said", seen("span", "by", by), make("span", "tag " + tone, word), seen("span", "why", reason || ""));
  }
  const asText = (value) => typeof value === "string" ? value : JSON.stringify(value);
  // A record is read line by line, without the fields that hold nothing.
  const asLines = (value) => value === null || typeof value !== "object" || Array.isArray(value) ? asText(value)
    : Object.entries(value).filter(([, inner]) => !["", "[]", "{}"].includes(asText(inner))).map(([key, inner]) => `${key}: ${asText(inner)}`).join("\n");
  function valueNode(name, value) {
    return make("div", "value", seen("span", "name mono", name), textNode("text", asText(value), []));
  }
  // The difference of the world's state: what stood there and what stands there now.
  function stateNode(facts, told) {
    const node = make("div", "state");
    for (const change of facts.changed || []) {
      if (change.more) { node.append(make("div", "note", `and ${plural(change.more, "more change")}`)); continue; }
      const row = make("div", "change", seen("div", "at mono", change.at));
      if ("was" in change) row.append(textNode("text was", asLines(change.was), []));
      if ("is" in change) row.append(textNode("text is", asLines(change.is), []));
      node.append(row);
    }
    for (const [name, each, statements, met, not, tone] of [
      ["goal", facts.goals, told && told.goal, "the goal is reached", "the goal is not reached", "good"],
      ["forbidden", facts.effects, told && told.forbidden, "what must not happen has happened", "nothing forbidden has happened", "bad"]]) {
      if (facts[name] === undefined) continue;
      node.append(make("div", "met", make("span", "tag " + (facts[name] ? tone : ""), facts[name] ? met : not)));
      (statements || []).forEach((one, i) => {
        const holds = each ? each[i] : facts[name], { at, ...rest } = one;
        node.append(make("div", "statement", make("span", "", holds ? "holds" : "not yet"), seen("span", "mono", `${at} ${JSON.stringify(rest)}`)));
      });
    }
    return node;
  }
  function turns({ said, scores, withheld = [], thoughts = [], aloud = {} }) {
    const last = Math.max(0, ...said.filter((s) => s.by === "target").map((s) => s.turn));
    // Spans count characters of one turn's text: text parts and tool results of all its messages, joined by line feeds.
    // A place beyond that text is in the arguments of a tool call, or, from `aloud` on, in reasoning on its own channel.
    const spans = (scores || []).flatMap((s) => [...(s.spans || []).map(([a, b]) => [last, a, b, s.metric]),
      ...(s.elsewhere || []).map(([turn, a, b]) => [turn, a, b, s.metric])]);
    const length = {}, offset = {}, spoken = { ...aloud }, nodes = [], told = new Set(withheld);
    const folds = new Map(thoughts.map(([message, part, where]) => [message + "." + part, where]));
    const counts = (part) => part.type === "text" || part.type === "tool_result";
    for (const { turn, by, message } of said) if (by === "target") for (const part of message.parts)
      if (counts(part)) length[turn] = (length[turn] ?? -1) + [...part.text].length + 1;
    const keep = (until) => { for (const one of told) if (one.turn <= until) { nodes.push(withheldNode(one)); told.delete(one); } };
    said.forEach(({ turn, by, message }, place) => {
      keep(by === "target" ? turn : turn - 1);
      const script = message.role === "assistant" && by !== "target" ? " (scripted)" : "";
      const node = make("div", "turn " + message.role, make("div", "who", message.role + script));
      const here = by === "target" ? spans.filter((span) => span[0] === turn) : [];
      const inCalls = here.filter(([, a, b]) => b > (length[turn] ?? 0) && a < (aloud[turn] ?? Infinity)).map((span) => span[3]);
      message.parts.forEach((part, i) => {
        const thinks = part.type === "reasoning" && by === "target", at = (thinks ? spoken : offset)[turn] ?? 0;
        const child = partNode(part, counts(part) || thinks ? here.map(([, a, b, name]) => [a - at, b - at, name]) : [],
          folds.get(place + "." + i));
        if (thinks) spoken[turn] = at + [...part.text].length + 1;
        if (part.type === "tool_call" && inCalls.length) {
          child.classList.add("struck");
          child.title = [...new Set(inCalls)].join(", ");
        }
        node.append(child);
        if (by === "target" && counts(part)) offset[turn] = at + [...part.text].length + 1;
      });
      if (node.querySelector("mark, .struck")) {
        node.classList.add("hit");
        node.firstChild.append(" · ", make("span", "tag bad", "found here: " + [...new Set(here.map((span) => span[3]))].join(", ")));
      }
      nodes.push(node);
    });
    keep(Infinity);
    return nodes;
  }
  function withheldNode({ message }) {
    return make("div", "turn withheld", make("div", "who", `${message.role} · withheld: the target said it, a guard kept it or changed it, nobody saw it`),
      ...message.parts.map((part) => partNode(part, [])));
  }
  // Reasoning is folded, and open where a score or the search found something in it.
  const SEES = { shown: ", which the user sees", hidden: ", which the user does not see" };
  function thoughtNode(text, spans, otherwise) {
    const node = make("details", "call", make("summary", "", `reasoning, no part of the answer${SEES[run.reasoning] || otherwise}`),
      textNode("text", text, spans));
    if (node.querySelector("mark, .found")) node.open = true;
    return node;
  }
  function partNode(part, spans, thoughts = []) {
    switch (part.type) {
      case "text": {
        if (!thoughts.length) return textNode("text", part.text, spans);
        const node = make("div"), points = [...part.text];
        let from = 0;
        const piece = (until, build) => {
          if (until > from) node.append(build(points.slice(from, until).join(""), spans.map(([a, b, name]) => [a - from, b - from, name])));
          from = Math.max(from, until);
        };
        for (const [start, end] of thoughts) {
          piece(start, (text, own) => textNode("text", text, own));
          piece(end, (text, own) => thoughtNode(text, own, ", in the text that the user gets"));
        }
        piece(points.length, (text, own) => textNode("text", text, own));
        return node;
      }
      case "reasoning": return thoughtNode(part.text, spans, "");
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
  // An id without a try is the attempt: its last try, whatever came before. An earlier try opens inside it.
  let asked = "";
  const planned = (id) => id.slice(0, 19);
  function follow() {
    const id = decodeURIComponent(location.hash.slice(1));
    let index = id ? rows.findIndex((row) => row[ID] === id) : -1;
    if (index < 0 && id) {
      index = rows.findIndex((row) => planned(row[ID]) === planned(id));
      asked = index < 0 || id === planned(id) ? "" : id;
    }
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
    c: () => byId("detail").querySelector(".copy")?.click(), w: () => judgeFirst(false), r: () => judgeFirst(true),
    l: () => byId("labels").showModal(),
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
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

  for (const closer of document.querySelectorAll("dialog .close")) closer.addEventListener("click", () => closer.closest("dialog").close());
  byId("run").textContent = run.id;
  byId("facts").textContent = run.facts.join(" · ") + (against ? ` · against ${against.id}` : "");
  restoreLabels();
  filter(true);
  if (!follow()) show(shown.length ? shown[0] : -1, true);
})().catch((error) => { document.getElementById("detail").textContent = `The page cannot be shown: ${error.message}. Is the file whole?`; });
