// The photos that come next: refilled before they run out, the next few decoded ahead.

import { send, sentence } from "../session.js";
import { Card } from "./card.js";

const DECODED = 5;
const REFILL_AT = 8; // cards held, with the one on the screen
const MOST = 12;
const AT_ONCE = 4;
const FEWEST = 3;
const SHARE = 4; // of few photos left, one page holds at most a quarter: others review too

export class Queue {
  cards = [];
  #fetching = false;
  #due = false; // asked for while it was fetching

  /** Given {url, filters, left, onScreen, outbox, received, failed}: `filters` is part of an address;
      `onScreen()` is the card that is shown; `received(answer, isCounted)` and `failed(error)` hear of
      each fetch. A number left that was counted while a decision was on its way may hold it or not:
      then `isCounted` is false. */
  constructor(given) {
    Object.assign(this, given);
  }

  shift() {
    return this.cards.shift();
  }

  unshift(card) {
    this.cards = [card, ...this.cards.filter((each) => each.id !== card.id)];
  }

  drop(isGone) {
    this.cards = this.cards.filter((card) => !isGone(card));
  }

  /** Let the browser fetch and decode the next photos. */
  prepare() {
    for (const card of this.cards.slice(0, DECODED)) void card.element;
  }

  get #held() {
    return this.cards.length + (this.onScreen() ? 1 : 0);
  }

  get #most() {
    return Math.min(MOST, Math.max(FEWEST, Math.floor(this.left / SHARE)));
  }

  get #missing() {
    return this.#most - this.#held;
  }

  /** Fetch until enough are held; with nothing to show, one answer says why. */
  async fill() {
    this.#due = this.#fetching;
    if (this.#fetching || this.#held > Math.min(REFILL_AT, this.#most - 1)) return;
    this.#fetching = true;
    try {
      while (this.#missing > 0 && (await this.#fetch(Math.min(AT_ONCE, this.#missing))));
    } catch (error) {
      this.#due = false;
      this.failed(error);
    } finally {
      this.#fetching = false;
    }
    if (this.#due) await this.fill();
  }

  /** Whether any came. */
  async #fetch(count) {
    const before = this.outbox.changes;
    const query = `count=${count}&exclude=${this.#known}&${this.filters}`;
    const response = await send(`${this.url}?${query}`);
    if (!response.ok) throw new Error(await sentence(response));
    const answer = await response.json();
    const known = new Set(this.#known);
    const fresh = answer.cards.filter((card) => !known.has(card.id) && !this.#isGoing(card));
    this.cards.push(...fresh.map((card) => new Card(card)));
    this.prepare();
    this.received(answer, !this.outbox.waiting && this.outbox.changes === before);
    return fresh.length > 0;
  }

  get #known() {
    const on = this.onScreen();
    return [on, ...this.cards].filter(Boolean).map((card) => card.id).concat(this.outbox.photos);
  }

  /** Another photo of its product was decided for all of them, and that is not saved yet. */
  #isGoing({ product }) {
    return this.outbox.find((entry) => entry.product === product && entry.body.whole_product);
  }
}
