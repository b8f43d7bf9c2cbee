// The grid: a page of look-alikes, a key, the next page. It is fetched and decoded ahead, and saved
// behind; the server checks each tile against what the reviewer saw.

import { send, sentence, SignedOut } from "../session.js";
import { onceEach } from "./clicks.js";
import { giveBack, heldUntil, keepLeases } from "./leases.js";
import { announce, notify, saving } from "./notes.js";
import { newToken, Outbox } from "./outbox.js";

const LOOK_AGAIN = 10_000;
const KEPT = 20; // pages that can be taken back at once, without asking the server which was last
const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

const grid = document.getElementById("grid");
const urls = grid.dataset;
const stage = grid.querySelector("[data-stage]");
const part = (name) => grid.querySelector(`[data-${name}]`);

let current = null;
let ahead = [];
let done = []; // what this page confirmed, the newest last: {page, token}
let fetching = false;
let signedOut = false; // and the form was closed: ask again only when the person does
let left = Number(part("left").textContent.replace(/\D/g, ""));

const outbox = new Outbox({
  user: { id: document.body.dataset.user, name: urls.userName },
  changed: showSaving,
  done: saved,
  refused,
});
const pages = () => [current, ...ahead].filter(Boolean);
const held = () => pages().flatMap((page) => page.ids);

/** One page of tiles: its piece of HTML, and whether its photos are decoded. */
class Page {
  shownAt = Infinity; // when the screen showed it, in the clock of events
  decoded = false;

