// What came of the files: kinds to filter by, and the summary as a CSV.

const HARMFUL = /^[=+\-@\t\r\n]/;

/** Each kind with its words; a row is of the first whose test holds. */
export const KINDS = [
  ["accepted", "Accepted", ({ status }) => status === "accepted"],
  ["duplicate", "Already there", ({ status }) => status === "duplicate"],
  ["rejected", "Rejected", ({ status }) => status === "rejected"],
  ["failed", "Failed, can be sent again", ({ state }) => state === "bad"],
  ["open", "Not sent yet", () => true],
];

export const kindOf = (row) => KINDS.find(([, , holds]) => holds(row))[0];

/** The rows as CSV, with the mark that Excel needs to read UTF-8. */
export function csv(rows) {
  const cell = (value) => {
    const text = HARMFUL.test(value) ? `'${value}` : value;
    return /[",\r\n;]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const words = Object.fromEntries(KINDS);
  const lines = rows.map((row) => [row.name, row.skuValue, words[kindOf(row)], row.message || row.stands || ""]);
  return `\ufeff${[["file", "sku", "outcome", "details"], ...lines].map((line) => line.map(cell).join(",")).join("\r\n")}\r\n`;
}

export function download(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
