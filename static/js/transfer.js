// Sending one file, however often the connection breaks: the same upload id every time, so that the
// server answers a repeated one as it did the first.

import { scriptHeaders, signIn } from "./session.js";

const ATTEMPTS = 7;
const LONGEST_WAIT = 30_000;
const SILENCE = 120_000;
const BUSY = new Set([0, 408, 425, 429, 500, 502, 503, 504]);

/** A random id; `crypto.randomUUID` exists only on secure origins. */
export function newUploadId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Send `file` with `fields`; resolves with the server's outcome `{status, message, image, …}`,
    or with status "unsent" when every attempt failed. Rejects with SignedOut when the person does
    not want to sign in now. `report` gets {sent: 0…1} and {words}; `signal` cancels it. */
export async function sendFile(url, file, fields, { report, signal }) {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    report({ words: attempt === 1 ? "Sending…" : "Sending again…", sent: 0 });
    const { status, answer } = await once(url, file, fields, { report, signal });
    if (signal.aborted) return CANCELLED;
    if (status === 401) {
      report({ words: "Waiting for you to sign in…", sent: 0 });
      await signIn();
      attempt = 0;
    } else if (!BUSY.has(status)) {
      return answer ?? { status: "unsent", message: refused(status) };
    } else if (attempt < ATTEMPTS) {
      await pause(attempt, report, signal);
      if (signal.aborted) return CANCELLED;
    }
  }
  return { status: "unsent", message: "The site could not be reached. Try again later." };
}

const CANCELLED = { status: "unsent", message: "Cancelled; not sent." };

function refused(status) {
  if (status === 403) return "The site did not accept this. Reload the page and try again.";
  if (status === 413) return "The file is too large for this site.";
  return "The site could not take this file. Reload the page and try again.";
}

/** One request. Status 0: no answer came. */
function once(url, file, fields, { report, signal }) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", file);
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.timeout = 0;
    for (const [name, value] of Object.entries(scriptHeaders())) {
      request.setRequestHeader(name, value);
    }
    const cancel = () => request.abort();
    signal.addEventListener("abort", cancel);
    let silence = setTimeout(() => request.abort(), SILENCE);
    request.upload.addEventListener("progress", (event) => {
      clearTimeout(silence);
      silence = setTimeout(() => request.abort(), SILENCE);
      const sent = event.lengthComputable ? event.loaded / event.total : 0;
      report(sent < 1 ? { sent } : { sent, words: "Received, being looked at…" });
    });
    request.addEventListener("loadend", () => {
      clearTimeout(silence);
      signal.removeEventListener("abort", cancel);
      resolve({ status: request.status, answer: outcome(request.responseText) });
    });
    request.send(form);
  });
}

function outcome(text) {
  try {
    const answer = JSON.parse(text);
    return "status" in answer ? answer : null;
  } catch {
    return null;
  }
}

/** Wait 1, 2, 4, … seconds with some jitter; without a connection until it is back. A cancelled
    file waits no longer. */
async function pause(attempt, report, signal) {
  const cancelled = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  const wait = Math.min(1000 * 2 ** (attempt - 1), LONGEST_WAIT) * (0.75 + Math.random() / 2);
  report({ words: "The connection broke; trying again shortly.", sent: 0 });
  await Promise.race([cancelled, new Promise((resolve) => setTimeout(resolve, wait))]);
  if (navigator.onLine || signal.aborted) return;
  report({ words: "No connection; this goes on when it is back." });
  const online = new Promise((resolve) => window.addEventListener("online", resolve, { once: true }));
  await Promise.race([cancelled, online]);
}
