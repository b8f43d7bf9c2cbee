// The upload page: choose or drop files, look at their SKUs, send them four at a time, and watch
// the accepted ones get their category.

import { paint, watchBadges } from "./badges.js";
import { SignedOut, signIn } from "./session.js";
import { newUploadId, sendFile } from "./transfer.js";

const PARALLEL = 4;
const WORDS = { duplicate: "already uploaded", accepted: "waiting" };

document.documentElement.classList.add("has-script");
const form = document.getElementById("upload");
const chooser = document.getElementById("file");
const drop = document.getElementById("drop");
const oneSku = document.getElementById("sku");
const list = document.getElementById("files");
const start = document.getElementById("start");
const clear = document.getElementById("clear");
const paused = document.getElementById("paused");
const queue = document.getElementById("queue");
const total = document.getElementById("total");
const maxBytes = Number(form.dataset.maxBytes);
const rows = [];
const badges = watchBadges(list);
let running = 0;
let signedOut = false;

chooser.multiple = true;
chooser.required = false;

/** The SKU that the server will read from this name: `BLUE-42_2.jpg` is BLUE-42. */
function skuFrom(name) {
  const stem = name.replace(/(?<=.)\.[^.]*$/, "");
  const [, sku] = stem.match(/^(.+?)(?:[_ ]\d{1,3})?$/) ?? [null, stem];
  return sku.trim().replace(/[^\p{L}\p{N}_.-]+/gu, "-").replace(/^[-.]+|[-.]+$/g, "").slice(0, 80) || "unnamed";
}

function problem(file) {
  if (file.size === 0) return "The file is empty.";
  if (file.size > maxBytes) {
    return `The file is larger than ${form.dataset.maxMegabytes} MB; send a smaller copy.`;
  }
  return "";
}

function addRow(file) {
  const node = document.getElementById("file-row").content.cloneNode(true).firstElementChild;
  const part = (selector) => node.querySelector(selector);
  const row = {
    file, node, state: "ready", uploadId: newUploadId(), sent: 0,
    words: part(".file-words"), bar: part("progress"), sku: part("input"),
    again: part("[data-do=again]"), remove: part("[data-do=remove]"), photo: part(".file-photo"),
  };
  part(".file-name").textContent = file.name;
  row.sku.placeholder = skuFrom(file.name);
  row.sku.value = oneSku.value.trim();
  row.words.textContent = size(file);
  row.again.addEventListener("click", () => { row.state = "waiting"; fill(); });
  row.remove.addEventListener("click", () => discard(row));
  rows.push(row);
  list.append(node);
  const wrong = problem(file);
  if (wrong) settle(row, { status: "rejected", message: wrong });
}

function size(file) {
  const megabytes = file.size / 1e6;
  return megabytes < 0.1 ? `${Math.ceil(file.size / 1000)} kB` : `${megabytes.toFixed(1)} MB`;
}

function discard(row) {
  rows.splice(rows.indexOf(row), 1);
  const next = row.node.nextElementSibling ?? row.node.previousElementSibling;
  row.node.remove();
  (next?.querySelector("button:not([hidden])") ?? chooser).focus();
  refresh();
}

function take(files) {
  for (const file of files) addRow(file);
  refresh();
  queue.scrollIntoView({ block: "nearest" });
}

/** Start as many waiting rows as there is room for. */
function fill() {
  while (running < PARALLEL && !signedOut) {
    const row = rows.find(({ state }) => state === "waiting");
    if (!row) break;
    running += 1;
    run(row).finally(() => {
      running -= 1;
      fill();
    });
  }
  refresh();
}

async function run(row) {
  row.state = "sending";
  row.node.classList.remove("is-bad");
  row.again.hidden = row.remove.hidden = true;
  row.bar.hidden = false;
  row.sku.disabled = true;
  const report = ({ sent = row.sent, words }) => {
    row.sent = row.bar.value = sent;
    if (words) row.words.textContent = words;
    refresh();
  };
  try {
    const { file, uploadId } = row;
    settle(row, await sendFile(form.action, { file, uploadId, sku: row.sku.value.trim() }, report));
  } catch (error) {
    if (!(error instanceof SignedOut)) throw error;
    signedOut = true;
    row.state = "waiting";
    report({ sent: 0, words: "Waiting for you to sign in." });
  }
}

