// One photo on the desk: its piece of page, made by the server, and whether the photo is painted.

import { scriptHeaders } from "../session.js";
import { heldUntil } from "./leases.js";
import { newToken } from "./outbox.js";
import { zoomable } from "./zoom.js";

export class Card {
  notice = "";
  shownAt = Infinity; // when the screen showed it, in the clock of events
  painted = false; // the photo has come and is decoded
  isLost = false; // it did not come
  #html;
  #element = null;

  /** From the JSON of the server, or from the piece of page that stands there already. */
  constructor(answer, element = null) {
    this.id = answer.id;
    this.product = answer.product;
    this.revision = answer.revision;
    this.notice = answer.notice ?? "";
    this.#html = answer.html;
    heldUntil(this.id, answer.until);
    if (element) this.#begin(element);
  }

  static fromPage(element) {
    const { card, product, revision, until } = element.dataset;
    const answer = { id: Number(card), product: Number(product), revision: Number(revision), until };
    return new Card(answer, element);
  }

  /** Its piece of page; building it lets the browser fetch and decode the photo. */
  get element() {
    if (!this.#element) this.#begin(build(this.#html));
    return this.#element;
  }

  #begin(element) {
    this.#element = element;
    this.photo = element.querySelector("[data-photo]");
    this.zoom = zoomable(element.querySelector("figure"), this.photo);
    element.querySelector("[data-reload-photo]").addEventListener("click", () => this.reload());
    for (const button of element.querySelectorAll("[data-open]")) button.hidden = false;
    const list = element.querySelector(".suggestions");
    for (const name of ["mouseover", "focusin"]) {
      list?.addEventListener(name, (event) => this.explain(event.target.closest(".suggestion")));
    }
    list?.addEventListener("mouseleave", () => this.explain(this.suggestion(1)));
    this.explain(this.suggestion(1));
    this.#decode();
  }

  get name() {
    return this.element.getAttribute("aria-label");
  }

  get data() {
    return this.element.dataset;
  }

  suggestion(number) {
    return this.element.querySelector(`[data-number="${number}"]`);
  }

  get explained() {
    return this.element.querySelector(".suggestion.is-explained");
  }

  get decideForm() {
    return this.element.querySelector("form[data-label]");
  }

  get unusable() {
    return this.element.querySelector("[data-unusable]");
  }

  /** What a screen reader hears as the photo appears. */
  get words() {
    if ("blind" in this.data) return `${this.name}. Blind check: what do you see?`;
    const first = this.suggestion(1);
    const share = first?.querySelector("[data-share]").textContent;
    return `${this.name}. ${first ? `Suggested: ${first.dataset.name}, ${share}` : "No suggestion"}`;
  }

  /** Show the guidance of one suggestion. */
  explain(button) {
    if (!button) return;
    for (const other of this.element.querySelectorAll(".suggestion")) {
      other.classList.toggle("is-explained", other === button);
    }
    for (const guide of this.element.querySelectorAll(".review-guide")) {
      guide.hidden = guide.id !== button.dataset.guide;
    }
  }

  explainNext(step) {
    const all = [...this.element.querySelectorAll(".suggestion")];
    const at = all.indexOf(this.explained) + step;
    this.explain(all[Math.max(0, Math.min(at, all.length - 1))]);
  }

  /** Put the checked photos beside it that are most like it, once. Nothing waits for them. */
  async compare() {
    const place = this.element.querySelector("[data-neighbours]");
    if (!place || place.dataset.asked) return;
    place.dataset.asked = "yes";
    try {
      const response = await fetch(place.dataset.neighbours, { headers: scriptHeaders() });
      if (response.ok) place.innerHTML = await response.text();
    } catch {
      // Offline or signed out: the photo can be decided without them.
    }
  }

  /** The photo is to be decided anew: as a save of its own, of this revision. */
  again(revision = this.revision) {
    this.revision = revision;
    const token = newToken();
    for (const field of this.element.querySelectorAll("[name=revision]")) field.value = revision;
    for (const field of this.element.querySelectorAll("[name=token]")) field.value = token;
    if (this.unusable) this.unusable.open = false;
    this.explain(this.suggestion(1));
  }

  reload() {
    const { src } = this.photo;
    this.photo.src = "";
    this.photo.src = src;
    this.#decode();
  }

  #decode() {
    const lost = this.element.querySelector("[data-photo-lost]");
    lost.hidden = true;
    this.isLost = false;
    this.ready = this.photo.decode().then(
      () => {
        this.painted = true;
      },
      () => {
        lost.hidden = false;
        this.isLost = true;
      },
    );
  }
}

function build(html) {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  return document.importNode(template.content, true).firstElementChild;
}
