// The list of photos and the pages of one photo and one product: live states.

import { watchBadges } from "./badges.js";

// The page of one photo also shows answers, buttons and history: load it anew when it changes.
const whole = document.querySelector("[data-reload-on-change]");
watchBadges(document, () => {
  if (whole) location.reload();
});

// Without a connection the page says so: what it shows may be old.
const offline = document.createElement("p");
offline.className = "note is-warning";
offline.setAttribute("role", "status");
const sayOffline = () => {
  offline.textContent = navigator.onLine ? "" : "There is no connection. What you see may be out of date; it goes on by itself.";
  offline.hidden = navigator.onLine;
};
document.querySelector("main").prepend(offline);
for (const name of ["online", "offline"]) window.addEventListener(name, sayOffline);
sayOffline();
