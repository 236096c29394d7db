/** Requests to the service that the page came from. */

import { byId } from "./dom.js";

const KEY = "api-key";

/** RFC 9457 problem details, or a connection that failed. */
export class Problem extends Error {
  constructor(slug, status, detail = "", retryAfter = 0) {
    super(detail);
    this.slug = slug;
    this.status = status;
    this.retryAfter = retryAfter;
  }

  static async of(response) {
    const body = await response.json().catch(() => ({}));
    const slug = String(body.type ?? "").split("/").pop();
    return new Problem(slug, response.status, body.detail, Number(response.headers.get("Retry-After")));
  }
}

let key = remembered();
let asking = null;

/** Whether a key is in use. */
export const hasKey = () => Boolean(key);

export function forgetKey() {
  keep("");
}

/**
 * A response that is fine. If the service wants a key, the reader is asked for it once.
 * @param {string} path
 * @param {RequestInit & {prompts?: boolean}} options `prompts` false: what nobody waits for asks for no key
 * @returns {Promise<Response>}
 */
export async function ask(path, { prompts = true, ...options } = {}) {
  const used = key;
  const headers = { ...options.headers, ...(used && { Authorization: `Bearer ${used}` }) };
  const response = await fetch(path, { ...options, headers }).catch((error) => {
    throw error.name === "AbortError" ? error : new Problem("offline", 0);
  });
  if (response.ok) return response;
  if (response.status === 401 && (key !== used || (prompts && (await askForKey())))) return ask(path, { prompts, ...options });
  throw await Problem.of(response);
}

/** The answer to a JSON object. */
export async function post(path, body, signal) {
  const headers = { "Content-Type": "application/json" };
  return (await ask(path, { method: "POST", headers, body: JSON.stringify(body), signal })).json();
}

/** A query that names a model, or "" for one that answers without. */
export function modelQuery(model, more = {}) {
  const names = model && !model.implied ? { model: model.name, version: model.label ?? model.version } : {};
  const query = new URLSearchParams({ ...names, ...more }).toString();
  return query && `?${query}`;
}

/** Whether there is a key now. Requests that fail together ask together. */
function askForKey() {
  asking ??= new Promise((resolve) => {
    const dialog = byId("key-dialog");
    byId("key").value = "";
    dialog.returnValue = "";
    dialog.addEventListener("close", () => {
      asking = null;
      if (dialog.returnValue) keep(byId("key").value.trim());
      resolve(Boolean(dialog.returnValue));
    }, { once: true });
    dialog.showModal();
  });
  return asking;
}

function remembered() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

function keep(value) {
  key = value;
  byId("forget-key").hidden = !value;
  try {
    sessionStorage.setItem(KEY, value);
  } catch {
    // It is good for this page all the same.
  }
}
