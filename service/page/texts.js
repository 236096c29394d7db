/** What the page says, in the language chosen. */

let texts = {};
let listeners = [];

export const language = () => document.documentElement.lang;

export async function loadTexts() {
  texts = await (await fetch("page/texts.json")).json();
}

/** Calls `action` after every change of the language. */
export function onLanguage(action) {
  listeners.push(action);
}

/** @param {"en"|"ko"} chosen */
export function speak(chosen) {
  document.documentElement.lang = chosen;
  preference("language", chosen);
  sayAll();
  listeners.forEach((action) => action());
}

/** Whether there are words for a key. */
export const canSay = (key) => key in texts[language()];

/**
 * The words for a key. A value in braces is filled in, numbers as the language writes them; where there are forms for
 * one and for many, `count` chooses.
 * @param {string} key
 * @param {Record<string, string|number>} values
 */
export function say(key, values = {}) {
  const entry = texts[language()][key];
  if (entry === undefined) return key;
  const form = typeof entry === "string" ? entry : (values.count === 1 && entry.one) || entry.other;
  return form.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? number(values[name]) : values[name]));
}

/** Fills the elements that name what they say. */
export function sayAll() {
  for (const place of document.querySelectorAll("[data-say]")) place.textContent = say(place.dataset.say);
  for (const place of document.querySelectorAll("[data-say-label]")) place.ariaLabel = say(place.dataset.sayLabel);
  for (const place of document.querySelectorAll("[data-say-placeholder]")) {
    place.placeholder = say(place.dataset.sayPlaceholder);
  }
  document.title = say("title");
  for (const button of document.querySelectorAll("[data-language]")) {
    button.ariaPressed = String(button.dataset.language === language());
  }
}

export const number = (value, options = {}) => new Intl.NumberFormat(language(), options).format(value);

/** A number of bytes in the unit that suits it. */
export function fileSize(bytes) {
  const [unit, size] = bytes < 1e3 ? ["byte", 1] : bytes < 1e6 ? ["kilobyte", 1e3] : ["megabyte", 1e6];
  return number(bytes / size, { style: "unit", unit, unitDisplay: "narrow", maximumSignificantDigits: bytes < 1e3 ? 3 : 2 });
}

/** Numbers of which any may be meant, each once. */
export const alternatives = (values) =>
  new Intl.ListFormat(language(), { type: "disjunction" }).format([...new Set(values)].map((value) => number(value)));

/** Phrases, all of which hold. */
export const enumerated = (phrases) => new Intl.ListFormat(language(), { type: "unit" }).format(phrases);

/** The time of day. */
export const time = (date) => new Intl.DateTimeFormat(language(), { timeStyle: "medium" }).format(date);

/** With a sign, always: how far something pushes, in logits. */
export const signed = (value) =>
  number(value, { signDisplay: "exceptZero", minimumFractionDigits: 2, maximumFractionDigits: 2 }).replace("-", "−");

/** A probability; never 0 % or 100 %, which no model can know. */
export function percent(value) {
  const written = (share) => number(share, { style: "percent", maximumFractionDigits: 1 });
  if (value > 0.999) return `> ${written(0.999)}`;
  if (value < 0.001) return `< ${written(0.001)}`;
  return written(value);
}

/** What a label of a model is called. */
export const labelled = (label) => (canSay(`label.${label}`) ? say(`label.${label}`) : label);

/** A problem in plain words. The service says it in English; in other languages what it says comes second. */
export function explained(problem) {
  const key = `problem.${problem.slug}`;
  if (!canSay(key)) return problem.message || say("problem.unknown", { status: problem.status });
  if (!problem.message) return say(key);
  return language() === "en" ? problem.message : `${say(key)} (${problem.message})`;
}
