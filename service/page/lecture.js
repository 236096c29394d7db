/** The lecture's examples: a window that moves over the numbers, with a filter, stride, padding and pool to be changed. */

import { slide } from "./convolution.js";
import { byId, element } from "./dom.js";
import { Stepper } from "./stepper.js";
import { number, say } from "./texts.js";

const SIZES = [2, 3];
const [LARGEST, AVERAGE] = ["largest", "average"];

let examples = [];
let example = null; // the one that is shown, with what the reader has changed
let result = null;
const stepper = new Stepper(drawStep);

/** @param {{name: string, kind: string, input: number[][][], filter?: number[][][], size?: number[], stride: number, padding: string}[]} given */
export function setUpLecture(given) {
  examples = given;
  byId("lecture-steps").append(stepper.element);
  byId("lecture-example").addEventListener("change", () => open(byId("lecture-example").value));
  byId("lecture-reset").addEventListener("click", () => open(example.name));
  for (const [id, change] of Object.entries(CHANGES)) {
    byId(id).addEventListener("change", () => (change(byId(id).value), compute()));
  }
  nameLecture();
  open(examples[0].name);
}

const CHANGES = {
  "lecture-stride": (value) => (example.stride = Number(value)),
  "lecture-padding": (value) => (example.padding = value),
  "lecture-pool": (value) => (example.kind = value),
  "lecture-size": (value) => (example.size = [Number(value), Number(value)]),
};

/** All that has words in it, again in another language. */
export function nameLecture() {
  const chosen = example?.name ?? examples[0].name;
  fill("lecture-example", examples.map(({ name }) => [name, say(`lecture.${name}`)]), chosen);
  fill("lecture-stride", [1, 2, 3].map((stride) => [stride, number(stride)]), example?.stride);
  fill("lecture-padding", ["valid", "same"].map((padding) => [padding, say(`lecture.padding.${padding}`)]), example?.padding);
  fill("lecture-pool", [LARGEST, AVERAGE].map((kind) => [kind, say(`lecture.pool.${kind}`)]), example?.kind);
  fill("lecture-size", SIZES.map((size) => [size, `${number(size)} × ${number(size)}`]), example?.size?.[0]);
  if (example) draw();
}

function fill(id, choices, value) {
  byId(id).replaceChildren(...choices.map(([key, words]) => element("option", { value: key }, words)));
  if (value !== undefined) byId(id).value = value;
}

/** Shows an example as the lecture has it. */
function open(name) {
  stepper.stop();
  example = structuredClone(examples.find((each) => each.name === name));
  result = slide(example.input, example, example.stride, example.padding);
  nameLecture();
  stepper.reset(result.steps.length, 0);
}

function compute() {
  result = slide(example.input, example, example.stride, example.padding);
  draw();
}

function draw() {
  const pools = !example.filter;
  for (const id of ["lecture-pool", "lecture-size"]) byId(id).parentElement.hidden = !pools;
  byId("lecture-answer").textContent = say(`lecture.${example.name}.why`);
  byId("lecture-input").replaceChildren(...channels().map((channel) => inputTable(channel)));
  byId("lecture-filter").replaceChildren(...(pools ? [] : channels().map((channel) => filterTable(channel))));
  byId("lecture-output").replaceChildren(outputTable());
  byId("lecture-size-note").textContent = say("lecture.output.size", { rows: result.rows, columns: result.columns });
  stepper.reset(result.steps.length);
}

const channels = () => example.input[0][0].map((_, channel) => channel);

const several = () => channels().length > 1;

function table(caption, rows) {
  return element("table", { class: "grid" }, element("caption", {}, caption),
    element("tbody", {}, ...rows.map((cells) => element("tr", {}, ...cells))));
}

const captioned = (part, channel) => say(several() ? `lecture.${part}.channel` : `lecture.${part}`, { channel: channel + 1 });

function inputTable(channel) {
  const { before: [above, left], after: [below, right] } = result;
  const [height, width] = [example.input.length, example.input[0].length];
  const cell = (y, x) => {
    const values = example.input[y]?.[x];
    const shown = values ? number(values[channel]) : example.filter ? "0" : "";
    return element("td", { class: values ? "" : "added", "data-row": y, "data-column": x }, shown);
  };
  const rows = range(-above, height + below).map((y) => range(-left, width + right).map((x) => cell(y, x)));
  return table(captioned("input", channel), rows);
}

function filterTable(channel) {
  const cell = (y, x) => {
    const label = say("lecture.weight", { row: y + 1, column: x + 1, channel: channel + 1 });
    const field = element("input", { type: "number", step: "any", value: example.filter[y][x][channel], "aria-label": label });
    field.addEventListener("input", () => {
      if (!Number.isFinite(field.valueAsNumber)) return;
      example.filter[y][x][channel] = field.valueAsNumber;
      result = slide(example.input, example, example.stride, example.padding);
      drawStep(stepper.step, false);
    });
    return element("td", {}, field);
  };
  return table(captioned("filter", channel), example.filter.map((row, y) => row.map((_, x) => cell(y, x))));
}

function outputTable() {
  const rows = range(0, result.rows).map(() => range(0, result.columns).map(() => element("td")));
  return table(say("lecture.output"), rows);
}

/** The window at one place: marked in the input, written out as a sum, and the output as far as it is known. */
function drawStep(step, playing) {
  const { steps, height, width } = result;
  const now = steps[step];
  byId("lecture-sum").ariaLive = playing ? "off" : "polite"; // a screen reader is not to be talked over by the film
  byId("lecture-sum").textContent = written(now, step);
  for (const cell of byId("lecture-input").querySelectorAll("td")) {
    const [y, x] = [Number(cell.dataset.row) - now.top, Number(cell.dataset.column) - now.left];
    cell.classList.toggle("window", y >= 0 && y < height && x >= 0 && x < width);
  }
  byId("lecture-output").querySelectorAll("td").forEach((cell, place) => {
    cell.textContent = place <= step ? rounded(steps[place].result) : "";
    cell.classList.toggle("window", place === step);
  });
}

function written({ row, column, terms, result: sum }, step) {
  const place = say("lecture.place", { step: step + 1, steps: result.steps.length, row: row + 1, column: column + 1 });
  const inside = terms.filter(({ padded }) => example.filter || !padded);
  const parts = inside.map(({ value, weight }) => (example.filter ? `${rounded(value)} × ${bracketed(weight)}` : rounded(value)));
  const figures = example.filter
    ? `${parts.join(" + ")} = ${rounded(sum)}`
    : say(`lecture.${example.kind}.of`, { values: parts.join(", "), value: rounded(sum) });
  return `${place} ${figures}`;
}

const rounded = (value) => number(value, { maximumFractionDigits: 3 }).replace("-", "−");

const bracketed = (value) => (value < 0 ? `(${rounded(value)})` : rounded(value));

const range = (first, after) => Array.from({ length: after - first }, (_, place) => first + place);
