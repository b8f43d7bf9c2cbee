// The review desk: a photo, a key, the next photo. The next ones are fetched and decoded ahead, and
// decisions are saved behind; the server checks each against what the reviewer saw.

import { send, sentence, SignedOut } from "../session.js";
import { Card } from "./card.js";
import { onceEach } from "./clicks.js";
import { listen } from "./keys.js";
import { giveBack, keepLeases } from "./leases.js";
import { announce, decisions, notify, saving } from "./notes.js";
import { newToken, Outbox, waitingForOthers } from "./outbox.js";
import { Queue } from "./queue.js";
import { Search } from "./search.js";
import { Strip } from "./strip.js";

const LOOK_AGAIN = 10_000;
const MANY = 10_000; // the server counts no further
const LONGEST_GOODBYE = 2000;
const FEW = 3; // cards at hand: fetch at once, whatever is on its way
const LOOKED_AT = 400; // who decides faster than this compares with nothing

const desk = document.getElementById("desk");
const urls = desk.dataset;
const stage = desk.querySelector("[data-stage]");
const help = document.getElementById("help");
const part = (name) => desk.querySelector(`[data-${name}]`);
const user = { id: document.body.dataset.user, name: urls.userName };

let current = null;
let sought = 0; // the photo that the type-ahead was opened for
let signedOut = false; // and the form was closed: ask again only when the person does
let left = Number(part("left").textContent.replace(/\D/g, ""));
let today = Number(part("today").textContent.replace(/\D/g, ""));

const outbox = new Outbox({ user, changed: showSaving, done, refused });
const strip = new Strip(part("strip"), undo);
const search = new Search(document.getElementById("search"), { load: loadLeaves, choose });
const queue = new Queue({ url: urls.next, filters: urls.query, left, onScreen: () => current, outbox, received, failed });
const held = () => [current, ...queue.cards].filter(Boolean).map((card) => card.id);

// ── What stands on the stage ──

function show(card) {
  current = card;
  if (card.isLost) card.reload(); // the connection may be back
  stage.replaceChildren(card.element);
  onceShown(card).then(() => {
    if (current !== card) return;
    if (card.notice) notify(card.notice, card.name);
    card.notice = "";
    announce(card.words);
    queue.prepare();
    refill();
    setTimeout(() => current === card && card.compare(), LOOKED_AT);
  });
  rest();
}

/** Resolves after the frame that shows the card, or that says its photo is lost. Keys pressed
    before it were meant for another photo. */
async function onceShown(card) {
  card.shownAt = Infinity;
  delete card.data.shown;
  await card.ready;
  await new Promise((frame) => requestAnimationFrame(() => setTimeout(frame)));
  if (current !== card) return;
  card.shownAt = performance.now();
  card.data.shown = "";
}

function advance() {
  current = null;
  const next = queue.shift();
  if (next) show(next);
  else {
    stage.replaceChildren(copy("loading"));
    queue.fill();
  }
}

/** Once what is on its way has arrived, so that what is left is counted without it. */
async function refill() {
  if (queue.cards.length > FEW) await outbox.settled();
  queue.fill();
}

function putFirst(card) {
  if (current) queue.unshift(current);
  show(card);
}

function copy(name) {
  const template = document.querySelector(`template[data-${name}]`);
  return document.importNode(template.content, true);
}

function received(answer, isCounted) {
  signedOut = false;
  showLeft(isCounted ? answer.left : left);
  if (current) return;
  if (queue.cards.length) advance();
  else if (answer.empty && !stage.querySelector(".empty")?.contains(document.activeElement)) {
    stage.innerHTML = answer.empty;
    announce(stage.querySelector("h2")?.textContent ?? "");
  }
}

function failed(error) {
  signedOut = error instanceof SignedOut;
  if (current || queue.cards.length) return;
  if (error instanceof TypeError || !navigator.onLine) {
    stage.replaceChildren(copy("offline"));
    return;
  }
  stage.replaceChildren(copy("broken"));
  stage.querySelector("[data-why]").textContent = error.message;
  stage.querySelector("[data-again]").addEventListener("click", () => {
    signedOut = false;
    stage.replaceChildren(copy("loading"));
    queue.fill();
  });
}

