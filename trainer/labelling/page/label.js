"use strict";
// The page shows groups of images; a group has its figures only while it is near the window.
const byId = (id) => document.getElementById(id);
const page = { groups: [], classes: [], unknown: "unknown", version: -1, selected: new Set(), current: null, anchor: null, busy: new Set(), comparing: false };
const RESERVED = new Set(["s", "u", "z", "g", "x", "n"]);
const KEYS = [..."123456789abcdefhijklmopqrtvwy"].filter((key) => !RESERVED.has(key));

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "X-Edge-Label": "1", "Content-Type": "application/json" } };
  const response = await fetch(path, options);
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

function notice(text) { byId("notice").textContent = text; }

// --- state -----------------------------------------------------------------------------------------------------

function showState(state) {
  page.version = state.version;
  page.unknown = state.unknown;
  page.classes = state.classes.filter((each) => each.name !== state.unknown);
  const left = state.total - state.done;
  byId("progress").firstElementChild.style.width = `${state.total ? (100 * state.done) / state.total : 100}%`;
  byId("progress").lastElementChild.textContent = `${state.done} of ${state.total} done, ${left} left` +
    (state.looked_at === null ? "" : ` · comparing images: ${state.looked_at}`);
  byId("undo").disabled = !state.can_undo;
  showClasses(state.classes);
}

function showClasses(classes) {
  const count = (name) => (classes.find((each) => each.name === name) || { count: 0 }).count;
  const button = (text, key, act, title, number) => element("button", { onclick: act, title },
    text, " ", ...(number === undefined ? [] : [element("span", { textContent: number }), " "]), element("kbd", { textContent: key }));
  byId("classes").replaceChildren(
    ...page.classes.map((each, at) => button(each.name, KEYS[at] || "", () => label(each.name), `Label as ${each.name}`, each.count)),
    button(page.unknown, "u", () => label(page.unknown), "Of no class", count(page.unknown)),
    button("skip", "s", skip, "Leave it where it is"),
    button("new class", "n", newClass, "Add a class"));
}

async function refresh() {
  const [groups, state] = [await ask("api/groups"), await ask("api/state")];
  // The images have just been put into groups: unless work has begun, it begins with the first one.
  const regrouped = page.comparing && groups.looked_at === null && !page.selected.size;
  const anchor = regrouped ? null : page.current;
  page.comparing = groups.looked_at !== null;
  page.groups = groups.groups;
  const known = new Set(page.groups.flat().map((each) => each.id));
  page.selected = new Set([...page.selected].filter((id) => known.has(id)));
  page.current = known.has(anchor) ? anchor : null;
  showState({ ...state, version: groups.version, looked_at: groups.looked_at });
  showGroups();
  if (regrouped) { window.scrollTo(0, 0); move(0); }
}

async function watch() {
  try {
    const state = await ask("api/state");
    if (state.version !== page.version && !page.busy.size) await refresh(); else if (state.looked_at !== null) showState({ ...state, version: page.version });
    if (byId("notice").dataset.lost) { notice(""); delete byId("notice").dataset.lost; }
  } catch (error) {
    byId("notice").dataset.lost = "1";
    notice("The server does not answer. What was shown as done is on its disk. Start edge-label again.");
  }
  setTimeout(watch, 2000);
}

// --- groups ----------------------------------------------------------------------------------------------------

const near = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) fill(entry.target); else empty(entry.target);
}, { rootMargin: "1200px 0px" });

function showGroups() {
  near.disconnect();
  const sections = page.groups.map((group, at) => {
    const section = element("section");
    section.dataset.group = at;
    section.style.minHeight = `${estimate(group.length)}px`;
    near.observe(section);
    return section;
  });
  const done = element("p", { id: "empty" }, "Nothing is left to label. Next: edge-data and edge-train on the folder; Ctrl-C ends this server.");
  byId("groups").replaceChildren(...(sections.length ? sections : [done]));
  showChosen();
}

function estimate(count) {
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const cell = (window.matchMedia("(max-width: 40rem)").matches ? 6.6 : 9.5) * rem;
  const columns = Math.max(1, Math.floor((document.body.clientWidth - 1.5 * rem + 0.4 * rem) / (cell + 0.4 * rem)));
  return Math.ceil(count / columns) * (cell + 2 * rem) + 3.7 * rem;
}

