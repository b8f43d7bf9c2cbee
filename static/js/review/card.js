// One photo on the desk: its piece of page, made by the server, and whether the photo is painted.

import { heldUntil } from "./leases.js";

export class Card {
  /** From the JSON of the server, or from the piece of page that stands there already. */
  constructor(answer, element = null) {
    this.id = answer.id;
    this.notice = answer.notice ?? "";
    this.element = element ?? build(answer.html);
    heldUntil(this.element.dataset.until);
    this.photo = this.element.querySelector("[data-photo]");
    this.painted = false;
    this.element.querySelector("[data-reload-photo]").addEventListener("click", () => this.reload());
    for (const button of this.element.querySelectorAll("[data-open]")) button.hidden = false;
    const list = this.element.querySelector(".suggestions");
    for (const name of ["mouseover", "focusin"]) {
      list?.addEventListener(name, (event) => this.explain(event.target.closest(".suggestion")));
    }
    list?.addEventListener("mouseleave", () => this.explain(this.suggestion(1)));
    this.explain(this.suggestion(1));
    this.#decode();
  }

  static fromPage(element) {
    return new Card({ id: Number(element.dataset.card) }, element);
  }

  get name() {
    return this.element.getAttribute("aria-label");
  }

  suggestion(number) {
    return this.element.querySelector(`[data-number="${number}"]`);
  }

  get unusable() {
    return this.element.querySelector("[data-unusable]");
  }

  /** What a screen reader hears as the photo appears. */
  get words() {
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

  reload() {
    const { src } = this.photo;
    this.photo.src = "";
    this.photo.src = src;
    this.#decode();
  }

  #decode() {
    this.element.querySelector("[data-photo-lost]").hidden = true;
    this.ready = this.photo.decode().then(
      () => {
        this.painted = true;
      },
      () => {
        this.element.querySelector("[data-photo-lost]").hidden = false;
      },
    );
  }
}

function build(html) {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  return document.importNode(template.content, true).firstElementChild;
}
