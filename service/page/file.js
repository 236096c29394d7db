/** A file: chosen or dropped, scored, shown. */

import { modelQuery } from "./api.js";
import { FORMATS, guessedFormat, parsedRows } from "./csv.js";
import { copy, fileCommand } from "./curl.js";
import { byId, element, tell } from "./dom.js";
import { decodedHead, ENCODINGS, guessedEncoding, inUtf8, SERVICE_NAMES } from "./encoding.js";
import { chosen } from "./models.js";
import { answeredPieces } from "./pieces.js";
import { drawResult } from "./result.js";
import { Scores } from "./scores.js";
import { explained, fileSize, number, say } from "./texts.js";

const HEAD_BYTES = 65536;
const ADDED = ["label", "probability", "words", "known_words", "truncated", "error"];

let file = null;
let headBytes = new Uint8Array();
let head = "";
let running = null; // the AbortController of the file that is being scored
let scores = null;

export function setUpFile() {
  const drop = byId("drop");
  byId("chosen").addEventListener("change", ({ target }) => {
    choose(target.files[0]);
    target.value = ""; // so that the same file can be chosen again when it has changed
  });
  // Anywhere: a file that misses the field would otherwise replace the page.
  addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  addEventListener("dragleave", () => drop.classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    choose(event.dataTransfer.files[0]);
  });
  byId("format").addEventListener("change", nameColumns);
  byId("encoding").replaceChildren(...Object.entries(ENCODINGS).map(([value, name]) => element("option", { value }, name)));
  byId("encoding").addEventListener("change", readHead);
  byId("file-form").addEventListener("submit", (event) => {
    event.preventDefault();
    running ? running.abort() : score();
  });
  byId("copy-file").addEventListener("click", async () => {
    const encoding = SERVICE_NAMES[byId("encoding").value];
    await copy(fileCommand(file.name, format().mediaType, modelQuery(chosen(), { ...query(), ...(encoding && { encoding }) })));
    byId("file-copied").textContent = say("copied");
  });
}

/** Says everything again, in another language. */
export function nameFile() {
  byId("score").textContent = say(running ? "file.stop" : "file.score");
  const value = byId("format").value;
  byId("format").replaceChildren(...Object.keys(FORMATS).map((key) => element("option", { value: key }, say(`format.${key}`))));
  byId("format").value = value || "text";
  if (file) byId("file-name").textContent = `${file.name}, ${fileSize(file.size)}`;
  if (scores && !running) drawResult(scores, file.name);
}

async function choose(wanted) {
  if (!wanted) return;
  running?.abort();
  file = wanted;
  scores = null;
  headBytes = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  byId("encoding").value = guessedEncoding(headBytes);
  byId("format").value = guessedFormat(file.name, decodedHead(headBytes, byId("encoding").value));
  readHead();
  tell(byId("file-problem"), "");
  byId("file-copied").textContent = "";
  byId("result").hidden = byId("progress").hidden = true;
  byId("file-form").hidden = false;
  nameFile();
  byId("score").focus();
}

function readHead() {
  head = decodedHead(headBytes, byId("encoding").value);
  nameColumns();
}

const format = () => FORMATS[byId("format").value];

/** Lets the reader choose among the columns of the header; the one with the longest fields begins. */
function nameColumns() {
  byId("column-label").hidden = format().name !== "csv";
  if (format().name !== "csv") return;
  const [header, ...rows] = parsedRows(head.replace(/^\ufeff/, ""), format().delimiter);
  const lengths = header.map((_, column) => rows.slice(0, 20).reduce((sum, row) => sum + (row[column] ?? "").length, 0));
  byId("column").replaceChildren(...header.map((name) => element("option", { value: name }, name)));
  byId("column").value = header.includes("text") ? "text" : header[lengths.indexOf(Math.max(...lengths))];
}

/** What the route is to be told; the names that it adds get another beginning if the file has one of them. */
function query() {
  const csv = format().name === "csv";
  const names = csv ? [...byId("column").options].map(({ value }) => value) : [...head.split("\n", 1)[0].matchAll(/"(\w+)"\s*:/g)].map(([, name]) => name);
  return {
    ...(csv && byId("column").value !== "text" && { column: byId("column").value }),
    ...(format() === FORMATS.semicolon && { delimiter: ";" }),
    ...(format().name !== "text" && names.some((name) => ADDED.includes(name)) && { prefix: "model_" }),
  };
}

async function score() {
  const [controller, asked, model] = [new AbortController(), query(), chosen()];
  running = controller;
  scores = new Scores(format(), { column: byId("column").value, prefix: asked.prefix ?? "", threshold: model.threshold });
  const { name } = file;
  // By number: a label could pass to another version between two pieces.
  const whole = Object.fromEntries(new URLSearchParams(modelQuery({ ...model, label: undefined }, asked)));
  tell(byId("file-problem"), "");
  byId("result").hidden = true;
  byId("progress").hidden = false;
  nameFile();
  showProgress(0);
  try {
    const sent = await inUtf8(file, byId("encoding").value);
    for await (const piece of answeredPieces(sent, format(), whole, controller.signal)) {
      scores.add(piece);
      showProgress(piece.share);
    }
  } catch (error) {
    if (running === controller) tell(byId("file-problem"), error.name === "AbortError" ? say("file.stopped") : explained(error));
    controller.abort();
  }
  if (running !== controller) return; // another file was chosen
  running = null;
  byId("progress").hidden = true;
  nameFile();
  if (scores.scored + scores.errors) drawResult(scores, name);
}

function showProgress(share) {
  byId("progress").firstElementChild.value = share;
  byId("progress-note").textContent = say("file.done", { count: scores.scored + scores.errors, share: number(share, { style: "percent" }) });
}
