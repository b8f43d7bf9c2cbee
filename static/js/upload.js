// The upload page: choose or drop files, folders, a ZIP or a list; look at their SKUs, send them four
// at a time, and watch the accepted ones get their category. A thousand files are a thousand small
// objects here: fifty rows in the page, no copy of any picture, and a file is let go once it is sent.

import { watch } from "./poll.js";
import { SignedOut, signIn } from "./session.js";
import { newUploadId, sendFile } from "./transfer.js";
import { Gone, workThrough } from "./upload/archive.js";
import { chosen, dropped } from "./upload/files.js";
import { csv, download, KINDS, kindOf } from "./upload/summary.js";
import { windowed } from "./upload/window.js";

const PARALLEL = 4;
const STATUS = "/images/status/?ids=";
const CAMERA_NAME = /^(img|dsc[nf]?|pic|photo|image|pxl|p|scan)[ _-]?\d+$/i;
const SENDABLE = new Set(["unsent", "full"]);

document.documentElement.classList.add("has-script");
const at = (id) => document.getElementById(id);
const form = at("upload");
const chooser = at("file");
const oneSku = at("sku");
const packages = at("package").action;
const rows = [];
const listed = new Map();
const lists = [];
let running = 0;
let signedOut = false;
let held = false;
let listAgain = false;
let due = false;
let goOn = [];

chooser.multiple = true;
chooser.required = false;
chooser.accept += ",.zip,.csv,.tsv";
const view = windowed({ list: at("files"), pager: at("pages"), draw });

/** The SKU that the server will read from this name: `BLUE-42_2.jpg` is BLUE-42; `front.jpg`, which
    says nothing, gets one of its own, `front-…`. */
function skuFrom(name) {
  const stem = name.replace(/(?<=.)\.[^.]*$/, "");
  const [, named] = stem.match(/^(.+?)(?:[_ ]\d{1,3})?$/) ?? [null, stem];
  const sku = cleanSku(named);
  const saysNothing = !/\p{Nd}/u.test(sku) || /^\p{Nd}{1,4}$/u.test(sku) || CAMERA_NAME.test(sku);
  return saysNothing ? `${cleanSku(stem.slice(0, 60))}-…` : sku;
}

function cleanSku(raw) {
  return raw.trim().replace(/[^\p{L}\p{N}_.-]+/gu, "-").replace(/^[-.]+|[-.]+$/g, "").slice(0, 80) || "unnamed";
}

function problem({ file, isZip }) {
  if (file.size === 0) return "The file is empty.";
  const most = isZip ? form.dataset.zipMaxBytes : form.dataset.maxBytes;
  const megabytes = isZip ? form.dataset.zipMaxMegabytes : form.dataset.maxMegabytes;
  if (file.size > Number(most)) {
    return `The file is larger than ${megabytes} MB; send a smaller copy.`;
  }
  return "";
}

function size(file) {
  const megabytes = file.size / 1e6;
  return megabytes < 0.1 ? `${Math.ceil(file.size / 1000)} kB` : `${megabytes.toFixed(1)} MB`;
}

// Rows

function newRow(columns) {
  const row = { state: "ready", status: "", message: "", skuValue: "", title: "", sent: 0, node: null, ...columns };
  rows.push(row);
  return row;
}

function addFile({ file, folder }) {
  const isZip = /\.zip$/i.test(file.name);
  const row = newRow({
    file, folder, isZip, name: file.name, uploadId: newUploadId(), skuValue: oneSku.value.trim(), said: size(file),
  });
  useList(row);
  const wrong = problem(row);
  if (wrong) settle(row, { status: "rejected", message: wrong });
}

/** Make the node of one row; `paintRow` fills it. */
function draw(row) {
  const node = at("file-row").content.cloneNode(true).firstElementChild;
  const part = (selector) => node.querySelector(selector);
  row.node = node;
  part("input").placeholder = row.isZip ? "" : skuFrom(row.name);
  part(".file-sku").hidden = Boolean(row.isZip);
  part("input").addEventListener("input", (event) => {
    row.skuValue = event.target.value.trim();
    row.typed = true;
  });
  part("[data-do=again]").addEventListener("click", () => {
    again(row);
    fill();
  });
  part("[data-do=remove]").addEventListener("click", () => discard(row));
  paintRow(row);
  return node;
}

