/** The answers: for each model a probability on a scale. */

import { byId, element, styled } from "./dom.js";
import { nameOf, several } from "./models.js";
import { labelled, percent, say } from "./texts.js";

/** Draws a card for each model; `predictions` are in the same order, or empty while there is no text. */
export function showAnswers(models, predictions) {
  const place = byId("answers");
  // The cards stay as long as the models do, so that the marks on their scales move and do not jump.
  if (place.children.length !== models.length) place.replaceChildren(...models.map(emptyCard));
  models.forEach((model, position) => fill(place.children[position], model, predictions[position]));
}

/** What a screen reader is told once the text rests. */
export const spoken = (prediction) =>
  say("spoken", { label: labelled(prediction.label), probability: percent(prediction.probability) });

function emptyCard() {
  const part = (name, tag = "p") => element(tag, { class: name });
  const verdict = element("p", { class: "verdict" }, part("label", "span"), part("share", "span"));
  return element("article", { class: "card" }, part("card-name"), verdict, part("scale", "div"), part("ends", "div"), part("note"));
}

function fill(card, model, prediction) {
  const [name, { children: [label, share] }, scale, ends, note] = card.children;
  name.textContent = several() ? nameOf(model) : "";
  name.hidden = !several();
  label.textContent = prediction ? labelled(prediction.label) : say("waiting");
  share.textContent = prediction ? percent(prediction.probability) : "";
  card.dataset.push = prediction ? push(model, prediction.label) : "";
  styled(scale, { probability: prediction?.probability ?? model.threshold, threshold: model.threshold });
  ends.replaceChildren(...model.labels.map((end) => element("span", {}, labelled(end))));
  note.textContent = prediction ? counted(model, prediction) : say("scale");
}

/** Which way a label lies: the second is the one whose probability is given. */
const push = (model, label) => (label === model.labels[1] ? "positive" : "negative");

function counted(model, prediction) {
  const known = say(`counted.${model.counts}`, { count: prediction.words, known: prediction.known_words });
  return prediction.truncated ? `${known} ${say("truncated", { maxlen: model.maxlen })}` : known;
}
