// Leases keep two reviewers off one photo: renewed while the page is looked at, given back as it
// closes. A page nobody looks at lets them run out.
//
// A reloaded page takes its photos again before the closing one's message arrives; the message
// therefore says until when that page held each of them, and spares any later lease.

import { csrfToken, send, SignedOut } from "../session.js";

const ends = new Map(); // {photo: end of its lease as this page knows it, in milliseconds since 1970}
let signedOut = false; // do not ask to sign in again until something else here succeeded

export function heldUntil(id, end) {
  ends.set(id, Math.max(ends.get(id) ?? 0, Number(end) || 0));
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
      for (const id of held) heldUntil(id, end);
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
  for (const end of new Set(ids.map((id) => ends.get(id)).filter(Boolean))) {
    const form = new FormData();
    form.set("action", "release");
    form.set("ids", ids.filter((id) => ends.get(id) === end).join(","));
    form.set("until", end);
    form.set("csrfmiddlewaretoken", csrfToken());
    navigator.sendBeacon(url, form);
  }
}
