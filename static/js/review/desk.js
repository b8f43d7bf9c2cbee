// The review desk: a photo, a key, the next photo. The next ones are fetched and decoded ahead, and
// decisions are saved behind; the server checks each against what the reviewer saw.

import { send, sentence, SignedOut } from "../session.js";
import { Card } from "./card.js";
import { listen } from "./keys.js";
import { giveBack, keepLeases } from "./leases.js";
import { Saves } from "./saves.js";
import { Search } from "./search.js";

const AHEAD = 2;
const LOOK_AGAIN = 10_000;
const NOTICES = 3;
const MANY = 10_000; // the server counts no further

const desk = document.getElementById("desk");
const urls = desk.dataset;
const stage = desk.querySelector("[data-stage]");
const help = document.getElementById("help");
const part = (name) => desk.querySelector(`[data-${name}]`);

let current = null;
let ahead = [];
let decided = []; // ids of the decisions this page saved, newest last
let fetching = false;
let undoing = false;
let undoToken = null;
let signedOut = false; // and the form was closed: ask again only when the person does
let left = Number(part("left").textContent.replace(/\D/g, ""));

const saves = new Saves(showSaving);
const search = new Search(document.getElementById("search"), { load: loadLeaves, choose });
const held = () => [current, ...ahead].filter(Boolean).map((card) => card.id);

// ── What stands on the stage ──

function show(card) {
  current = card;
  stage.replaceChildren(card.element);
  if (card.notice) notify(card.notice, card);
  card.notice = "";
  announce(card.words);
  rest();
}

function advance() {
  current = null;
  const next = ahead.shift();
  if (next) show(next);
  else stage.replaceChildren(copy("loading"));
  fetchAhead();
}

function putFirst(card) {
  if (current) ahead.unshift(current);
  show(card);
}

function copy(name) {
  const template = document.querySelector(`template[data-${name}]`);
  return document.importNode(template.content, true);
}

/** Fetch as many cards as are missing; with nothing to show, say why. */
async function fetchAhead() {
  const missing = AHEAD + (current ? 0 : 1) - ahead.length;
  if (fetching || undoing || missing <= 0) return;
  fetching = true;
  try {
    const known = [...held(), ...saves.ids];
    const response = await send(`${urls.next}?count=${missing}&exclude=${known}`);
    if (!response.ok) throw new Error(await sentence(response));
    receive(await response.json());
  } catch (error) {
    signedOut = error instanceof SignedOut;
    if (!current && !ahead.length) showFailure(error);
  } finally {
    fetching = false;
  }
}

function receive(answer) {
  showLeft(answer.left);
  const known = new Set([...held(), ...saves.ids]);
  for (const card of answer.cards) if (!known.has(card.id)) ahead.push(new Card(card));
  if (current) return;
  if (ahead.length) advance();
  else if (answer.empty) {
    stage.innerHTML = answer.empty;
    announce(stage.querySelector("h2")?.textContent ?? "");
  }
}

function showFailure(error) {
  if (error instanceof TypeError || !navigator.onLine) {
    stage.replaceChildren(copy("offline"));
    return;
  }
  stage.replaceChildren(copy("broken"));
  stage.querySelector("[data-why]").textContent = error.message;
  stage.querySelector("[data-again]").addEventListener("click", () => {
    signedOut = false;
    stage.replaceChildren(copy("loading"));
    fetchAhead();
  });
}

// ── Deciding ──

/** Save what one form of the card says, and go on to the next photo. */
function submit(form, button) {
  const card = current;
  if (!card || undoing) return;
  const body = Object.fromEntries(new FormData(form));
  delete body.csrfmiddlewaretoken;
  if (button?.name) body[button.name] = button.value;
  save(card, form.dataset.action, form.action, body);
}

function save(card, action, url, body) {
  const labels = action === "decide" && body.kind !== "unusable";
  if (labels && !card.painted) {
    announce("Wait: the photo is not there yet.", { visibly: true });
    return;
  }
  if (card.unusable) card.unusable.open = false;
  saves.add({ url, body, action, card, id: card.id, done: saved, refused: (a) => refused(card, a) });
  advance();
}

function saved(answer) {
  signedOut = false;
  if (answer.decision) decided.push(answer.decision);
  if (answer.message) announce(answer.message, { visibly: true });
  if (answer.left !== undefined) showLeft(answer.left);
  if (!current) fetchAhead();
}

function refused(card, answer) {
  if (answer.left !== undefined) showLeft(answer.left);
  if (!answer.card) {
    notify(answer.message, card);
    if (!current) fetchAhead();
    return;
  }
  // It comes up next, not at once: a key on its way must not hit a photo that just appeared.
  ahead.unshift(new Card({ ...answer.card, notice: answer.message }));
  if (current) announce(`${answer.message} The photo comes up again next.`, { visibly: true });
  else advance();
}

/** A category from the type-ahead. */
function choose(leaf) {
  const form = current?.element.querySelector("form[data-action='decide']");
  if (form) submit(form, { name: "category", value: String(leaf.id) });
}

