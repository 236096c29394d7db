/** Says whether a text's spaces matter to a model that reads characters: what it answers without any. */

import { modelQuery, post } from "./api.js";
import { byId, tell } from "./dom.js";
import { labelled, percent, say } from "./texts.js";

const SPACES = /\s+/gu;

/** The answer to the text without its spaces; null where the model reads words, or the text has no spaces. */
export async function askWithoutSpaces(text, model, signal) {
  const bare = text.replace(SPACES, "");
  if (model.counts !== "characters" || !bare || bare === text.trim()) return null;
  return post(`predict${modelQuery(model)}`, { text: bare }, signal);
}

/** Says it beside the answer to the text as it is; nothing while one of them is missing or failed. */
export function showSpacing(prediction, without) {
  if (!prediction || !without?.label) return tell(byId("spacing"), "");
  const key = prediction.label === without.label ? "spacing.same" : "spacing.other";
  tell(byId("spacing"), say(key, { label: labelled(without.label), probability: percent(without.probability) }));
}
