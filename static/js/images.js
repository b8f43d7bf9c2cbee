// The list of photos and the pages of one photo and one product: live states.

import { watchBadges } from "./badges.js";

// What the page shows may be old: without a connection, or while the server does not answer.
const note = document.createElement("p");
note.className = "note is-warning";
note.setAttribute("role", "status");
note.hidden = true;
document.querySelector("main").prepend(note);
let isWell = true;
function sayHowItIs() {
  const why = navigator.onLine ? "The site does not answer just now." : "There is no connection.";
  note.hidden = isWell && navigator.onLine;
  note.textContent = note.hidden ? "" : `${why} What you see may be out of date; it goes on by itself.`;
}
for (const name of ["online", "offline"]) window.addEventListener(name, sayHowItIs);
sayHowItIs();

// The page of one photo also shows answers, buttons and history: load it anew when it changes.
const whole = document.querySelector("[data-reload-on-change]");
watchBadges(
  document,
  () => {
    if (whole) location.reload();
  },
  (answered) => {
    isWell = answered;
    sayHowItIs();
  },
);