async function undo() {
  if (undoing) return;
  const unsent = saves.cancelNewest((newest) => newest.action === "decide");
  if (unsent) {
    putFirst(unsent.card);
    return;
  }
  undoing = true;
  announce("Taking the last decision back…", { visibly: true });
  try {
    await saves.settled();
    if (saves.waiting) notify("Nothing was taken back: the last decision is not saved yet.");
    else await takeBack();
  } catch (error) {
    notify(`Nothing was taken back: ${why(error)}`);
  } finally {
    undoing = false;
    fetchAhead();
  }
}

async function takeBack() {
  undoToken ??= newToken();
  const body = new URLSearchParams({ token: undoToken });
  if (decided.length) body.set("decision", decided.at(-1));
  const response = await send(urls.undo, { method: "POST", body });
  if (response.status >= 500) throw new Error(await sentence(response));
  const answer = await response.json();
  undoToken = null;
  decided.pop();
  if (answer.left !== undefined) showLeft(answer.left);
  if (!answer.card) {
    notify(answer.message);
    return;
  }
  ahead = ahead.filter((card) => card.id !== answer.card.id);
  putFirst(new Card(answer.card));
  announce("Taken back; here is the photo again.", { visibly: true });
}

function newToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function why(error) {
  if (error instanceof TypeError) return "the connection is lost.";
  return error.message;
}

// ── Saying what happens ──

function announce(words, { visibly = false } = {}) {
  part("announce").textContent = words;
  if (visibly) part("said").textContent = words;
}

function showLeft(count) {
  left = count;
  const shown = Math.max(left - saves.waiting, 0);
  const text = Math.min(shown, MANY).toLocaleString("en-GB");
  part("left").textContent = left >= MANY ? `${text}+` : text;
}

function showSaving(state, waiting) {
  const line = part("saving");
  line.dataset.state = state;
  const unsaved = waiting === 1 ? "1 decision is not saved yet" : `${waiting} decisions are not saved yet`;
  const words = { retrying: `${unsaved}; trying again…`, "signed-out": `${unsaved}.` };
  line.textContent = words[state] ?? "";
  if (state === "signed-out") line.append(button("Sign in to save", () => saves.resume()));
  showLeft(left);
}

function notify(words, card = null) {
  const note = document.createElement("p");
  note.className = "note is-warning";
  const text = document.createElement("span");
  text.textContent = card ? `${card.name}: ${words}` : words;
  note.append(text, button("Close", () => note.remove()));
  part("notices").append(note);
  while (part("notices").children.length > NOTICES) part("notices").firstChild.remove();
}

function button(words, run) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet small";
  made.textContent = words;
  made.addEventListener("click", () => {
    run();
    rest();
  });
  return made;
}

// ── Keys, pointer, focus ──

/** Give the keys back to the desk: no control has the focus. */
function rest() {
  if (document.querySelector("dialog[open]")) return;
  const place = current?.element ?? stage;
  place.focus({ preventScroll: true });
}

function openMenu() {
  const menu = current?.unusable;
  if (!menu) return;
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
  if (reason && !event.repeat) submit(reason.form, reason);
  return Boolean(digit);
}

function press(target) {
  if (target) submit(target.form ?? target.closest("form"), target);
  else announce("There is no such suggestion.", { visibly: true });
}

listen({
  rest,
  menu,
  undo,
  accept: () => current && press(current.suggestion(1)),
  choose: (number) => current && press(current.suggestion(number)),
  search: (typed) => current && search.open(typed),
  skip: () => current && submit(current.element.querySelector("form[data-action='skip']")),
  unusable: openMenu,
  none: () => current && submit(current.element.querySelector("form[data-none]")),
  help: () => help.showModal(),
});

desk.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.target.dataset.action === "undo") undo();
  else submit(event.target, event.submitter);
});
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener?.dataset.open === "help") help.showModal();
  if (opener?.dataset.open === "search" && current) search.open();
  const menuOpen = current?.unusable;
  if (menuOpen?.open && !menuOpen.contains(event.target)) menuOpen.open = false;
});
for (const dialog of document.querySelectorAll(".desk-dialog")) {
  dialog.addEventListener("close", rest);
}

// ── Coming and going ──

async function loadLeaves() {
  const response = await send(urls.categories);
  if (!response.ok) throw new Error(await sentence(response));
  return (await response.json()).leaves;
}

keepLeases({
  url: urls.leases,
  seconds: Number(urls.leaseSeconds),
  ids: held,
  lost: (ids) => {
    ahead = ahead.filter((card) => !ids.includes(card.id));
    if (!current || !ids.includes(current.id)) return;
    notify("Somebody else took this photo meanwhile; here is the next.", current);
    advance();
  },
});
window.addEventListener("pagehide", () => {
  saves.deliverOnExit();
  giveBack(urls.leases, held());
});
window.addEventListener("online", fetchAhead);
setInterval(() => {
  if (!document.hidden && !signedOut) fetchAhead();
}, LOOK_AGAIN);

const standing = stage.querySelector("[data-card]");
for (const opener of desk.querySelectorAll("[data-open]")) opener.hidden = false;
stage.tabIndex = -1;
if (standing) {
  current = Card.fromPage(standing);
  rest();
}
fetchAhead();
