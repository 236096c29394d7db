/** What is kept of a file's scores: little, however many there are. */

import { Problem } from "./api.js";
import { parsedRows } from "./csv.js";

export const BINS = 20;
const EXTREMES = 5;
const SUMMARY = '{"summary":';

export class Scores {
  /** @param {import("./csv.js").Format} format @param {{column: string, prefix: string, threshold: number}} options */
  constructor(format, options) {
    this.format = format;
    this.options = options;
    this.bins = new Array(BINS).fill(0);
    this.positive = 0;
    this.scored = 0;
    this.errors = 0;
    this.firstError = "";
    this.highest = [];
    this.lowest = [];
    this.parts = []; // the answers; the browser keeps large ones on disk
  }

  /**
   * Takes in the answer to a piece of the file.
   * @throws {Problem} it is not whole: the service was stopped in the middle of it
   */
  add({ sent, answer, first }) {
    const text = new TextDecoder().decode(answer);
    if (this.format.name === "csv") {
      this.parts.push(new Blob([answer]));
      this.#addRows(text, new TextDecoder().decode(sent), first);
    } else {
      const end = text.lastIndexOf(SUMMARY);
      this.parts.push(new Blob([text.slice(0, end)]));
      this.#addLines(text.slice(0, end), sent);
      if (JSON.parse(text.slice(end)).summary.complete === false) throw new Problem("incomplete", 0);
    }
  }

  /** The whole answer, as the route would have given it in one. */
  file() {
    const { scored, errors } = this;
    const summary = this.format.name === "csv" ? [] : [`${SUMMARY}${JSON.stringify({ lines: scored + errors, scored, errors })}}\n`];
    return new Blob([...this.parts, ...summary], { type: this.format.name === "csv" ? "text/csv" : "application/x-ndjson" });
  }

  #addRows(text, sent, first) {
    const rows = parsedRows(text.replace(/^\ufeff/, ""), this.format.delimiter);
    if (first) this.textColumn = rows.shift().indexOf(this.options.column);
    for (const row of rows) {
      const [probability, error] = row.slice(-2);
      this.#count(probability && Number(probability), row[this.textColumn], error);
    }
    // CSV has no summary: where the last row has an error, it may be that the rest has no answer.
    const whole = !rows.at(-1)?.at(-1) || rows.length + first >= parsedRows(sent, this.format.delimiter).length;
    if (!whole) throw new Problem("incomplete", 0);
  }

  #addLines(answers, sent) {
    const lines = this.format.name === "text" ? new TextDecoder().decode(sent).split("\n") : null;
    let before = null; // number of the line that the piece begins with
    for (const line of answers.split("\n")) {
      if (!line) continue;
      const answer = JSON.parse(line);
      before ??= answer.line;
      const text = lines ? lines[answer.line - before] : answer.text;
      this.#count(answer[`${this.options.prefix}probability`], text, answer.error?.detail);
    }
  }

  #count(probability, text = "", error = "") {
    if (typeof probability !== "number") {
      this.errors++;
      this.firstError ||= error;
      return;
    }
    this.scored++;
    this.positive += probability >= this.options.threshold;
    this.bins[Math.min(BINS - 1, Math.floor(probability * BINS))]++;
    if (probability >= this.options.threshold) keep(this.highest, { probability, text }, (a, b) => b.probability - a.probability);
    else keep(this.lowest, { probability, text }, (a, b) => a.probability - b.probability);
  }
}

/** Puts a review among the most extreme ones, if it belongs there and says something that none of them says. */
function keep(list, review, order) {
  if (list.length === EXTREMES && order(review, list.at(-1)) >= 0) return;
  if (list.some(({ text }) => text === review.text)) return;
  list.push({ ...review, text: review.text.slice(0, 500) });
  list.sort(order).splice(EXTREMES);
}