// ── Deciding ──

/** Save what one form of the card says, and go on to the next photo. `more` is added to it. */
function submit(form, { pressed = null, words = "", label = null, more = {} } = {}) {
  const card = current;
  const body = { ...Object.fromEntries(new FormData(form)), ...more };
  delete body.csrfmiddlewaretoken;
  if (pressed?.name) body[pressed.name] = pressed.value;
  const { action } = form.dataset;
  if (action === "decide" && body.kind !== "unusable" && !(card.painted && "shown" in card.data)) {
    announce("Wait: the photo is not there yet.", { visibly: true });
    return;
  }
  const token = body.token ?? newToken();
  const { photoPage, thumbnail } = card.data;
  const { id: photo, product, name } = card;
  const about = { photo, product, name, words, label, photoPage, thumbnail };
  outbox.add({ token, action, url: form.action, body, ...about });
  if (action === "decide") {
    strip.add({ token, card, ...about });
    showToday(1);
  }
  if (body.whole_product) queue.drop((each) => each.product === card.product);
  advance();
}

function done(entry, answer) {
  signedOut = false;
  if (answer.decision) strip.saved(entry.token, answer.decision);
  if (answer.count) counted(answer.count, entry.action === "undo" ? -1 : 1);
  if (answer.message) announce(answer.message, { visibly: true });
  if (answer.warning) notify(answer.warning, entry.name);
  for (const { message, name } of answer.refused ?? []) notify(message, name); // of a page of the grid
  if (entry.action === "undo") tookBack(answer);
  if (!current) queue.fill();
}

function refused(entry, answer) {
  showLeft();
  if (entry.action === "undo") {
    notUndone(entry, answer);
    return;
  }
  strip.removeToken(entry.token);
  if (entry.action === "decide") showToday(-1);
  comesBack(entry, answer);
}

/** A decision that was not saved: its photo comes up again if it may still be decided. */
function comesBack(entry, answer) {
  const again = answer.card && new Card({ ...answer.card, notice: answer.message });
  const onScreen = current?.id === entry.photo; // taken back meanwhile, and this never got through
  queue.drop((card) => card.id === entry.photo);
  if (!again) {
    notify(answer.message, entry.name);
    if (onScreen || !current) advance();
  } else if (onScreen) show(again);
  else {
    // It comes up next, not at once.
    queue.unshift(again);
    if (current) announce(`${answer.message} The photo comes up again next.`, { visibly: true });
    else advance();
  }
}

/** A category from the type-ahead. */
function choose(leaf) {
  if (current?.id !== sought) {
    announce("Another photo stands there now; nothing was done.", { visibly: true });
    return;
  }
  const pressed = { name: "category", value: String(leaf.id) };
  submit(current.decideForm, { pressed, words: leaf.name, label: { id: leaf.id, name: leaf.name } });
}

function openSearch(typed) {
  sought = current.id;
  search.open(typed);
}

function again(more = {}) {
  if (strip.label) {
    const { id, name } = strip.label;
    submit(current.decideForm, { pressed: { name: "category", value: id }, words: name, label: { id, name }, more });
  } else announce("There is no label yet to repeat.", { visibly: true });
}

/** The highlighted suggestion for every open photo of the product; without suggestions the label
    chosen last. */
function decideProduct() {
  const more = { whole_product: "on" };
  if (current.explained) press(current.explained, more);
  else again(more);
}

function press(button, more = {}) {
  if (!button) {
    announce("There is no such suggestion.", { visibly: true });
    return;
  }
  const form = button.form ?? button.closest("form");
  const { name, value, dataset } = button;
  const label = name === "category" ? { id: Number(value), name: dataset.name } : null;
  submit(form, { pressed: { name, value }, words: form.dataset.words ?? dataset.name, label, more });
}

// ── Taking back ──

