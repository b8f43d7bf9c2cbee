// Leases keep two reviewers off one photo: renewed while the page is looked at, given back as it
// closes. A page nobody looks at lets them run out.
//
// A reloaded page takes its photos again before the closing one's message arrives; the message
// therefore says how long that page held them at most, and spares any later lease.

import { csrfToken, send, SignedOut } from "../session.js";

let until = 0; // end of the newest lease this page knows of, in milliseconds since 1970
let signedOut = false; // do not ask to sign in again until something else here succeeded

export function heldUntil(end) {
  until = Math.max(until, Number(end) || 0);
  signedOut = false;
}

/** `ids()` names the photos this page holds; `lost(ids)` hears which are on another screen now. */
export function keepLeases({ url, seconds, ids, lost }) {
  const renew = async () => {
    const mine = ids();
    if (document.hidden || signedOut || !mine.length) return;
    try {
      const body = new URLSearchParams({ action: "renew", ids: mine.join(",") });
      const response = await send(url, { method: "POST", body });
      if (!response.ok) return;
      const { held, until: end } = await response.json();
      heldUntil(end);
      const gone = mine.filter((id) => !held.includes(id) && ids().includes(id));
      if (gone.length) lost(gone);
    } catch (error) {
      // Offline: the next tick asks again, and the server checks each save anyway.
      signedOut = error instanceof SignedOut;
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
  form.set("until", until);
  form.set("csrfmiddlewaretoken", csrfToken());
  navigator.sendBeacon(url, form);
}
