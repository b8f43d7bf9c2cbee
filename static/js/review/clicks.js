// A double click is one decision: its second click would meet what follows, and nobody saw that.

import { announce } from "./notes.js";

const LATEST = 500; // between the two clicks of a double click, on most systems

/** Let no such second click through to the buttons of `stage`; `shownAt()` is when what stands
    there was shown, in the clock of events. */
export function onceEach(stage, shownAt) {
  const guard = (event) => {
    const again = event.detail > 1 && event.timeStamp < shownAt() + LATEST;
    if (!again || !event.target.closest("button, summary")) return;
    event.preventDefault();
    event.stopPropagation();
    announce("The second click came before you could look; nothing was done.", { visibly: true });
  };
  stage.addEventListener("click", guard, { capture: true });
}