/** The answer for one row: a badge that goes on living, or what to do. */
function settle(row, outcome) {
  row.bar.hidden = true;
  row.sku.disabled = true;
  row.sent = 1;
  row.remove.hidden = false;
  const fine = outcome.status in WORDS;
  row.state = fine ? "done" : "bad";
  row.node.classList.toggle("is-bad", !fine);
  row.again.hidden = !["unsent", "full"].includes(outcome.status);
  if (fine) {
    row.sku.value = outcome.sku;
    row.remove.textContent = "Hide";
    showPhoto(row, outcome);
  } else {
    row.words.textContent = outcome.message;
  }
  badges.kick();
  refresh();
}

function showPhoto(row, outcome) {
  const image = new Image(56, 56);
  image.alt = "";
  image.src = outcome.thumbnail;
  row.photo.replaceChildren(image);
  const link = document.createElement("a");
  link.href = outcome.page;
  link.textContent = row.file.name;
  row.node.querySelector(".file-name").replaceChildren(link);
  const badge = document.createElement("span");
  badge.dataset.image = outcome.image;
  paint(badge, { standing: "waiting", words: "waiting" });
  badge.dataset.pending = "";
  const said = outcome.status === "duplicate" ? `${outcome.message} ` : "";
  row.words.replaceChildren(said, badge);
}

function refresh() {
  const count = (...states) => rows.filter(({ state }) => states.includes(state)).length;
  const ready = count("ready");
  const open = count("waiting", "sending");
  const [done, bad] = [count("done"), count("bad")];
  queue.hidden = rows.length === 0;
  drop.classList.toggle("is-small", rows.length > 0);
  start.hidden = ready === 0;
  start.textContent = ready === 1 ? "Upload 1 photo" : `Upload ${ready} photos`;
  clear.hidden = done === 0 || open > 0;
  paused.hidden = !signedOut;
  document.getElementById("summary").textContent = summary({ ready, open, done, bad });
  const begun = rows.filter(({ state }) => state !== "ready");
  const sent = begun.reduce((sum, row) => sum + (row.state === "waiting" ? 0 : row.sent), 0);
  total.hidden = open + done === 0;
  total.value = begun.length ? sent / begun.length : 0;
}

function summary({ ready, open, done, bad }) {
  const parts = [];
  if (open) parts.push(`${done + bad} of ${open + done + bad} sent`);
  else if (done) parts.push(done === 1 ? "1 photo is with us" : `${done} photos are with us`);
  if (bad) parts.push(bad === 1 ? "1 needs your attention" : `${bad} need your attention`);
  if (ready) parts.push(ready === 1 ? "1 ready to send" : `${ready} ready to send`);
  return parts.join(" · ");
}

function begin() {
  for (const row of rows) if (row.state === "ready") row.state = "waiting";
  fill();
}

start.addEventListener("click", begin);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  begin();
});
chooser.addEventListener("change", () => {
  take(chooser.files);
  chooser.value = "";
});
oneSku.addEventListener("input", () => {
  for (const row of rows) if (row.state === "ready") row.sku.value = oneSku.value.trim();
});
clear.addEventListener("click", () => {
  for (const row of rows.filter(({ state }) => state === "done")) {
    rows.splice(rows.indexOf(row), 1);
    row.node.remove();
  }
  refresh();
});
document.getElementById("resume").addEventListener("click", async () => {
  try {
    await signIn();
  } catch (error) {
    if (error instanceof SignedOut) return;
    throw error;
  }
  signedOut = false;
  fill();
});
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    drop.classList.add("is-over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("is-over");
});
document.addEventListener("drop", (event) => {
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  drop.classList.remove("is-over");
  take(event.dataTransfer.files);
});
window.addEventListener("beforeunload", (event) => {
  if (rows.some(({ state }) => state === "sending" || state === "waiting")) event.preventDefault();
});
