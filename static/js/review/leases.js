// Leases keep two reviewers off one photo: renewed while the page is looked at, given back as it
// closes. A page nobody looks at lets them run out.

import { csrfToken, send } from "../session.js";

/** `ids()` names the photos this page holds; `lost(ids)` hears which are on another screen now. */
export function keepLeases({ url, seconds, ids, lost }) {
  const renew = async () => {
    const mine = ids();
    if (document.hidden || !mine.length) return;
    try {
      const body = new URLSearchParams({ action: "renew", ids: mine.join(",") });
      const response = await send(url, { method: "POST", body });
      if (!response.ok) return;
      const { held } = await response.json();
      const gone = mine.filter((id) => !held.includes(id) && ids().includes(id));
      if (gone.length) lost(gone);
    } catch {
      // Offline or signed out: the next tick asks again, and a save is checked by the server anyway.
    }
  };
  setInterval(renew, (seconds * 1000) / 3);
  document.addEventListener("visibilitychange", renew);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) renew();
  });
}

/** Give photos back while the page goes away. */
export function giveBack(url, ids) {
  if (!ids.length) return;
  const form = new FormData();
  form.set("action", "release");
  form.set("ids", ids.join(","));
  form.set("csrfmiddlewaretoken", csrfToken());
  navigator.sendBeacon(url, form);
}
