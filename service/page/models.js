/** Which models there are, which one answers, and which other one answers beside it. */

import { ask } from "./api.js";
import { byId, element, tell } from "./dom.js";
import { language, number, say } from "./texts.js";

let [read, feedback] = ["", false]; // the answer as it came, and what it says of true labels
let [models, labelled] = [[], []];
let picked = false; // whether the reader chose a model: then it stays

export async function setUpModels() {
  for (const id of ["model", "compare"]) byId(id).addEventListener("change", () => (picked = true));
  byId("model").addEventListener("change", nameRollout);
  await loadModels();
}

/** Asks which models there are; whether that, or anything about them, is another than it was. */
export async function loadModels() {
  const answer = await (await ask("models", { prompts: !read })).text();
  if (answer === read) return false;
  read = answer;
  ({ models, feedback } = JSON.parse(answer));
  const languages = new Set(models.map((model) => model.language));
  // With several languages, which model answers a request that names none may depend on the text.
  // So may the version, where a rollout divides the requests.
  for (const model of models) model.implied = model.default && model.share === 1 && languages.size === 1;
  // A label is one more choice: whoever takes it follows it to another version.
  labelled = models.flatMap((model) => model.version_labels.map((label) => ({ ...model, label, implied: false })));
  byId("models").hidden = models.length < 2;
  nameModels();
  if (byId("model").selectedIndex < 0) {
    picked = false; // nothing is chosen yet, or what was is gone
    openModels();
  }
  return true;
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
  nameRollout();
  return byId("model").value !== before;
}

/** The names in the pickers, and what is said of the rollout, again in another language. */
export function nameModels() {
  const option = (model) => element("option", { value: keyOf(model) }, [nameOf(model), ...(model.label ? [] : model.version_labels)].join(", "));
  const group = (key, all) => element("optgroup", { label: say(key) }, ...all.map(option));
  const options = () => labelled.length ? [group("model.versions", models), group("model.labels", labelled)] : models.map(option);
  for (const [id, first] of [["model", []], ["compare", [element("option", { value: "" }, say("compare.none"))]]]) {
    const value = byId(id).value;
    byId(id).replaceChildren(...first, ...options());
    byId(id).value = value;
  }
  nameRollout();
}

/** Says of the chosen model which version answers whom, where a rollout labels or divides its versions. */
function nameRollout() {
  const versions = models.filter(({ name }) => name === chosen()?.name);
  const divided = versions.some(({ version_labels, share }) => version_labels.length || (share > 0 && share < 1));
  tell(byId("rollout"), divided ? versions.map(answering).join(" · ") : "");
}

function answering({ version, version_labels, share }) {
  const key = share === 1 ? "rollout.all" : share ? "rollout.share" : "rollout.none";
  const labels = version_labels.join(", ");
  const named = say(labels ? "rollout.labelled" : "rollout.version", { version: String(version), labels });
  return say(key, { version: named, share: number(share, { style: "percent", maximumFractionDigits: 1 }) });
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
  const same = other && other.name === chosen().name && other.version === chosen().version;
  return other && !same ? [chosen(), other] : [chosen()];
}

export const several = () => models.length > 1;

export const nameOf = ({ name, version, label }) =>
  say(label ? "model.label" : "model.name", { name, version: String(version), label });

/** The version of a model that answers most requests. */
export function served(name) {
  const versions = models.filter((model) => model.name === name);
  return versions.find((model) => model.default) ?? versions.reduce((most, model) => (model.share > most.share ? model : most));
}

/** Whether the service keeps true labels. */
export const keepsFeedback = () => feedback;

/** How good it was measured to be, in a sentence; "" if it was not. */
export function qualityOf(model) {
  const test = model.metrics?.test;
  if (!test?.accuracy) return "";
  const accuracy = number(test.accuracy, { style: "percent", maximumFractionDigits: 1 });
  return say("model.quality", { accuracy, reviews: test.reviews });
}

const keyOf = ({ name, version, label }) => `${name}/${label ?? version}`;
const byKey = (key) => [...models, ...labelled].find((model) => keyOf(model) === key);
