// The grid of look-alikes: flag what does not belong, Enter confirms the others and shows the next
// page. That page is fetched ahead, and saves go out behind, one at a time; each page carries its
// own token, so that a repeated save confirms it once.

import { csrfToken, send, sentence, SignedOut } from "./session.js";
import { giveBack, heldUntil, keepLeases } from "./review/leases.js";

const RETRY = [1000, 2000, 5000, 10_000];
const NOTICES = 5;
const LAST_FLAGGED = 100;

const grid = document.getElementById("grid");
const urls = grid.dataset;
const stage = grid.querySelector("[data-stage]");
const part = (name) => grid.querySelector(`[data-${name}]`);

let page = null; // on the screen
let ahead = []; // what comes after it: {page}, or {element} where no tiles are left
let fetching = null;
let flagged = []; // ids that wait for this reviewer on the desk
let undoing = false;
let undoToken = null;
const saves = []; // pages on their way to the server, oldest first
const done = []; // batches that were confirmed here, newest last

class Page {
  constructor(form) {
    this.form = form;
    this.tiles = [...form.querySelectorAll("[name=flag]")];
    this.at = 0;
    heldUntil(form.dataset.until);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      commit();
    });
    form.addEventListener("focusin", ({ target }) => {
      const place = this.tiles.indexOf(target);
      if (place >= 0) this.#stand(place);
    });
    this.#stand(0);
    this.painted = false;
    this.ready = Promise.all(this.tiles.map((tile) => this.#decode(tile))).then(() => {
      this.painted = true;
    });
  }

  get ids() {
    return this.tiles.map((tile) => Number(tile.value));
  }

  get flags() {
    return this.tiles.filter((tile) => tile.checked).map((tile) => Number(tile.value));
  }

  get batch() {
    return this.form.elements.batch.value;
  }

  focus() {
    this.tiles[this.at].focus();
  }

  /** Walk by arrow key: to the neighbour in the row, or in the row above or below. */
  move(key) {
    const columns = this.#columns();
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
    const to = this.at + step;
    if (to >= 0 && to < this.tiles.length) this.#stand(to);
    this.focus();
  }

  /** One stop for Tab; the arrows go on from there. */
  #stand(place) {
    this.at = place;
    this.tiles.forEach((tile, index) => {
      tile.tabIndex = index === place ? 0 : -1;
    });
  }

  #columns() {
    const tops = this.tiles.map((tile) => tile.closest("li").offsetTop);
    return Math.max(tops.filter((top) => top === tops[0]).length, 1);
  }

  /** A photo that nobody can see is not confirmed. */
  #decode(tile) {
    const photo = tile.closest(".tile").querySelector("[data-photo]");
    return photo.decode().catch(() => {
      tile.checked = true;
      photo.alt = "This photo could not be loaded.";
    });
  }
}

// ── Confirming ──

function commit() {
  if (!page || undoing) return;
  if (!page.painted) {
    say("Wait: not every photo is there yet.");
    return;
  }
  const body = new URLSearchParams(new FormData(page.form));
  body.delete("csrfmiddlewaretoken");
  saves.push({ page, body, url: page.form.action, sent: false });
  flagged = [...flagged, ...page.flags].slice(-LAST_FLAGGED);
  say(`${count(page.tiles.length - page.flags.length)} confirmed.`);
  saveAll();
  advance();
}

function advance() {
  page = null;
  const next = ahead.shift();
  if (next) show(next);
  else stage.replaceChildren(copy("loading"));
  fetchAhead();
}

let saving = false;
async function saveAll() {
  if (saving) return;
  saving = true;
  for (let tries = 0; saves.length; ) {
    showSaving(tries);
    try {
      await saveOne(saves[0]);
      tries = 0;
    } catch (error) {
      if (error instanceof SignedOut) break;
      tries += 1;
      showSaving(tries);
      await new Promise((resolve) => setTimeout(resolve, RETRY[Math.min(tries, RETRY.length) - 1]));
    }
  }
  saving = false;
  showSaving(saves.length ? -1 : 0);
  if (!page && !saves.length) fetchAhead(); // what is left is told anew
}

/** Rejects where it is worth trying again. */
async function saveOne(save) {
  save.sent = true;
  const response = await send(save.url, { method: "POST", body: save.body });
  if (response.status >= 500 || response.status === 429) throw new Error(await sentence(response));
  saves.shift();
  if (!response.ok) {
    notify(`A page of ${count(save.page.tiles.length)} was not confirmed: ${await sentence(response)}`);
    return;
  }
  const answer = await response.json();
  done.push(save.page.batch);
  for (const { name, page: link, message } of answer.refused) notify(message, { name, link });
  say(answer.message);
}

// ── Taking back ──

