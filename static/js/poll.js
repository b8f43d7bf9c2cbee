// Ask the server again while something is pending, and only then.

import { send, SignedOut } from "./session.js";

const LONGEST_WAIT = 60_000;
const AT_ONCE = 100;

/** Poll for as long as `pending()` names ids.

    pending()      -> array of ids still pending; an empty one stops the polling
    url(ids)       -> address that answers for these ids, at most 100 at a time
    apply(answer)  <- the decoded JSON
    heard(isWell)  <- whether the server answered, each time
    Failures and lost connections double the wait up to a minute; a hidden page waits until it is
    looked at. `kick()` starts again after new ids came in; `stop()` ends it. */
export function watch({ pending, url, apply, heard = () => {}, every = 1500 }) {
  let timer = null;
  let wait = every;
  let asking = false;
  let from = 0;
  let stopped = false;

  const nextIds = () => {
    const ids = pending();
    if (from >= ids.length) from = 0;
    const some = ids.slice(from, from + AT_ONCE);
    from += AT_ONCE;
    return some;
  };
  const ask = async () => {
    timer = null;
    const ids = nextIds();
    if (!ids.length || asking) return;
    asking = true;
    try {
      const response = await send(url(ids));
      if (!response.ok) throw new Error(`status ${response.status}`);
      apply(await response.json());
      wait = every;
      heard(true);
    } catch (error) {
      if (error instanceof SignedOut) stopped = true;
      else heard(false);
      wait = Math.min(wait * 2, LONGEST_WAIT);
    } finally {
      asking = false;
    }
    schedule();
  };
  const schedule = () => {
    if (stopped || timer !== null || asking || document.hidden || !navigator.onLine) return;
    if (pending().length) timer = setTimeout(ask, wait);
  };
  const kick = () => {
    wait = every;
    schedule();
  };

  document.addEventListener("visibilitychange", kick);
  window.addEventListener("online", kick);
  schedule();
  return {
    kick: () => {
      stopped = false;
      kick();
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      timer = null;
    },
  };
}
