// Working through a ZIP that the server holds: one request per slice, each repeated until it was
// answered; the server gives a file the same answer again.

import { send, sentence } from "../session.js";

const ATTEMPTS = 8;
const DISK_FULL = 507;

/** The server holds the archive no longer: somebody deleted it, or it lay there for days. */
export class Gone extends Error {
  constructor() {
    super("This archive was deleted before its end; send it again.");
  }
}

/** `{go_on, entries, position}` to its end. `ready()` resolves when the page may go on; `answered`
    gets the files of each slice. Throws with a sentence when it cannot go on now. */
export async function workThrough(archive, { ready, answered }) {
  let failures = 0;
  while (archive.position < archive.entries) {
    await ready();
    const body = new FormData();
    body.append("start", archive.position);
    const response = await send(archive.go_on, { method: "POST", body }).catch((error) => {
      if (error.name === "TypeError") return null; // no connection
      throw error;
    });
    if (response?.ok) {
      const answer = await response.json();
      archive.position = answer.position;
      answered(answer.files, archive);
      failures = 0;
    } else if (response?.status === 404) {
      throw new Gone();
    } else if (response && (response.status < 500 || response.status === DISK_FULL)) {
      throw new Error(await sentence(response));
    } else if (++failures === ATTEMPTS) {
      throw new Error("The site could not be reached. Try again later.");
    } else {
      await new Promise((resolve) => setTimeout(resolve, Math.min(500 * 2 ** failures, 15_000)));
    }
  }
}
