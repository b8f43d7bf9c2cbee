// Short status messages at the corner of the page; read out by screen readers.

const SECONDS = 6;

/** Show `text`; `action` is {label, run} for a button such as "Undo". */
export function toast(text, { error = false, action = null } = {}) {
  const area = document.getElementById("toasts");
  const box = document.createElement("div");
  box.className = error ? "toast is-error" : "toast";
  const words = document.createElement("span");
  words.textContent = text;
  box.append(words);
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = action.label;
    button.addEventListener("click", () => {
      box.remove();
      action.run();
    });
    box.append(button);
  }
  area.append(box);
  setTimeout(() => box.remove(), SECONDS * 1000);
  return box;
}
