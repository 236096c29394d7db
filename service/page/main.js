/** The page: what is typed goes to the service, and what it answers is drawn. */

import { ask, forgetKey, hasKey, modelQuery, post } from "./api.js";
import { showAnswers, spoken } from "./answers.js";
import { copy, predictCommand } from "./curl.js";
import { byId, debounced, element, tell } from "./dom.js";
import { nameEpochs, setUpEpochs } from "./epochs.js";
import { nameFile, setUpFile } from "./file.js";
import { setUpFilter, showFilters } from "./filter.js";
import { showJourney } from "./journey.js";
import { nameLecture, setUpLecture } from "./lecture.js";
import { better, choose, chosen, loadModels, nameModels, nameOf, openModels, qualityOf, setUpModels, shown } from "./models.js";
import { drawMonitoring, lookUp, setUpMonitoring } from "./monitoring.js";
import { askWithoutSpaces, showSpacing } from "./spacing.js";
import { canSay, explained, language, loadTexts, onLanguage, say, sayAll, speak } from "./texts.js";
import { setUpWords, showWords } from "./words.js";

const TYPING_MILLISECONDS = 150;
const RESTING_MILLISECONDS = 500;

let examples = {}; // by the language of the model
let controller = new AbortController();
let predictions = []; // what is on the screen, for each model that is shown
let [explanation, journey, withoutSpaces, explainedText] = [null, null, null, ""];

const text = () => byId("text").value;

