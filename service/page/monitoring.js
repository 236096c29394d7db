/** How the versions of the chosen model do: looked up when the page opens, and again and again while its panel is open. */

import { ask } from "./api.js";
import { byId } from "./dom.js";
import { driftOf, feedbackOf, isJudged, shadowOf } from "./figures.js";
import { chosen, keepsFeedback, served } from "./models.js";
import { say, time } from "./texts.js";

const PAUSE_MILLISECONDS = 10_000;
const ABSENT = [404, 409]; // the model is gone; feedback is off

let known = { name: "", drift: null, shadow: null, feedback: null, at: null };
let controller = new AbortController();
let timer = 0;

const seen = () => byId("monitoring").open && !document.hidden;

/** @param {() => Promise<unknown>} follow turns to the models that are there now */
export async function setUpMonitoring(follow) {
  byId("monitoring").addEventListener("toggle", () => (seen() ? poll(true) : rest()));
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : poll()));
  await lookUp();

  async function poll(prompts = false) {
    await lookUp(prompts);
    if (!seen()) return;
    clearTimeout(timer);
    timer = setTimeout(() => follow().then(() => seen() && poll()), PAUSE_MILLISECONDS);
  }
}

function rest() {
  clearTimeout(timer);
  controller.abort();
}

/** Asks for what there is; an answer that fails to come leaves the one before it. Only a reader is asked for a key. */
export async function lookUp(prompts = false) {
  controller.abort();
  controller = new AbortController();
  const { signal } = controller;
  const { name } = chosen();
  const read = async (part) => {
    try {
      return await (await ask(`models/${encodeURIComponent(name)}/${part}`, { signal, prompts })).json();
    } catch (error) {
      return ABSENT.includes(error.status) || known.name !== name ? null : known[part];
    }
  };
  const [drift, shadow, feedback] = await Promise.all([read("drift"), read("shadow"), keepsFeedback() ? read("feedback") : null]);
  if (signal.aborted) return;
  known = { name, drift, shadow, feedback, at: new Date() };
  drawMonitoring();
}

/** Draws what is known, in the language chosen; parts that say the same as before stay as they are. */
export function drawMonitoring() {
  const { name, drift, shadow, feedback, at } = known;
  if (name !== chosen().name) return; // the answers about this one are on their way
  const { version } = served(name);
  const place = byId("monitored");
  const parts = [driftOf(drift, version), shadowOf(shadow), feedbackOf(feedback)];
  byId("versions").hidden = !(isJudged(drift, version) || parts[1] || parts[2]);
  const made = parts.filter(Boolean);
  if (made.length !== place.children.length) place.replaceChildren(...made);
  made.forEach((part, position) => part.isEqualNode(place.children[position]) || place.children[position].replaceWith(part));
  byId("monitored-at").textContent = say("versions.at", { name, time: time(at) });
}
