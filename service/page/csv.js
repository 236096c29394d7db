/** CSV (RFC 4180, and what the service makes of files that break it), and where records of a file end. */

const [TAB, LF, CR, QUOTE] = [9, 10, 13, 34];

/** @typedef {{name: "csv"|"ndjson"|"text", mediaType: string, delimiter: string}} Format */

/** @type {Record<string, Format>} */
export const FORMATS = {
  csv: { name: "csv", mediaType: "text/csv", delimiter: "," },
  semicolon: { name: "csv", mediaType: "text/csv", delimiter: ";" },
  tab: { name: "csv", mediaType: "text/tab-separated-values", delimiter: "\t" },
  ndjson: { name: "ndjson", mediaType: "application/x-ndjson", delimiter: "" },
  text: { name: "text", mediaType: "text/plain", delimiter: "" },
};

/** The key of the format that a file seems to have, by its name and first characters. */
export function guessedFormat(name, head) {
  const extension = name.toLowerCase().split(".").pop();
  if (extension === "ndjson" || extension === "jsonl") return "ndjson";
  if (extension === "tsv") return "tab";
  if (extension !== "csv") return "text";
  const [header] = head.split("\n", 1);
  const count = (mark) => header.split(mark).length;
  return ["csv", "semicolon", "tab"].reduce((best, key) =>
    count(FORMATS[key].delimiter) > count(FORMATS[best].delimiter) ? key : best);
}

/**
 * Where the last whole record among bytes ends, 0 if none does.
 * @param {Uint8Array} bytes that begin with a record
 * @param {Format} format
 * @param {number} limit of records to look at
 */
export function recordsEnd(bytes, format, limit = Infinity) {
  return format.name === "csv" ? rowsEnd(bytes, format.delimiter.charCodeAt(0), limit) : linesEnd(bytes);
}

/** Blank lines stay with the line after them: at the end of what is sent they would count for nothing. */
function linesEnd(bytes) {
  let end = bytes.lastIndexOf(LF) + 1;
  for (;;) {
    const start = end > 1 ? bytes.lastIndexOf(LF, end - 2) + 1 : 0;
    if (!end || bytes.subarray(start, end).some((byte) => byte > 32)) return end;
    end = start;
  }
}

/** A line ends a row unless it is within quotes; a quote opens where a field begins, and never between tabs. */
function rowsEnd(bytes, mark, limit) {
  let [end, open, begins, blank] = [0, false, true, true];
  for (let at = 0; at < bytes.length && limit > 0; at++) {
    const byte = bytes[at];
    blank &&= byte === LF || byte === CR; // no row, and so no header either
    if (open) {
      if (byte !== QUOTE) continue;
      if (bytes[at + 1] === QUOTE) at++;
      else open = false;
      begins = false;
    } else if (byte === LF) {
      if (!blank) limit--;
      [end, begins, blank] = [at + 1, true, true];
    } else {
      open = byte === QUOTE && begins && mark !== TAB;
      begins = byte === mark;
    }
  }
  return end;
}

/** The rows of CSV as fields; empty lines are none. */
export function parsedRows(text, delimiter) {
  const rows = [];
  let [row, field, at] = [[], "", 0];
  const fieldEnd = new RegExp(`[${delimiter}\n]`, "g");
  const next = () => {
    fieldEnd.lastIndex = at;
    return fieldEnd.exec(text)?.index ?? text.length;
  };
  while (at < text.length) {
    if (text[at] === '"' && delimiter !== "\t") {
      let close = text.indexOf('"', at + 1);
      while (close >= 0 && text[close + 1] === '"') close = text.indexOf('"', close + 2);
      if (close < 0) close = text.length;
      field = text.slice(at + 1, close).replaceAll('""', '"');
      at = close + 1;
    }
    const end = next();
    field += text.slice(at, end);
    const last = text[end] !== delimiter;
    row.push(last ? field.replace(/\r$/, "") : field);
    if (last && (row.length > 1 || row[0])) rows.push(row);
    if (last) row = [];
    field = "";
    at = end + 1;
    if (!last && at >= text.length) rows.push([...row, ""]); // it ended with a delimiter
  }
  return rows;
}