function fill(section) {
  if (section.firstChild) return;
  const group = page.groups[section.dataset.group];
  const first = group[0];
  const guess = first.why || (first.suggestion ? `${first.suggestion}?` : "");
  const heading = element("h2", {}, guess, element("small", { textContent: `${group.length} image${group.length > 1 ? "s" : ""}` }));
  if (first.suggestion && !first.current) heading.append(element("button", { textContent: `all ${first.suggestion}`, onclick: () => act("api/label", group.map((each) => each.id), first.suggestion) }));
  if (group.length > 1) heading.append(element("button", { textContent: "select all", onclick: () => selectGroup(group) }));
  section.append(heading, element("div", { className: "grid" }, ...group.map(figure)));
  mark(section);
}

function empty(section) {
  if (!section.firstChild || section.contains(document.activeElement)) return;
  section.style.minHeight = `${section.offsetHeight}px`;
  section.replaceChildren();
}

function figure(item) {
  const caption = [item.current, item.suggestion && `${item.suggestion} ${item.score.toFixed(2)}`].filter(Boolean).join(" → ") || item.name;
  const made = element("figure", { title: item.name }, element("img", { src: `image/${item.id}`, loading: "lazy", alt: item.name, draggable: false }), element("figcaption", { textContent: caption }));
  made.dataset.id = item.id;
  made.onclick = (event) => choose(item.id, event.shiftKey);
  made.ondblclick = () => enlarge(item.id);
  return made;
}

function mark(root = document) {
  for (const each of root.querySelectorAll("figure")) {
    each.classList.toggle("selected", page.selected.has(each.dataset.id));
    each.classList.toggle("current", page.current === each.dataset.id);
    each.classList.toggle("busy", page.busy.has(each.dataset.id));
  }
}

function remove(ids) {
  const gone = new Set(ids);
  const order = page.groups.flat();
  if (gone.has(page.current)) {
    const at = order.findIndex((each) => each.id === page.current);
    const next = order.slice(at).find((each) => !gone.has(each.id)) || order.slice(0, at).reverse().find((each) => !gone.has(each.id));
    page.current = next ? next.id : null;
  }
  for (const id of gone) page.selected.delete(id);
  page.groups = page.groups.map((group) => group.filter((each) => !gone.has(each.id)));
  for (const section of [...byId("groups").children]) {
    const group = page.groups[section.dataset.group];
    if (!group) continue;
    if (!group.length) { near.unobserve(section); section.remove(); continue; }
    section.style.minHeight = `${estimate(group.length)}px`;
    for (const each of [...section.querySelectorAll("figure")]) if (gone.has(each.dataset.id)) each.remove();
    const small = section.querySelector("small");
    if (small) small.textContent = `${group.length} image${group.length > 1 ? "s" : ""}`;
  }
  if (!page.groups.some((group) => group.length)) { page.groups = []; showGroups(); }
  showChosen();
}

// --- selection -------------------------------------------------------------------------------------------------

function choose(id, range) {
  const order = page.groups.flat().map((each) => each.id);
  if (range && page.anchor) {
    const [from, to] = [order.indexOf(page.anchor), order.indexOf(id)].sort((a, b) => a - b);
    for (const each of order.slice(Math.max(from, 0), to + 1)) page.selected.add(each);
  } else if (!page.selected.delete(id)) page.selected.add(id);
  page.anchor = page.current = id;
  showChosen();
}

function selectGroup(group) {
  const all = group.every((each) => page.selected.has(each.id));
  for (const each of group) if (all) page.selected.delete(each.id); else page.selected.add(each.id);
  page.current = group[0].id;
  showChosen();
}

function showChosen() {
  mark();
  byId("chosen").textContent = page.selected.size ? `${page.selected.size} selected` : page.current ? "current image" : "";
}

