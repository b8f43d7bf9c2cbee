// The list of files, fifty in the page at a time however many there are.

const AT_ONCE = 50;

/** `draw(row)` makes the node of one row. */
export function windowed({ list, pager, draw }) {
  const [back, words, on] = ["back", "words", "on"].map((n) => pager.querySelector(`[data-do=${n}]`));
  let rows = [];
  let from = 0;
  let shown = [];

  const show = () => {
    from = Math.max(0, Math.min(from, Math.floor((rows.length - 1) / AT_ONCE) * AT_ONCE));
    const wanted = rows.slice(from, from + AT_ONCE);
    pager.hidden = rows.length <= AT_ONCE;
    back.disabled = from === 0;
    on.disabled = from + AT_ONCE >= rows.length;
    words.textContent = `${from + 1}–${from + wanted.length} of ${rows.length}`;
    if (wanted.length === shown.length && wanted.every((row, n) => row === shown[n])) return;
    const keep = new Set(wanted);
    for (const row of shown) {
      if (keep.has(row)) continue;
      row.node?.remove();
      row.node = null;
    }
    wanted.forEach((row, n) => {
      row.node ??= draw(row);
      if (list.children[n] !== row.node) list.insertBefore(row.node, list.children[n] ?? null);
    });
    shown = wanted;
  };
  const turn = (step) => {
    from += step * AT_ONCE;
    show();
    list.scrollIntoView({ block: "nearest" });
  };
  back.addEventListener("click", () => turn(-1));
  on.addEventListener("click", () => turn(1));
  return {
    set: (wanted) => {
      rows = wanted;
      show();
    },
  };
}