function paintRow(row) {
  if (!row.node) return;
  const part = (selector) => row.node.querySelector(selector);
  const bar = part("progress");
  const input = part("input");
  const sending = row.state === "sending";
  row.node.classList.toggle("is-bad", row.state === "bad");
  bar.hidden = !sending;
  bar.value = row.sent;
  if (document.activeElement !== input) input.value = row.skuValue;
  input.disabled = row.state !== "ready" && row.state !== "waiting";
  part("[data-do=again]").hidden = row.state !== "bad" || !SENDABLE.has(row.status);
  const remove = part("[data-do=remove]");
  remove.hidden = sending;
  remove.textContent = row.state === "done" ? "Hide" : "Remove";
  if (row.state === "done") paintDone(row, part);
  else part(".file-words").textContent = row.state === "bad" ? row.message : row.said;
  if (row.state !== "done") part(".file-name").textContent = row.name;
}

function paintDone(row, part) {
  if (!part(".file-photo img")) {
    const image = new Image(56, 56);
    image.alt = "";
    image.loading = "lazy";
    image.src = row.thumbnail;
    part(".file-photo").replaceChildren(image);
    const link = document.createElement("a");
    link.href = row.page;
    link.textContent = row.name;
    part(".file-name").replaceChildren(link);
  }
  const badge = document.createElement("span");
  badge.className = `badge is-${row.standing}`;
  badge.textContent = row.stands;
  part(".file-words").replaceChildren(row.status === "duplicate" ? `${row.message} ` : "", badge);
}

function discard(row) {
  const next = row.node?.nextElementSibling ?? row.node?.previousElementSibling;
  rows.splice(rows.indexOf(row), 1);
  refreshNow();
  (next?.querySelector("button:not([hidden])") ?? chooser).focus();
}

function again(row) {
  Object.assign(row, { state: "waiting", status: "", message: "", said: "Waiting…" });
  paintRow(row);
}

/** The answer for one file: how it stands goes on living, or what to do about it. */
function settle(row, outcome) {
  row.state = outcome.status === "accepted" || outcome.status === "duplicate" ? "done" : "bad";
  row.sent = 1;
  row.status = outcome.status;
  row.message = outcome.message;
  if (row.state === "done") {
    const { image, page, thumbnail, sku } = outcome;
    Object.assign(row, { image, page, thumbnail, skuValue: sku, standing: "waiting", stands: "waiting" });
    row.pending = true;
    answers.kick();
  }
  if (!SENDABLE.has(row.status)) row.file = null; // let go of it
  paintRow(row);
  refresh();
}

// Taking files in

async function take(found) {
  const isList = ({ file }) => /\.(csv|tsv)$/i.test(file.name);
  for (const each of found.filter(isList)) await takeList(each.file);
  for (const each of found) if (!isList(each)) addFile(each);
  refreshNow();
  at("queue").scrollIntoView({ block: "nearest" });
}

async function takeList(file) {
  const box = document.createElement("div");
  at("lists").append(box);
  say(box, "", [`Reading ${file.name}…`]);
  try {
    const answer = await sendFile(packages, file, {}, quietly());
    if (answer.status !== "list") return say(box, "is-error", [`${file.name}: ${answer.message}`]);
    for (const line of answer.lines) listed.set(line.file, line);
    for (const row of rows) useList(row);
    say(box, answer.problems.length ? "is-warning" : "is-done", [`${file.name}: ${answer.message}`, ...answer.problems]);
    lists.push(file);
    listAgain ||= running > 0;
    refresh();
  } catch (error) {
    if (!(error instanceof SignedOut)) throw error;
    say(box, "is-error", [`${file.name} was not read: you are signed out.`]);
  }
}

const quietly = () => ({ report: () => {}, signal: new AbortController().signal });

function say(box, kind, sentences) {
  box.className = `note ${kind}`;
  box.replaceChildren(...sentences.map((sentence) => {
    const p = document.createElement("p");
    p.textContent = sentence;
    return p;
  }));
}

/** What a list says of this file, unless somebody typed a SKU. */
function useList(row) {
  const line = listed.get(row.name);
  if (!line || (row.state !== "ready" && row.state !== "waiting")) return;
  if (line.sku && !row.typed) row.skuValue = line.sku;
  row.title = line.title;
  paintRow(row);
}

/** A list that came while files were under way is applied once more to those. */
function applyListsAgain() {
  if (!listAgain) return;
  listAgain = false;
  for (const file of lists) sendFile(packages, file, {}, quietly()).catch(() => {});
}

// Sending

const mayGoOn = () => !signedOut && !held && navigator.onLine;

