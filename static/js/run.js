// The progress of a training run or a background job, live. When it ends the page is fetched again,
// once.

import { watch } from "./poll.js";

document.querySelectorAll("[data-run]").forEach(follow);

function follow(box) {
  const part = (name) => box.querySelector(`[data-${name}]`);
  let active = true;
  let headline = part("headline").textContent;

  const show = (run) => {
    part("headline").textContent = run.headline;
    part("detail").textContent = run.detail;
    part("count").textContent = run.total ? `${run.done} of ${run.total}` : "";
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
