/**
 * A file through `/predict/batch`, in pieces.
 *
 * A browser takes an answer only after all of the request is sent, and the service stops reading while its answers are
 * not taken: a large file in one request would wait for ever. So it goes in pieces that are small enough to be answered
 * whole. Each begins and ends with a record, and two are on their way at a time.
 */

import { ask, Problem } from "./api.js";
import { recordsEnd } from "./csv.js";

const PIECE_BYTES = 256 * 1024;
const RECORD_BYTES = 4 * 1024 * 1024;
const ON_THEIR_WAY = 2;
const TRIES = 5;

/** @typedef {{bytes: Uint8Array, lines: number, share: number}} Piece lines before it, share of the file up to its end */

/**
 * The answers to the pieces of a file, in order. That of a later piece has no header of its own.
 * @param {File} file
 * @param {import("./csv.js").Format} format
 * @param {Record<string, string>} query for the route
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<{sent: Uint8Array, answer: Uint8Array, share: number, first: boolean}>}
 */
export async function* answeredPieces(file, format, query, signal) {
  const waiting = [];
  let header = null;
  for await (const piece of pieces(file, format)) {
    const first = header === null;
    header ??= format.name === "csv" ? piece.bytes.slice(0, recordsEnd(piece.bytes, format, 1)) : new Uint8Array();
    const answer = first ? send(piece.bytes, piece.lines) : send(joined(header, piece.bytes), piece.lines - newlines(header));
    answer.catch(() => {}); // it is dealt with in its turn
    waiting.push(answer.then((bytes) => ({
      sent: piece.bytes, share: piece.share, first, answer: first || !header.length ? bytes : bytes.subarray(recordsEnd(bytes, format, 1)),
    })));
    waiting.at(-1).catch(() => {});
    if (waiting.length === ON_THEIR_WAY) yield await waiting.shift();
  }
  for (const answer of waiting) yield await answer;

  async function send(body, before) {
    const asked = new URLSearchParams({ ...query, line: before + 1 }).toString();
    const headers = { "Content-Type": format.mediaType };
    for (let attempt = 1; ; attempt++) {
      try {
        return new Uint8Array(await (await ask(`predict/batch?${asked}`, { method: "POST", headers, body, signal })).arrayBuffer());
      } catch (error) {
        if (![429, 503].includes(error.status) || attempt === TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, 1000 * (error.retryAfter || 1)));
      }
    }
  }
}

/** @returns {AsyncGenerator<Piece>} */
async function* pieces(file, format) {
  let [held, read, lines] = [new Uint8Array(), 0, 0];
  do {
    const chunk = new Uint8Array(await file.slice(read, read + PIECE_BYTES).arrayBuffer());
    read += chunk.length;
    held = joined(held, chunk);
    const end = read >= file.size ? held.length : recordsEnd(held, format);
    if (!end && held.length > RECORD_BYTES) throw new Problem("row-too-long", 0, "", 0);
    if (!end && read < file.size) continue;
    yield { bytes: held.subarray(0, end), lines, share: file.size ? (read - held.length + end) / file.size : 1 };
    lines += newlines(held.subarray(0, end));
    held = held.slice(end);
  } while (read < file.size);
}

function joined(first, second) {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

function newlines(bytes) {
  let count = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count++;
  return count;
}