/** Start as many waiting rows as there is room for. */
function fill() {
  if (mayGoOn()) for (const go of goOn.splice(0)) go();
  while (running < PARALLEL && mayGoOn()) {
    const row = rows.find(({ state }) => state === "waiting");
    if (!row) break;
    running += 1;
    run(row).finally(() => {
      running -= 1;
      if (!running) applyListsAgain();
      fill();
    });
  }
  refresh();
}

async function run(row) {
  row.state = "sending";
  row.stop = new AbortController();
  const report = ({ sent = row.sent, words }) => {
    row.sent = sent;
    if (words) row.said = words;
    paintRow(row);
    refresh();
  };
  try {
    if (row.isZip) await runZip(row, report);
    else {
      const fields = { upload_id: row.uploadId, sku: row.skuValue, title: row.title, hint: row.folder };
      settle(row, await sendFile(form.action, row.file, fields, { report, signal: row.stop.signal }));
    }
  } catch (error) {
    if (!(error instanceof SignedOut)) throw error;
    signedOut = true;
    row.state = "waiting";
    report({ sent: 0, words: "Waiting for you to sign in." });
  }
}

/** Send a ZIP, then let the server work through it; each of its files gets a row. */
async function runZip(row, report) {
  if (!row.archive) {
    const answer = await sendFile(packages, row.file, {}, { report, signal: row.stop.signal });
    if (answer.status !== "archive") return settle(row, answer);
    row.archive = answer;
  }
  const said = ({ position, entries }) =>
    report({ sent: position / entries, words: `${position} of ${entries} files taken in` });
  said(row.archive);
  const ready = () => {
    if (row.stop.signal.aborted) throw new Error("Cancelled; the rest was not taken in.");
    return mayGoOn() ? null : new Promise((resolve) => goOn.push(resolve));
  };
  const answered = (files, archive) => {
    for (const file of files) takeAnswer(file);
    said(archive);
  };
  try {
    await workThrough(row.archive, { ready, answered });
  } catch (error) {
    if (error instanceof SignedOut) throw error;
    if (error instanceof Gone) row.archive = null; // the file, where the page has it, goes up anew
    return settle(row, { status: row.archive || row.file ? "unsent" : "rejected", message: error.message });
  }
  rows.splice(rows.indexOf(row), 1);
  refreshNow();
}

function takeAnswer(file) {
  if (file.status === "list") {
    const box = document.createElement("div");
    at("lists").append(box);
    return say(box, "is-done", [`${file.name}: ${file.message}`]);
  }
  settle(newRow({ name: file.name }), file);
}

function begin() {
  for (const row of rows) if (row.state === "ready") again(row);
  held = false;
  fill();
}

function cancel() {
  for (const row of rows) {
    if (row.state === "waiting") settle(row, { status: "unsent", message: "Cancelled; not sent." });
    else if (row.state === "sending") row.stop.abort();
  }
  held = false;
  fill();
}

// What became of them: the machine's answers soon, people's checks now and then.

const ids = (wanted) => rows.filter(wanted).map(({ image }) => image);
const apply = ({ images, gone }) => {
  const found = new Map(images.map((image) => [image.id, image]));
  for (const row of rows) {
    const now = found.get(row.image);
    if (now) Object.assign(row, { standing: now.standing, stands: now.words, pending: false });
    else if (gone.includes(row.image)) Object.assign(row, { standing: "quiet", stands: "withdrawn", pending: false });
    else continue;
    paintRow(row);
  }
  checks.kick();
  refresh();
};
const url = (some) => STATUS + some.join(",");
const answers = watch({ pending: () => ids((row) => row.pending), url, apply });
const checks = watch({ pending: () => ids((row) => row.standing === "suggested"), url, apply, every: 15_000 });

// The bar above the list

function refresh() {
  if (due) return;
  due = true;
  setTimeout(refreshNow, 50);
}

function refreshNow() {
  due = false;
  const count = (...states) => rows.filter(({ state }) => states.includes(state)).length;
  const [ready, open, done, bad] = [count("ready"), count("waiting", "sending"), count("done"), count("bad")];
  const show = (id, shown) => {
    at(id).hidden = !shown;
  };
  show("queue", rows.length);
  at("drop").classList.toggle("is-small", rows.length > 0);
  show("start", ready);
  const kind = rows.some(({ state, isZip }) => state === "ready" && isZip) ? "file" : "photo";
  at("start").textContent = `Upload ${ready} ${kind}${ready === 1 ? "" : "s"}`;
  show("clear", done && !open);
  show("paused", signedOut);
  show("hold", open);
  at("hold").textContent = held ? "Go on" : "Pause";
  show("cancel", open);
  show("retry", !open && rows.some(({ state, status }) => state === "bad" && SENDABLE.has(status)));
  show("offline", open && !navigator.onLine);
  show("keep-open", open);
  at("summary").textContent = summary({ ready, open, done, bad });
  at("checked").textContent = checkedWords();
  const begun = rows.filter(({ state }) => state !== "ready");
  const sent = begun.reduce((sum, row) => sum + (row.state === "waiting" ? 0 : row.sent), 0);
  show("total", open + done);
  at("total").value = begun.length ? sent / begun.length : 0;
  filter();
}

