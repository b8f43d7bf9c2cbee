// Keeps the badges of photos up to date while they are pending.

import { watch } from "./poll.js";

const STATUS = "/images/status/?ids=";

/** Show how one photo stands: `{standing, words}` as the server says it. */
export function paint(badge, { standing, words }) {
  badge.className = `badge is-${standing}`;
  badge.textContent = words;
  badge.removeAttribute("data-pending");
}

/** Watch every badge with `data-pending` inside `root`; `kick()` after adding some. `changed` is
    called with each badge that was repainted and the server's answer for it, `heard` with whether
    the server answered. */
export function watchBadges(root = document, changed = () => {}, heard = () => {}) {
  const pending = () =>
    [...new Set([...root.querySelectorAll("[data-image][data-pending]")].map((b) => b.dataset.image))];
  const apply = ({ images, gone }) => {
    for (const image of images) {
      for (const badge of root.querySelectorAll(`[data-image="${image.id}"]`)) {
        paint(badge, image);
        changed(badge, image);
      }
    }
    for (const id of gone) {
      for (const badge of root.querySelectorAll(`[data-image="${id}"]`)) {
        paint(badge, { standing: "quiet", words: "withdrawn" });
      }
    }
  };
  return watch({ pending, url: (ids) => STATUS + ids.join(","), apply, heard });
}
