// What the desk says: to everybody in its bar, to screen readers, and in notes that stay.

const NOTICES = 3;

const part = (name) => document.querySelector(`#desk [data-${name}]`);

export function announce(words, { visibly = false } = {}) {
  part("announce").textContent = words;
  if (visibly) part("said").textContent = words;
}

/** A note that stays until it is closed; `about` names a photo. */
export function notify(words, about = "") {
  const note = document.createElement("p");
  note.className = "note is-warning";
  const text = document.createElement("span");
  text.textContent = about ? `${about}: ${words}` : words;
  note.append(text, button("Close", () => note.remove()));
  part("notices").append(note);
  while (part("notices").children.length > NOTICES) part("notices").firstChild.remove();
}

export function button(words, run) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet small";
  made.textContent = words;
  made.addEventListener("click", () => {
    run();
    document.querySelector("#desk [data-stage]").focus({ preventScroll: true });
  });
  return made;
}

/** `one decision is`, `3 decisions are` */
export function decisions(count) {
  return count === 1 ? "1 decision is" : `${count} decisions are`;
}
