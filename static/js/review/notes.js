// What the desk and the grid say: to everybody in their bar, to screen readers, and in notes that stay.

const NOTICES = 3;

const part = (name) => document.querySelector(`main [data-${name}]`);

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
    document.querySelector("main [data-stage]").focus({ preventScroll: true });
  });
  return made;
}

/** `one decision is`, `3 decisions are` */
export function decisions(count) {
  return count === 1 ? "1 decision is" : `${count} decisions are`;
}

/** Say on its line what waits to be saved: `waiting` is "3 pages are". */
export function saving(line, state, waiting, resume) {
  const words = { retrying: `${waiting} not saved yet; trying again…`, "signed-out": `${waiting} not saved yet.` };
  line.dataset.state = state;
  if (line.firstChild?.textContent !== (words[state] ?? "")) line.textContent = words[state] ?? "";
  if (state === "signed-out") line.append(button("Sign in to save", resume));
}