/** The newest decision, or the one given; on the screen at once where this page knows its photo. */
function undo(item = strip.newest) {
  if (item) {
    strip.remove(item);
    showToday(-1);
  }
  const onlyHere = item?.token && outbox.cancel(item.token);
  if (!onlyHere) outbox.add(undoing(item));
  if (item?.card) {
    item.card.again(item.card.revision + (onlyHere ? 0 : 2)); // deciding is one, undoing another
    queue.drop((card) => card.id === item.photo);
    putFirst(item.card);
    announce("Taken back; here is the photo again.", { visibly: true });
  } else announce("Taking the last decision back…", { visibly: true });
}

function undoing(item) {
  const body = { token: newToken() };
  if (item?.token) body.of = item.token;
  if (item?.decision) body.decision = item.decision;
  const counted = Boolean(item);
  return { token: body.token, action: "undo", url: urls.undo, body, photo: item?.photo ?? 0, counted };
}

function tookBack({ card: answer }) {
  if (!answer || outbox.find((entry) => entry.photo === answer.id)) return; // or decided anew
  const standing = [current, ...queue.cards].find((card) => card?.id === answer.id);
  if (!standing) putFirst(new Card(answer));
  else if (standing.revision !== answer.revision) standing.again(answer.revision);
}

function notUndone(entry, answer) {
  notify(`Nothing was taken back: ${answer.message}`);
  if (entry.counted) showToday(1);
  queue.drop((card) => card.id === entry.photo);
  if (current?.id === entry.photo) advance();
}

// ── Saying what happens ──

function showLeft(count = left) {
  left = count;
  const shown = Math.max(left - outbox.count("decide") + outbox.count("undo"), 0);
  const text = Math.min(shown, MANY).toLocaleString("en-GB");
  part("left").textContent = left >= MANY ? `${text}+` : text;
  queue.left = shown;
}

/** The server decided (1) or took back (-1) so many. It counts what is left itself only as it sends
    more photos: that costs more than a save. */
function counted(photos, sign) {
  showLeft(left < MANY ? Math.max(left - sign * photos, 0) : left);
  showToday(sign * (photos - 1));
}

function showToday(step) {
  today = Math.max(today + step, 0);
  part("today").textContent = today.toLocaleString("en-GB");
}

function showSaving(state, waiting) {
  saving(part("saving"), state, decisions(waiting), () => outbox.resume());
  showLeft();
}

// ── Keys, pointer, focus ──

/** Give the keys back to the desk: no control has the focus. */
function rest() {
  if (document.querySelector("dialog[open]")) return;
  const focused = document.activeElement;
  if (focused !== stage) stage.focus({ preventScroll: true });
}

/** `act` for keys that mean the photo on the screen: it was there when the key was pressed. */
function onPhoto(act) {
  return (value, event) => {
    if (!current) return;
    if (event.timeStamp >= current.shownAt) act(value);
    else announce("That key came before the photo; nothing was done.", { visibly: true });
  };
}

function openMenu() {
  const menu = current.unusable;
  menu.open = true;
  menu.querySelector("[data-reason]").focus();
}

/** Keys while the list of reasons is open; true if the key was for it. */
function menu(event) {
  const open = current?.unusable;
  if (!open?.open) return false;
  if (event.key === "Escape") {
    open.open = false;
    rest();
    return true;
  }
  const digit = event.code.match(/^(?:Digit|Numpad)([1-9])$/)?.[1];
  const reason = digit && open.querySelector(`[data-reason="${digit}"]`);
  if (reason && !event.repeat) press(reason);
  return Boolean(digit);
}

/** To another page, once what was decided is saved, or after a moment. */
async function go(address) {
  await Promise.race([outbox.settled(), new Promise((resolve) => setTimeout(resolve, LONGEST_GOODBYE))]);
  location.assign(address);
}

