// Decisions on their way to the server: one at a time, in the order they were made. A lost
// connection repeats them; each carries a token, so that one the server has already is saved once.

import { csrfToken, send, sentence, SignedOut } from "../session.js";

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 15_000;
const GIVE_UP_WAITING = 20_000;

export class Saves {
  #queue = [];
  #running = false;
  #wait = FIRST_WAIT;
  #wake = null;
  #changed;
  #idle = [];

  /** `changed(state, waiting)`: state is saved, saving, retrying or signed-out. */
  constructor(changed) {
    this.#changed = changed;
    window.addEventListener("online", () => this.resume());
    window.addEventListener("beforeunload", (event) => {
      if (this.#queue.length) event.preventDefault();
    });
  }

  /** `save` is {url, body, id, done(answer), refused(answer)}; `id` is the photo's. */
  add(save) {
    this.#queue.push({ ...save, sent: false });
    this.#run();
  }

  get ids() {
    return this.#queue.map((save) => save.id);
  }

  get waiting() {
    return this.#queue.length;
  }

  /** Whether the first in line was tried and did not get through. */
  get stuck() {
    return this.#wake !== null || (this.#queue.length > 0 && !this.#running);
  }

  /** Take back the newest save if it has not left yet; null if it has. */
  cancelNewest(isWanted) {
    const newest = this.#queue.at(-1);
    if (!newest || newest.sent || !isWanted(newest)) return null;
    this.#queue.pop();
    this.#report();
    return newest;
  }

  /** Resolves when everything is saved, or when the line got stuck. */
  settled() {
    if (!this.#queue.length || this.stuck) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Try again now. */
  resume() {
    this.#wait = FIRST_WAIT;
    if (this.#wake) this.#wake();
    else this.#run();
  }

  /** The page is going away: hand what is left to the browser to deliver. */
  deliverOnExit() {
    for (const { url, body } of this.#queue) {
      const form = new FormData();
      for (const [name, value] of Object.entries(body)) form.set(name, value);
      form.set("csrfmiddlewaretoken", csrfToken());
      navigator.sendBeacon(url, form);
    }
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
  async #attempt(save) {
    save.sent = true;
    try {
      const response = await send(save.url, {
        method: "POST",
        body: new URLSearchParams(save.body),
        signal: AbortSignal.timeout(GIVE_UP_WAITING),
      });
      if (response.status >= 500 || response.status === 429) return "retrying";
      await this.#answer(save, response);
    } catch (error) {
      return error instanceof SignedOut ? "signed-out" : "retrying";
    }
    this.#wait = FIRST_WAIT;
    return "saving";
  }

  async #answer(save, response) {
    if (response.ok) {
      const answer = await response.json().catch(() => ({}));
      this.#queue.shift();
      save.done(answer);
    } else if (response.status === 409) {
      const answer = await response.json();
      this.#queue.shift();
      save.refused(answer);
    } else {
      const message = await sentence(response);
      this.#queue.shift();
      save.refused({ message });
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

  #report(state = this.#running ? "saving" : "saved") {
    this.#changed(state, this.#queue.length);
  }
}
