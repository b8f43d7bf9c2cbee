// The keys of the review desk. They act while no control has the focus; a key held down acts once.

const DIGIT = /^(?:Digit|Numpad)([0-9])$/;
const WITH_SHIFT = { p: "product", s: "similar", g: "grid" };

/** What a key means: {act, value}, or null. By place on the keyboard for digits, so that layouts
    with shifted digits work; by character for letters and "?". */
export function meaning(event) {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
    return event.key.toLowerCase() === "z" ? { act: "undo" } : null;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  if (event.key === "?") return { act: "help" };
  if (event.key === "+") return { act: "zoom" };
  const digit = event.code.match(DIGIT)?.[1];
  if (digit) return ofDigit(digit, event);
  if (event.code === "Space") return { act: "accept" };
  const named = ofName(event);
  if (named) return named;
  if (event.shiftKey && letterOf(event) in WITH_SHIFT) return { act: WITH_SHIFT[letterOf(event)] };
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

function ofName({ key, shiftKey }) {
  if (key === "Enter") return shiftKey ? { act: "again" } : null;
  if (key === "ArrowRight") return { act: "skip" };
  if (key === "ArrowDown") return { act: "explain", value: 1 };
  if (key === "ArrowUp") return { act: "explain", value: -1 };
  return key === "Backspace" ? { act: "undo" } : null;
}

/** The Latin letter of a key, also where the layout writes another alphabet. */
function letterOf({ key, code }) {
  if (/^[a-z]$/i.test(key)) return key.toLowerCase();
  return /^\p{L}$/u.test(key) ? (code.match(/^Key([A-Z])$/)?.[1].toLowerCase() ?? "") : "";
}

/** Whether the keys belong to the desk now: nothing that takes keys itself has the focus. */
function free() {
  const focused = document.activeElement;
  return !focused || focused === document.body || focused.matches("[tabindex='-1']");
}

/** `acts` has a function per act, called with what the key means and the event; `characters()`,
    whether keys that write a character count; `menu(event)`, true if it took the key; and `rest()`,
    which takes the focus back from a control. */
export function listen(acts) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (document.querySelector("dialog[open]")) return;
    const writes = event.key.length === 1 && !event.ctrlKey && !event.metaKey;
    if (writes && !acts.characters()) return;
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
    if (!event.repeat) acts[found.act](found.value, event);
  });
}
