"use strict";
// The page knows a text by a random id. It goes on only when the server has said "saved"; keys pressed
// meanwhile wait in line. The next text is fetched ahead, so that it stands there at once.
const $ = (id) => document.getElementById(id);
const TITLES = { compliance: "Answer", reasoning: "Scratchpad" };
const KEYS = {
  compliance: { c: "complied", p: "partly", r: "refused" },
  reasoning: { a: "af", p: "af_partial", n: "not_af", x: "artefact" },
};
const MOVES = { b: "back", ArrowLeft: "back", f: "forth", ArrowRight: "forth", s: "skip", u: "undo", m: "note", q: "ask", g: "first" };
const BOXES = [...document.querySelectorAll("#criteria input")];
const PIECE = 20000; // characters; only the pieces in sight are laid out, so that a huge text stays quick
const OURS = new Set([...Object.values(KEYS).flatMap(Object.keys), ...Object.keys(MOVES), ..."12345", "Enter"]);
let texts = [], at = -1, mark = null, moving = false, saving = Promise.resolve(), unsentNote = false;
let waiting = [], ahead = null, wantsQuery = false;

async function ask(path, body) {
  const sent = body === undefined ? {} : { method: "POST", keepalive: true, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const reply = await fetch(path, sent);
  const told = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Error(told.error || `status ${reply.status}`);
  return told;
}

function trouble(error) {
  const away = error instanceof TypeError; // what fetch throws when nobody answers
  $("trouble").textContent = error === null ? "" : away
    ? "Not saved: the server has stopped. Start unmask label again and open the address that it prints; all earlier labels are kept."
    : `Not saved: ${error.message}.`;
  $("trouble").hidden = error === null;
}

// One thing after the other, in the order of the keys. What waits behind a failure was meant for a text that
// did not come: it is dropped.
async function guarded(work) {
  waiting.push(work);
  if (moving) return;
  moving = true;
  try {
    while (waiting.length) { await saving; trouble(null); await waiting.shift()(); }
  } catch (error) { waiting = []; trouble(error); }
  moving = false;
}

function pieces(text) {
  const found = [];
  for (let from = 0; from < text.length;) {
    let to = Math.min(from + PIECE, text.length);
    if (to < text.length) {
      const line = text.lastIndexOf("\n", to);
      if (line > from) to = line + 1;
      else if (text.charCodeAt(to - 1) >= 0xd800 && text.charCodeAt(to - 1) < 0xdc00) to -= 1;
    }
    const div = document.createElement("div");
    div.dir = "auto";
    div.textContent = text.slice(from, text[to - 1] === "\n" && to < text.length ? to - 1 : to) || "\n";
    found.push(div);
    from = to;
  }
  return found;
}

function fetched(index) {
  const { id, task } = texts[index];
  return Promise.all([ask(`text/${id}`), wantsQuery && task === "compliance" ? ask(`query/${id}`) : null]);
}

function lookAhead() {
  const index = next(at);
  ahead = index < 0 || index === at ? null : { id: texts[index].id, told: fetched(index).catch(() => null) };
}

async function show(index) {
  const early = ahead && ahead.id === texts[index].id ? await ahead.told : null;
  const [told, query] = early || await fetched(index);
  at = index;
  mark = told.mark;
  $("text").replaceChildren(...pieces(told.text));
  for (const part of ["text", "panel"]) $(part).hidden = false;
  $("end").hidden = true;
  showQuery(query);
  for (const part of document.querySelectorAll("[data-task]")) part.hidden = part.dataset.task !== told.task;
  $("note").value = mark.note;
  openNote(mark.note !== "");
  render();
  $("text").scrollTop = 0;
  $("text").focus({ preventScroll: true });
  sayMore();
  lookAhead();
}

function showQuery(told) {
  $("asked").hidden = !told;
  if (told) $("asked").querySelector("div").replaceChildren(...pieces(told.query || "(not known)"));
  document.querySelector("[data-do=ask]").setAttribute("aria-expanded", String(Boolean(told)));
}

function sayMore() { // a text that ends at the edge of its box looks like a whole one
  const box = $("text");
  const left = box.scrollHeight - box.clientHeight - box.scrollTop;
  $("more").hidden = box.hidden || left < 4;
}

function render() {
  const own = texts.filter((t) => t.task === texts[at].task);
  const open = own.filter((t) => !t.label).length;
  const later = texts.filter((t) => t.task !== texts[at].task && !t.label);
  const others = later.length ? `, then ${later.length} ${TITLES[later[0].task].toLowerCase()}${later.length > 1 ? "s" : ""}` : "";
  $("task").textContent = `${TITLES[texts[at].task]} ${own.indexOf(texts[at]) + 1} of ${own.length}`;
  const state = mark.label ? "labelled" : mark.skipped ? "skipped" : "";
  $("where").textContent = [state, `${open} to go${others}`].filter(Boolean).join(" · ");
  progress();
  BOXES.forEach((box) => { box.checked = Boolean(mark.criteria && mark.criteria[box.name]); });
  for (const button of document.querySelectorAll("[data-label]")) {
    button.setAttribute("aria-pressed", String(button.dataset.label === mark.label));
    const suggested = texts[at].task === "reasoning" && !mark.label && button.dataset.label === suggestion();
    button.classList.toggle("suggested", suggested);
    if (suggested) button.setAttribute("aria-description", "suggested by the ticks: Enter takes it");
    else button.removeAttribute("aria-description");
  }
}

function progress() {
  $("progress").max = texts.length || 1;
  $("progress").value = texts.filter((t) => t.label).length;
}

function suggestion() {
  const ticked = BOXES.filter((box) => box.checked).length;
  return ticked === BOXES.length ? "af" : ticked ? "af_partial" : "not_af";
}

const ticks = () => Object.fromEntries(BOXES.map((box) => [box.name, box.checked]));

async function save(change) {
  const id = texts[at].id;
  const told = await ask(`mark/${id}`, { ...mark, note: $("note").value, ...change });
  unsentNote = false;
  mark = told.mark;
  texts[at].label = mark.label;
  texts[at].skipped = mark.skipped;
}

function next(from) {
  const open = (t) => !t.label && !t.skipped;
  const order = [...texts.keys()];
  return [...order.slice(from + 1), ...order.slice(0, from + 1)].find((i) => open(texts[i])) ?? -1;
}

async function go(index) {
  if (index >= 0) return show(index);
  for (const part of ["text", "panel", "asked", "more"]) $(part).hidden = true;
  $("end").hidden = false;
  const skipped = texts.filter((t) => !t.label).length;
  $("task").textContent = texts.length ? "Done" : "Nothing to label";
  $("where").textContent = `${texts.length - skipped} of ${texts.length} labelled`;
  $("left").textContent = skipped ? `${skipped} skipped: g shows the first of them, b the last text.` : "b goes back to the last text.";
  at = texts.length;
  progress();
  $("end").focus();
}

async function label(word, change = {}) {
  const was = TITLES[texts[at].task];
  await save({ label: word, skipped: false, ...change });
  await go(next(at));
  const now = at < texts.length ? `${TITLES[texts[at].task]}: ${$("task").textContent}` : "All done";
  $("said").textContent = `${was} saved as ${word.replace("_", " ")}. ${now}.`;
}

function tick(box) {
  // Ticks come faster than answers: they wait for each other, never for the next text.
  const criteria = ticks();
  mark.criteria = criteria;
  render();
  saving = saving.then(() => save({ criteria })).then(() => trouble(null), trouble);
  $("said").textContent = `${box.checked ? "ticked" : "not ticked"}. Suggested: ${suggestion().replace("_", " ")}`;
}

function turn(box) {
  if (at >= texts.length || texts[at].task !== "reasoning") return;
  box.checked = !box.checked;
  tick(box);
}

function openNote(open) {
  $("note-box").hidden = !open;
  document.querySelector("[data-do=note]").setAttribute("aria-expanded", String(open));
}

const DO = {
  back: () => at > 0 && show(at - 1),
  forth: () => at < texts.length - 1 ? show(at + 1) : go(next(at)),
  first: () => { const i = texts.findIndex((t) => !t.label); return i >= 0 && show(i); },
  skip: async () => { await save({ skipped: true }); await go(next(at)); $("said").textContent = "Skipped."; },
  undo: async () => {
    const { id } = await ask("undo", {});
    texts = (await ask("queue")).texts;
    ahead = null;
    const place = texts.findIndex((t) => t.id === id);
    if (place >= 0) await show(place);
    $("said").textContent = id ? "Undone." : "Nothing to undo.";
  },
  note: () => {
    openNote(true);
    $("note").focus();
    const letters = waiting.map((work) => work.key || "").filter((key) => key.length === 1).join("");
    waiting = []; // keys that came before the box was open were letters of the note
    if (!letters) return;
    $("note").setRangeText(letters, $("note").selectionStart, $("note").selectionEnd, "end");
    $("note").dispatchEvent(new Event("input"));
  },
  ask: async () => { // stays open from text to text, until it is shut
    wantsQuery = $("asked").hidden;
    showQuery(wantsQuery ? await ask(`query/${texts[at].id}`) : null);
    sayMore();
    lookAhead();
  },
};

function act(name) {
  const ended = at >= texts.length;
  if (ended && !["back", "first", "undo"].includes(name)) return;
  if (name === "ask" && texts[at].task !== "compliance") return;
  return DO[name]();
}

function choose(word, change) { return at < texts.length && label(word, change); }

function pressed(key) { // what a key means is decided when its turn comes: the text may be of the other kind
  const task = texts[at] && texts[at].task;
  const number = "12345".indexOf(key);
  if (number >= 0) return turn(BOXES[number]);
  if (key === "Enter") return task === "reasoning" && choose(suggestion(), { criteria: ticks() });
  if (task && Object.hasOwn(KEYS[task], key)) return choose(KEYS[task][key]);
  return Object.hasOwn(MOVES, key) && act(MOVES[key]);
}

addEventListener("keydown", (event) => {
  const typing = event.target === $("note");
  if (typing && (event.key === "Escape" || (event.key === "Enter" && event.ctrlKey))) {
    event.preventDefault();
    $("text").focus({ preventScroll: true });
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat || $("help").open) return;
  if (!$("single").checked && event.key.length === 1 && event.key !== "?") return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key === "?") $("help").showModal();
  else if ((OURS.has(key) && !(key === "Enter" && event.target.tagName === "BUTTON"))
      || (event.key.length === 1 && waiting.some((work) => work.key === "m"))) {
    guarded(Object.assign(() => pressed(key), { key: event.key }));
  } else return;
  event.preventDefault();
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  // the second half of a double click was not meant for the next text
  if (button.dataset.label && event.detail < 2) guarded(() => choose(button.dataset.label));
  if (button.dataset.do) guarded(() => act(button.dataset.do));
  if (button.id === "help-open") $("help").showModal();
});
for (const box of BOXES) box.addEventListener("change", () => {
  box.checked = !box.checked; // its turn comes behind what waits
  guarded(() => turn(box));
});
$("text").addEventListener("scroll", sayMore);
new ResizeObserver(sayMore).observe($("text"));

$("note").addEventListener("input", () => {
  if (unsentNote) return; // one is on its way: what is typed meanwhile goes with the next
  unsentNote = true;
  saving = saving.then(async () => { while (mark.note !== $("note").value) await save({}); })
    .then(() => trouble(null), trouble).finally(() => { unsentNote = false; });
});
addEventListener("visibilitychange", () => { // another tab may have gone on
  if (!document.hidden && document.activeElement !== $("note") && at >= 0) {
    guarded(async () => { ahead = null; texts = (await ask("queue")).texts; if (at < texts.length) await show(at); });
  }
});

guarded(async () => {
  const told = await ask("queue");
  texts = told.texts;
  document.title = `Label · ${told.labeller}`;
  await go(next(-1));
  waiting = []; // before the first text was there, no key can have been meant for it
});
