// Decisions on their way to the server: one at a time, in the order they were made, kept in
// localStorage until the server has them. A lost connection, a reload or an expired session only
// delays them; each carries a token, so that one the server has already is saved once.
//
// What is kept belongs to the user who decided it: the page of another user counts it and says
// whose it is, and never sends it. A page sends what it made itself, and what a closed page left.

import { scriptHeaders, send, sentence, SignedOut } from "../session.js";

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 15_000;
const GIVE_UP_WAITING = 20_000;
const PREFIX = "outbox:";

export class Outbox {
  #queue = [];
  #running = false;
  #wait = FIRST_WAIT;
  #wake = null;
  #idle = [];
  #count = 0;
  #leaving = false;
  #state = "saved";
  #changes = 0;
  #tab = newToken();

  /** `user` is {id, name}. `changed(state, waiting)`: state is saved, saving, retrying or
      signed-out. `done(entry, answer)` and `refused(entry, answer)` hear what became of each. */
  constructor({ user, changed, done, refused }) {
    Object.assign(this, { user, changed, done, refused });
    navigator.locks?.request(lockOf(this.#tab), () => new Promise(() => {}));
    window.addEventListener("online", () => this.resume());
    window.addEventListener("storage", (event) => this.#savedElsewhere(event));
    window.addEventListener("pagehide", () => this.#deliverOnExit());
    document.addEventListener("user-changed", () => {
      this.#leaving = true; // what is left stays here for its owner: nothing to warn of
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.#queue.length && !this.#leaving) event.preventDefault();
    });
  }

  /** `entry` is {token, action, url, body, photo or photos, ...}, all of it plain data; `body` is an
      object or pairs, `photo` an id. */
  add(entry) {
    const moment = `${String(Date.now()).padStart(14, "0")}-${String(this.#count++).padStart(6, "0")}`;
    const kept = { ...entry, key: `${PREFIX}${this.user.id}:${moment}:${entry.token}`, tab: this.#tab };
    keep(kept, this.user.name);
    this.#queue.push(kept);
    this.#changes++;
    this.#report();
    this.#run();
  }

  /** The photos that something is on its way for, from any page of this user. */
  get photos() {
    const all = [...entriesOf(this.user.id), ...this.#queue];
    return [...new Set(all.flatMap((entry) => entry.photos ?? entry.photo))].filter(Boolean);
  }

  /** Those of the photos that nothing is on its way for. */
  untouched(ids) {
    const onTheWay = this.photos;
    return ids.filter((id) => !onTheWay.includes(id));
  }

  /** Nothing goes out until somebody signs in. */
  get signedOut() {
    return this.#state === "signed-out";
  }

  get waiting() {
    return this.#queue.length;
  }

  /** How often something set out or arrived: the same twice means that nothing did in between. */
  get changes() {
    return this.#changes;
  }

  /** Those on their way that are of this kind. */
  entries(action) {
    return this.#queue.filter((entry) => entry.action === action);
  }

  count(action) {
    return this.entries(action).length;
  }

  find(isWanted) {
    return this.#queue.find(isWanted);
  }

  /** Take an entry back that never left; false if it may have. */
  cancel(token) {
    const entry = this.#queue.find((each) => each.token === token);
    if (!entry || entry.sent) return false;
    this.#remove(entry);
    this.#report();
    return true;
  }

  /** Resolves when everything is saved, or when the line got stuck. */
  settled() {
    if (!this.#queue.length || this.#wake || !this.#running) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Try again now. */
  resume() {
    this.#wait = FIRST_WAIT;
    if (this.#wake) this.#wake();
    else this.#run();
  }

  /** Take on what a closed page of this user left behind; the entries, oldest first. */
  async adopt() {
    const mine = new Set(this.#queue.map((entry) => entry.key));
    const left = entriesOf(this.user.id).filter((entry) => !mine.has(entry.key));
    if (!left.length) return [];
    const open = await openTabs();
    const orphans = left.filter((entry) => !open.has(lockOf(entry.tab)) && isKept(entry));
    for (const entry of orphans) {
      entry.tab = this.#tab;
      entry.sent = true; // for all this page knows
      keep(entry, this.user.name);
    }
    const [head, ...rest] = this.#running ? this.#queue : [null, ...this.#queue];
    const line = [...orphans, ...rest].sort((a, b) => (a.key < b.key ? -1 : 1));
    this.#queue = head ? [head, ...line] : line;
    if (orphans.length) this.#run();
    return orphans;
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    let state = "saving";
    while (this.#queue.length && state !== "signed-out") {
      this.#report(state);
      state = await this.#attempt(this.#queue[0]);
      if (state !== "retrying") continue;
      this.#report(state);
      await this.#pause();
    }
    this.#running = false;
    this.#report(state === "signed-out" ? state : "saved");
    this.#settle();
  }

  /** The state the line is in after one try: saving (go on), retrying or signed-out. */
  async #attempt(entry) {
    entry.sent = true;
    try {
      const response = await send(entry.url, {
        method: "POST",
        body: new URLSearchParams(entry.body),
        signal: AbortSignal.timeout(GIVE_UP_WAITING),
      });
      if (response.status >= 500 || response.status === 429) return "retrying";
      await this.#answer(entry, response);
    } catch (error) {
      return error instanceof SignedOut ? "signed-out" : "retrying";
    }
    this.#wait = FIRST_WAIT;
    return "saving";
  }

  async #answer(entry, response) {
    if (response.ok) {
      const answer = await response.json().catch(() => ({}));
      this.#remove(entry);
      this.done(entry, answer);
    } else {
      const answer =
        response.status === 409 ? await response.json() : { message: await sentence(response) };
      this.#remove(entry);
      // Nothing was decided, so there is nothing for an undo behind it to take back.
      for (const undo of this.#queue.filter((each) => each.body.of === entry.token)) this.#remove(undo);
      this.refused(entry, answer);
    }
  }

  #remove(entry) {
    this.#changes++;
    this.#queue = this.#queue.filter((each) => each !== entry);
    attempt(() => localStorage.removeItem(entry.key));
  }

  #savedElsewhere({ key, newValue }) {
    const entry = newValue === null && this.#queue.find((each) => each.key === key);
    if (!entry || (this.#running && entry === this.#queue[0])) return;
    this.#remove(entry);
    this.#report();
  }

  /** The page is going away: let the browser deliver what it can. All of it stays in the outbox
      until an answer was seen; the next page sends it again, which saves nothing twice. */
  #deliverOnExit() {
    for (const { url, body } of this.#queue) {
      const all = { method: "POST", body: new URLSearchParams(body), keepalive: true };
      fetch(url, { ...all, headers: scriptHeaders() }).catch(() => {});
    }
  }

  #pause() {
    this.#settle();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake(), this.#wait);
      this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
    });
  }

  #settle() {
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #report(state = this.#state) {
    this.#state = this.#queue.length ? state : "saved";
    this.changed(this.#state, this.#queue.length);
  }
}

/** [[name, how many]] of the other users whose decisions wait in this browser. */
export function waitingForOthers(user) {
  const counts = new Map();
  for (const { by } of entries().filter((entry) => entry.user !== user.id)) {
    counts.set(by, (counts.get(by) ?? 0) + 1);
  }
  return [...counts];
}

export function newToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const lockOf = (tab) => `desk:${tab}`;

/** The names of the locks that open pages hold. Over plain HTTP a browser has none: then every
    other page counts as closed, and what two pages send is still saved once. */
async function openTabs() {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return new Set(held.map((lock) => lock.name));
}

function keep(entry, by) {
  const { key, sent, ...rest } = entry;
  attempt(() => localStorage.setItem(key, JSON.stringify({ ...rest, by })));
}

const isKept = (entry) => attempt(() => localStorage.getItem(entry.key)) !== null;

const entriesOf = (user) => entries().filter((entry) => entry.user === user);

function entries() {
  const keys = attempt(() => Object.keys(localStorage)) ?? [];
  return keys
    .filter((key) => key.startsWith(PREFIX))
    .sort()
    .map((key) => ({ ...attempt(() => JSON.parse(localStorage.getItem(key))), key, user: key.split(":")[1] }))
    .filter((entry) => entry.token);
}

/** A browser that stores nothing, or is full, keeps decisions for as long as the page is open. */
function attempt(act) {
  try {
    return act();
  } catch {
    return null;
  }
}