function summary({ ready, open, done, bad }) {
  const parts = [];
  if (open) parts.push(`${done + bad} of ${open + done + bad} sent${held ? ", paused" : ""}`);
  else if (done) parts.push(done === 1 ? "1 photo is with us" : `${done} photos are with us`);
  if (bad) parts.push(bad === 1 ? "1 needs your attention" : `${bad} need your attention`);
  if (ready) parts.push(ready === 1 ? "1 ready to send" : `${ready} ready to send`);
  return parts.join(" · ");
}

function checkedWords() {
  const here = rows.filter(({ state }) => state === "done");
  if (!here.length) return "";
  const having = (...standings) => here.filter(({ standing }) => standings.includes(standing)).length;
  const checked = having("checked", "replace");
  return `${checked} of ${here.length} checked · ${having("suggested")} with a suggestion · ${having("waiting")} waiting`;
}

function filter() {
  const counts = new Map(KINDS.map(([kind]) => [kind, 0]));
  for (const row of rows) counts.set(kindOf(row), counts.get(kindOf(row)) + 1);
  const chooser = at("kind");
  const kind = chooser.value;
  const options = [["", `All (${rows.length})`], ...KINDS.map(([name, words]) => [name, `${words} (${counts.get(name)})`])];
  options.forEach(([value, words], n) => {
    const option = chooser.options[n] ?? chooser.appendChild(new Option("", value));
    if (option.textContent !== words) option.textContent = words;
  });
  at("outcomes").hidden = rows.every(({ state }) => state === "ready");
  const wanted = kind ? rows.filter((row) => kindOf(row) === kind) : [...rows];
  at("none").hidden = wanted.length > 0;
  view.set(wanted);
}

// Wiring

at("start").addEventListener("click", begin);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  begin();
});
for (const input of [chooser, at("folder")]) {
  const takeChosen = () => {
    const found = chosen(input.files);
    input.value = "";
    take(found);
  };
  input.addEventListener("change", takeChosen);
  if (input.files.length) takeChosen(); // chosen while this script was on its way
}
at("choose-folder").addEventListener("click", () => at("folder").click());
oneSku.addEventListener("input", () => {
  for (const row of rows) {
    if (row.state !== "ready") continue;
    row.skuValue = oneSku.value.trim();
    paintRow(row);
  }
});
at("clear").addEventListener("click", () => {
  rows.splice(0, rows.length, ...rows.filter(({ state }) => state !== "done"));
  refreshNow();
});
at("hold").addEventListener("click", () => {
  held = !held;
  fill();
});
at("cancel").addEventListener("click", cancel);
at("retry").addEventListener("click", () => {
  for (const row of rows) if (row.state === "bad" && SENDABLE.has(row.status)) again(row);
  fill();
});
at("kind").addEventListener("change", refreshNow);
at("download").addEventListener("click", () => download(csv(rows), "upload-summary.csv"));
at("resume").addEventListener("click", async () => {
  try {
    await signIn();
  } catch (error) {
    if (error instanceof SignedOut) return;
    throw error;
  }
  signedOut = false;
  fill();
});
at("package").closest("details").hidden = true; // the drop zone takes these too
for (const unfinished of document.querySelectorAll("[data-archive]")) {
  unfinished.querySelector("a").addEventListener("click", (event) => {
    event.preventDefault();
    const { archive: name, entries, position } = unfinished.dataset;
    unfinished.hidden = true;
    const archive = { go_on: event.target.href, entries: Number(entries), position: Number(position) };
    again(newRow({ name, isZip: true, archive }));
    fill();
  });
}
for (const name of ["online", "offline"]) window.addEventListener(name, fill);
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    at("drop").classList.add("is-over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) at("drop").classList.remove("is-over");
});
document.addEventListener("drop", async (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  at("drop").classList.remove("is-over");
  take(await dropped(event.dataTransfer));
});
window.addEventListener("beforeunload", (event) => {
  if (rows.some(({ state }) => state === "sending" || state === "waiting")) event.preventDefault();
});
