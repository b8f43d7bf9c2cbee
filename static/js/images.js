// The list of photos and the pages of one photo and one product: live states.

import { watchBadges } from "./badges.js";

const main = document.querySelector("main");

// What the page shows may be old: without a connection, or while the server does not answer.
const note = document.createElement("p");
note.className = "note is-warning";
note.setAttribute("role", "status");
note.hidden = true;
main.prepend(note);
let isWell = true;
function sayHowItIs() {
  const why = navigator.onLine ? "The site does not answer just now." : "There is no connection.";
  note.hidden = isWell && navigator.onLine;
  note.textContent = note.hidden ? "" : `${why} What you see may be out of date; it goes on by itself.`;
}
for (const name of ["online", "offline"]) window.addEventListener(name, sayHowItIs);
sayHowItIs();

// The page of one photo also shows answers, buttons and history: load it anew when it changes, but
// not over what somebody is filling in.
const whole = document.querySelector("[data-reload-on-change]");
let isTouched = false;
let offer = null;
main.addEventListener("input", () => {
  isTouched = true;
});
function loadAnew() {
  if (isTouched || main.querySelector("details[open] form")) offerToLoadAnew();
  else location.reload();
}
function offerToLoadAnew() {
  if (offer) return;
  offer = document.createElement("div");
  offer.className = "note is-warning row spread";
  offer.setAttribute("role", "status");
  const words = document.createElement("p");
  words.textContent = "The answer changed. What you filled in stays until you load the page anew.";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet small";
  button.textContent = "Load it anew";
  button.addEventListener("click", () => location.reload());
  offer.append(words, button);
  main.prepend(offer);
}
watchBadges(
  document,
  () => {
    if (whole) loadAnew();
  },
  (answered) => {
    isWell = answered;
    sayHowItIs();
  },
);
