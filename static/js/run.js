// The progress of a training run or a background job, live. When it ends the page is fetched again,
// once.

import { watch } from "./poll.js";
import { send } from "./session.js";

const SURE_AFTER = 3000; // ms of one step before its end is guessed at

document.querySelectorAll("[data-run]").forEach(follow);

function follow(box) {
  const part = (name) => box.querySelector(`[data-${name}]`);
  let active = true;
  let headline = part("headline").textContent;
  let step = { name: "", began: 0, from: 0 };

  const show = (run) => {
    part("headline").textContent = run.headline;
    part("detail").textContent = run.detail;
    part("count").textContent = run.total ? `${run.done} of ${run.total}` : "";
    step = timed(step, run);
    if (part("left")) part("left").textContent = left(step, run);
    draw(run.rounds);
    const bar = part("bar");
    if (run.total) {
      bar.max = run.total;
      bar.value = run.done;
    } else {
      bar.removeAttribute("value");
    }
    if (run.headline !== headline) {
      headline = run.headline;
      part("spoken").textContent = headline;
    }
    if (active && !run.active) {
      active = false;
      location.reload();
    }
  };

  watch({
    pending: () => (active ? [box.dataset.run] : []),
    url: () => box.dataset.url,
    apply: show,
    every: 1000,
  });
}

/** When the step that is under way began, as far as this page saw it. */
function timed(step, run) {
  const same = step.name === run.headline && run.done >= step.from;
  return same ? step : { name: run.headline, began: performance.now(), from: run.done };
}

/** How long the step will take yet, at the pace seen so far; "" while nobody can tell. */
function left(step, run) {
  const passed = performance.now() - step.began;
  const done = run.done - step.from;
  if (!run.active || !run.total || done <= 0 || passed < SURE_AFTER) return "";
  const seconds = (((run.total - run.done) / done) * passed) / 1000;
  if (seconds < 1) return "";
  return seconds < 90 ? `about ${Math.ceil(seconds)} s left ·` : `about ${Math.round(seconds / 60)} min left ·`;
}

/** Draw the curves again once they show another round. */
async function draw(rounds) {
  const place = document.querySelector("[data-curves]");
  if (!place || rounds === undefined || String(rounds) === place.dataset.curves) return;
  const before = place.dataset.curves;
  place.dataset.curves = rounds;
  try {
    const response = await send(place.dataset.url);
    if (response.ok) place.innerHTML = await response.text();
    else place.dataset.curves = before;
  } catch {
    place.dataset.curves = before; // offline or signed out: with the next round again
  }
}
