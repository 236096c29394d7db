/** The text with its words tinted by what they do to the answer. */

import { byId, element, styled, tell } from "./dom.js";
import { explained, say, signed } from "./texts.js";

const STRONGEST = 5;
const FAINTEST = 0.5; // logits that get the full tint if no word has more: else noise would look like a reason

/**
 * @param {string} text
 * @param {Explanation | import("./api.js").Problem | null} explanation null hides the section
 * @typedef {{start: number, end: number, known: boolean, used: boolean, contribution: number}} Word
 * @typedef {{words: Word[], phrases: {phrase: string, contribution: number}[]}} Explanation
 */
export function showWords(text, explanation) {
  byId("words").hidden = !explanation;
  tell(byId("unexplained"), explanation instanceof Error ? explained(explanation) : "");
  for (const id of ["tinted", "legend", "reading", "strongest"]) byId(id).hidden = explanation instanceof Error;
  if (!explanation || explanation instanceof Error) return;
  const characters = Array.from(text); // the service counts code points
  const words = explanation.words.map((word) => ({ ...word, text: characters.slice(word.start, word.end).join("") }));
  const most = Math.max(FAINTEST, ...words.map((word) => Math.abs(word.contribution ?? 0)));
  const pieces = [];
  let end = 0;
  for (const word of words) {
    pieces.push(characters.slice(end, word.start).join(""), marked(word, most));
    end = word.end;
  }
  byId("tinted").replaceChildren(...merged([...pieces, characters.slice(end).join("")]));
  byId("reading").textContent = say("words.hint");
  byId("strongest").replaceChildren(...strongest(words, explanation.phrases.map((phrase) => ({ ...phrase, text: phrase.phrase }))));
}

/** A word as it is shown: one that was not read is only text, the others can be pointed to. */
function marked(word, most) {
  if (!word.used) return element("span", { class: "cut" }, word.text);
  const push = Math.abs(word.contribution) < most / 50 ? "none" : side(word.contribution);
  const made = element("span", { class: word.known ? "word" : "word unknown", "data-push": push, "data-value": signed(word.contribution) }, word.text);
  return styled(made, { strength: Math.min(1, Math.abs(word.contribution) / most).toFixed(3) });
}

const side = (contribution) => (contribution > 0 ? "positive" : "negative");

/** Neighbouring texts as one; a long part that was cut would be thousands of elements. */
function merged(pieces) {
  const parts = [];
  for (const piece of pieces) {
    const last = parts.at(-1);
    if (isCut(piece) && isCut(parts.at(-2)) && typeof last === "string") {
      parts.pop();
      parts.at(-1).append(last, ...piece.childNodes);
    } else if (piece) {
      parts.push(piece);
    }
  }
  return parts;
}

const isCut = (part) => part?.className === "cut";

/** The strongest words and phrases each way, as lists: the same to be read, or read out, without any tint. */
function strongest(words, phrases) {
  const used = words.filter((word) => word.used);
  return ["positive", "negative"].map((push) => {
    const lists = [...listed("words.words", push, used), ...listed("words.phrases", push, phrases)];
    const none = element("p", { class: "note" }, say("words.none"));
    return element("div", {}, element("h3", { class: push }, say(`words.${push}`)), ...(lists.length ? lists : [none]));
  });
}

/** A caption and a list of what pushes most in a direction; nothing if nothing does. */
function listed(caption, push, items) {
  const ours = items.filter(({ contribution }) => contribution && side(contribution) === push);
  const most = ours.sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution)).slice(0, STRONGEST);
  const rows = most.map(({ text, contribution }) =>
    element("li", {}, element("span", {}, text), element("span", { class: "value" }, signed(contribution))));
  return rows.length ? [element("p", { class: "caption" }, say(caption)), element("ul", { class: "contributions" }, ...rows)] : [];
}

/** Says the value of the word that the mouse is over, or that the arrow keys have come to. */
export function setUpWords() {
  const place = byId("tinted");
  const words = () => [...place.querySelectorAll(".word")];
  const point = (word) => {
    place.querySelector(".current")?.classList.remove("current");
    word.classList.add("current");
    byId("reading").textContent = say("words.value", { word: word.textContent, value: word.dataset.value });
  };
  place.addEventListener("pointerover", ({ target }) => target.dataset.value && point(target));
  place.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = words();
    const next = all[all.findIndex((word) => word.classList.contains("current")) + step] ?? all.at(step < 0 ? -1 : 0);
    if (next) point(next);
  });
}