/** Asks what the models say, and gives up what was asked about an earlier text. */
async function predict() {
  controller.abort();
  controller = new AbortController();
  const { signal } = controller;
  const asked = text();
  if (!asked.trim()) return show([], null, null, null);
  try {
    const models = shown();
    const answers = await Promise.all(models.map((model) => post(`predict${modelQuery(model)}`, { text: asked }, signal)));
    const moved = models.some(({ version }, place) => answers[place].model.version !== version);
    if (moved && (await followModels())) return;
    predictions = answers;
    withoutSpaces = null; // what was said of an earlier text
    tell(byId("problem"), "");
    draw();
    look(asked, signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    if (error.status === 404 && (await followModels())) return;
    show([], null, null, null);
    tell(byId("problem"), explained(error));
  }
}

/** Turns to the models that are there now, if they are others than before; whether they are. */
async function followModels() {
  const changed = await loadModels().catch(() => false);
  if (changed) {
    drawAll();
    predict();
  }
  return changed;
}

/** Asks, once the text rests, why. */
const look = debounced(RESTING_MILLISECONDS - TYPING_MILLISECONDS, async (asked, signal) => {
  if (signal.aborted) return;
  byId("spoken").textContent = spoken(predictions[0]);
  const orError = (answer) => answer.catch((error) => {
    if (error.name === "AbortError") throw error;
    return error;
  });
  const why = (route) => orError(post(`${route}${modelQuery(chosen())}`, { text: asked }, signal));
  try {
    const spacing = orError(askWithoutSpaces(asked, chosen(), signal));
    [explanation, journey, withoutSpaces] = await Promise.all([why("explain"), chosen().layers ? why("layers") : null, spacing]);
    explainedText = asked;
    drawWhy();
    showSpacing(predictions[0], withoutSpaces);
  } catch {
    // There is a newer text.
  }
});

function show(...state) {
  [predictions, explanation, journey, withoutSpaces] = state;
  tell(byId("problem"), "");
  byId("spoken").textContent = "";
  draw();
  drawWhy();
}

function draw() {
  showAnswers(shown(), predictions);
  showSpacing(predictions[0], withoutSpaces);
  drawOffer();
  byId("copy").disabled = !text().trim();
  byId("copied").textContent = "";
}

function drawWhy() {
  showWords(explainedText, explanation);
  showJourney(journey, chosen().counts);
  showFilters(explainedText, journey, chosen().counts);
}

/** Offers the model that reads the script of the text, where that is another one. */
function drawOffer() {
  const model = better(text());
  const name = model ? nameOf(model) : "";
  if (byId("offer").dataset.model === name + language()) return; // said already: a screen reader need not hear it again
  byId("offer").dataset.model = name + language();
  if (!model) return byId("offer").replaceChildren();
  const button = element("button", { type: "button", class: "quiet" }, say("offer.ask", { model: name }));
  button.addEventListener("click", () => (choose(model), byId("text").focus()));
  byId("offer").replaceChildren(element("span", {}, say("offer")), button);
}

const examplesNow = () => examples[chosen().language] ?? [];

function drawExamples() {
  byId("examples").replaceChildren(...examplesNow().map(({ kind, text: words }) => {
    const button = element("button", { type: "button", class: "example" }, say(`example.${kind}`));
    button.addEventListener("click", () => {
      byId("text").value = words;
      predict();
    });
    return button;
  }));
}

function drawFacts() {
  const { counts, language: read, maxlen, num_words } = chosen();
  const facts = [nameOf(chosen()), qualityOf(chosen()), say(`model.reads.${counts}`, { count: num_words, maxlen })];
  byId("facts").textContent = facts.filter(Boolean).join(" · ");
  byId("text-label").textContent = say(canSay(`text.label.${read}`) ? `text.label.${read}` : "text.label");
  byId("text").lang = read;
}

/** All that has words in it, in the language chosen. */
function drawAll() {
  nameModels();
  nameFile();
  drawExamples();
  drawFacts();
  draw();
  drawWhy();
  drawMonitoring();
}

/** Turns to the model of the page's language, unless the reader has written something for the one that is there. */
function followLanguage() {
  const example = examplesNow().find((each) => each.text === text());
  const turned = (example || !text().trim()) && openModels();
  if (turned && example) byId("text").value = examplesNow().find(({ kind }) => kind === example.kind)?.text ?? "";
  drawAll();
  if (!turned) return;
  predict();
  lookUp();
}

function nameTheme() {
  byId("theme").textContent = say(isDark() ? "theme.light" : "theme.dark");
}

const system = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";

/** Turns to the other theme; one that is the system's own is not kept, so that it goes on following the system. */
function turnTheme() {
  const theme = isDark() ? "light" : "dark";
  const own = theme === (system.matches ? "dark" : "light");
  preference("theme", own ? null : theme);
  if (own) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  nameTheme();
}

function listen() {
  byId("text").addEventListener("input", debounced(TYPING_MILLISECONDS, predict));
  byId("model").addEventListener("change", () => (drawExamples(), drawFacts(), predict(), lookUp()));
  byId("compare").addEventListener("change", predict);
  byId("forget-key").addEventListener("click", forgetKey);
  byId("copy").addEventListener("click", async () => {
    await copy(predictCommand(text(), chosen()));
    byId("copied").textContent = say("copied");
  });
  setUpWords();
  setUpFile();
}

/** What works even if the service does not. */
function listenToPreferences() {
  byId("theme").addEventListener("click", turnTheme);
  system.addEventListener("change", nameTheme);
  onLanguage(nameTheme);
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => speak(button.dataset.language));
  }
}

/** What there is to learn needs no model, and so no key. Its controls get their words with the rest of the page. */
async function setUpLearning() {
  setUpFilter();
  const { examples: ofLecture, epochs } = await (await fetch("page/lecture.json")).json();
  setUpLecture(ofLecture);
  setUpEpochs(epochs);
  onLanguage(nameLecture);
  onLanguage(nameEpochs);
}

async function start() {
  await loadTexts();
  listenToPreferences();
  await setUpLearning();
  sayAll();
  nameTheme();
  try {
    await setUpModels();
    examples = await (await ask("page/examples.json")).json();
    await setUpMonitoring(followModels);
    listen();
    onLanguage(followLanguage);
    drawAll();
  } catch (error) {
    tell(byId("problem"), explained(error));
    byId("file").hidden = byId("text").disabled = true;
  }
  byId("forget-key").hidden = !hasKey();
  byId("page").hidden = false;
  if (text()) predict(); // the browser kept it over a reload
}

start();
