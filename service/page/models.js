/** Which models there are, which one answers, and which other one answers beside it. */

import { ask } from "./api.js";
import { byId, element } from "./dom.js";
import { number, say } from "./texts.js";

let models = [];

export async function loadModels() {
  models = (await (await ask("models")).json()).models;
  const [first, second] = [models.find((model) => model.default), models.find((model) => !model.default)];
  byId("models").hidden = models.length < 2;
  nameModels();
  byId("model").value = keyOf(first);
  byId("compare").value = second ? keyOf(second) : "";
}

/** The names in the pickers, again in another language. */
export function nameModels() {
  const named = (model) => element("option", { value: keyOf(model) }, nameOf(model));
  for (const [id, first] of [["model", []], ["compare", [element("option", { value: "" }, say("compare.none"))]]]) {
    const value = byId(id).value;
    byId(id).replaceChildren(...first, ...models.map(named));
    byId(id).value = value;
  }
}

/** The model that the reader chose. */
export const chosen = () => byKey(byId("model").value);

/** That model, and the one to compare it with if there is one. */
export function shown() {
  const other = byKey(byId("compare").value);
  return other && other !== chosen() ? [chosen(), other] : [chosen()];
}

export const several = () => models.length > 1;

export const nameOf = (model) => say("model.name", { name: model.name, version: String(model.version) });

/** How good it was measured to be, in a sentence; "" if it was not. */
export function qualityOf(model) {
  const test = model.metrics?.test;
  if (!test?.accuracy) return "";
  const accuracy = number(test.accuracy, { style: "percent", maximumFractionDigits: 1 });
  return say("model.quality", { accuracy, reviews: test.reviews });
}

const keyOf = (model) => `${model.name}/${model.version}`;
const byKey = (key) => models.find((model) => keyOf(model) === key);
