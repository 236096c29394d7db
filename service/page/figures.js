/** The figures of a model's versions, in words: drift, shadow, and true labels. */

import { element } from "./dom.js";
import { enumerated, number, say } from "./texts.js";

/** Indices of stability: nothing that matters has changed below the first; above the second the alert SentimentDrift rings. */
const [QUIET, BOUND] = [0.1, 0.25];

const share = (value) => number(value, { style: "percent", maximumFractionDigits: 1 });
const hundredths = (value) => number(value, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const ofHundred = (value) => number(100 * value, { maximumFractionDigits: 1 });
const interval = ([low, high]) => say("interval", { low: share(low), high: share(high) });

function part(title, ...content) {
  return element("div", {}, element("h3", {}, title), ...content);
}

const note = (text) => element("p", { class: "note" }, text);
const state = (text, name) => element("p", { class: "state", "data-state": name }, text);

const ofVersion = (drift, version) => drift?.versions.find((each) => each.version === version);

/** Whether there are enough texts to tell of a drift. */
export const isJudged = (drift, version) => Boolean(ofVersion(drift, version)?.features) && ofVersion(drift, version).reason === null;

/** Whether the texts of a version are like those that it was measured on; null where there is nothing to compare with. */
export function driftOf(drift, version) {
  const of = ofVersion(drift, version);
  if (!of?.features) return null;
  const title = say("drift.title", { version: String(version) });
  if (of.reason) return part(title, note(say("drift.few", { count: of.texts, enough: drift.enough_texts })));
  const features = Object.entries(of.features).sort(([, a], [, b]) => b.index - a.index);
  const ringing = features.filter(([, { index }]) => index > BOUND);
  const told = (ringing.length ? ringing : features.slice(0, 1)).map(([name, { index }]) => say(`drift.index.${name}`, { index: hundredths(index) }));
  const [[worst, { expected, observed, index }]] = features;
  const name = index > BOUND ? "changed" : index < QUIET ? "quiet" : "between";
  // Half of the sum of differences: the share of texts that lie in another bin.
  const moved = expected.reduce((sum, value, bin) => sum + Math.abs(value - observed[bin]), 0) / 2;
  return part(title,
    state(say(`drift.${name}`, { indices: enumerated(told) }), name),
    note(say("drift.bound", { bound: hundredths(BOUND) })),
    note(say(`drift.why.${worst}`, { moved: ofHundred(moved) })),
    note(say("drift.texts", { count: of.texts, source: of.reference.source })));
}

/** How often the answers of the shadow are others; null without a shadow. */
export function shadowOf(shadow) {
  if (!shadow?.shadow_version) return null;
  const { version, shadow_version, texts, flip_share, flip_share_interval, mean_difference } = shadow;
  const versions = { version: String(version), shadow: String(shadow_version) };
  const title = say("shadow.title", versions);
  if (!texts) return part(title, note(say("shadow.none")));
  return part(title,
    state(say("shadow.flips", { flips: share(flip_share), interval: interval(flip_share_interval) })),
    note(say("shadow.why", { flips: ofHundred(flip_share), ...versions })),
    note(say("shadow.difference", { difference: ofHundred(mean_difference) })),
    note(say("shadow.texts", { count: texts })));
}

/** How often each version was right, where true labels came; null where none did. */
export function feedbackOf(feedback) {
  if (!feedback?.versions.length) return null;
  const heads = ["version", "right", "interval", "labels"].map((head) => element("th", { scope: "col" }, say(`feedback.${head}`)));
  const row = ({ version, accuracy, accuracy_interval, texts }) => element("tr", {},
    element("th", { scope: "row" }, String(version)),
    ...[share(accuracy), interval(accuracy_interval), number(texts)].map((value) => element("td", { class: "value" }, value)));
  return part(say("feedback.title"),
    element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...feedback.versions.map(row))),
    note(say("feedback.why")), note(say("feedback.overlap")));
}
