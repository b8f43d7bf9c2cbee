// The list of photos and the pages of one photo and one product: live states.

import { watchBadges } from "./badges.js";

// The page of one photo also shows answers, buttons and history: load it anew when it changes.
const whole = document.querySelector("[data-reload-on-change]");
watchBadges(document, () => {
  if (whole) location.reload();
});
