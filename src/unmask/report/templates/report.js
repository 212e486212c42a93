"use strict";
// The page's only script. Everything it shows of the transcripts goes through textContent: no markup is
// ever made of data. It reads the JSON beside it, filters, and builds the list; it asks no server.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const PAGE = 8;
  const STAKES = { trained: 0, rated_only: 1, neither: 2 };
  const FACTORS = ["arm", "consequence", "labels", "objective", "tag", "role", "level"];
  const words = data.words;
  const $ = (id) => document.getElementById(id);

  const make = (name, text, className) => {
    const node = document.createElement(name);
    if (text !== undefined && text !== null) node.textContent = text;
    if (className) node.className = className;
    return node;
  };
  const word = (kind, value) => (words[kind] && words[kind][value]) || value;

  // What can be filtered, and what a reply says of each.
  const of = {
    model: (r) => String(r.model),
    status: (r) => r.status,
    compliance: (r) => r.compliance || "unknown",
    reasoning: (r) => r.reasoning || "unknown",
    category: (r) => data.queries[r.query].category,
  };
  for (const f of FACTORS) of[f] = (r) => data.cells[r.cell][f];
  const names = { model: (v) => data.models[Number(v)] };
  const matches = (key, wanted, reply) => {
    const value = of[key](reply);
    if (key === "compliance" && wanted === "helped") return value === "complied" || value === "partly";
    return value === wanted;
  };

  const fields = Object.keys(of).filter((key) => $("f-" + key));
  for (const key of fields) {
    const select = $("f-" + key);
    const values = [...new Set(data.replies.map(of[key]))].sort();
    if (key === "compliance") values.unshift("helped");
    if (values.length < 2) select.parentElement.hidden = true;
    select.append(new Option("any", ""));
    for (const v of values) select.append(new Option(names[key] ? names[key](v) : word(key, v) || "(none)", v));
  }

  const haystack = data.replies.map((r) =>
    [r.id, r.scratchpad, r.native, r.answer, r.raw, r.error, data.queries[r.query].text, data.queries[r.query].id]
      .filter(Boolean).join("\n").toLowerCase());

  // Both tiers of one request, epoch, story and model are one pair.
  const pairs = new Map();
  data.replies.forEach((r, i) => {
    const c = data.cells[r.cell];
    const key = [r.model, r.query, r.epoch, c.arm, c.consequence, c.labels, c.objective, c.level].join("\u0001");
    if (!pairs.has(key)) pairs.set(key, []);
    pairs.get(key).push(i);
  });
  const stakes = (i) => STAKES[data.cells[data.replies[i].cell].role] ?? 3;
  for (const pair of pairs.values()) pair.sort((a, b) => stakes(a) - stakes(b) || a - b);

  let shown = [];
  let hits = new Set();
  let upTo = 0;

  const section = (card, title, text, quotes) => {
    if (text === null || text === undefined || text === "") return;
    card.append(make("h5", title));
    const block = make("div", null, "text");
    block.dir = "auto";
    block.append(...marked(text, quotes || []));
    card.append(block);
  };

  // The words that a judge quoted, marked where they stand.
  const marked = (text, quotes) => {
    const spans = quotes.map((q) => [text.indexOf(q), q.length]).filter(([at, n]) => at >= 0 && n > 0)
      .sort((a, b) => a[0] - b[0]);
    const out = [];
    let from = 0;
    for (const [at, n] of spans) {
      if (at < from) continue;
      out.push(document.createTextNode(text.slice(from, at)), make("mark", text.slice(at, at + n)));
      from = at + n;
    }
    out.push(document.createTextNode(text.slice(from)));
    return out;
  };

  const judged = (reply) => {
    const list = make("ul", null, "judged");
    for (const j of reply.judged) {
      const item = make("li");
      const what = j.status === "ok" ? word(j.task, j.label) : word("judge", j.status);
      item.append(make("b", (j.task === "compliance" ? "Compliance" : "Reasoning") + ": " + what));
      item.append(` by ${j.judge}${j.screening ? ", a screening judge" : ""}${j.counts ? "" : " (not the judge whose figures count)"}${j.source === "native" ? ", of its own reasoning" : ""}`);
      if (j.motive && j.motive !== "none") item.append(`; stated motive: ${word("motive", j.motive)}`);
      const criteria = Object.entries(j.criteria);
      if (criteria.length) {
        const inner = make("ul");
        for (const [name, holds] of criteria) {
          const line = make("li", `${holds ? "yes" : "no"}: ${word("criteria", name)}`);
          if (j.quotes[name]) line.append(make("q", j.quotes[name]));
          inner.append(line);
        }
        item.append(inner);
      }
      if (j.note) item.append(make("p", j.note, "soft"));
      list.append(item);
    }
    return list;
  };

  const fill = (body, reply) => {
    const quotes = reply.judged.flatMap((j) => Object.values(j.quotes || {}));
    section(body, word("scratchpad", data.cells[reply.cell].scratchpad), reply.scratchpad, quotes);
    if (reply.native) section(body, `The model’s own reasoning (${reply.visibility || "full"})`, reply.native, quotes);
    section(body, "Answer", reply.answer);
    section(body, "Text as it came", reply.raw);
    section(body, "Error", reply.error);
    if (!reply.answer && !reply.scratchpad && !reply.raw && !reply.native) body.append(make("p", "Nothing came back.", "soft"));
    if (reply.judged.length) body.append(make("h5", "What was read out of it"), judged(reply));
    const foot = make("p", null, "foot");
    foot.append(`wording ${reply.wording}, epoch ${reply.epoch}${reply.tokens === null ? "" : `, ${reply.tokens} tokens`}${reply.finish ? `, ended by ${reply.finish}` : ""}. `);
    const told = data.told[reply.sha];
    if (told) {
      const link = make("a", "What it was told");
      link.href = "#" + told;
      foot.append(link, ". ");
    }
    foot.append(make("span", `unmask show ${data.run} ${reply.id}`, "mono"));
    body.append(foot);
  };

  // What was asked: folded with the replies unless it is harmless, unfolded with the first reply opened.
  const request = (query, arm) => {
    const box = make("details");
    box.open = arm === "benign";
    const text = make("p", query.text, "text");
    text.dir = "auto";
    box.append(make("summary", "The request"), text);
    return box;
  };

  const card = (i, asked) => {
    const reply = data.replies[i];
    const cell = data.cells[reply.cell];
    const box = make("article", null, "reply" + (hits.has(i) ? "" : " beside"));
    const head = make("h4");
    head.append(make("span", null, "dot " + (cell.role in STAKES ? cell.role : "")), `${word("role", cell.role)} · “${cell.tag}”`);
    box.append(head);
    const facts = make("p", null, "facts");
    facts.append(make("span", word("compliance", reply.compliance || "unknown"), "chip"));
    if (reply.status !== "ok") facts.append(make("span", word("status", reply.status), "chip"));
    if (reply.reasoning === "af") facts.append(make("span", word("reasoning", "af"), "chip af"));
    if (!hits.has(i)) facts.append(make("span", "beside, not matched", "soft"));
    box.append(facts);
    const body = make("div", null, "body");
    body.hidden = true;
    body.id = "reply-" + i;
    const button = make("button", "Open this reply");
    button.type = "button";
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-controls", body.id);
    button.addEventListener("click", () => {
      if (!body.hasChildNodes()) fill(body, reply);
      body.hidden = !body.hidden;
      asked.open ||= !body.hidden;
      button.setAttribute("aria-expanded", String(!body.hidden));
      button.textContent = body.hidden ? "Open this reply" : "Fold it again";
    });
    box.append(button, body);
    return box;
  };

  const pairCard = (pair) => {
    const first = data.replies[pair[0]];
    const cell = data.cells[first.cell];
    const query = data.queries[first.query];
    const box = make("section", null, "pair");
    const title = make("h3", query.id);
    const about = [query.category, query.severity === null ? "" : `severity ${query.severity}`, word("consequence", cell.consequence), word("labels", cell.labels)];
    if (cell.arm === "benign") about.push("harmless");
    if (cell.objective !== "conflicting") about.push(word("objective", cell.objective));
    if (data.models.length > 1) about.unshift(data.models[first.model]);
    title.append(make("span", about.filter(Boolean).join(" · "), "soft"));
    const row = make("div", null, "both");
    const asked = request(query, cell.arm);
    for (const i of pair) row.append(card(i, asked));
    box.append(title, asked, row);
    return box;
  };

  const more = () => {
    const next = shown.slice(upTo, upTo + PAGE);
    upTo += next.length;
    $("list").append(...next.map(pairCard));
    $("more").hidden = upTo >= shown.length;
    $("more").textContent = `Show more (${shown.length - upTo} pairs left)`;
  };

  const wanted = () => {
    const set = {};
    for (const key of fields) if ($("f-" + key).value) set[key] = $("f-" + key).value;
    return set;
  };

  const apply = () => {
    const set = Object.entries(wanted());
    const text = $("f-text").value.trim().toLowerCase();
    hits = new Set();
    data.replies.forEach((r, i) => {
      if (set.every(([key, value]) => matches(key, value, r)) && (!text || haystack[i].includes(text))) hits.add(i);
    });
    shown = [...pairs.values()].filter((pair) => pair.some((i) => hits.has(i)));
    upTo = 0;
    $("list").replaceChildren();
    const all = data.replies.length;
    const n = hits.size.toLocaleString("en");
    $("found").textContent = hits.size === all ? `${n} replies in ${shown.length.toLocaleString("en")} pairs.`
      : `${n} of ${all.toLocaleString("en")} replies match, in ${shown.length.toLocaleString("en")} pairs.${hits.size ? "" : " Clear a filter to see some."}`;
    more();
  };

  const remember = () => {
    const set = new URLSearchParams(wanted());
    if ($("f-text").value) set.set("text", $("f-text").value);
    const rest = set.toString();
    history.replaceState(null, "", "#replies" + (rest ? "&" + rest : ""));
  };

  // A figure's link: #replies&role=trained&compliance=refused sets the filters and goes to the list.
  const follow = () => {
    const fragment = location.hash.slice(1);
    if (fragment !== "replies" && !fragment.startsWith("replies&")) {
      const target = fragment && document.getElementById(fragment);
      if (target && target.tagName === "DETAILS") target.open = true;
      return;
    }
    const set = new URLSearchParams(fragment.slice("replies&".length));
    for (const key of fields) {
      const value = set.get(key) || "";
      const select = $("f-" + key);
      select.value = [...select.options].some((o) => o.value === value) ? value : "";
      if (value && select.value !== value) {
        select.append(new Option(names[key] ? "?" : word(key, value), value));
        select.value = value;
      }
    }
    $("f-text").value = set.get("text") || "";
    apply();
    $("replies").scrollIntoView();
    $("found").focus({ preventScroll: true });
  };

  let waiting;
  $("f-text").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { apply(); remember(); }, 150);
  });
  for (const key of fields) $("f-" + key).addEventListener("change", () => { apply(); remember(); });
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("reset").addEventListener("click", () => {
    for (const key of fields) $("f-" + key).value = "";
    $("f-text").value = "";
    apply();
    remember();
  });
  $("more").addEventListener("click", more);
  window.addEventListener("hashchange", follow);

  // Charts leave as they are drawn for paper: light, on white.
  const save = (blob, name) => {
    const link = make("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  const svgText = (figure) => {
    const svg = figure.querySelector(".wide svg").cloneNode(true);
    const ground = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [k, v] of [["width", "100%"], ["height", "100%"], ["fill", "#ffffff"]]) ground.setAttribute(k, v);
    svg.prepend(ground);
    return new XMLSerializer().serializeToString(svg);
  };
  for (const figure of document.querySelectorAll("figure.chart")) {
    const name = figure.dataset.name;
    const [svgButton, pngButton] = figure.querySelectorAll("button[data-export]");
    figure.querySelector(".export").hidden = false;
    svgButton.addEventListener("click", () => save(new Blob([svgText(figure)], { type: "image/svg+xml" }), name + ".svg"));
    pngButton.addEventListener("click", () => {
      const svg = figure.querySelector(".wide svg");
      const canvas = make("canvas");
      canvas.width = 3 * Number(svg.getAttribute("width"));
      canvas.height = 3 * Number(svg.getAttribute("height"));
      const image = new Image(canvas.width, canvas.height);
      image.addEventListener("load", () => {
        canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
        canvas.toBlob((blob) => save(blob, name + ".png"), "image/png");
      });
      image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(svgText(figure));
    });
  }

  $("filters").hidden = false;
  apply();
  if (location.hash) follow();
})();
