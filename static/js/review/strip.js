// The last ten decisions, newest first. What stands here can be taken back, also what an earlier
// page decided.

const SHOWN = 10;
const AT_HAND = 50; // cards kept, with their photos; those of older ones come from the server again

export class Strip {
  #list;
  #empty;
  #items; // newest last: {token | decision, photo, card, words, element}

  /** `takeBack(item)` is called for the button of one. */
  constructor(list, takeBack) {
    this.#list = list;
    this.#empty = list.parentElement.querySelector("[data-strip-empty]");
    this.#items = [...list.children].reverse().map((element) => this.#known(element));
    list.addEventListener("click", (event) => {
      const element = event.target.closest("[data-take-back]")?.closest("li");
      const item = this.#items.find((each) => each.element === element);
      if (item) takeBack(item);
    });
    this.#show();
  }

  #known(element) {
    const { decision, photo, batch, category, words } = element.dataset;
    const label = category ? { id: Number(category), name: words } : null;
    return { decision, batch, photo: Number(photo), card: null, label, words, element };
  }

  get newest() {
    return this.#items.at(-1);
  }

  /** The label chosen last, by this page or an earlier one: {id, name}. */
  get label() {
    return this.#items.findLast((item) => item.label)?.label;
  }

  add(item) {
    const element = document.importNode(document.querySelector("template[data-decided]").content, true)
      .firstElementChild;
    const [link, thumbnail, words, button] = element.querySelectorAll("a, img, span, button");
    link.href = item.photoPage;
    link.title = item.name;
    thumbnail.src = item.thumbnail;
    thumbnail.alt = item.name;
    words.textContent = item.words;
    button.setAttribute("aria-label", `Take back ${item.words}: ${item.name}`);
    this.#items.push({ ...item, element });
    for (const old of this.#items.slice(0, -AT_HAND)) old.card = null;
    this.#list.prepend(element);
    this.#show();
  }

  /** Also everything that was decided by the same key. */
  remove(item) {
    const goes = (each) => each === item || (item.batch && each.batch === item.batch);
    for (const each of this.#items.filter(goes)) each.element.remove();
    this.#items = this.#items.filter((each) => !goes(each));
    this.#show();
  }

  /** The server has it; where it had it before this page opened, it stands here already. */
  saved(token, decision) {
    const item = this.#items.find((each) => each.token === token);
    if (item && this.#items.some((each) => each.decision === String(decision))) this.remove(item);
  }

  removeToken(token) {
    const item = this.#items.find((each) => each.token === token);
    if (item) this.remove(item);
  }

  #show() {
    for (const [at, element] of [...this.#list.children].entries()) element.hidden = at >= SHOWN;
    this.#empty.hidden = this.#items.length > 0;
  }
}