function move(by) {
  const order = page.groups.flat().map((each) => each.id);
  if (!order.length) return;
  const at = order.indexOf(page.current);
  page.current = order[Math.min(order.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
  const place = page.groups.findIndex((group) => group.some((each) => each.id === page.current));
  const section = document.querySelector(`section[data-group="${place}"]`);
  if (section && !section.firstChild) fill(section);
  const shown = document.querySelector(`figure[data-id="${page.current}"]`);
  if (shown) shown.scrollIntoView({ block: "nearest" });
  showChosen();
}

const targets = () => (page.selected.size ? [...page.selected] : page.current ? [page.current] : []);
const find = (id) => page.groups.flat().find((each) => each.id === id);

// --- actions ---------------------------------------------------------------------------------------------------

async function act(path, ids, name) {
  const waiting = ids.filter((id) => !page.busy.has(id));
  if (!waiting.length) { notice("Select an image first, with a click or the arrow keys."); return; }
  for (const id of waiting) page.busy.add(id);
  mark();
  try {
    const before = page.version;
    const answer = await ask(path, name === undefined ? { ids: waiting } : { ids: waiting, label: name });
    const others = waiting.filter((id) => !answer.ids.includes(id)).length - answer.problems.length;
    notice(answer.problems[0] || (others > 0 ? `${others} of them were done on another page.` : ""));
    for (const id of waiting) page.busy.delete(id);
    remove(answer.ids);
    showState(answer.state);
    if (answer.state.version !== before + 1) await refresh();
  } catch (error) {
    for (const id of waiting) page.busy.delete(id);
    mark();
    notice(error.message);
  }
}

const label = (name) => act("api/label", targets(), name);
const skip = () => act("api/skip", targets());

async function accept() {
  const byLabel = new Map();
  for (const id of targets()) {
    const item = find(id);
    const name = item && (item.current || item.suggestion);
    if (name) byLabel.set(name, [...(byLabel.get(name) || []), id]);
  }
  if (!byLabel.size) notice("There is no suggestion: start edge-label with --model, or press a class's key.");
  for (const [name, ids] of byLabel) await act("api/label", ids, name);
}

async function undo() {
  try {
    const answer = await ask("api/undo", {});
    await refresh();
    if (answer.ids.length) { page.current = answer.ids[0]; move(0); }
    notice(answer.problems[0] || (answer.ids.length ? `${answer.ids.length} taken back.` : "There is nothing to take back."));
  } catch (error) { notice(error.message); }
}

function newClass() {
  const dialog = byId("new-class");
  dialog.querySelector("input").value = "";
  dialog.onclose = async () => {
    const name = dialog.querySelector("input").value.trim();
    if (dialog.returnValue !== "ok" || !name) return;
    try { showState((await ask("api/class", { name })).state); notice(""); } catch (error) { notice(error.message); }
  };
  dialog.showModal();
}

function enlarge(id) {
  const dialog = byId("large"), item = find(id);
  if (!item) return;
  dialog.querySelector("img").src = `image/${id}?large`;
  dialog.querySelector("p").textContent = item.name;
  dialog.onclick = () => dialog.close();
  dialog.showModal();
}

const ACTIONS = {
  s: skip, u: () => label(page.unknown), z: undo, n: newClass, Enter: accept,
  g: () => { const group = page.groups.find((each) => each.some((item) => item.id === page.current)); if (group) selectGroup(group); },
  x: () => page.current && choose(page.current, false),
  Escape: () => { page.selected.clear(); showChosen(); },
  " ": () => page.current && enlarge(page.current),
  ArrowRight: () => move(1), ArrowLeft: () => move(-1), ArrowDown: () => move(columns()), ArrowUp: () => move(-columns()),
};

function columns() {
  const grid = document.querySelector(`figure[data-id="${page.current}"]`)?.parentElement;
  return grid ? getComputedStyle(grid).gridTemplateColumns.split(" ").length : 1;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input") || document.querySelector("dialog[open]")) return;
  const place = KEYS.indexOf(event.key);
  const action = ACTIONS[event.key] || (place >= 0 && page.classes[place] && (() => label(page.classes[place].name)));
  if (!action || (event.key === "Enter" && event.target.matches("button"))) return;
  event.preventDefault();
  action();
});
byId("undo").onclick = undo;
byId("help-button").onclick = () => byId("help").showModal();
window.addEventListener("resize", () => { for (const each of byId("groups").children) if (!each.firstChild && each.dataset.group) each.style.minHeight = `${estimate(page.groups[each.dataset.group].length)}px`; });

refresh().then(() => move(0)).catch((error) => notice(error.message)).finally(() => setTimeout(watch, 2000));
