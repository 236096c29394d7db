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
  // So may the version, where a rollout divides the requests.
  for (const model of models) model.implied = model.default && model.share === 1 && languages.size === 1;
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
  const named = (model) => element("option", { value: keyOf(model) }, [nameOf(model), ...model.version_labels].join(", "));
  for (const [id, first] of [["model", []], ["compare", [element("option", { value: "" }, say("compare.none"))]]]) {
    const value = byId(id).value;
    byId(id).replaceChildren(...first, ...models.map(named));
    byId(id).value = value;
  }
}

/** The model of the language that a text's script tells, if the chosen one is of another language; undefined if not. */
export function better(text) {
  const written = languageOf(text);
  if (!written || written === chosen().language) return undefined;
  const ours = models.filter((model) => model.language === written);
  return ours.find((model) => model.default) ?? ours.at(-1);
}

/** As the service tells a language by its script, for the model `auto`: so much of the letters at the least. */
function languageOf(text) {
  const letters = text.slice(0, 2_000).match(/\p{L}/gu)?.length;
  const share = (script) => (text.slice(0, 2_000).match(script)?.length ?? 0) / letters;
  if (!letters) return null;
  return share(/\p{Script=Hangul}/gu) >= 0.25 ? "ko" : share(/[A-Za-z]/g) >= 0.5 ? "en" : null;
}

/** Chooses a model as the reader would. */
export function choose(model) {
  byId("model").value = keyOf(model);
  byId("model").dispatchEvent(new Event("change"));
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
