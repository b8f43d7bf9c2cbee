// What was dropped or chosen: files, and the files of folders with the path they stood in.

const JUNK = /^(\.|__MACOSX$|Thumbs\.db$|desktop\.ini$)/i;

/** [{file, folder}] of a drop; folders are walked to their end. `folder` is "" or `Men › Shirts`. */
export async function dropped(transfer) {
  // The items are gone once this function has waited for anything.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return chosen(transfer.files);
  const found = [];
  for (const entry of entries) await walk(entry, [], found);
  return found;
}

/** The same of an `<input type="file">`, also one that takes a folder. */
export function chosen(files) {
  return [...files]
    .map((file) => ({ file, path: (file.webkitRelativePath || file.name).split("/") }))
    .filter(({ path }) => !path.some((part) => JUNK.test(part)) || path.length === 1)
    .map(({ file, path }) => ({ file, folder: path.slice(0, -1).join(" › ") }));
}

async function walk(entry, folders, found) {
  if (JUNK.test(entry.name)) return;
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject)).catch(() => null);
    if (file) found.push({ file, folder: folders.join(" › ") });
    return;
  }
  const reader = entry.createReader();
  const inside = [...folders, entry.name];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)).catch(() => []);
    if (!some.length) return; // it gives a hundred at a time
    for (const child of some) await walk(child, inside, found);
  }
}
