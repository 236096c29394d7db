/** Commands for bash that ask what the page asked, and a way to the clipboard. */

import { hasKey, modelQuery } from "./api.js";
import { element } from "./dom.js";

/** One word of a shell command, whatever is in it: within single quotes only a single quote has a meaning. */
export const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The command for one text. */
export function predictCommand(text, model) {
  const body = quoted(JSON.stringify({ text }));
  return command(`predict${modelQuery(model)}`, ["-H 'Content-Type: application/json'", `-d ${body}`]);
}

/** The command for a file in the current folder. */
export function fileCommand(name, mediaType, query) {
  const globs = /[[\]{}]/.test(name) ? "-g " : ""; // curl takes these for patterns
  const send = [`${globs}-T ${quoted(`./${name}`)} -X POST`, `-H 'Content-Type: ${mediaType}'`, "--compressed"];
  return command(`predict/batch${query}`, send);
}

function command(path, options) {
  const key = hasKey() ? ['-H "Authorization: Bearer $API_KEY"'] : [];
  return ["curl -sS", quoted(new URL(path, document.baseURI).href), ...key, ...options].join(" ");
}

/** Copies a text; browsers offer their clipboard to secure pages only, so for the others there is the old way. */
export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = element("textarea", { class: "unseen", readonly: true });
  const before = document.activeElement;
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  before?.focus();
  if (!copied) throw new Error("nothing was copied");
}