listen({
  rest: () => {
    current?.zoom(false);
    rest();
  },
  menu,
  undo: () => undo(),
  characters: () => urls.characterKeys === "on",
  accept: onPhoto(() => press(current.suggestion(1))),
  choose: onPhoto((number) => press(current.suggestion(number))),
  again: onPhoto(() => again()),
  product: onPhoto(decideProduct),
  search: onPhoto(openSearch),
  skip: onPhoto(() => submit(current.element.querySelector("form[data-action='skip']"))),
  unusable: onPhoto(openMenu),
  none: onPhoto(() => press(current.element.querySelector("form[data-none] button"))),
  explain: onPhoto((step) => current.explainNext(step)),
  zoom: onPhoto(() => current.zoom()),
  similar: onPhoto(() => {
    if (current.data.similar) go(current.data.similar);
    else announce("Photos like this one would tell what others chose: decide first.", { visibly: true });
  }),
  grid: onPhoto(() => {
    const chosen = current.explained;
    if (chosen && urls.grid) go(`${urls.grid}?category=${chosen.value}`);
    else announce("There is no suggestion to open a grid of.", { visibly: true });
  }),
  help: () => help.showModal(),
});

onceEach(stage, () => current?.shownAt ?? Infinity);
desk.addEventListener("submit", (event) => {
  const { action } = event.target.dataset;
  if (!action) return;
  event.preventDefault();
  if (action === "undo") undo();
  else if (!current) return;
  else if (event.submitter?.name) press(event.submitter);
  else submit(event.target, { words: event.target.dataset.words });
});
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener?.dataset.open === "help") help.showModal();
  if (opener?.dataset.open === "search" && current) openSearch();
  const menuOpen = current?.unusable;
  if (menuOpen?.open && !menuOpen.contains(event.target)) menuOpen.open = false;
});
for (const dialog of document.querySelectorAll(".desk-dialog")) {
  dialog.addEventListener("close", rest);
}
desk.querySelector("[data-filter]").addEventListener("click", async (event) => {
  event.preventDefault();
  const dialog = document.getElementById("filters");
  const place = dialog.querySelector("[data-filter-form]");
  dialog.showModal();
  try {
    const response = await send(event.target.href);
    if (!response.ok) throw new Error(await sentence(response));
    place.innerHTML = await response.text();
    place.querySelector("select").focus();
  } catch (error) {
    place.textContent = error instanceof TypeError ? "The connection is lost; close and try again." : error.message;
  }
});
help.querySelector("[data-character-keys]").addEventListener("change", async ({ target }) => {
  urls.characterKeys = target.checked ? "on" : "off";
  const body = new URLSearchParams({ on: target.checked ? "on" : "" });
  const place = help.querySelector("[data-setting]");
  try {
    const response = await send(target.form.action, { method: "POST", body });
    if (!response.ok) throw new Error(await sentence(response));
    place.textContent = "Saved for every browser you use.";
  } catch (error) {
    const why = error instanceof TypeError ? "the connection is lost." : error.message;
    place.textContent = `Only for this page: ${why}`;
  }
});

// ── Coming and going ──

async function loadLeaves() {
  const response = await send(urls.categories);
  if (!response.ok) throw new Error(await sentence(response));
  return (await response.json()).leaves;
}

/** What a closed page of this reviewer left unsaved. */
async function adopt() {
  for (const entry of await outbox.adopt()) if (entry.action === "decide") strip.add({ ...entry, card: null });
}

keepLeases({
  url: urls.leases,
  seconds: Number(urls.leaseSeconds),
  ids: () => outbox.untouched(held()),
  lost: (ids) => {
    queue.drop((card) => ids.includes(card.id));
    if (!current || !ids.includes(current.id)) return;
    notify("Somebody else took this photo meanwhile; here is the next.", current.name);
    advance();
  },
});
window.addEventListener("pagehide", () => giveBack(urls.leases, held()));
window.addEventListener("online", () => {
  if (current?.isLost) show(current);
  queue.fill();
});
setInterval(() => {
  if (document.hidden || signedOut) return;
  queue.fill();
  adopt();
}, LOOK_AGAIN);

for (const opener of desk.querySelectorAll("[data-open]")) opener.hidden = false;
for (const [name, count] of waitingForOthers(user)) {
  notify(`${decisions(count)} kept in this browser for ${name}, not saved yet. They are sent when ${name} signs in here and opens this page.`);
}
const standing = stage.querySelector("[data-card]");
if (standing) {
  const card = Card.fromPage(standing);
  if (outbox.photos.includes(card.id)) advance();
  else show(card);
} else queue.fill();
adopt();
