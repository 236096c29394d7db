/** The epochs of the lecture's network: what it learns, and from where on it only learns by heart. */

import { byId, element, shape } from "./dom.js";
import { number, say } from "./texts.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [460, 240, 44, 26];

let epochs = null;

/** @param {{accuracy: number[], val_accuracy: number[], loss: number[], val_loss: number[]}} given for each epoch */
export function setUpEpochs(given) {
  epochs = given;
  nameEpochs();
}

/** Draws both charts and their table, in the language chosen. */
export function nameEpochs() {
  const lowest = epochs.val_loss.indexOf(Math.min(...epochs.val_loss));
  const values = {
    epoch: lowest + 1,
    lowest: decimals(epochs.val_loss[lowest]), last: decimals(epochs.val_loss.at(-1)),
    best: percents(Math.max(...epochs.val_accuracy)), train: percents(epochs.accuracy.at(-1)),
  };
  byId("epochs-why").textContent = say("epochs.why", values);
  byId("epochs-charts").replaceChildren(
    chart("accuracy", epochs.accuracy, epochs.val_accuracy, [0.7, 1], percents, lowest),
    chart("loss", epochs.loss, epochs.val_loss, [0, 0.9], decimals, lowest),
  );
  byId("epochs-table").replaceChildren(...tableParts(lowest));
}

const percents = (value, digits = 1) =>
  number(value, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits });

const decimals = (value) => number(value, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

function chart(name, train, test, [low, high], write, lowest) {
  const x = (epoch) => LEFT + 6 + ((WIDTH - LEFT - 12) * epoch) / (train.length - 1);
  const y = (value) => 8 + (HEIGHT - BOTTOM - 8) * (1 - (value - low) / (high - low));
  const line = (values, kind) => shape("path", { class: kind, d: `M${values.map((value, epoch) => `${x(epoch).toFixed(1)} ${y(value).toFixed(1)}`).join("L")}` });
  const ticks = [0, 1, 2, 3].map((tick) => low + (tick * (high - low)) / 3);
  const parts = [
    shape("rect", { class: "over", x: x(lowest), y: 8, width: x(train.length - 1) - x(lowest), height: HEIGHT - BOTTOM - 8 }),
    ...ticks.flatMap((tick) => [
      shape("path", { class: "axis", d: `M${LEFT} ${y(tick)}H${WIDTH}` }),
      shape("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, write(tick, 0)),
    ]),
    ...[0, 4, 9, 14].map((epoch) => shape("text", { x: x(epoch), y: HEIGHT - 6, "text-anchor": "middle" }, number(epoch + 1))),
    shape("path", { class: "turn", d: `M${x(lowest)} 8V${HEIGHT - BOTTOM}` }),
    shape("text", { class: "turn", x: x(lowest) + 8, y: 22 }, say("epochs.over")),
    line(train, "train"), line(test, "test"),
  ];
  return element("figure", {}, element("figcaption", { class: "caption" }, say(`epochs.${name}`)),
    shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" }, ...parts));
}

/** The same numbers, to be read or read out. */
function tableParts(lowest) {
  const heads = ["epoch", "train.accuracy", "test.accuracy", "train.loss", "test.loss"];
  const row = (_, epoch) => element("tr", { class: epoch > lowest ? "over" : "" },
    element("th", { scope: "row" }, number(epoch + 1)),
    ...[epochs.accuracy, epochs.val_accuracy].map((values) => element("td", {}, percents(values[epoch]))),
    ...[epochs.loss, epochs.val_loss].map((values) => element("td", {}, decimals(values[epoch]))));
  return [
    element("caption", { class: "unseen" }, say("epochs.title")),
    element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, say(`epochs.${head}`))))),
    element("tbody", {}, ...epochs.loss.map(row)),
  ];
}
