// A closer look at the photo: a click, a double tap or the key + shows the large copy, which follows
// the pointer or the finger. The large copy is fetched only then.

const DOUBLE_TAP = 300;

/** Returns a function that turns the zoom on or off; `to` false only turns it off. */
export function zoomable(figure, photo) {
  let large = null;
  let tapped = 0;

  const aim = ({ clientX, clientY }) => {
    const { left, top, width, height } = figure.getBoundingClientRect();
    const percent = (at, size) => `${Math.max(0, Math.min(100, (at / size) * 100))}%`;
    if (large) large.style.transformOrigin = `${percent(clientX - left, width)} ${percent(clientY - top, height)}`;
  };
  const toggle = (to = !large, event = null) => {
    large?.remove();
    large = null;
    if (to) {
      large = photo.cloneNode();
      large.removeAttribute("data-photo");
      large.className = "review-large";
      large.src = photo.dataset.large;
      figure.append(large);
      if (event) aim(event);
    }
  };

  figure.addEventListener("click", (event) => {
    if (event.target.closest("button")) return;
    const twice = event.timeStamp - tapped < DOUBLE_TAP;
    tapped = event.timeStamp;
    if (event.pointerType !== "touch" || twice) toggle(undefined, event);
  });
  figure.addEventListener("pointermove", aim);
  return toggle;
}