  constructor(form) {
    this.form = form;
    for (const id of this.ids) heldUntil(id, form.dataset.until);
    for (const each of form.querySelectorAll("[data-keys]")) each.hidden = false;
    const photos = [...form.querySelectorAll("[data-photo]")];
    this.ready = Promise.all(photos.map((photo) => photo.decode().catch(() => this.#lost(photo))));
    this.ready.then(() => {
      this.decoded = true;
    });
  }

  static of(html) {
    const template = document.createElement("template");
    template.innerHTML = html.trim();
    return new Page(document.importNode(template.content, true).querySelector("form"));
  }

  get category() {
    return this.form.dataset.category;
  }

  get boxes() {
    return [...this.form.querySelectorAll("[name=flag]")];
  }

  get ids() {
    return this.boxes.map((box) => Number(box.value));
  }

  get flagged() {
    return this.boxes.filter((box) => box.checked).length;
  }

  /** Photos that are gone from this page: on another screen, or on another page of this one. */
  drop(ids) {
    for (const box of this.boxes) if (ids.includes(Number(box.value))) box.closest("li").remove();
  }

  /** What nobody saw is not confirmed. */
  #lost(photo) {
    const tile = photo.closest(".tile");
    tile.querySelector("[name=flag]").checked = true;
    tile.querySelector(".tile-flag").textContent = "Not to be shown";
  }
}

// ── What stands on the stage ──

async function show(page) {
  current = page;
  page.shownAt = Infinity;
  stage.replaceChildren(page.form);
  part("heading").textContent = page.form.dataset.name;
  urls.category ||= page.category;
  page.boxes[0]?.focus({ preventScroll: true });
  announce(`${photos(page.ids.length)}. Flag those that do not belong.`);
  lookAhead();
  await page.ready;
  await new Promise((frame) => requestAnimationFrame(() => setTimeout(frame)));
  if (current === page) page.shownAt = performance.now();
}

function advance() {
  current = null;
  const next = ahead.shift();
  if (next?.ids.length) show(next);
  else {
    stage.replaceChildren(copy("loading"));
    fetchNext();
  }
}

function copy(name) {
  return document.importNode(document.querySelector(`template[data-${name}]`).content, true);
}

// ── Fetching ──

/** One page more while the person looks at this one. Nothing comes of it where it fails: the page
    after this one is asked for again when it is due. */
async function lookAhead() {
  if (fetching || ahead.length) return;
  fetching = true;
  try {
    await outbox.settled(); // so that what is left is counted without what is on its way
    const answer = await ask();
    if (answer.tiles) take(answer);
  } catch (error) {
    signedOut = error instanceof SignedOut;
  } finally {
    fetching = false;
  }
  if (!current && ahead.length) advance();
  else if (!current) fetchNext();
}

/** The next page for an empty stage, or why there is none. */
async function fetchNext() {
  if (fetching) return;
  fetching = true;
  try {
    await outbox.settled();
    if (outbox.signedOut) throw new SignedOut();
    const answer = await ask();
    signedOut = false;
    if (answer.tiles) take(answer);
    const isRead = stage.querySelector(".empty")?.contains(document.activeElement);
    if (!current && !ahead.length && !isRead) stage.innerHTML = answer.html;
  } catch (error) {
    if (!current) broken(error);
  } finally {
    fetching = false;
  }
  if (!current && ahead.length) advance();
}

async function ask() {
  const known = [...held(), ...outbox.photos].join(",");
  const response = await send(`${urls.next}?category=${urls.category}&exclude=${known}`);
  if (!response.ok) throw new Error(await sentence(response));
  return response.json();
}

function take({ html, left: now }) {
  if (!outbox.waiting) left = now;
  const page = Page.of(html);
  page.drop([...held(), ...outbox.photos]);
  if (page.ids.length) ahead.push(page);
  showLeft();
}

function broken(error) {
  signedOut = error instanceof SignedOut;
  const offline = error instanceof TypeError || !navigator.onLine;
  stage.replaceChildren(copy("broken"));
  const why = offline ? "The connection is lost. What you confirmed is kept and is saved when it returns." : error.message;
  stage.querySelector("[data-why]").textContent = why;
  stage.querySelector("[data-again]").addEventListener("click", () => {
    stage.replaceChildren(copy("loading"));
    fetchNext();
  });
}

// ── Confirming and taking back ──

function commit() {
  const page = current;
  if (!page) return;
  if (!page.decoded) {
    announce("Wait: not all photos are there yet.", { visibly: true });
    return;
  }
  const body = [...new FormData(page.form)].filter(([name]) => name !== "csrfmiddlewaretoken");
  const token = body.find(([name]) => name === "batch")[1];
  const { ids: all, flagged } = page;
  const { category } = page;
  const confirmed = all.length - flagged;
  outbox.add({ token, action: "grid", url: page.form.action, body, photos: all, category, confirmed });
  done = [...done, { page, token }].slice(-KEPT);
  advance();
  showLeft();
}

/** The newest page: back on the screen at once where its save never left. */
function undo() {
  const last = done.pop();
  if (last && outbox.cancel(last.token)) {
    last.page.form.querySelector("[name=batch]").value = newToken();
    putFirst(last.page);
    announce("Taken back; here is the page again.", { visibly: true });
    return;
  }
  const token = newToken();
  const body = last ? { token, batch: last.token } : { token };
  outbox.add({ token, action: "grid-undo", url: urls.undo, body });
  announce("Taking the last page back…", { visibly: true });
}

function putFirst(page) {
  for (const other of pages()) other.drop(page.ids);
  if (current?.ids.length) ahead.unshift(current);
  ahead = ahead.filter((each) => each.ids.length);
  show(page);
  showLeft();
}

function saved(entry, answer) {
  signedOut = false;
  if (answer.message) announce(answer.message, { visibly: true });
  if (answer.warning) notify(answer.warning, entry.name);
  const reasons = Map.groupBy(answer.refused ?? [], (each) => each.message);
  for (const [message, tiles] of reasons) notify(message, tiles.map((tile) => tile.name).join(", "));
  if (isOfThis(entry)) left -= entry.confirmed - (answer.refused ?? []).length;
  if (entry.action === "grid-undo" && answer.tiles) {
    const page = Page.of(answer.html);
    if (page.category === (urls.category || page.category)) left = answer.left;
    putFirst(page);
  }
  showLeft();
}

function refused(entry, answer) {
  const nothing = entry.action === "grid-undo" ? "Nothing was taken back: " : "Nothing was saved: ";
  notify(`${nothing}${answer.message}`, entry.name);
  done = done.filter(({ token }) => token !== entry.token);
  showLeft();
}

// ── Saying what happens ──

/** A page of the category whose photos are counted; one taken back may be of another. */
function isOfThis({ action, category }) {
  return action === "grid" && category === urls.category;
}

function showLeft() {
  const going = outbox.entries("grid").filter(isOfThis).reduce((sum, entry) => sum + entry.confirmed, 0);
  part("left").textContent = Math.max(left - going, 0).toLocaleString("en-GB");
}

function showSaving(state, waiting) {
  saving(part("saving"), state, `${waiting} page${waiting === 1 ? " is" : "s are"}`, () => outbox.resume());
  showLeft();
}

function photos(count) {
  return `${count} photo${count === 1 ? "" : "s"}`;
}

// ── Keys ──

/** Whether a key means the page: a tile has the focus, or nothing that takes keys itself. */
function free(target) {
  return target === document.body || target === stage || target.matches("[name=flag]");
}

function move(step) {
  const { boxes } = current;
  const at = boxes.indexOf(document.activeElement);
  boxes[Math.max(0, Math.min(at + step, boxes.length - 1))]?.focus();
}

/** Tiles to step over, up or down by a row. */
function stepOf(key) {
  const { boxes } = current;
  const top = (box) => box.closest("li").offsetTop;
  const row = boxes.filter((box) => top(box) === top(boxes[0])).length;
  return { ...STEPS, ArrowUp: -row, ArrowDown: row }[key];
}

function flag() {
  const box = current.boxes.includes(document.activeElement) ? document.activeElement : null;
  if (box) box.checked = !box.checked;
}

document.addEventListener("keydown", (event) => {
  const { key, target, repeat } = event;
  if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
  if (event.altKey || event.shiftKey || !free(target)) return;
  const undoes = key === "Backspace" || ((event.ctrlKey || event.metaKey) && key.toLowerCase() === "z");
  if ((event.ctrlKey || event.metaKey) && !undoes) return;
  const act = undoes ? undo : current && actOf(key);
  if (!act) return;
  event.preventDefault();
  const moves = key.startsWith("Arrow");
  if (repeat && !moves) return;
  if (undoes || moves || event.timeStamp >= current.shownAt) act();
  else announce(current.decoded ? "That key came before the page; nothing was done." : "Wait: not all photos are there yet.", { visibly: true });
});

function actOf(key) {
  if (key === "Enter") return commit;
  if (key.toLowerCase() === "x") return urls.characterKeys === "on" ? flag : null;
  const step = stepOf(key);
  return step ? () => move(step) : null;
}

onceEach(stage, () => current?.shownAt ?? Infinity);
grid.addEventListener("submit", (event) => {
  const isPage = "page" in event.target.dataset;
  if (!isPage && !("takeBack" in event.target.dataset)) return;
  event.preventDefault();
  if (isPage) commit();
  else undo();
});

// ── Coming and going ──

keepLeases({
  url: urls.leases,
  seconds: Number(urls.leaseSeconds),
  ids: () => outbox.untouched(held()),
  lost: (ids) => {
    notify(`${photos(ids.length)} of this page went to another reviewer meanwhile.`);
    for (const page of pages()) page.drop(ids);
    ahead = ahead.filter((page) => page.ids.length);
    if (current && !current.ids.length) advance();
  },
});
window.addEventListener("pagehide", () => giveBack(urls.leases, held()));
window.addEventListener("online", () => !current && fetchNext());
setInterval(() => {
  if (document.hidden || signedOut) return;
  if (!current && urls.category) fetchNext();
  outbox.adopt();
}, LOOK_AGAIN);

for (const each of grid.querySelectorAll("[data-keys]")) each.hidden = false;
const standing = stage.querySelector("form[data-page]");
if (standing) show(new Page(standing));
outbox.adopt();
