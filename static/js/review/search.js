// The type-ahead over all categories: by name, path or code.

const MOST = 40;
const MOST_TYPED = 12; // more are not seen without scrolling, and each costs time at every key
const STALE_AFTER = 30_000;

/** Lower case without accents, so that "cafe" finds "Café". */
function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/** A category with what the search compares, worked out once. */
function prepared(leaf) {
  const spaced = (text) => ` ${plain(text).split(/[^\p{L}\p{N}]+/u).join(" ")}`;
  const all = `${leaf.path} ${leaf.code}`;
  return {
    ...leaf,
    text: plain(all),
    starts: spaced(all),
    named: plain(leaf.name),
    nameStarts: spaced(leaf.name),
    coded: plain(leaf.code),
  };
}

/** How well a category fits the words typed: smaller is better, null is not at all. */
function rank(leaf, query, words) {
  if (!words.every((word) => leaf.text.includes(word))) return null;
  if (leaf.coded === query) return 0;
  if (leaf.named.startsWith(query)) return 1;
  if (leaf.nameStarts.includes(` ${query}`)) return 2;
  return words.every((word) => leaf.starts.includes(` ${word}`)) ? 3 : 4;
}

export function matches(leaves, typed) {
  const query = plain(typed.trim());
  if (!query) return leaves;
  const words = query.split(/\s+/);
  const ranked = leaves.map((leaf) => [rank(leaf, query, words), leaf]).filter(([at]) => at !== null);
  return ranked.sort(([a], [b]) => a - b).map(([, leaf]) => leaf);
}

export class Search {
  #dialog;
  #load;
  #choose;
  #leaves = [];
  #loadedAt = -Infinity;
  #shown = [];
  #active = -1;
  #taken = false; // Enter came before the categories did

  /** `load()` resolves to the categories; `choose(leaf)` gets the one taken. */
  constructor(dialog, { load, choose }) {
    this.#dialog = dialog;
    this.#load = load;
    this.#choose = choose;
    this.field = dialog.querySelector("[data-field]");
    this.list = dialog.querySelector("[data-results]");
    this.field.addEventListener("input", () => {
      this.#taken = false;
      this.#show();
    });
    this.field.addEventListener("keydown", (event) => this.#key(event));
    this.list.addEventListener("click", (event) => this.#take(event.target.closest("li")?.dataset.at));
    dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
    this.#refresh();
  }

  open(typed = "") {
    this.field.value = typed;
    this.#taken = false;
    this.#show();
    this.#dialog.showModal();
    this.field.focus();
    this.field.setSelectionRange(typed.length, typed.length);
    this.#refresh();
  }

  async #refresh() {
    if (performance.now() - this.#loadedAt < STALE_AFTER) return;
    try {
      const leaves = await this.#load();
      this.#leaves = leaves.map(prepared);
      this.#loadedAt = performance.now();
    } catch {
      if (!this.#leaves.length) this.#say("The categories could not be fetched; close and try again.");
      return;
    }
    if (!this.#dialog.open) return;
    this.#show();
    if (this.#taken) this.#take(this.#active);
  }

  #show() {
    const found = matches(this.#leaves, this.field.value);
    this.#shown = found.slice(0, this.field.value.trim() ? MOST_TYPED : MOST);
    while (this.list.children.length < this.#shown.length) this.list.append(option(this.list.children.length));
    for (const [at, row] of [...this.list.children].entries()) fill(row, this.#shown[at]);
    this.#activate(this.field.value.trim() && this.#shown.length ? 0 : -1);
    this.#say(count(found.length, this.#shown.length));
  }

  #activate(at) {
    this.#active = at;
    for (const [n, row] of [...this.list.children].entries()) {
      row.setAttribute("aria-selected", String(n === at));
    }
    const row = this.list.children[at];
    if (at > 0) row?.scrollIntoView({ block: "nearest" });
    else this.list.scrollTop = 0;
    this.field.setAttribute("aria-activedescendant", row?.id ?? "");
    this.#dialog.querySelector("[data-guide]").textContent = this.#shown[at]?.guidance ?? "";
  }

  #key(event) {
    if (event.isComposing) return;
    const last = this.#shown.length - 1;
    if (event.key === "ArrowDown") this.#activate(Math.min(this.#active + 1, last));
    else if (event.key === "ArrowUp") this.#activate(Math.max(this.#active - 1, 0));
    else if (event.key === "Enter" && !event.repeat) this.#take(this.#active);
    else if (event.key === "Escape") this.#dialog.close(); // a search field would only clear itself
    else if (event.key !== "Enter") return;
    event.preventDefault();
  }

  #take(at) {
    this.#taken = !this.#leaves.length;
    const leaf = this.#shown[Number(at ?? -1)];
    if (!leaf) return;
    this.#dialog.close();
    this.#choose(leaf);
  }

  #say(words) {
    this.#dialog.querySelector("[data-found]").textContent = words;
  }
}

function option(at) {
  const row = document.createElement("li");
  row.id = `search-result-${at}`;
  row.dataset.at = at;
  row.setAttribute("role", "option");
  row.append(document.createElement("b"), " ", document.createElement("small"));
  return row;
}

/** Rows stay and change their words: that is quicker than making new ones at every key. */
function fill(row, leaf) {
  row.hidden = !leaf;
  if (!leaf) return;
  row.children[0].textContent = leaf.name;
  row.children[1].textContent = [leaf.path, leaf.code].filter(Boolean).join(" · ");
}

function count(found, shown) {
  if (!found) return "No category matches.";
  if (found > shown) return `${found} categories; the first ${shown} are listed.`;
  return found === 1 ? "1 category" : `${found} categories`;
}
