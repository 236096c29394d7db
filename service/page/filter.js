/** A filter of the model over the text: the words' vectors times its weights, the sum, the next step. */

import { post, modelQuery } from "./api.js";
import { byId, element, shape, styled } from "./dom.js";
import { Stepper } from "./stepper.js";
import { explained, number, say } from "./texts.js";

let trace = null; // the filter that is shown, as the service tells of it
let [words, separator] = [[], " "];
let controller = new AbortController();
const stepper = new Stepper(drawStep);

/**
 * Offers the strongest filters of a text, and shows the first of them.
 * @param {string} text
 * @param {import("./journey.js").Journey | Error | null} journey
 * @param {"words" | "characters"} units
 */
export function showFilters(text, journey, units) {
  controller.abort();
  const filters = journey?.filters ?? [];
  byId("filter").hidden = !filters.length;
  if (!filters.length) return;
  separator = units === "words" ? " " : "";
  words = new Map(journey.tokens.filter(({ position }) => position !== null).map(({ word, position }) => [position, word]));
  byId("filter-number").replaceChildren(...filters.map(({ layer, filter }) =>
    element("option", { value: JSON.stringify({ layer, number: filter }) }, say("filter.of", { layer, filter: String(filter) }))));
  byId("filter-number").onchange = () => load(text, journey.model);
  load(text, journey.model);
}

/** Puts what the section needs into its places. */
export function setUpFilter() {
  byId("filter-steps").append(stepper.element);
}

async function load(text, model) {
  controller.abort();
  controller = new AbortController();
  stepper.stop();
  try {
    const filter = JSON.parse(byId("filter-number").value);
    trace = (await post(`layers${modelQuery(model)}`, { text, filter }, controller.signal)).filter;
    draw();
  } catch (error) {
    if (error.name !== "AbortError") byId("filter-sum").textContent = explained(error);
  }
}

function draw() {
  const { activations, first } = trace;
  const most = Math.max(...activations, 1e-9);
  byId("filter-along").replaceChildren(...activations.map((activation, place) =>
    element("li", {}, styled(element("span", { class: "column", "aria-hidden": "true" }), { share: (activation / most).toFixed(3) }),
      element("span", { class: "along" }, written(first + place)), element("span", { class: "id" }, decimals(activation)))));
  stepper.reset(activations.length, activations.indexOf(Math.max(...activations)));
}

/** The word at a position of the sequence; padding and the mark of the beginning are named. */
function written(position) {
  if (!words.has(position)) return say("filter.padding");
  const word = words.get(position);
  return word === null ? say("step.start") : word || "␣";
}

/** One place of the filter: its words with their vectors, the weights, the products' sums, and what comes of them. */
function drawStep(step, playing) {
  const { first, width, weights, vectors, bias, activations } = trace;
  byId("filter-along").querySelectorAll("li").forEach((item, place) => {
    item.classList.toggle("window", place >= step && place < step + width);
  });
  const run = Array.from({ length: width }, (_, place) => written(first + step + place));
  const sum = byId("filter-sum");
  sum.ariaLive = playing ? "off" : "polite";
  if (!weights) {
    byId("filter-window").replaceChildren();
    sum.textContent = say("filter.answers", { words: run.join(separator), activation: decimals(activations[step]) });
    return;
  }
  const seen = vectors.slice(step, step + width);
  const sums = seen.map((vector, place) => vector.reduce((total, value, at) => total + value * weights[place][at], 0));
  const largest = (rows) => Math.max(...rows.flat().map(Math.abs), 1e-9);
  const [ofVectors, ofWeights] = [largest(vectors), largest(weights)];
  const rows = seen.map((vector, place) => element("tr", {},
    element("th", { scope: "row" }, run[place]),
    element("td", { class: "strips" }, strip(vector, ofVectors), strip(weights[place], ofWeights)),
    element("td", { class: "value" }, decimals(sums[place]))));
  const heads = [["filter.word", "col"], ["filter.strips", "col"], ["filter.products", "col"]];
  byId("filter-window").replaceChildren(
    element("thead", {}, element("tr", {}, ...heads.map(([key, scope]) => element("th", { scope }, say(key))))),
    element("tbody", {}, ...rows));
  const total = sums.reduce((all, value) => all + value, bias);
  const parts = [...sums, bias].map((value) => (value < 0 ? `(${decimals(value)})` : decimals(value)));
  sum.textContent = say("filter.sum", {
    words: run.join(separator), sum: parts.join(" + "), total: decimals(total), activation: decimals(activations[step]),
  });
}

/** Numbers as a row of fields: the stronger the colour, the further from zero; above the middle is positive. */
function strip(values, most) {
  const bars = values.map((value, at) => shape("rect", {
    class: value < 0 ? "negative" : "positive", x: at, width: 1,
    y: value < 0 ? 10 : 10 - (10 * value) / most, height: (10 * Math.abs(value)) / most,
  }));
  return shape("svg", { viewBox: `0 0 ${values.length} 20`, preserveAspectRatio: "none", "aria-hidden": "true" },
    shape("path", { d: `M0 10H${values.length}` }), ...bars);
}

const decimals = (value) => number(value, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).replace("-", "−");
