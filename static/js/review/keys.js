// The keys of the review desk. They act while no control has the focus; a key held down acts once.

const DIGIT = /^(?:Digit|Numpad)([0-9])$/;

/** What a key means: {act, value}, or null. By place on the keyboard for digits, so that layouts
    with shifted digits work; by character for letters and "?". */
export function meaning(event) {
  const combined = event.ctrlKey || event.metaKey || event.altKey;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
    return event.key.toLowerCase() === "z" ? { act: "undo" } : null;
  }
  if (combined) return null;
  if (event.key === "?") return { act: "help" };
  const digit = event.code.match(DIGIT)?.[1];
  if (digit) return ofDigit(digit, event);
  if (event.code === "Space") return { act: "accept" };
  if (event.key === "ArrowRight") return { act: "skip" };
  if (event.key === "Backspace") return { act: "undo" };
  if (/^\p{L}$/u.test(event.key) || event.key === "/") {
    return { act: "search", value: event.key === "/" ? "" : event.key };
  }
  return null;
}

function ofDigit(digit, event) {
  if (event.code.startsWith("Numpad") && !/[0-9]/.test(event.key)) return null; // Num Lock is off
  if (digit === "0") return { act: "unusable" };
  if (digit === "9") return { act: "none" };
  return digit <= "5" ? { act: "choose", value: digit } : null;
}

/** Whether the keys belong to the desk now: nothing that takes keys itself has the focus. */
function free() {
  const focused = document.activeElement;
  return !focused || focused === document.body || focused.matches("[tabindex='-1']");
}

/** `acts` has a function per act, and `rest()`, which takes the focus back from a control. */
export function listen(acts) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (document.querySelector("dialog[open]")) return;
    if (acts.menu(event)) {
      event.preventDefault();
      return;
    }
    if (event.key === "Escape") {
      acts.rest();
      return;
    }
    if (!free()) return;
    const found = meaning(event);
    if (!found) return;
    event.preventDefault();
    if (!event.repeat) acts[found.act](found.value);
  });
}
