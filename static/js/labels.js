// Keys for going through doubtful labels: Space changes, Enter keeps, → skips, Backspace undoes. They
// act once, on the photo that is painted, and only while no control has the focus.

const KEYS = { " ": "change", Enter: "keep", ArrowRight: "skip", Backspace: "undo" };
let gone = false;

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const focused = document.activeElement;
  if (focused && focused !== document.body) return;
  const control = document.querySelector(`[data-key="${KEYS[event.key]}"]`);
  if (!control) return;
  event.preventDefault();
  const photo = document.querySelector("[data-label-queue] img");
  const painted = !photo || (photo.complete && photo.naturalWidth > 0);
  if (gone || (!painted && event.key !== "Backspace" && event.key !== "ArrowRight")) return;
  gone = true;
  if (control.matches("form")) control.requestSubmit();
  else control.click();
});

// Back from the browser's memory: the keys act again.
window.addEventListener("pageshow", () => {
  gone = false;
});
