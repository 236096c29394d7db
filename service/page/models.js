/** Which models there are, which one answers, and which other one answers beside it. */

import { ask } from "./api.js";
import { byId, element } from "./dom.js";
import { language, number, say } from "./texts.js";

let models = [];
let picked = false; // whether the reader chose a model: then it stays

export async function loadModels() {
  models = (await (await ask("models")).json()).models;
  const languages = new Set(models.map((model) => model.language));
  // With several languages, which model answers a request that names none may depend on the text.
  for (const model of models) model.implied = model.default && languages.size === 1;
  byId("models").hidden = models.length < 2;
  for (const id of ["model", "compare"]) byId(id).addEventListener("change", () => (picked = true));
  nameModels();
  openModels();
}

/** Chooses the model of the page's language, and another of that language beside it; whether that changes anything. */
export function openModels() {
  if (picked) return false;
  const before = byId("model").value;
  const fallback = models.find((model) => model.default);
  const ours = models.filter((model) => model.language === language());
  const first = ours.find((model) => model.default) ?? ours.at(-1) ?? fallback;
  const second = models.find((model) => model !== first && model.language === first.language);
  byId("model").value = keyOf(first);
  byId("compare").value = second ? keyOf(second) : "";
  return byId("model").value !== before;
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
