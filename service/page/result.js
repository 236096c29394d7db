/** What a file came to: counts, a histogram, the most extreme reviews, and the answer to take away. */

import { byId, element, shape } from "./dom.js";
import { number, percent, say } from "./texts.js";
import { BINS } from "./scores.js";

const [WIDTH, HEIGHT, GAP] = [960, 180, 4];

let address = "";

/** @param {import("./scores.js").Scores} scores @param {string} name of the file */
export function drawResult(scores, name) {
  byId("result").replaceChildren(counts(scores), histogram(scores), extremes(scores), download(scores, name));
  byId("result").hidden = false;
}

function counts({ scored, errors, positive, firstError }) {
  const share = scored ? number(positive / scored, { style: "percent", maximumFractionDigits: 1 }) : "–";
  const figure = (value, key) => element("div", {}, element("dt", {}, say(key)), element("dd", {}, value));
  const list = element("dl", { class: "figures" }, figure(number(scored), "file.scored"), figure(share, "file.positive"), figure(number(errors), "file.errors"));
  return errors ? element("div", {}, list, element("p", { class: "note" }, say("file.firstError", { error: firstError }))) : list;
}

function histogram({ bins, options }) {
  const most = Math.max(...bins, 1);
  const width = WIDTH / BINS;
  const bars = bins.map((count, bin) => {
    const height = count && Math.max(2, (count / most) * HEIGHT);
    const side = (bin + 0.5) / BINS < options.threshold ? "negative" : "positive";
    return shape("rect", { x: bin * width + GAP / 2, y: HEIGHT - height, width: width - GAP, height, rx: 2, class: side },
      shape("title", {}, `${range(bin)}: ${number(count)}`));
  });
  const picture = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT + 1}`, "aria-hidden": "true" }, ...bars,
    shape("path", { d: `M0 ${HEIGHT + 0.5}H${WIDTH}`, class: "axis" }));
  const rows = bins.map((count, bin) => element("tr", {}, element("th", { scope: "row" }, range(bin)), element("td", {}, number(count))));
  const table = element("table", {}, element("caption", {}, say("file.histogram")), element("tbody", {}, ...rows));
  const ends = element("div", { class: "ends", "aria-hidden": "true" }, ...[0, 0.5, 1].map((end) => element("span", {}, number(end, { style: "percent" }))));
  return element("figure", { class: "histogram" }, element("figcaption", { class: "caption" }, say("file.histogram")), picture, ends,
    element("div", { class: "unseen" }, table));
}

const range = (bin) => [bin, bin + 1].map((end) => number(end / BINS, { style: "percent" })).join("–");

function extremes({ highest, lowest }) {
  const column = (key, side, reviews) => element("div", {}, element("h3", {}, say(key)), reviews.length
    ? element("ol", { class: "reviews" }, ...reviews.map(({ text, probability }) =>
      element("li", {}, element("span", { class: `share ${side}` }, percent(probability)), element("span", {}, text))))
    : element("p", { class: "note" }, say("words.none")));
  return element("div", { class: "pair" }, column("file.highest", "positive", highest), column("file.lowest", "negative", lowest));
}

function download(scores, name) {
  if (address) URL.revokeObjectURL(address);
  address = URL.createObjectURL(scores.file());
  const extension = scores.format.name === "csv" ? name.match(/\.[^.]*$/)?.[0] ?? ".csv" : ".ndjson";
  const scored = `${name.replace(/\.[^.]*$/, "")}.scored${extension}`;
  return element("p", { class: "row" }, element("a", { class: "loud", href: address, download: scored }, say("file.download")),
    element("span", { class: "note" }, say("file.kept")));
}