async function undo() {
  if (undoing) return;
  const last = saves.at(-1);
  if (last && !last.sent) {
    saves.pop();
    putFirst(last.page);
    return;
  }
  undoing = true;
  say("Taking the last page back…");
  try {
    while (saves.length) {
      if (!saving) throw new Error("it is not saved yet.");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await takeBack();
  } catch (error) {
    notify(`Nothing was taken back: ${error instanceof TypeError ? "the connection is lost." : error.message}`);
  } finally {
    undoing = false;
  }
}

async function takeBack() {
  undoToken ??= crypto.randomUUID?.() ?? fallbackToken();
  const body = new URLSearchParams({ token: undoToken });
  if (done.length) body.set("batch", done.at(-1));
  const response = await send(urls.undo, { method: "POST", body });
  if (response.status < 500) {
    undoToken = null;
    done.pop();
  }
  if (!response.ok) throw new Error(await sentence(response));
  const answer = await response.json();
  const back = read(answer);
  if (back.page) putFirst(back.page);
  say(answer.message);
}

function fallbackToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function putFirst(first) {
  flagged = flagged.filter((id) => !first.ids.includes(id));
  if (page) ahead.unshift({ page });
  show({ page: first });
}

// ── What comes next ──

/** `answer` as {page}, or {element} where there are no tiles. */
function read(answer) {
  const template = document.createElement("template");
  template.innerHTML = answer.html.trim();
  const element = document.importNode(template.content, true).firstElementChild;
  if (answer.left !== undefined) part("left").textContent = answer.left.toLocaleString("en-GB");
  return answer.tiles ? { page: new Page(element) } : { element };
}

async function fetchAhead() {
  if (fetching || ahead.length || !category) return;
  fetching = send(`${urls.next}?category=${category}`);
  try {
    const response = await fetching;
    if (!response.ok) throw new Error(await sentence(response));
    const next = read(await response.json());
    if (page) ahead.push(next);
    else show(next);
    if (next.page && page === next.page) queueMicrotask(fetchAhead);
  } catch (error) {
    if (!page) showFailure(error);
  } finally {
    fetching = null;
  }
}

function show(next) {
  page = next.page ?? null;
  stage.replaceChildren(page ? page.form : next.element);
  if (page) page.focus();
  else say(stage.querySelector("h2").textContent);
}

function showFailure(error) {
  stage.replaceChildren(copy("broken"));
  const lost = error instanceof TypeError;
  stage.querySelector("[data-why]").textContent = lost ? "The connection is lost." : error.message;
  stage.querySelector("[data-again]").addEventListener("click", () => {
    stage.replaceChildren(copy("loading"));
    fetchAhead();
  });
}

function copy(name) {
  return document.importNode(document.querySelector(`template[data-${name}]`).content, true);
}

// ── Saying what happens ──

function count(number) {
  return `${number} photo${number === 1 ? "" : "s"}`;
}

function say(words) {
  part("announce").textContent = words;
  part("said").textContent = `· ${words}`;
}

function showSaving(tries) {
  const line = part("saving");
  line.textContent = "";
  if (!tries || !saves.length) return;
  const pages = saves.length === 1 ? "1 page is" : `${saves.length} pages are`;
  line.textContent = tries < 0 ? `${pages} not saved yet. ` : `${pages} not saved yet; trying again…`;
  if (tries < 0) line.append(button("Sign in to save", saveAll));
}

function notify(words, about = null) {
  const note = document.createElement("p");
  note.className = "note is-warning row spread";
  const text = document.createElement("span");
  if (about) {
    const link = document.createElement("a");
    link.href = about.link;
    link.textContent = about.name;
    text.append(link, ": ");
  }
  text.append(words);
  note.append(text, button("Close", () => note.remove()));
  part("notices").append(note);
  while (part("notices").children.length > NOTICES) part("notices").firstChild.remove();
}

function button(words, run) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet small";
  made.textContent = words;
  made.addEventListener("click", run);
  return made;
}

// ── Keys ──

/** Nothing that takes keys itself has the focus: a tile does not. */
function free() {
  const focused = document.activeElement;
  return !focused || focused === document.body || focused.matches("[name=flag], [tabindex='-1']");
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
  const undoes = event.key === "Backspace" || ((event.ctrlKey || event.metaKey) && event.key === "z");
  if (!free() || ((event.ctrlKey || event.metaKey || event.altKey) && !undoes)) return;
  const acts = {
    Enter: commit,
    x: () => page?.tiles.find((tile) => tile === document.activeElement)?.click(),
  };
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const act = undoes ? undo : acts[key];
  if (act) {
    event.preventDefault();
    if (!event.repeat) act();
  } else if (page && key.startsWith("Arrow")) {
    event.preventDefault();
    page.move(key);
  }
});

// ── Coming and going ──

part("take-back").addEventListener("submit", (event) => {
  event.preventDefault();
  undo();
});
const shown = () => [{ page }, ...ahead].flatMap((each) => each.page?.ids ?? []);
keepLeases({
  url: urls.leases,
  seconds: Number(urls.leaseSeconds),
  ids: () => [...shown(), ...flagged],
  lost: (ids) => {
    flagged = flagged.filter((id) => !ids.includes(id));
    const gone = page?.tiles.filter((tile) => ids.includes(Number(tile.value))) ?? [];
    if (!gone.length) return;
    for (const tile of gone) tile.checked = true;
    notify(`${count(gone.length)} went to somebody else meanwhile and will not be confirmed by you.`);
  },
});
window.addEventListener("beforeunload", (event) => {
  if (saves.length) event.preventDefault();
});
window.addEventListener("pagehide", () => {
  for (const { url, body } of saves) {
    body.set("csrfmiddlewaretoken", csrfToken());
    navigator.sendBeacon(url, body);
  }
  giveBack(urls.leases, shown());
});
window.addEventListener("online", () => {
  saveAll();
  if (!page) fetchAhead();
});

const standing = stage.querySelector("[data-page]");
const category = standing?.dataset.category ?? "";
if (standing) {
  page = new Page(standing);
  page.focus();
  fetchAhead();
}
