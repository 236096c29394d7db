/** How the answer came about: the way of a text through the network, step by step. */

import { byId, element, shape, styled } from "./dom.js";
import { alternatives, canSay, labelled, number, percent, say } from "./texts.js";

const TOKENS = 48;
const [WIDEST, TALLEST] = [220, 44]; // of the picture of a layer, in pixels
const [WIDE, JOINED] = ["NgramSums", "Joined"]; // kinds of layers: the path beside the convolutions, and where both meet

/**
 * @param {Journey | Error | null} journey null or an error hides the section
 * @param {"words" | "characters"} units what the model reads
 * @typedef {{word: string, id: number | null, known: boolean}} Token
 * @typedef {{name: string, kind: string, output_shape: number[], parameters: number, kernel_size: number | null}} Layer
 * @typedef {{layer: string, filter: number, activation: number, words: string[]}} Filter
 * @typedef {{tokens: Token[], sequence: Sequence, layers: Layer[], filters: Filter[], prediction: {label: string, probability: number}}} Journey
 * @typedef {{length: number, used: number, padding: "pre" | "post", cut: number}} Sequence
 */
export function showJourney(journey, units) {
  const there = Boolean(journey) && !(journey instanceof Error);
  byId("journey").hidden = !there;
  if (!there) return;
  const { tokens, sequence, layers, filters, prediction } = journey;
  const network = layers.some(({ kind }) => kind === WIDE) ? ".paths" : "";
  const widths = alternatives(firstConvolutions(layers, network).map((layer) => layer.kernel_size));
  byId("steps").replaceChildren(
    step(`ids.${units}`, idsFigure(tokens)),
    step(`sequence${network}`, sequenceFigure(sequence), sequenceWhy(sequence, network)),
    ...(layers.length ? [step(`layers${network}`, layersFigure(layers))] : []),
    ...(filters.length ? [step(`filters.${units}`, filtersFigure(filters, units), say(`step.filters.${units}.why`, { widths }))] : []),
    step("probability", resultFigure(prediction), say(`step.probability${network}.why`)),
  );
}

function step(name, figure, why = say(`step.${name}.why`)) {
  return element("li", {}, element("h3", {}, say(`step.${name}`)), element("p", {}, why), figure);
}

/** Side by side they all see the vectors; in a row only the first does. */
function firstConvolutions(layers, network) {
  const convolutions = layers.filter((layer) => layer.kernel_size);
  return network ? convolutions : convolutions.slice(0, 1);
}

function sequenceWhy({ length, used, cut }, network) {
  return say(cut ? "step.sequence.cut" : `step.sequence${network}.why`, { length, used, cut, padded: length - used });
}

function idsFigure(tokens) {
  const chip = ({ word, id, known }) => element("li", { class: known ? "token" : "token unknown" },
    element("span", {}, written(word) ?? say("step.start")), element("span", { class: "id" }, id === null ? "–" : String(id)));
  const more = tokens.length - TOKENS;
  return element("ul", { class: "tokens" }, ...tokens.slice(0, TOKENS).map(chip),
    ...(more > 0 ? [element("li", { class: "note" }, say("step.more", { count: more }))] : []));
}

/** A word or a character; the blank before a word of characters is made to be seen. */
const written = (word) => (word === "" ? "␣" : word);

function sequenceFigure({ length, used, padding }) {
  const part = (name, count) => styled(element("span", { class: name }), { count });
  const parts = [part("ids", used), part("padding", length - used)];
  return element("div", { class: "sequence", "aria-hidden": "true" }, ...(padding === "pre" ? parts.reverse() : parts));
}

/** A table; the picture of a layer is as wide as it has positions, and the taller the more channels it has. */
function layersFigure(layers) {
  const longest = Math.max(...layers.map(({ output_shape: [positions, channels] }) => (channels ? positions : 1)));
  const deepest = Math.max(...layers.map(({ output_shape }) => Math.log2(1 + output_shape.at(-1))));
  const picture = (output_shape) => {
    const [positions, channels] = output_shape.length > 1 ? output_shape : [1, output_shape[0]];
    const width = Math.max(2, (positions / longest) * WIDEST);
    const height = Math.max(2, (Math.log2(1 + channels) / deepest) * TALLEST);
    return shape("svg", { viewBox: `0 0 ${WIDEST} ${TALLEST}`, "aria-hidden": "true" },
      shape("rect", { x: 0, y: (TALLEST - height) / 2, width, height, rx: 2 }));
  };
  const row = (layer) => element("tr", { "data-kind": layer.kind },
    element("th", { scope: "row" }, layer.name, element("span", { class: "kind" }, kindOf(layer), doing(layer.kind))),
    element("td", { class: "picture" }, picture(layer.output_shape)),
    element("td", { class: "value" }, layer.output_shape.map((size) => number(size)).join(" × ")),
    element("td", { class: "value parameters" }, number(layer.parameters)));
  const heads = ["layer", "", "size", "parameters"].map((key) =>
    key ? element("th", { scope: "col", class: key }, say(`layer.${key}`)) : element("td", { class: "picture" }));
  return element("table", { class: "layers" }, element("thead", {}, element("tr", {}, ...heads)),
    ...paths(layers).map(({ name, layers: own }) => element("tbody", {}, ...(name ? [pathHead(name)] : []), ...own.map(row))));
}

/** The layers in their order, in two paths and what joins them; all in one without a name if they are in a row. */
function paths(layers) {
  const [wide, joined] = [WIDE, JOINED].map((sought) => layers.findIndex(({ kind }) => kind === sought));
  if (wide < 0 || joined < wide) return [{ name: "", layers }];
  const parts = { deep: [0, wide], wide: [wide, joined], both: [joined, layers.length] };
  return Object.entries(parts).map(([name, ends]) => ({ name, layers: layers.slice(...ends) }));
}

const pathHead = (name) => element("tr", { class: "path" }, element("th", { scope: "rowgroup", colspan: 4 }, say(`path.${name}`)));

/** What a kind of layer does, where there are words for it. */
const doing = (kind) => (canSay(`layer.does.${kind}`) ? element("span", { class: "does" }, say(`layer.does.${kind}`)) : "");

const kindOf = ({ kind, kernel_size: width }) => (width ? say("layer.kernel", { kind, width }) : kind);

function filtersFigure(filters, units) {
  const most = Math.max(...filters.map(({ activation }) => activation), 1e-9);
  const rows = filters.map(({ layer, filter, activation, words }) => element("tr", {},
    element("th", { scope: "row" }, say("filter.name", { filter: String(filter) }), element("span", { class: "kind" }, layer)),
    element("td", { class: "ngram" }, words.map((word) => written(word) ?? "·").join(units === "words" ? " " : "")),
    element("td", { class: "bar" }, styled(element("span", { "aria-hidden": "true" }), { share: (activation / most).toFixed(3) })),
    element("td", { class: "value" }, number(activation, { maximumFractionDigits: 2, minimumFractionDigits: 2 }))));
  const heads = ["filter", `ngram.${units}`, "", "activation"].map((key) =>
    key ? element("th", { scope: "col", class: key.split(".")[0] }, say(`filter.${key}`)) : element("td", { class: "bar" }));
  return element("table", { class: "filters" }, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows));
}

function resultFigure({ label, probability }) {
  return element("p", { class: "outcome" }, say("spoken", { label: labelled(label), probability: percent(probability) }));
}
